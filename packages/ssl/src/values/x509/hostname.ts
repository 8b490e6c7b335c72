/**
 * Does a certificate belong to a host? OTP's `public_key:pkix_verify_hostname/3` (contract §10; RFC 6125, RFC 9525).
 *
 * Identifiers are written as OTP writes its pairs: `{ dns_id: 'www.example.org' }` refers, `{ dNSName: '…' }` is
 * presented.
 */
import type { Certificate } from './certificate.js';
import { DerError, decodeAll, Tag } from './der.js';
import { type GeneralName, ia5 } from './extensions/general-name.js';
import { AttributeType } from './name.js';

/** What is looked for. `ip` is text or octets (4 or 16); other tags than OTP's are for a `matchFun`. */
export type ReferenceId = { readonly [tag: string]: string | readonly number[] | Uint8Array };

/** What the certificate has: `dNSName`, `uniformResourceIdentifier`, `iPAddress` (octets), …, or `cn`. */
export type PresentedId = { readonly [tag: string]: string | Uint8Array };

/** The `customize_hostname_check` option. What the functions throw is the caller's. */
export interface HostnameCheckHooks {
  /** The reference is a bare string when it is compared with a common name. */
  readonly matchFun?: (reference: ReferenceId | string, presented: PresentedId) => boolean | 'default';
  readonly fqdnFun?: (reference: ReferenceId) => string | 'default' | undefined;
  /** The last word on each pair that did not match. */
  readonly failCallback?: (certificate: Certificate) => boolean;
}

interface Id {
  readonly tag: string;
  readonly value: string | Uint8Array;
}

/** Whether any reference matches any identifier that the certificate presents. */
export function verifyHostname(
  certificate: Certificate,
  references: readonly ReferenceId[],
  hooks: HostnameCheckHooks = {},
): boolean {
  const ids = references.flatMap(idsOf);
  const presented = (certificate.subjectAltName ?? []).flatMap(presentedId);
  if (presented.length === 0) {
    // RFC 6125 §6.4.4: common names only when there is no alternative name.
    const names = certificate.subject
      .valuesOf(AttributeType.commonName)
      .flatMap(({ text }) => (text === undefined ? [] : [{ tag: 'cn', value: text }]));
    return anyPair(fqdns(ids, hooks), names, certificate, hooks);
  }
  if (anyPair(ids, presented, certificate, hooks)) return true;
  const hosts = fqdns(ids, hooks).map((value) => ({ tag: 'dns_id', value }));
  return anyPair(hosts, presented, certificate, hooks);
}

/** `pkix_verify_hostname_match_fun(https)`: one `*` in the left-most label of a dNSName (RFC 2818 §3.1). */
export function httpsMatchFun(reference: ReferenceId | string, presented: PresentedId): boolean | 'default' {
  if (typeof reference === 'string') return 'default';
  const { dns_id: host } = reference;
  const { dNSName: pattern } = presented;
  if (typeof host !== 'string' || typeof pattern !== 'string' || host === '' || pattern === '')
    return 'default';
  return matchesWildcard(host, pattern);
}

function anyPair(
  references: readonly (Id | string)[],
  presented: readonly Id[],
  certificate: Certificate,
  hooks: HostnameCheckHooks,
): boolean {
  const { matchFun, failCallback } = hooks;
  return references.some((reference) =>
    presented.some((id) => {
      const answer = matchFun?.(
        typeof reference === 'string' ? reference : publicId(reference),
        publicId(id),
      );
      const matches = answer === undefined || answer === 'default' ? matchesByDefault(reference, id) : answer;
      return matches || (failCallback?.(certificate) ?? false);
    }),
  );
}

function publicId(id: Id): { readonly [tag: string]: string | Uint8Array } {
  return { [id.tag]: id.value };
}

/** OTP's default match, ASCII case folded. A dNSName with a wildcard is just a name here. */
function matchesByDefault(reference: Id | string, presented: Id): boolean {
  const { tag, value } = presented;
  if (typeof reference === 'string') {
    if (tag !== 'cn' || typeof value !== 'string' || value === '') return false;
    return lower(reference) === lower(value) ? !reference.includes('*') : matchesWildcard(reference, value);
  }
  if (tag === 'iPAddress') return reference.tag === 'ip' && sameAddress(reference.value, value);
  if (typeof reference.value !== 'string' || typeof value !== 'string') return false;
  const wanted = presentedTags[reference.tag];
  return wanted === tag && lower(reference.value) === lower(value);
}

const presentedTags: Readonly<Record<string, string>> = {
  dns_id: 'dNSName',
  uri_id: 'uniformResourceIdentifier',
  srv_id: 'srvName',
};

function sameAddress(reference: string | Uint8Array, presented: string | Uint8Array): boolean {
  if (typeof presented === 'string') return false;
  // As in OTP, the zone of a link-local address (RFC 4007 §11) says where it is, not whose.
  const address =
    typeof reference === 'string' ? parseAddress(reference.replace(/^(.*:.*)%.+$/, '$1')) : reference;
  return (
    address !== undefined &&
    address.length === presented.length &&
    address.every((octet, i) => octet === presented[i])
  );
}

/** One `*` in the left-most label, standing for any part of it; the other labels have to be equal. */
function matchesWildcard(host: string, pattern: string): boolean {
  const [hostLabel = '', ...hostRest] = labels(host);
  const [label = '', ...rest] = labels(pattern);
  if (rest.length !== hostRest.length || rest.some((part, i) => part !== hostRest[i])) return false;
  const star = label.indexOf('*');
  if (star < 0) return label === hostLabel;
  // RFC 6125 §6.4.3, RFC 9525 §6.3: not inside an A-label, not for a name of one label.
  if (rest.length === 0 || label.startsWith('xn--')) return false;
  const before = label.slice(0, star);
  const after = label.slice(star + 1);
  if (after.includes('*') || hostLabel.includes('*')) return false;
  return (
    hostLabel.length >= before.length + after.length &&
    hostLabel.startsWith(before) &&
    hostLabel.endsWith(after)
  );
}

/** As Erlang's `string:tokens/2`: empty labels vanish, a trailing dot with them. */
function labels(name: string): string[] {
  return lower(name)
    .split('.')
    .filter((label) => label !== '');
}

/** Folds ASCII only: other letters have no case in host names. */
function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Host names that references imply (OTP's fqdn_fun), without empty ones and address literals. */
function fqdns(references: readonly Id[], hooks: HostnameCheckHooks): string[] {
  const names: string[] = [];
  for (const reference of references) {
    const answer = hooks.fqdnFun === undefined ? 'default' : hooks.fqdnFun(publicId(reference));
    const name = answer === 'default' ? defaultFqdn(reference) : answer;
    if (name !== undefined && name !== '' && !isAddressLiteral(name)) names.push(name);
  }
  return names;
}

function defaultFqdn(reference: Id): string | undefined {
  if (typeof reference.value !== 'string') return undefined;
  if (reference.tag === 'dns_id') return reference.value;
  if (reference.tag !== 'uri_id') return undefined;
  const authority = /^https:\/\/([^/?#]*)/i.exec(reference.value)?.[1];
  if (authority === undefined) return undefined;
  return lower(authority.slice(authority.lastIndexOf('@') + 1).replace(/:[0-9]*$/, ''));
}

function idsOf(reference: ReferenceId): Id[] {
  return Object.entries(reference).map(([tag, value]) => ({
    tag,
    value: typeof value === 'string' ? value : Uint8Array.from(value),
  }));
}

function presentedId(name: GeneralName): Id[] {
  switch (name.type) {
    case 'rfc822Name':
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return [{ tag: name.type, value: name.text }];
    case 'iPAddress':
      return [{ tag: name.type, value: name.address }];
    case 'otherName': {
      const service = name.oid === '1.3.6.1.5.5.7.8.7' ? ia5Text(name.value) : undefined;
      return [
        service === undefined ? { tag: name.type, value: name.value } : { tag: 'srvName', value: service },
      ];
    }
    case 'directoryName':
      return [{ tag: name.type, value: name.name.raw }];
    case 'registeredID':
      return [{ tag: name.type, value: name.oid }];
    case 'x400Address':
    case 'ediPartyName':
      return [{ tag: name.type, value: name.raw }];
  }
}

/** An SRVName's text (RFC 4985 §2). */
function ia5Text(value: Uint8Array): string | undefined {
  try {
    return decodeAll(value, (reader) => ia5(reader, Tag.ia5String));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Octets of an IPv4 or IPv6 address in its plain text form, without zone; `undefined`: it is none. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (
    parts.length !== 4 ||
    !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
  ) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  let body = text;
  const tail: number[] = [];
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(text);
  if (dotted !== null) {
    const mapped = parseIpv4(dotted[2] ?? '');
    if (mapped === undefined) return undefined;
    tail.push(...mapped);
    body = `${dotted[1] ?? ''}0:0`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (!groups.flat().every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const [head = [], rest = []] = groups;
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...rest].map((group) =>
    Number.parseInt(group, 16),
  );
  const octets = all.flatMap((group) => [group >> 8, group & 0xff]);
  if (tail.length > 0) octets.splice(12, 4, ...tail);
  return Uint8Array.from(octets);
}

/** What Erlang's `inet:parse_address/1` takes: shortened, octal and hexadecimal IPv4 too. */
function isAddressLiteral(text: string): boolean {
  if (text.includes(':')) return parseIpv6(text.replace(/%.*$/, '')) !== undefined;
  const parts = text.split('.');
  return parts.length <= 4 && parts.every((part) => /^(0x[0-9a-f]+|[0-9]+)$/i.test(part));
}
