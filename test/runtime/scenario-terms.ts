/**
 * Between the recordings' Erlang terms and this runtime's values: atoms are strings, `{shutdown, X}` is
 * `{ shutdown: X }`, other one-key objects are pairs too; what a script made up stays a term.
 */
import { Crash, DownMessage, ExitMessage, Pid, type Reason, type Ref } from '@actor-tls/runtime';
import { atom, atomName, type Term, tuple, tupleItems } from '../support/terms.js';

/** What a script's `error` or `throw` step throws; the reason that Erlang would make of it. */
export class ScriptError extends Error {
  readonly term: Term;

  constructor(term: Term) {
    super('thrown by a script');
    this.term = tuple(term, { opaque: 'stacktrace' });
  }
}

/** The labels that a scenario has given to processes and references. */
export interface Labels {
  pid(pid: Pid): string;
  ref(ref: Ref): string;
}

/** An exit reason of a script as this runtime knows it. */
export function reasonFrom(term: Term): Reason {
  const name = atomName(term);
  if (name !== undefined) return name;
  const pair = tupleItems(term, 2);
  return pair?.[1] !== undefined && atomName(pair[0]) === 'shutdown'
    ? { shutdown: reasonFrom(pair[1]) }
    : term;
}

/** A runtime's value as Erlang would show it. */
export function termFrom(value: unknown, labels: Labels): Term {
  if (isTerm(value)) return value;
  if (value === undefined || typeof value === 'boolean') return atom(String(value));
  if (typeof value === 'string') return atom(value);
  if (value instanceof Pid) return { pid: labels.pid(value) };
  if (value instanceof Crash)
    return value.error instanceof ScriptError ? value.error.term : { opaque: 'crash' };
  if (value instanceof ExitMessage)
    return tuple(atom('EXIT'), termFrom(value.from, labels), termFrom(value.reason, labels));
  if (value instanceof DownMessage) {
    const who = value.pid ?? tuple(atom(value.name ?? ''), atom('nonode@nohost'));
    const reason = termFrom(value.reason, labels);
    return tuple(
      atom('DOWN'),
      { ref: labels.ref(value.ref) },
      atom('process'),
      termFrom(who, labels),
      reason,
    );
  }
  if (Array.isArray(value)) return value.map((item) => termFrom(item, labels));
  if (typeof value === 'object' && value !== null) return pairFrom(value, labels);
  throw new Error(`no term for ${String(value)}`);
}

/** `{ error: 'not_found' }` is `{error, not_found}`; three answers of `supervisor` have fields of their own. */
function pairFrom(value: object, labels: Labels): Term {
  const entries = Object.entries(value);
  const [entry] = entries;
  if (entry !== undefined && entries.length === 1) {
    const [key, inner] = entry;
    if (key === 'failed_to_start_child')
      return tuple(atom(key), ...Object.values(inner).map((field) => termFrom(field, labels)));
    return tuple(atom(key), termFrom(inner, labels));
  }
  if ('reason' in value && 'child' in value)
    return tuple(termFrom(value.reason, labels), childRecord(value.child, labels));
  throw new Error(`no term for ${JSON.stringify(value)}`);
}

/** OTP's internal record of a child that was not started. */
function childRecord(child: unknown, labels: Labels): Term {
  const fields = new Map<string, unknown>(Object.entries(child ?? {}));
  const field = (name: string): Term => termFrom(fields.get(name), labels);
  return tuple(
    atom('child'),
    atom('undefined'),
    field('id'),
    { opaque: 'mfargs' },
    field('restart'),
    field('significant'),
    field('shutdown'),
    field('type'),
    [atom('gen_process_semantics')],
  );
}

const termKeys = [
  'atom',
  'int',
  'float',
  'bin',
  'bits',
  'str',
  'improper',
  'tuple',
  'map',
  'opaque',
  'pid',
  'ref',
];

/** Whether a value is a term already: a number, or an object whose first key is one of the recordings'. */
export function isTerm(value: unknown): value is Term {
  if (typeof value === 'number') return true;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return false;
  const [key] = Object.keys(value);
  return key !== undefined && termKeys.includes(key);
}
