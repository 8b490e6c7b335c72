/**
 * What a wrong option is told beyond OTP's term: whether nobody has such an option or we have not built it, which one
 * may have been meant, which values there are.
 */
import { type FailureCause, localCause, withCause } from '../values/failure-cause.js';
import type { SslReason } from '../values/terms.js';
import { optionRows } from './rows.js';
import { emulatedRows, transportRows } from './socket-options.js';

/** Options of OTP's manuals that have no row here yet. */
export const notBuilt: ReadonlySet<string> = new Set([
  ...['cbInfo', 'receiverSpawnOpts', 'senderSpawnOpts'],
  // Of inet:setopts/2.
  ...['buffer', 'delaySend', 'exitOnClose', 'highWatermark', 'linger', 'lowWatermark', 'priority'],
  ...['sendTimeoutClose', 'showEconnreset', 'tos'],
]);

/** The values of every option that there is, in words. */
const valuesOf: ReadonlyMap<string, string> = new Map([
  ...optionRows.map((row) => [row.name, row.note.values] as const),
  ...Object.entries(transportRows).map(([name, row]) => [name, row.note.values] as const),
  ...Object.entries(emulatedRows).map(([name, row]) => [name, row.note.values] as const),
]);

/** The reason itself, with its cause where there is more to say than the term says. */
export function explained(reason: SslReason): SslReason {
  if (typeof reason !== 'object') return reason;
  const cause = causeOfTerm(reason);
  return cause === undefined ? reason : withCause(reason, cause);
}

function causeOfTerm(term: object): FailureCause | undefined {
  const [tag, content] = only(term) ?? [];
  if (tag === 'option' && isPair(content)) return causeOfSide(content[0], content[1]);
  if (tag !== 'options') return undefined;
  if (isPair(content)) return causeOfPair(content[0], content[1]);
  const [key, value] = only(content) ?? [];
  switch (key) {
    case undefined:
      return undefined;
    case 'socket_options':
      return causeOfSocketOptions(value);
    case 'insufficient_crypto_support':
      return localCause(
        'version_not_built',
        `${name(only(value)?.[0])} is not built yet`,
        'leave it out of versions',
      );
    case 'cacertfile':
      if (value === '')
        return localCause(
          'missing_cacerts',
          'verify_peer needs trusted certificates',
          'give cacerts or cacertfile',
        );
      break;
    default:
  }
  return causeOfValue(key);
}

function causeOfValue(key: string): FailureCause | undefined {
  const values = valuesOf.get(key);
  return values === undefined ? undefined : localCause('wrong_value', `${key} takes ${values}`);
}

/** `{options, dependency, {A, B}}` and its like. */
function causeOfPair(kind: unknown, value: unknown): FailureCause | undefined {
  const [key, need] = only(value) ?? [];
  if (kind === 'dependency' && key !== undefined)
    return localCause('missing_dependency', `${key} needs ${needed(need)}`);
  return undefined;
}

function needed(need: unknown): string {
  if (typeof need === 'string') return need;
  const [key, values] = only(need) ?? [];
  return `${key ?? 'another option'}${Array.isArray(values) ? ` with ${values.map(name).join(' or ')}` : ''}`;
}

function causeOfSide(rule: unknown, key: unknown): FailureCause {
  const side = rule === 'server_only' ? 'servers' : 'clients';
  return localCause('wrong_side', `${name(key)} is an option of ${side} only`, 'leave it out');
}

/** What no row of ours took: each key by itself, since one may be misspelt and another not built. */
function causeOfSocketOptions(value: unknown): FailureCause | undefined {
  const refused = isPair(value) ? value[0] : value;
  const keys = typeof refused === 'string' ? [refused] : Object.keys(Object(refused)).slice(0, mostKeys);
  const causes = keys.map(causeOfKey);
  const [first] = causes;
  if (first === undefined) return undefined;
  const hints = causes.flatMap(({ hint }) => hint ?? []);
  return localCause(
    first.rule,
    causes.map(({ text }) => text).join('; '),
    hints.length === 0 ? 'docs/options.md lists every option' : hints.join(', '),
  );
}

const mostKeys = 20;

function causeOfKey(key: string): FailureCause {
  const camel = key.replace(/_+([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const shown = name(key);
  if (notBuilt.has(camel)) return localCause('option_not_built', `${shown} is not built yet`, 'leave it out');
  const values = valuesOf.get(key);
  if (values !== undefined)
    return localCause('wrong_value', `${shown} takes ${values}, and not at every time and place`);
  const meant = nearest(camel);
  return localCause(
    'unknown_option',
    `there is no option ${shown}`,
    meant === undefined ? undefined : `did you mean ${meant}?`,
  );
}

/** The option that differs least in its letters, if that is little. */
function nearest(wanted: string): string | undefined {
  if (wanted.length > longestName) return undefined;
  const ranked = [...valuesOf.keys()]
    .map((option) => ({ option, far: distance(wanted.toLowerCase(), option.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const [best] = ranked;
  return best !== undefined && best.far <= Math.max(1, Math.floor(wanted.length / 4))
    ? best.option
    : undefined;
}

const longestName = 40;

/** Levenshtein's: letters to put in, take out or change. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function name(value: unknown): string {
  const text = String(value).slice(0, longestName);
  return /^[\w.$/-]+$/.test(text) ? text : JSON.stringify(text);
}

function isPair(value: unknown): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function only(value: unknown): readonly [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  return entries.length === 1 ? entries[0] : undefined;
}
