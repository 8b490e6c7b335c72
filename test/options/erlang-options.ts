/** Translates recorded option lists and error terms of Erlang into our objects, and back only for comparing. */

import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { emulatedRows, transportRows } from '../../packages/ssl/src/options/socket-options.js';
import { atomName, listItems, type Term, tupleItems } from '../support/terms.js';

/** Options of OTP 25's ssl, whether built here or not (`ssl:tls_option()`). */
const otpOptions: readonly string[] = (
  'alpn_advertised_protocols alpn_preferred_protocols anti_replay beast_mitigation cacertfile cacerts cb_info cert ' +
  'certfile certificate_authorities certs_keys ciphers client_preferred_next_protocols client_renegotiation cookie ' +
  'crl_cache crl_check customize_hostname_check depth dh dhfile early_data eccs erl_dist fail_if_no_peer_cert ' +
  'fallback handshake hibernate_after honor_cipher_order honor_ecc_order keep_secrets key key_update_at keyfile ' +
  'log_alert log_level max_fragment_length max_handshake_size middlebox_comp_mode next_protocol_selector ' +
  'next_protocols_advertised ocsp_nonce ocsp_responder_certs ocsp_stapling padding_check partial_chain password ' +
  'protocol psk_identity receiver_spawn_opts renegotiate_at reuse_session reuse_sessions secure_renegotiate ' +
  'sender_spawn_opts server_name_indication session_tickets signature_algs signature_algs_cert sni_fun sni_hosts ' +
  'srp_identity ssl_imp supported_groups use_ticket user_lookup_fun verify verify_fun versions ' +
  // Socket options: of ssl itself, of gen_tcp and inet.
  'mode packet packet_size header active ip ifaddr inet inet6 nodelay keepalive reuseaddr backlog send_timeout ' +
  'send_timeout_close sndbuf recbuf buffer linger delay_send priority tos exit_on_close show_econnreset ' +
  'high_watermark low_watermark raw fd local'
).split(' ');

export const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const builtNames: ReadonlySet<string> = new Set([
  ...optionRows.map((row) => row.name),
  ...Object.keys(emulatedRows),
  ...Object.keys(transportRows),
]);
/** OTP's options that have no row here, in camelCase. */
export const notBuilt: ReadonlySet<string> = new Set(
  otpOptions.map(camelCase).filter((name) => !builtNames.has(name)),
);
const optionNames: ReadonlySet<string> = new Set(otpOptions);

/** Options whose values are text in Erlang, where the empty text is the empty list. */
const textOptions: ReadonlySet<string> = new Set([
  'cacertfile',
  'certfile',
  'keyfile',
  'dhfile',
  'password',
  'server_name_indication',
  'psk_identity',
  'srp_identity',
  'ciphers',
  // Of crl_cache's arguments.
  'dir',
]);
/** A DER SEQUENCE that stands for certificates and keys of the recordings. */
export const someDer: Uint8Array = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x07);

/**
 * A term as a value of the option `key` (OTP's name). Atoms are strings, as they are for our users; so a string where
 * Erlang wants an atom becomes the list of numbers that it is, and an atom where Erlang wants text a symbol.
 */
export function toValue(term: Term, key = ''): unknown {
  if (typeof term === 'number') return term;
  const atom = atomName(term);
  if (atom !== undefined) return atomValue(atom, key);
  const text = textOptions.has(key);
  if (typeof term === 'object' && 'str' in term && text) return term.str;
  const items = listItems(term);
  if (items !== undefined && key === 'customize_hostname_check') return pairsValue(items);
  if (items !== undefined && key === 'sni_hosts') return hostsValue(items);
  if (items !== undefined)
    return items.length === 0 && text && key !== 'ciphers' ? '' : items.map((item) => toValue(item, key));
  const tuple = tupleItems(term);
  // `[{match_fun, F}]` is one object here, so the pair alone is none.
  if (tuple !== undefined && key === 'customize_hostname_check') return tuple.map((item) => toValue(item));
  if (tuple !== undefined) return tupleValue(tuple, key);
  if (typeof term !== 'object') return term;
  if ('bin' in term) return Uint8Array.from(Buffer.from(term.bin, 'hex'));
  if ('bintext' in term)
    return term.bintext.endsWith('_DER') ? someDer : new TextEncoder().encode(term.bintext);
  if ('int' in term) return Number(term.int);
  // JavaScript has no 1.0 beside 1.
  if ('float' in term) return Number.isInteger(term.float) ? { float: term.float } : term.float;
  const pairs = mapPairs(term);
  if (pairs !== undefined)
    return Object.fromEntries(
      pairs.map(([name, value]) => [camelCase(String(toValue(name))), toValue(value)]),
    );
  if ('opaque' in term)
    return term.opaque.startsWith('fun/')
      ? functionOf(Number(term.opaque.slice(4)))
      : { opaque: term.opaque };
  return term;
}

/** A list of pairs as one object; what is no such list stays a list. */
function pairsValue(items: readonly Term[]): unknown {
  const entries: [string, unknown][] = [];
  for (const item of items) {
    const [tag, value] = tupleItems(item, 2) ?? [];
    const name = atomName(tag);
    if (name === undefined || value === undefined) return items.map((one) => toValue(one));
    entries.push([camelCase(name), toValue(value)]);
  }
  return Object.fromEntries(entries);
}

/** `[{Host, Options}]` as one object; what is no such list stays a list. */
function hostsValue(items: readonly Term[]): unknown {
  const entries: [string, unknown][] = [];
  for (const item of items) {
    const [host, options] = tupleItems(item, 2) ?? [];
    const name = host !== undefined && typeof host === 'object' && 'str' in host ? host.str : undefined;
    const own = options === undefined ? undefined : toOptions(options);
    if (name === undefined || own === undefined) return items.map((one) => toValue(one));
    entries.push([name, own]);
  }
  return Object.fromEntries(entries);
}

/** The pairs of a map; a list, too, has a member called `map`. */
export function mapPairs(term: Term): readonly (readonly [Term, Term])[] | undefined {
  if (typeof term !== 'object' || isTerms(term)) return undefined;
  return 'map' in term ? term.map : undefined;
}

function isTerms(term: Term): term is readonly Term[] {
  return Array.isArray(term);
}

function atomValue(atom: string, key: string): unknown {
  if (atom === 'true') return true;
  if (atom === 'false') return false;
  if (atom === 'undefined') return undefined;
  return textOptions.has(key) && key !== 'ciphers' && atom !== 'disable' ? Symbol.for(atom) : atom;
}

/** `{Tag, A}` is `{ tag: A }`, `{Tag, A, B}` is `{ tag: [A, B] }`; tuples of suites and addresses are lists. */
function tupleValue(items: readonly Term[], key: string): unknown {
  const [first, ...rest] = items;
  const tag = atomName(first);
  if (rest.length === 0) return { tuple: items.map((item) => toValue(item, key)) };
  if (tag === undefined || key === 'ciphers') return items.map((item) => toValue(item, key));
  const name = optionNames.has(tag) ? camelCase(tag) : tag;
  if (tag === 'option' || tag === 'conflict_options')
    return { [name]: one(rest.map((item) => camelNames(toValue(item)))) };
  const inner = optionNames.has(tag) ? tag : tag === 'invalid_protocol' ? key : tag === 'dir' ? tag : '';
  return { [name]: one(rest.map((item) => toValue(item, inner))) };
}

function one(values: readonly unknown[]): unknown {
  return values.length === 1 ? values[0] : values;
}

function camelNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelNames);
  return typeof value === 'string' && optionNames.has(value) ? camelCase(value) : value;
}

function functionOf(arity: number): unknown {
  switch (arity) {
    case 0:
      return () => 0;
    case 1:
      return (_a: unknown) => 0;
    case 2:
      return (_a: unknown, _b: unknown) => 0;
    case 3:
      return (_a: unknown, _b: unknown, _c: unknown) => 0;
    default:
      return (_a: unknown, _b: unknown, _c: unknown, _d: unknown) => 0;
  }
}

/** Functions and bytes in a form that can be compared; a key that is `undefined` is kept. */
export function comparable(value: unknown): unknown {
  if (typeof value === 'function') return { fun: value.length };
  if (typeof value === 'symbol') return { symbol: value.description };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item)]));
  return value;
}

/**
 * An option list as one object, or `undefined` when an object cannot say it: elements that are no pair, the same
 * option twice, not a list. Bare atoms that OTP expands are told as pairs.
 */
export function toOptions(term: Term): Readonly<Record<string, unknown>> | undefined {
  const items = listItems(term);
  if (items === undefined) return undefined;
  const options: Record<string, unknown> = {};
  for (const item of items) {
    const [key, value] = element(item) ?? [undefined, undefined];
    if (key === undefined || Object.hasOwn(options, key)) return undefined;
    options[key] = value;
  }
  return options;
}

function element(item: Term): readonly [string, unknown] | undefined {
  const atom = atomName(item);
  if (atom === 'binary' || atom === 'list') return ['mode', atom];
  if (atom === 'inet' || atom === 'inet6') return [atom, true];
  const pair = tupleItems(item, 2);
  const key = atomName(pair?.[0]);
  const value = pair?.[1];
  if (key === undefined || value === undefined) return undefined;
  return [optionNames.has(key) ? camelCase(key) : key, toValue(value, key)];
}
