/** OTP 25's answers to option lists (`otp25/options`), case by case, against our parser. */

import { expect, it } from 'vitest';
import type { Config } from '../../packages/ssl/src/options/config.js';
import {
  mergeOptions,
  parseClientOptions,
  parseServerOptions,
} from '../../packages/ssl/src/options/parse.js';
import type { EngineSupport } from '../../packages/ssl/src/values/cipher-suites.js';
import { findScheme, schemeOfPair } from '../../packages/ssl/src/values/registry/schemes.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { atomName, listItems, renderTerm, type Term, textOf, tupleItems } from '../support/terms.js';
import { camelCase, comparable, notBuilt, toOptions, toValue } from './erlang-options.js';
import { fakeEngine } from './fake-engine.js';
import { deviations } from './otp25-deviations.js';

export interface Case {
  readonly id: string;
  readonly function: string;
  readonly on?: string;
  readonly options?: Term;
  readonly args?: readonly Term[];
  readonly result:
    | 'accepted'
    | { readonly returns: Term }
    | { readonly throws: Term }
    | { readonly exits: Term }
    | { readonly crash: string };
  readonly effective?: Readonly<Record<string, Term>>;
}

function isCases(value: unknown): value is { readonly cases: readonly Case[] } {
  return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
}

function loadCases(): readonly Case[] {
  const json = readSharedJson('otp25/options.json.gz');
  if (!isCases(json)) throw new Error('options.json.gz has no cases');
  return json.cases;
}

const engine: EngineSupport = fakeEngine;

/** The listener of the `handshake` cases. */
const listener = {
  certfile: 'listener.pem',
  keyfile: 'listener.key',
  ip: '127.0.0.1',
  reuseaddr: true,
} as const;

type Answer = { readonly ok: Config } | { readonly error: unknown };

function ours(test: Case, options: Readonly<Record<string, unknown>>): Answer {
  switch (test.function) {
    case 'connect':
    case 'upgrade_client':
      return parseClientOptions(options, { engine });
    case 'handshake':
      return parseServerOptions(mergeOptions(listener, options), { engine });
    default:
      return parseServerOptions(options, { engine });
  }
}

/** OTP's answer: accepted, an error term in our form, or what has none. */
function theirs(
  test: Case,
): { readonly ok: true } | { readonly error: unknown } | 'files' | 'crash' | 'network' {
  const { result } = test;
  if (result === 'accepted') return { ok: true };
  if ('crash' in result) return 'crash';
  if ('exits' in result) return { error: toValue(result.exits) };
  let term = 'returns' in result ? result.returns : result.throws;
  // handshake/3 on a TLS socket doubles the tuple (contract §1.2 †).
  for (
    let inner = tupleItems(term, 2);
    inner !== undefined && toValue(inner[0] ?? 0) === 'error';
    inner = tupleItems(term, 2)
  )
    term = inner[1] ?? 0;
  const error = toValue(term);
  const text = renderTerm(term);
  if (
    /\{(certfile|keyfile|cacertfile|dhfile),("[^"]*"|<<[^>]*>>|\[\]),/.test(text) ||
    text.startsWith('{keyfile,')
  )
    return 'files';
  return error === 'econnrefused' || error === 'nooptions' || error === 'closed' ? 'network' : { error };
}

describeWithData('OTP 25 on options', 'otp25/options.json.gz', () => {
  it('every recorded answer is ours too, deviates by a named rule, or is about what is not built', () => {
    const count: Record<string, number> = {};
    const add = (key: string): void => {
      count[key] = (count[key] ?? 0) + 1;
    };
    const missing = new Map<string, number>();
    const used = new Set<string>();
    const differences: unknown[] = [];
    for (const test of loadCases()) {
      if (test.function === 'setopts' || test.function === 'getopts') continue;
      const options = test.options === undefined ? undefined : toOptions(test.options);
      if (options === undefined) {
        add('not expressible in an object');
        continue;
      }
      const answer = ours(test, options);
      const expected = theirs(test);
      const absent = Object.keys(options).filter((key) => notBuilt.has(key) && options[key] !== undefined);
      if (absent.length > 0) {
        // Whatever else is wrong, what is not built must never pass for built.
        if ('ok' in answer)
          differences.push({ id: test.id, options, answer: 'accepted', expected: 'refused: not built' });
        for (const key of absent) missing.set(key, (missing.get(key) ?? 0) + 1);
        add('not built: options');
        continue;
      }
      if (JSON.stringify(answer).includes('insufficient_crypto_support')) {
        add('not built: versions');
        continue;
      }
      if (typeof expected === 'string') {
        add(
          expected === 'crash'
            ? 'OTP crashes, ours answers'
            : expected === 'files'
              ? 'told when files are read'
              : 'told by the network',
        );
        continue;
      }
      if (isSame(answer, expected)) {
        add('agree');
        continue;
      }
      const rule = deviations.find((one) => one.applies({ test, options, answer, expected }));
      if (rule === undefined) {
        differences.push({
          id: test.id,
          case: test.options === undefined ? '' : renderTerm(test.options),
          answer: 'ok' in answer ? 'accepted' : answer,
          expected,
        });
        continue;
      }
      used.add(rule.name);
      add('deviate by rule');
    }
    report('otp25 options', count);
    report('otp25 options not built', Object.fromEntries([...missing].sort()));
    if (differences.length > 0) console.log(differences.map((d) => JSON.stringify(comparable(d))).join('\n'));
    expect(differences).toEqual([]);
    expect(deviations.filter((rule) => !used.has(rule.name)).map((rule) => `stale: ${rule.name}`)).toEqual(
      [],
    );
  });
});

/** What OTP made of accepted options, where ours can be the same: suites and groups as far as our engine goes. */
describeWithData('OTP 25 on the values of accepted options', 'otp25/options.json.gz', () => {
  it('suites, groups, schemes and plain values are the same', () => {
    let agree = 0;
    const differences: unknown[] = [];
    for (const test of loadCases()) {
      const options = test.options === undefined ? undefined : toOptions(test.options);
      if (options === undefined || test.effective === undefined) continue;
      const answer = ours(test, options);
      if (!('ok' in answer)) continue;
      for (const [name, term] of Object.entries(test.effective)) {
        const compare = effective[name];
        // A default that depends on versions is ours only where the case names versions; both are built then.
        if (name === 'ciphers' && mixedForms.has(test.id)) continue;
        if (
          compare === undefined ||
          (options[camelCase(name)] === undefined && options['versions'] === undefined)
        )
          continue;
        const [mine, wanted] = compare(answer.ok, term, options);
        try {
          expect(comparable(mine)).toEqual(comparable(wanted));
          agree += 1;
        } catch {
          differences.push({ id: test.id, name, mine, wanted });
        }
      }
    }
    report('otp25 options, values', { agree });
    expect(differences).toEqual([]);
    expect(agree).toBeGreaterThan(100);
  });
});

type Compare = (
  config: Config,
  term: Term,
  options: Readonly<Record<string, unknown>>,
) => readonly [unknown, unknown];

const strings = (term: Term): string[] =>
  (listItems(term) ?? []).map((item) => textOf(item) ?? atomName(item) ?? '');
const text = (term: Term): string | undefined => {
  const value = textOf(term);
  return value === '' ? undefined : value;
};

/** What is not built of OTP's suites: what sends in the clear, and certificates with keys that nobody has. */
const isBuilt = (suite: string): boolean => !/_NULL_|TLS_DH_(?:RSA|DSS)_/.test(suite);
const builtCurves: ReadonlySet<string> = new Set(['secp256r1', 'secp384r1', 'secp521r1']);

/** OTP reads a list of suites by the form of its first member and drops, without a word, what has another form. */
const mixedForms: ReadonlySet<string> = new Set(['opt-0162-connect-ciphers', 'opt-0989-listen-ciphers']);

const effective: Readonly<Record<string, Compare>> = {
  // OTP keeps doubles.
  versions: ({ versions }, term) => [versions, [...new Set(strings(term))]],
  // By default ours are without AES-CCM and static ECDH.
  ciphers: ({ ciphers }, term, { ciphers: given }) => [
    ciphers.map((suite) => suite.name),
    [...new Set(strings(term))].filter(
      (name) => isBuilt(name) && (given !== undefined || !/_CCM|TLS_ECDH_/.test(name)),
    ),
  ],
  // OTP's curves have neither x25519 nor x448. By default ours are in an order of our own, the quick and safe first.
  eccs: ({ eccs }, term, { eccs: given }) => [
    given === undefined ? [] : eccs.filter((name) => name.startsWith('secp')),
    given === undefined ? [] : strings(term).filter((name) => builtCurves.has(name)),
  ],
  // By default ours are led by the hybrid ones, which OTP has since 28.
  supported_groups: ({ supportedGroups }, term, { supportedGroups: given }) => [
    given === undefined ? supportedGroups.filter((name) => !name.includes('mlkem')) : supportedGroups,
    // OTP keeps doubles.
    [...new Set(strings(term))],
  ],
  // By default SHA-1 and DSA sign nothing, as from OTP 26 on; where the case names them, they have to be there.
  signature_algs: ({ signatureAlgs, versions }, term, { signatureAlgs: given }) =>
    given === undefined
      ? [withoutOwn(signatureAlgs, versions), schemes(term, versions).filter(isModern)]
      : [signatureAlgs, schemes(term, versions)],
  signature_algs_cert: ({ signatureAlgsCert, versions }, term) => [
    signatureAlgsCert,
    atomName(term) === 'undefined' ? undefined : schemes(term, versions),
  ],
  log_level: ({ logLevel }, term) => [logLevel, toValue(term)],
  hibernate_after: ({ hibernateAfter }, term) => [hibernateAfter, toValue(term)],
  certfile: ({ identity }, term) => [identity.certfile, text(term)],
  keyfile: ({ identity }, term) => [identity.keyfile, text(term)],
  password: ({ identity }, term) => [
    identity.password ?? '',
    atomName(term) === 'undefined' ? '' : toValue(term, 'password'),
  ],
};

const isModern = (scheme: string): boolean => !scheme.endsWith('_sha1') && !scheme.startsWith('dsa_');

/** Where TLS 1.2 is the newest, OTP 25 has no EdDSA; we have it by default (RFC 8422 §5.1.3). */
function withoutOwn(schemes: readonly string[], versions: readonly string[]): readonly string[] {
  return versions.includes('tlsv1.3') ? schemes : schemes.filter((name) => !name.startsWith('eddsa_'));
}

/** Pairs as the schemes of the same number; those that TLS 1.3 has no use for only beside another version. */
function schemes(term: Term, versions: readonly string[]): string[] {
  const older = versions.some((version) => version !== 'tlsv1.3');
  const found = (listItems(term) ?? []).flatMap((item) => {
    const pair = tupleItems(item, 2)?.map((part) => atomName(part));
    const row = pair === undefined ? findScheme(atomName(item)) : schemeOfPair(pair[0], pair[1]);
    return row === undefined || (row.tls13 === 'never' && !older) ? [] : [row.name];
  });
  return [...new Set(found)];
}

function isSame(answer: Answer, expected: { readonly ok: true } | { readonly error: unknown }): boolean {
  if ('ok' in answer || 'ok' in expected) return 'ok' in answer && 'ok' in expected;
  try {
    expect(comparable(answer.error)).toEqual(comparable(expected.error));
    return true;
  } catch {
    return false;
  }
}
