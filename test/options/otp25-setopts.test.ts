/** OTP 25's answers to `ssl:setopts/2` and `ssl:getopts/2` (`otp25/options`) against the pure plans. */
import { expect, it } from 'vitest';
import type { SocketOptions } from '../../packages/ssl/src/options/config.js';
import {
  isOptionObject,
  planSetopts,
  readOptions,
  transportRefused,
  transportRows,
} from '../../packages/ssl/src/options/socket-options.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { atomName, listItems, renderTerm, type Term, tupleItems } from '../support/terms.js';
import { camelCase, comparable, notBuilt, toOptions, toValue } from './erlang-options.js';

interface Case {
  readonly id: string;
  readonly function: string;
  readonly on?: string;
  readonly options: Term;
  readonly result: { readonly returns: Term } | { readonly crash: string };
  readonly after?: Term | { readonly returns: Term };
}

function isCases(value: unknown): value is { readonly cases: readonly Case[] } {
  return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
}

function loadCases(name: string): readonly Case[] {
  const json = readSharedJson('otp25/options.json.gz');
  if (!isCases(json)) throw new Error('options.json.gz has no cases');
  return json.cases.filter((test) => test.function === name);
}

/** The recorder's sockets: mode list (Erlang's default), a connection passive, a listener active. */
const before = (test: Case): SocketOptions => ({
  mode: 'list',
  packet: 0,
  packetSize: 0,
  header: 0,
  active: test.on?.startsWith('listen') === true,
});

/** As the transport over node:net: two options can be set while it runs. */
const transportSets = (options: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(options).every(
    ([key, value]) => (key === 'nodelay' || key === 'keepalive') && typeof value === 'boolean',
  );
const transportHas: Readonly<Record<string, unknown>> = { nodelay: false, keepalive: false };
/** Transport options that OTP sets or reads on a running socket and we do not, or only at its start. */
const notBuiltHere = (name: string): boolean =>
  notBuilt.has(name) || (Object.hasOwn(transportRows, name) && !Object.hasOwn(transportHas, name));

/** Why our answer may differ; each must occur. */
const setoptsRules: readonly {
  readonly name: string;
  readonly applies: (test: Case, ours: unknown) => boolean;
}[] = [
  {
    name: '† negative header and packet_size and fractions for active are refused',
    applies: (test, ours) =>
      /header,-|packet_size,-|active,\d+\.\d/.test(renderTerm(test.options)) && isRefused(ours),
  },
  {
    name: '† a listener of dtls crashes over options of streams, and takes all others unseen',
    applies: (test, ours) =>
      test.on === 'listen-dtls' && (isRefused(ours) || /\[(binary|list)[,\]]/.test(renderTerm(test.options))),
  },
  {
    name: '† a listener takes the bare atom binary, as a connection does',
    applies: (test) => test.on === 'listen' && /\[(binary|list)[,\]]/.test(renderTerm(test.options)),
  },
  {
    name: '† a listener checks the values of emulated options',
    applies: (test, ours) => test.on === 'listen' && isRefused(ours),
  },
];

const isRefused = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'error' in answer;

describeWithData('OTP 25 on setopts and getopts', 'otp25/options.json.gz', () => {
  it('setopts: the same answer, and the same options afterwards', () => {
    const count: Record<string, number> = {};
    const add = (key: string): void => {
      count[key] = (count[key] ?? 0) + 1;
    };
    const used = new Set<string>();
    const differences: unknown[] = [];
    for (const test of loadCases('setopts')) {
      const proper = listItems(test.options) !== undefined;
      const options = proper ? toOptions(test.options) : toValue(test.options);
      // What is no list in Erlang but an object for us, and lists that no object can say.
      if (proper ? options === undefined : isOptionObject(options)) {
        add('not expressible in an object');
        continue;
      }
      const plan = planSetopts(options, test.on === 'listen-dtls' ? 'dtls' : 'tls');
      const unbuilt = Object.keys(plan.transport ?? {}).filter(notBuiltHere);
      const ours = answer(plan);
      const wanted = erlangAnswer(test, options, proper);
      const after = socketAfter(before(test), plan.socket);
      if (isSame(ours, wanted) && isSame(seenOf(test, after), afterwards(test))) {
        add('agree');
        continue;
      }
      if (unbuilt.length > 0) {
        add('not built: transport options');
        continue;
      }
      const rule = setoptsRules.find((one) => one.applies(test, ours));
      if (rule === undefined) {
        differences.push({
          id: test.id,
          case: renderTerm(test.options),
          ours,
          wanted,
          after,
          wantedAfter: afterwards(test),
        });
        continue;
      }
      used.add(rule.name);
      add('deviate by rule');
    }
    report('otp25 setopts', count);
    if (differences.length > 0) console.log(differences.map((d) => JSON.stringify(comparable(d))).join('\n'));
    expect(differences).toEqual([]);
    expect(setoptsRules.filter((rule) => !used.has(rule.name))).toEqual([]);
  });

  it('getopts: the same options in the same order, or the same term', () => {
    const count: Record<string, number> = {};
    const add = (key: string): void => {
      count[key] = (count[key] ?? 0) + 1;
    };
    const differences: unknown[] = [];
    for (const test of loadCases('getopts')) {
      const names = toNames(test.options);
      const ours = readOptions(names, before(test), (name) => transportHas[name]);
      const wanted = erlangNames(test);
      // Answers have an order, which toEqual does not see.
      if (isSame(ours, wanted) && JSON.stringify(comparable(ours)) === JSON.stringify(comparable(wanted)))
        add('agree');
      else if (Array.isArray(names) && names.some((name) => typeof name === 'string' && notBuiltHere(name)))
        add('not built: transport options');
      // A listener answers ssl's own before the transport's; we answer in reverse order there too.
      else if (test.on === 'listen' && isSame(ours, wanted)) add('deviate by rule');
      // A listener tells its own match failure about all names (†); ours is the term of a connection.
      else if (
        test.on === 'listen' &&
        renderTerm(returned(test) ?? 0).includes('badmatch') &&
        'error' in ours
      )
        add('deviate by rule');
      // A listener of dtls leaves out what it does not know, and crashes over options of streams (†).
      else if (test.on === 'listen-dtls') add('deviate by rule');
      else if (renderTerm(test.options).includes('{raw,')) add('not built: transport options');
      else differences.push({ id: test.id, names, ours, wanted });
    }
    report('otp25 getopts', count);
    if (differences.length > 0) console.log(differences.map((d) => JSON.stringify(comparable(d))).join('\n'));
    expect(differences).toEqual([]);
  });
});

function answer(plan: ReturnType<typeof planSetopts>): unknown {
  if (plan.error !== undefined) return { error: plan.error };
  if (plan.transport !== undefined && !transportSets(plan.transport))
    return { error: transportRefused(plan.transport) };
  return 'ok';
}

/** Delivery's arithmetic for the one step these cases take: a count starts, or is over at once. */
function socketAfter(start: SocketOptions, set: Partial<SocketOptions>): SocketOptions {
  const after = { ...start, ...set };
  return typeof after.active === 'number' && after.active <= 0 ? { ...after, active: false } : after;
}

function returned(test: Case): Term | undefined {
  return 'returns' in test.result ? test.result.returns : undefined;
}

/** `{error, {options, {socket_options, [{K, V}], Why}}}`: the list is an object here. */
function erlangAnswer(test: Case, options: unknown, proper: boolean): unknown {
  const term = returned(test) ?? 0;
  if (atomName(term) === 'ok') return 'ok';
  const reason = tupleItems(tupleItems(term, 2)?.[1] ?? 0, 2)?.[1] ?? 0;
  const parts = tupleItems(reason);
  if (proper && parts?.length === 3 && atomName(parts[0]) === 'socket_options') {
    const refused = toOptions(parts[1] ?? 0) ?? options;
    return { error: { options: { socket_options: [refused, toValue(parts[2] ?? 0)] } } };
  }
  return toValue(term);
}

/** Of a listener of dtls the recorder has asked for what it could answer. */
function seenOf(test: Case, { active, mode, ...streams }: SocketOptions): unknown {
  return test.on === 'listen-dtls' ? { active, mode } : { active, mode, ...streams };
}

function afterwards(test: Case): unknown {
  const term =
    test.after === undefined
      ? undefined
      : typeof test.after === 'object' && 'returns' in test.after
        ? test.after.returns
        : test.after;
  const list = term === undefined ? undefined : tupleItems(term, 2)?.[1];
  return list === undefined ? undefined : toOptions(list);
}

/** Names as our users write them; what is no list stays what it is. */
function toNames(term: Term): unknown {
  const items = listItems(term);
  if (items === undefined) return toValue(term);
  return items.map((item) => {
    const name = atomName(item);
    return name === undefined ? toValue(item) : camelCase(name);
  });
}

function erlangNames(test: Case): unknown {
  const term = returned(test) ?? 0;
  const [tag, value = 0] = tupleItems(term, 2) ?? [];
  if (atomName(tag) !== 'ok') {
    const reason = tupleItems(tupleItems(value, 2)?.[1] ?? 0);
    const [, name = 0, why] = reason ?? [];
    if (why !== undefined) return { error: { options: { socket_options: [camelName(name), toValue(why)] } } };
    return toValue(term);
  }
  const options = toOptions(value);
  return options === undefined ? toValue(value) : { ok: options };
}

function camelName(term: Term): unknown {
  const name = atomName(term);
  return name === undefined ? toValue(term) : camelCase(name);
}

function isSame(a: unknown, b: unknown): boolean {
  try {
    expect(comparable(a)).toEqual(comparable(b));
    return true;
  } catch {
    return false;
  }
}
