/**
 * What name constraints permit (RFC 5280 §4.2.1.10, §6.1.3 b–c, §6.1.4 g).
 *
 * Permitted subtrees of several CAs are kept as one list per CA and not intersected: a name has to lie in each
 * list that says anything about its type. That is the intersection, without OTP's ways of computing it.
 */
import type { Certificate } from './certificate.js';
import type { GeneralName } from './extensions/general-name.js';
import type { NameConstraints } from './extensions/name-constraints.js';
import { AttributeType } from './name.js';
import type { Work } from './work.js';

/** What constraints look at. */
export type Constrained = Pick<Certificate, 'subject' | 'subjectAltName'>;

/** All constraints on the way from the anchor, immutable. */
export class ConstraintSet {
  static readonly none: ConstraintSet = new ConstraintSet([], []);
  readonly #permitted: readonly (readonly GeneralName[])[];
  readonly #excluded: readonly GeneralName[];

  private constructor(permitted: readonly (readonly GeneralName[])[], excluded: readonly GeneralName[]) {
    this.#permitted = permitted;
    this.#excluded = excluded;
  }

  with(constraints: NameConstraints): ConstraintSet {
    const permitted =
      constraints.permitted.length > 0 ? [...this.#permitted, constraints.permitted] : this.#permitted;
    return new ConstraintSet(permitted, [...this.#excluded, ...constraints.excluded]);
  }

  /**
   * Whether all names of a certificate are permitted. With `commonNames`, a certificate without alternative
   * names has its common names checked as host names, because the host name check will use them so.
   */
  permits(certificate: Constrained, commonNames: boolean, work: Work): boolean {
    if (this.#permitted.length === 0 && this.#excluded.length === 0) return true;
    return namesOf(certificate, commonNames).every((name) => this.#permitsName(name, work));
  }

  #permitsName(name: GeneralName, work: Work): boolean {
    const cost = costOf(name);
    for (const base of this.#excluded) {
      if (!sameType(name, base)) continue;
      work.spend('comparisons', cost);
      if (isExcluded(name, base)) return false;
    }
    for (const list of this.#permitted) {
      let constrained = false;
      let permitted = false;
      for (const base of list) {
        if (!sameType(name, base)) continue;
        work.spend('comparisons', cost);
        constrained = true;
        if (isPermitted(name, base)) {
          permitted = true;
          break;
        }
      }
      if (constrained && !permitted) return false;
    }
    return true;
  }
}

/** Each comparison walks over the name: a long one costs as many short ones as it is long. */
function costOf(name: GeneralName): number {
  return 'text' in name ? 1 + Math.floor(name.text.length / 256) : 1;
}

/** Every name that constraints apply to: subject, e-mail addresses in it, alternative names. */
function namesOf(certificate: Constrained, commonNames: boolean): GeneralName[] {
  const { subject, subjectAltName } = certificate;
  const names: GeneralName[] = [];
  if (!subject.isEmpty) names.push({ type: 'directoryName', name: subject });
  for (const { text } of subject.valuesOf(AttributeType.emailAddress)) {
    if (text !== undefined) names.push({ type: 'rfc822Name', text });
  }
  if (subjectAltName !== undefined && subjectAltName.length > 0) return [...names, ...subjectAltName];
  if (!commonNames) return names;
  for (const { text } of subject.valuesOf(AttributeType.commonName)) {
    if (text !== undefined && /^[a-z0-9*_-]+(\.[a-z0-9*_-]+)+\.?$/i.test(text))
      names.push({ type: 'dNSName', text });
  }
  return names;
}

function sameType(name: GeneralName, base: GeneralName): boolean {
  return (
    name.type === base.type &&
    (name.type !== 'otherName' || base.type !== 'otherName' || name.oid === base.oid)
  );
}

function isPermitted(name: GeneralName, base: GeneralName): boolean {
  switch (name.type) {
    case 'directoryName':
      return base.type === name.type && name.name.isWithin(base.name);
    case 'dNSName':
      return base.type === name.type && isHostName(name.text) && dnsWithin(name.text, base.text);
    case 'rfc822Name':
      return base.type === name.type && mailWithin(name.text, base.text);
    case 'uniformResourceIdentifier':
      return base.type === name.type && uriWithin(name.text, base.text) === true;
    case 'iPAddress':
      return base.type === name.type && addressWithin(name.address, base.address) === true;
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      // RFC 5280 §4.2.1.10: a constraint on a name form one cannot process means refusing names of that form.
      return false;
  }
}

function isExcluded(name: GeneralName, base: GeneralName): boolean {
  switch (name.type) {
    case 'directoryName':
      return base.type === name.type && name.name.isWithin(base.name);
    case 'dNSName':
      return base.type === name.type && dnsTouches(name.text, base.text);
    case 'rfc822Name':
      return base.type === name.type && (!isMailbox(name.text) || mailWithin(name.text, base.text));
    case 'uniformResourceIdentifier':
      // §4.2.1.10: a URI without a host that is a name must be refused where URIs are constrained.
      return base.type === name.type && uriWithin(name.text, base.text) !== false;
    case 'iPAddress':
      return base.type === name.type && addressWithin(name.address, base.address) !== false;
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return true;
  }
}

/** Letters, digits, hyphens, underscores, and a whole first label of `*`. */
function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i.test(text)
  );
}

/** `name` is `base`, or has it as its last labels. A base with a leading dot is no DNS name and holds nothing. */
function dnsWithin(name: string, base: string): boolean {
  if (base === '') return true;
  const lowerName = stripDot(name.toLowerCase());
  const lowerBase = stripDot(base.toLowerCase());
  return lowerName === lowerBase || lowerName.endsWith(`.${lowerBase}`);
}

/** Exclusion has to bite for every host that a wildcard stands for, and also when the base is written with a dot. */
function dnsTouches(name: string, base: string): boolean {
  const plainBase = base.startsWith('.') ? base.slice(1) : base;
  // A base that is no host name was meant to exclude something: nobody knows what.
  if (plainBase !== '' && (plainBase.includes('*') || !isHostName(plainBase))) return true;
  if (dnsWithin(name, plainBase)) return true;
  if (!name.startsWith('*.')) return false;
  const parent = name.slice(2);
  const dot = plainBase.indexOf('.');
  return (
    dnsWithin(parent, plainBase) ||
    (dot > 0 && stripDot(plainBase.slice(dot + 1).toLowerCase()) === stripDot(parent.toLowerCase()))
  );
}

function stripDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function isMailbox(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && at < text.length - 1 && !text.slice(0, at).includes('@') && !/\s/.test(text);
}

/** A mailbox against a mailbox (local part by case), a host, or a domain with a leading dot. */
function mailWithin(mailbox: string, base: string): boolean {
  if (!isMailbox(mailbox)) return false;
  const at = mailbox.lastIndexOf('@');
  const host = mailbox.slice(at + 1).toLowerCase();
  const baseAt = base.lastIndexOf('@');
  if (baseAt >= 0) {
    return mailbox.slice(0, at) === base.slice(0, baseAt) && host === base.slice(baseAt + 1).toLowerCase();
  }
  return hostWithin(host, base.toLowerCase());
}

/** Exactly that host, or with a leading dot anything below it; an empty base is everything. */
function hostWithin(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.endsWith(base) && host.length > base.length : host === base;
}

/** `undefined`: the URI has no host name to compare. */
function uriWithin(uri: string, base: string): boolean | undefined {
  const host = hostOfUri(uri);
  if (host === undefined || /^[0-9.]+$/.test(host) || host.startsWith('[')) return undefined;
  // OTP takes a constraint written as a whole URI too; its host is what counts.
  return hostWithin(host, (hostOfUri(base) ?? base).toLowerCase());
}

/** Host of `scheme://authority…`, lower case (RFC 3986 §3.2). */
function hostOfUri(uri: string): string | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri);
  const authority = match?.[1];
  if (authority === undefined) return undefined;
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:[0-9]*$/, '');
  return host === '' ? undefined : host.toLowerCase();
}

/** Address and mask; `undefined`: malformed on either side. Families do not hold each other. */
function addressWithin(address: Uint8Array, base: Uint8Array): boolean | undefined {
  if (address.length !== 4 && address.length !== 16) return undefined;
  if ((base.length !== 8 && base.length !== 32) || !isPrefixMask(base.subarray(base.length / 2)))
    return undefined;
  if (base.length !== address.length * 2) return false;
  for (let i = 0; i < address.length; i++) {
    const mask = base[address.length + i] ?? 0;
    if (((address[i] ?? 0) & mask) !== ((base[i] ?? 0) & mask)) return false;
  }
  return true;
}

/** RFC 5280 wants CIDR (RFC 4632): ones, then zeros. */
function isPrefixMask(mask: Uint8Array): boolean {
  let ended = false;
  for (const octet of mask) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      const set = (octet & bit) !== 0;
      if (set && ended) return false;
      if (!set) ended = true;
    }
  }
  return true;
}
