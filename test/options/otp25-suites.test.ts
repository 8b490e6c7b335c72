/** OTP 25's answers about suites, curves, groups and default signature algorithms (`otp25/suites`). */
import { expect, it } from 'vitest';
import { defaultSignatureSchemes } from '../../packages/ssl/src/options/signature-defaults.js';
import {
  appendCipherSuites,
  cipherSuites,
  eccs,
  filterCipherSuites,
  groups,
  prependCipherSuites,
  type SuiteFilters,
  type SuiteMap,
  type SuiteSupport,
  strToSuite,
  suiteToOpensslStr,
  suiteToStr,
} from '../../packages/ssl/src/values/cipher-suites.js';
import { schemeByName } from '../../packages/ssl/src/values/registry/schemes.js';
import type { TlsVersion } from '../../packages/ssl/src/values/registry/versions.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { atomName, canonical, listItems, type Term, textOf, tupleItems } from '../support/terms.js';
import { mapPairs } from './erlang-options.js';

type Argument =
  | Term
  | { readonly suites: readonly [string, string] }
  | { readonly filters: readonly [string, string][] };
interface Case {
  readonly id: string;
  readonly function: string;
  readonly args: readonly Argument[];
  readonly returns?: Term;
  readonly returns_names?: readonly string[];
  readonly raises?: readonly string[];
}

/** What OpenSSL 3.0 gave OTP 25: all that the recorded lists need. */
const openssl30: SuiteSupport = {
  cipher: () => true,
  hash: () => true,
  publicKey: () => true,
};

const predicates: Readonly<Record<string, (part: string) => boolean>> = {
  ecdhe_only: (kx) => kx === 'ecdhe_rsa' || kx === 'ecdhe_ecdsa',
  not_rsa: (kx) => kx !== 'rsa',
  any_kex: (kx) => kx === 'any',
  gcm_only: (cipher) => cipher === 'aes_128_gcm' || cipher === 'aes_256_gcm',
  no_cbc: (cipher) => !cipher.endsWith('_cbc'),
  no_ccm: (cipher) => !cipher.includes('ccm'),
  chacha: (cipher) => cipher === 'chacha20_poly1305',
  aead: (mac) => mac === 'aead',
  no_sha1: (mac) => mac !== 'sha',
  sha384: (prf) => prf === 'sha384',
  default_prf: (prf) => prf === 'default_prf',
  none: () => false,
  all: () => true,
};

function isCases(value: unknown): value is { readonly cases: readonly Case[] } {
  return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
}

function loadCases(): readonly Case[] {
  const json = readSharedJson('otp25/suites.json.gz');
  if (!isCases(json)) throw new Error('suites.json.gz has no cases');
  return json.cases;
}

/** Arguments of our functions are whatever the case says, wrong ones too. */
type Loose = (...args: readonly unknown[]) => unknown;
const loose =
  (fn: (...args: never[]) => unknown): Loose =>
  (...args) =>
    Reflect.apply(fn, undefined, args);

/** A filter list; when a key is given twice, `proplists:get_value` takes the first. */
function filters(list: readonly (readonly [string, string])[]): SuiteFilters {
  const found: Record<string, (part: string) => boolean> = {};
  for (const [key, name] of list) {
    const predicate = predicates[name];
    if (predicate === undefined) throw new Error(`no predicate ${name}`);
    found[key === 'key_exchange' ? 'keyExchange' : key] ??= predicate;
  }
  return found;
}

function toValue(argument: Argument): unknown {
  if (typeof argument === 'object' && 'suites' in argument) return loose(cipherSuites)(...argument.suites);
  if (typeof argument === 'object' && 'filters' in argument) return filters(argument.filters);
  return plain(argument);
}

/** Terms as our functions take and give them: maps become objects with camelCase keys. */
function plain(term: Term): unknown {
  const name = atomName(term);
  if (name !== undefined) return name;
  if (typeof term === 'object' && 'str' in term) return term.str;
  const items = listItems(term);
  if (items !== undefined) return items.map(plain);
  const pairs = mapPairs(term);
  if (pairs !== undefined)
    return Object.fromEntries(
      pairs.map(([key, value]) => [
        atomName(key) === 'key_exchange' ? 'keyExchange' : atomName(key),
        plain(value),
      ]),
    );
  if (typeof term === 'object' && 'bin' in term) return Buffer.from(term.bin, 'hex');
  const tuple = tupleItems(term);
  if (tuple !== undefined) return { [String(plain(tuple[0] ?? 0))]: plain(tuple[1] ?? 0) };
  return term;
}

/** The scheme names of OTP's list of schemes and {Hash, Sign} pairs. */
function schemeNames(term: Term): unknown {
  if (atomName(term) === 'undefined') return undefined;
  return listItems(term)?.map((item) => {
    const pair = tupleItems(item, 2);
    return pair === undefined ? atomName(item) : pair.map((part) => atomName(part)).join('/');
  });
}

const signs: Readonly<Record<string, string>> = { rsa_pkcs1: 'rsa', ecdsa: 'ecdsa', dsa: 'dsa' };

/** Our defaults with those schemes that OTP writes as pairs in that place written as pairs. */
function asOtpWrites(versions: readonly TlsVersion[]): unknown {
  const schemes = defaultSignatureSchemes(versions);
  if (schemes === undefined) return undefined;
  return schemes.map((name, index) => {
    const { algorithm, tls13 } = schemeByName(name);
    const sign = signs[algorithm.type];
    const pairs =
      versions.includes('tlsv1.2') && !(versions.includes('tlsv1.3') && tls13 === 'handshake' && index < 11);
    return pairs && sign !== undefined && 'hash' in algorithm ? `${algorithm.hash}/${sign}` : name;
  });
}

const names = (suites: unknown): unknown => {
  if (!Array.isArray(suites)) return suites;
  return suites.map((suite: SuiteMap) => suiteToStr(suite));
};

const calls: Readonly<Record<string, Loose>> = {
  'cipher_suites/2': loose(cipherSuites),
  'cipher_suites/3': loose(cipherSuites),
  'suite_to_str/1': loose(suiteToStr),
  'suite_to_openssl_str/1': loose(suiteToOpensslStr),
  'str_to_suite/1': loose(strToSuite),
  'filter_cipher_suites/2': (suites, by) => names(loose(filterCipherSuites)(suites, by, openssl30)),
  'prepend_cipher_suites/2': (by, suites) => names(loose(prependCipherSuites)(by, suites, openssl30)),
  'append_cipher_suites/2': (by, suites) => names(loose(appendCipherSuites)(by, suites, openssl30)),
  'eccs/1': (version) => loose(eccs)(() => true, version),
  'groups/0': () => groups(),
  'groups/1': loose(groups),
};

/**
 * An atom and a string are one thing in TypeScript, so `str_to_suite('AES128-SHA')` cannot be told from the
 * string; the recorded answer to the atom does not apply.
 */
const inexpressible = new Set(['sui-0633-odd']);

describeWithData('OTP 25 on cipher suites', 'otp25/suites.json.gz', () => {
  it('every recorded answer is ours too', () => {
    const differences: unknown[] = [];
    let agree = 0;
    for (const test of loadCases()) {
      if (inexpressible.has(test.id)) continue;
      const ours = outcome(test);
      const theirs = expected(test);
      try {
        expect(ours).toEqual(theirs);
        agree += 1;
      } catch {
        differences.push({ id: test.id, args: test.args, ours, theirs });
      }
    }
    report('otp25 suites', { agree, 'not expressible': inexpressible.size });
    expect(differences).toEqual([]);
  });
});

function outcome(test: Case): unknown {
  try {
    if (test.function === 'tls_v1:default_signature_algs/1')
      return asOtpWrites(test.args.flatMap((arg) => tlsVersion(toValue(arg))));
    const call = calls[test.function];
    if (call === undefined) return `no call for ${test.function}`;
    return call(...test.args.map(toValue));
  } catch (error) {
    return error instanceof TypeError ? 'raises' : error;
  }
}

function tlsVersion(value: unknown): readonly TlsVersion[] {
  return value === 'tlsv1.3' || value === 'tlsv1.2' || value === 'tlsv1.1' || value === 'tlsv1'
    ? [value]
    : [];
}

/**
 * Where we are not OTP 25 on purpose: SHA-1 signs nothing by default, as from OTP 26 on, and EdDSA does in TLS 1.2
 * too (RFC 8422 §5.1.3).
 */
function asWeWouldHaveIt(version: unknown, names: unknown): unknown {
  if (!Array.isArray(names)) return names;
  const safe = names.filter((name) => !/^sha\/|_sha1$/.test(String(name)));
  return version === 'tlsv1.2' ? ['eddsa_ed25519', 'eddsa_ed448', ...safe] : safe;
}

/** Hybrid groups lead both lists, as from OTP 28 on, and those of RFC 8734 end the list of all. */
function withOurGroups(byDefault: boolean, theirs: unknown): unknown {
  if (!Array.isArray(theirs)) return theirs;
  const hybrid = ['x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'];
  const brainpool = [256, 384, 512].map((bits) => `brainpoolP${bits}r1tls13`);
  return [...hybrid, ...theirs, ...(byDefault ? [] : brainpool)];
}

function expected(test: Case): unknown {
  if (test.raises !== undefined) return 'raises';
  if (test.returns_names !== undefined) return test.returns_names;
  if (test.returns === undefined) return undefined;
  if (test.function === 'tls_v1:default_signature_algs/1')
    return asWeWouldHaveIt(toValue(test.args[0] ?? 0), schemeNames(test.returns));
  if (test.function.startsWith('groups/')) return withOurGroups(test.args.length > 0, plain(test.returns));
  if (test.function.startsWith('suite_to_')) return textOf(canonical(test.returns));
  return plain(test.returns);
}
