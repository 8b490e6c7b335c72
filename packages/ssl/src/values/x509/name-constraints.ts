/**
 * What name constraints permit (RFC 5280 §4.2.1.10, §6.1.3 b–c, §6.1.4 g).
 *
 * Permitted subtrees of several CAs are kept as one list per CA and not intersected: a name has to lie in each
 * list that says anything about its type. That is the intersection, without OTP's ways of computing it.
 *
 * Host names are compared in their one form, the one that the host name check knows (`values/host-name.ts`). A name
 * that has none lies in no permitted subtree and in every excluded one of its type.
 */
import {
  type HostName,
  type HostPattern,
  hostName,
  hostNameOfUri,
  hostPattern,
  isWithinDomain,
  parentOf,
} from '../host-name.js';
import type { GeneralName } from './extensions/general-name.js';
import type { NameConstraints } from './extensions/name-constraints.js';
import { AttributeType } from './name.js';
import { type NamesOf, presentedNames } from './presented-names.js';
import type { Work } from './work.js';

/** A type of name whose text holds a host name. */
type HostType = Extract<GeneralName, { readonly text: string }>['type'];

/** A name as constraints see it; `undefined`: not well-formed. */
type ConstrainedName =
  | { readonly type: 'dNSName'; readonly host: HostPattern | undefined }
  | { readonly type: 'rfc822Name'; readonly mailbox: Mailbox | undefined }
  | { readonly type: 'uniformResourceIdentifier'; readonly host: HostName | undefined }
  | Exclude<GeneralName, { readonly text: string }>;

interface Mailbox {
  /** Compared by case. */
  readonly local: string;
  readonly host: HostName;
}

/** The base of a subtree. */
type Base =
  | { readonly type: HostType; readonly tree: HostTree }
  | Exclude<GeneralName, { readonly text: string }>;

/** What a constraint on host names holds: all of them, one mailbox, a host or domain, or nobody knows what. */
type HostTree =
  | { readonly holds: 'all' | 'unclear' }
  | { readonly holds: 'mailbox'; readonly mailbox: Mailbox }
  /** `below`: it was written with a dot in front. */
  | { readonly holds: 'host' | 'below'; readonly host: HostName };

/** All constraints on the way from the anchor, immutable. */
export class ConstraintSet {
  static readonly none: ConstraintSet = new ConstraintSet([], []);
  readonly #permitted: readonly (readonly Base[])[];
  readonly #excluded: readonly Base[];

  private constructor(permitted: readonly (readonly Base[])[], excluded: readonly Base[]) {
    this.#permitted = permitted;
    this.#excluded = excluded;
  }

  with({ excluded, permitted }: NameConstraints): ConstraintSet {
    const lists = permitted.length > 0 ? [...this.#permitted, permitted.map(baseOf)] : this.#permitted;
    return new ConstraintSet(lists, [...this.#excluded, ...excluded.map(baseOf)]);
  }

  /**
   * Whether all names of a certificate are permitted. With `commonNames`, a certificate without alternative
   * names has its common names checked as host names, because the host name check will use them so.
   */
  permits(certificate: NamesOf, commonNames: boolean, work: Work): boolean {
    if (this.#permitted.length === 0 && this.#excluded.length === 0) return true;
    return namesOf(certificate, commonNames).every((name) => this.#permitsName(judged(name), work));
  }

  #permitsName(name: ConstrainedName, work: Work): boolean {
    for (const base of this.#excluded) {
      if (!sameType(name, base)) continue;
      work.spend('comparisons');
      if (isExcluded(name, base)) return false;
    }
    for (const list of this.#permitted) {
      let constrained = false;
      let permitted = false;
      for (const base of list) {
        if (!sameType(name, base)) continue;
        work.spend('comparisons');
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

/** Every name that constraints apply to: subject, e-mail addresses in it, alternative names or common names. */
function namesOf(certificate: NamesOf, commonNames: boolean): GeneralName[] {
  const { subject } = certificate;
  const names: GeneralName[] = [];
  if (!subject.isEmpty) names.push({ type: 'directoryName', name: subject });
  for (const { text } of subject.valuesOf(AttributeType.emailAddress)) {
    if (text !== undefined) names.push({ type: 'rfc822Name', text });
  }
  const presented = presentedNames(certificate);
  if (presented.type === 'alternative') return [...names, ...presented.names];
  if (!commonNames) return names;
  return [...names, ...presented.names.map((text) => ({ type: 'dNSName', text }) as const)];
}

function judged(name: GeneralName): ConstrainedName {
  switch (name.type) {
    case 'dNSName':
      return { type: name.type, host: hostPattern(name.text) };
    case 'rfc822Name':
      return { type: name.type, mailbox: mailboxOf(name.text) };
    case 'uniformResourceIdentifier':
      return { type: name.type, host: hostNameOfUri(name.text) };
    default:
      return name;
  }
}

/** RFC 5321 §4.1.2; a domain that is an address in brackets is no host name. */
function mailboxOf(text: string): Mailbox | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const host = hostName(text.slice(at + 1));
  return local === '' || /[@\s]/.test(local) || host === undefined ? undefined : { local, host };
}

function baseOf(base: GeneralName): Base {
  switch (base.type) {
    case 'dNSName':
      return { type: base.type, tree: treeOf(base.text) };
    case 'rfc822Name': {
      if (!base.text.includes('@')) return { type: base.type, tree: treeOf(base.text) };
      const mailbox = mailboxOf(base.text);
      return { type: base.type, tree: mailbox ? { holds: 'mailbox', mailbox } : { holds: 'unclear' } };
    }
    case 'uniformResourceIdentifier':
      // OTP takes a constraint written as a whole URI too; its host is what counts.
      return { type: base.type, tree: treeOf(hostNameOfUri(base.text) ?? base.text) };
    default:
      return base;
  }
}

function treeOf(text: string): HostTree {
  if (text === '') return { holds: 'all' };
  const below = text.startsWith('.');
  const host = hostName(below ? text.slice(1) : text);
  return host === undefined ? { holds: 'unclear' } : { holds: below ? 'below' : 'host', host };
}

function sameType(name: ConstrainedName, base: Base): boolean {
  return (
    name.type === base.type &&
    (name.type !== 'otherName' || base.type !== 'otherName' || name.oid === base.oid)
  );
}

function isPermitted(name: ConstrainedName, base: Base): boolean {
  switch (name.type) {
    case 'directoryName':
      return base.type === name.type && name.name.isWithin(base.name);
    case 'dNSName':
      return base.type === name.type && name.host !== undefined && dnsWithin(name.host, base.tree);
    case 'rfc822Name':
      return base.type === name.type && name.mailbox !== undefined && mailWithin(name.mailbox, base.tree);
    case 'uniformResourceIdentifier':
      return base.type === name.type && name.host !== undefined && hostWithin(name.host, base.tree);
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

function isExcluded(name: ConstrainedName, base: Base): boolean {
  switch (name.type) {
    case 'directoryName':
      return base.type === name.type && name.name.isWithin(base.name);
    case 'dNSName':
      return base.type === name.type && (name.host === undefined || dnsTouches(name.host, base.tree));
    case 'rfc822Name':
      return base.type === name.type && (name.mailbox === undefined || mailTouches(name.mailbox, base.tree));
    case 'uniformResourceIdentifier':
      // §4.2.1.10: a URI without a host that is a name must be refused where URIs are constrained.
      return base.type === name.type && (name.host === undefined || hostTouches(name.host, base.tree));
    case 'iPAddress':
      return base.type === name.type && addressWithin(name.address, base.address) !== false;
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return true;
  }
}

/** A domain and all below it. A base with a leading dot is no DNS name and permits nothing. */
function dnsWithin({ name }: HostPattern, tree: HostTree): boolean {
  return tree.holds === 'all' || (tree.holds === 'host' && isWithinDomain(name, tree.host));
}

/** Exclusion has to bite for every host that a wildcard stands for, and also when the base is written with a dot. */
function dnsTouches({ name, wildcard }: HostPattern, tree: HostTree): boolean {
  // A base that is no host name was meant to exclude something: nobody knows what.
  if (tree.holds !== 'host' && tree.holds !== 'below') return true;
  return isWithinDomain(name, tree.host) || (wildcard && parentOf(tree.host) === name);
}

/** A mailbox against a mailbox (local part by case), a host, or a domain with a leading dot. */
function mailWithin({ host, local }: Mailbox, tree: HostTree): boolean {
  if (tree.holds !== 'mailbox') return hostWithin(host, tree);
  return local === tree.mailbox.local && host === tree.mailbox.host;
}

function mailTouches(mailbox: Mailbox, tree: HostTree): boolean {
  return tree.holds === 'unclear' || mailWithin(mailbox, tree);
}

/** Exactly that host, or with a leading dot anything below it. */
function hostWithin(host: HostName, tree: HostTree): boolean {
  switch (tree.holds) {
    case 'all':
      return true;
    case 'host':
      return host === tree.host;
    case 'below':
      return host !== tree.host && isWithinDomain(host, tree.host);
    case 'mailbox':
    case 'unclear':
      return false;
  }
}

function hostTouches(host: HostName, tree: HostTree): boolean {
  return tree.holds === 'unclear' || hostWithin(host, tree);
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
