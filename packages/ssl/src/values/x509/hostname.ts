/**
 * Does a certificate belong to a host? OTP's `public_key:pkix_verify_hostname/3`, with the wildcards of RFC 9525.
 *
 * Identifiers are written as OTP writes its pairs: `{ dns_id: 'www.example.org' }` refers, `{ dNSName: '…' }` is
 * presented.
 */
import { parseAddress, parseAnyAddress } from '../address.js';
import { hostName, hostNameOfUri, hostPattern, lowerAscii, standsFor } from '../host-name.js';
import type { Certificate } from './certificate.js';
import { DerError, decodeAll, Tag } from './der.js';
import { type GeneralName, ia5 } from './extensions/general-name.js';
import { presentedNames } from './presented-names.js';

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
  const has = presentedNames(certificate);
  if (has.type === 'common') {
    const names = has.names.map((value) => ({ tag: 'cn', value }));
    return anyPair(fqdns(ids, hooks), names, certificate, hooks);
  }
  const presented = has.names.map(presentedId);
  if (anyPair(ids, presented, certificate, hooks)) return true;
  const hosts = fqdns(ids, hooks).map((value) => ({ tag: 'dns_id', value }));
  const tried = (host: Id): boolean => ids.some(({ tag, value }) => tag === host.tag && value === host.value);
  return anyPair(
    hosts.filter((host) => !tried(host)),
    presented,
    certificate,
    hooks,
  );
}

/** A rule for one pair of names; `'default'`: the rule of `verifyHostname` itself decides. */
export type MatchFun = NonNullable<HostnameCheckHooks['matchFun']>;

/**
 * `pkix_verify_hostname_match_fun(https)`: wildcards in a dNSName, by RFC 9525 §6.3 where OTP 25 has RFC 2818. That is
 * also what `verifyHostname` does when nobody says otherwise.
 */
export const httpsMatchFun: MatchFun = (reference, presented) => {
  const pair = hostPair(reference, presented);
  return pair === undefined ? 'default' : hostMatches(...pair);
};

/** RFC 9525 to the letter: as `httpsMatchFun`, and a common name is nobody's name (§2). */
export const rfc9525MatchFun: MatchFun = (reference, presented) =>
  typeof reference === 'string' ? false : httpsMatchFun(reference, presented);

/** OTP 25's default: a dNSName has to be the name asked for, letter by letter; one with a wildcard is nobody's. */
export const exactMatchFun: MatchFun = (reference, presented) => {
  const pair = hostPair(reference, presented);
  if (pair === undefined) return 'default';
  const [host, name] = pair;
  return hostName(host) !== undefined && lowerAscii(host) === lowerAscii(name);
};

/** A host name beside a dNSName, if they are these. */
function hostPair(
  reference: ReferenceId | string,
  { dNSName: name }: PresentedId,
): readonly [string, string] | undefined {
  if (typeof reference === 'string') return undefined;
  const { dns_id: host } = reference;
  return typeof host === 'string' && typeof name === 'string' ? [host, name] : undefined;
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

/** OTP's default match, but a dNSName may have a wildcard, as a common name may in OTP. */
function matchesByDefault(reference: Id | string, presented: Id): boolean {
  const { tag, value } = presented;
  if (typeof reference === 'string')
    return tag === 'cn' && typeof value === 'string' && hostMatches(reference, value);
  if (tag === 'iPAddress') return reference.tag === 'ip' && sameAddress(reference.value, value);
  if (typeof reference.value !== 'string' || typeof value !== 'string') return false;
  if (presentedTags[reference.tag] !== tag) return false;
  return reference.tag === 'dns_id'
    ? hostMatches(reference.value, value)
    : lowerAscii(reference.value) === lowerAscii(value);
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

/** Whether a name of a certificate stands for the host asked for; what is no host name stands for nothing. */
function hostMatches(reference: string, presented: string): boolean {
  // Either is at most one dot longer than its one form; a wildcard is shorter by the label that it stands for.
  const { length } = presented;
  if (!presented.startsWith('*') && Math.abs(length - reference.length) > 1) return false;
  const host = hostName(reference);
  const pattern = hostPattern(presented);
  return host !== undefined && pattern !== undefined && standsFor(pattern, host);
}

/** Host names that references imply (OTP's fqdn_fun), without empty ones and address literals. */
function fqdns(references: readonly Id[], hooks: HostnameCheckHooks): string[] {
  const names: string[] = [];
  for (const reference of references) {
    const answer = hooks.fqdnFun === undefined ? 'default' : hooks.fqdnFun(publicId(reference));
    const name = answer === 'default' ? defaultFqdn(reference) : answer;
    if (name !== undefined && name !== '' && parseAnyAddress(name) === undefined) names.push(name);
  }
  return names;
}

function defaultFqdn(reference: Id): string | undefined {
  if (typeof reference.value !== 'string') return undefined;
  if (reference.tag === 'dns_id') return reference.value;
  if (reference.tag !== 'uri_id' || !/^https:/i.test(reference.value)) return undefined;
  return hostNameOfUri(reference.value);
}

function idsOf(reference: ReferenceId): Id[] {
  return Object.entries(reference).map(([tag, value]) => ({
    tag,
    value: typeof value === 'string' ? value : Uint8Array.from(value),
  }));
}

function presentedId(name: GeneralName): Id {
  switch (name.type) {
    case 'rfc822Name':
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return { tag: name.type, value: name.text };
    case 'iPAddress':
      return { tag: name.type, value: name.address };
    case 'otherName': {
      const service = name.oid === '1.3.6.1.5.5.7.8.7' ? ia5Text(name.value) : undefined;
      return service === undefined
        ? { tag: name.type, value: name.value }
        : { tag: 'srvName', value: service };
    }
    case 'directoryName':
      return { tag: name.type, value: name.name.raw };
    case 'registeredID':
      return { tag: name.type, value: name.oid };
    case 'x400Address':
    case 'ediPartyName':
      return { tag: name.type, value: name.raw };
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
