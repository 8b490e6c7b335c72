/**
 * From a reason to what the peer, the user and the operator are told: alert (contract §7.4), OTP's term, and an
 * explanation that names certificate, rule and a way out.
 */

import { addressText } from '../address.js';
import type { PublicKey } from '../crypto/engine.js';
import { hex } from '../hex.js';
import type { AlertDescription } from '../registry/alerts.js';
import type { Certificate } from './certificate.js';
import type { GeneralName } from './extensions/general-name.js';
import { type KeyUse, usageRules } from './key-use.js';
import { Oid } from './oids.js';
import type { BadCertReason } from './path.js';

/** The judgement on a peer's chain. Fits the sink's `Verdict`, with more for logs and error messages. */
export type PeerVerdict =
  | {
      readonly ok: PublicKey;
      /** The validated path, peer first, anchor last. */
      readonly path: readonly Certificate[];
    }
  | {
      readonly reject: {
        readonly alert: AlertDescription;
        /** Appended to the alert's text, in OTP's terms; `undefined` where OTP says no more than the alert. */
        readonly detail: unknown;
        readonly explanation: Explanation;
      };
    };

export interface Explanation {
  /** R of `{bad_cert, R}`, or what else went wrong. */
  readonly reason: unknown;
  /** The rule's name: R or its tag, and finer where one R stands for two. */
  readonly name: string;
  /** RFC 4514, or `undefined` when no certificate could be read. */
  readonly subject: string | undefined;
  /** hex; RFC 5280 §4.1.2.2 allows 20 octets, what a peer makes longer is cut. */
  readonly serial: string | undefined;
  /** `peer certificate`, `trust anchor`, `CA certificate 2 above the peer's`. */
  readonly place: string;
  /** The rule that was broken, in words. */
  readonly rule: string;
  /** What a person can do about it. */
  readonly hint: string | undefined;
}

/** One line for a log. */
export function explain(explanation: Explanation): string {
  const { place, subject, serial, rule, hint } = explanation;
  const who = subject === undefined ? place : `${place} "${subject}" (serial ${serial})`;
  return `${who}: ${rule}${hint === undefined ? '' : `; ${hint}`}`;
}

/** Contract §7.4. */
export function alertOf(reason: BadCertReason): {
  readonly alert: AlertDescription;
  readonly detail: unknown;
} {
  switch (reason) {
    case 'cert_expired':
      return { alert: 'certificate_expired', detail: undefined };
    case 'invalid_issuer':
    case 'invalid_signature':
    case 'name_not_permitted':
    case 'selfsigned_peer':
      return { alert: 'bad_certificate', detail: undefined };
    case 'unknown_critical_extension':
      return { alert: 'unsupported_certificate', detail: undefined };
    case 'unknown_ca':
      return { alert: 'unknown_ca', detail: undefined };
    default:
  }
  if (hasTag(reason, 'revoked')) return { alert: 'certificate_revoked', detail: undefined };
  if (hasTag(reason, 'revocation_status_undetermined')) {
    return { alert: 'bad_certificate', detail: reason.revocation_status_undetermined };
  }
  return { alert: 'handshake_failure', detail: { bad_cert: reason } };
}

function hasTag<K extends string>(reason: unknown, tag: K): reason is Readonly<Record<K, unknown>> {
  return typeof reason === 'object' && reason !== null && tag in reason;
}

/** What the peer's own certificate was to do. */
interface Expected {
  /** Bear this name. */
  readonly host?: string | undefined;
  readonly use: KeyUse;
}

/** A rejection by a reason of the path validation. `above` counts from the peer's certificate (0). */
export function rejection(
  reason: BadCertReason,
  certificate: Certificate | undefined,
  above: number,
  now: number,
  { host, use }: Expected,
): PeerVerdict {
  const { alert, detail } = alertOf(reason);
  const place = above === 0 ? 'peer certificate' : `CA certificate ${above} above the peer's`;
  return {
    reject: {
      alert,
      detail,
      explanation: {
        reason,
        name: nameOf(reason, certificate, now),
        subject: certificate?.subject.toString(),
        serial: certificate && printOctets(certificate.serial),
        place,
        rule: ruleOf(reason, certificate, above, now, use),
        hint: hintOf(reason, certificate, now, host),
      },
    },
  };
}

/** A rejection for another cause than a judgement: bytes that are no certificate, a function that threw. */
export function failure(alert: AlertDescription, reason: unknown, rule: string): PeerVerdict {
  return {
    reject: {
      alert,
      detail: reason,
      explanation: {
        reason,
        name: tagOf(reason) ?? 'malformed_certificate',
        subject: undefined,
        serial: undefined,
        place: 'peer certificate chain',
        rule,
        hint: undefined,
      },
    },
  };
}

/** OTP has one reason for certificates that are too old and too young. */
function nameOf(reason: unknown, certificate: Certificate | undefined, now: number): string {
  if (reason === 'cert_expired' && certificate !== undefined && now < certificate.notBefore)
    return 'cert_not_yet_valid';
  return tagOf(reason) ?? 'refused_by_verify_fun';
}

function tagOf(reason: unknown): string | undefined {
  if (typeof reason === 'string') return reason;
  return typeof reason === 'object' && reason !== null ? Object.keys(reason)[0] : undefined;
}

function ruleOf(
  reason: BadCertReason,
  certificate: Certificate | undefined,
  above: number,
  now: number,
  use: KeyUse,
): string {
  if (typeof reason === 'string') {
    if (reason === 'cert_expired' && certificate !== undefined) {
      return now < certificate.notBefore
        ? `not valid before ${date(certificate.notBefore)}`
        : `expired on ${date(certificate.notAfter)}`;
    }
    if (reason === 'invalid_key_usage' && above === 0) return usageRules[use].rule;
    const known = Object.hasOwn(rules, reason) ? rules[reason] : undefined;
    if (known !== undefined) return known;
  }
  if (hasTag(reason, 'revoked')) return `revoked by its issuer (${String(reason.revoked)})`;
  if (hasTag(reason, 'revocation_status_undetermined')) return 'its revocation status could not be found out';
  if (hasTag(reason, 'weak_key')) return `its public key is too weak (${String(reason.weak_key)})`;
  return 'refused by verify_fun';
}

const rules: Readonly<Record<string, string>> = {
  unknown_ca: 'no trusted CA issued it',
  selfsigned_peer: 'self-signed',
  invalid_issuer: 'its issuer is not the certificate above it',
  invalid_signature:
    'its signature is wrong, or made by an algorithm that is not allowed (signature_algs_cert)',
  name_not_permitted: 'a CA above it does not permit one of its names (RFC 5280 §4.2.1.10)',
  invalid_key_usage: 'a CA whose key usage does not allow to sign certificates (RFC 5280 §4.2.1.3)',
  invalid_ext_key_usage: 'its extended key usage does not allow this role (RFC 5280 §4.2.1.12)',
  missing_basic_constraint: 'issued a certificate without being a CA (RFC 5280 §4.2.1.9)',
  max_path_length_reached: 'more CA certificates above it than depth or a path length constraint allows',
  unknown_critical_extension: 'has a critical extension that is not understood (RFC 5280 §4.2)',
  extensions_before_version_3: 'of version 1 or 2, which has no extensions, and has some (RFC 5280 §4.1.2.9)',
  duplicate_extension: 'has an extension twice (RFC 5280 §4.2)',
  policy_requirement_not_met: 'no certificate policy is valid for the whole path (RFC 5280 §6.1)',
  hostname_check_failed: 'issued for other names',
  unsupported_public_key: 'its public key is of a kind that is not supported, or malformed',
  work_limit_exceeded: 'the chain needs more work to check than a handshake may cost',
};

function hintOf(
  reason: BadCertReason,
  certificate: Certificate | undefined,
  now: number,
  wantedHost: string | undefined,
): string | undefined {
  if (certificate === undefined) return undefined;
  switch (reason) {
    case 'unknown_ca': {
      const where = issuerLocations(certificate).slice(0, MOST_LOCATIONS).map(printText);
      if (certificate.selfIssued) return 'it is a root that is not in cacerts';
      const fetch = where.length > 0 ? `; the issuer's certificate is at ${where.join(', ')}` : '';
      return `add "${certificate.issuer}" to cacerts, or have the peer send its intermediates${fetch}`;
    }
    case 'selfsigned_peer':
      return 'accept it in verify_fun, or have a CA issue it';
    case 'cert_expired':
      return now < certificate.notBefore ? 'check the clock' : 'renew it';
    case 'invalid_ext_key_usage':
      return "a server's certificate needs serverAuth, a client's clientAuth";
    case 'hostname_check_failed':
      return `it has ${namesOf(certificate)}${wantedHost === undefined ? '' : `, wanted is ${wantedHost}`}`;
    default:
      return undefined;
  }
}

/** URLs of caIssuers (RFC 5280 §4.2.2.1). */
export function issuerLocations(certificate: Certificate): readonly string[] {
  try {
    const access = certificate.decode(Oid.authorityInfoAccess) ?? [];
    return access.flatMap(({ method, location }) =>
      method === Oid.adCaIssuers && location.type === 'uniformResourceIdentifier' ? [location.text] : [],
    );
  } catch {
    return [];
  }
}

const MOST_NAMES = 8;
const MOST_LOCATIONS = 2;

function namesOf(certificate: Certificate): string {
  const names = certificate.subjectAltName ?? [];
  if (names.length === 0) return `no alternative names, subject "${certificate.subject}"`;
  const shown = names.slice(0, MOST_NAMES).map(printName);
  return names.length > MOST_NAMES
    ? `${shown.join(', ')} and ${names.length - MOST_NAMES} more`
    : shown.join(', ');
}

function printName(name: GeneralName): string {
  switch (name.type) {
    case 'dNSName':
    case 'rfc822Name':
    case 'uniformResourceIdentifier':
      return printText(name.text);
    case 'iPAddress':
      return printAddress(name.address);
    case 'directoryName':
      return `"${name.name}"`;
    case 'otherName':
    case 'registeredID':
      return `${name.type} ${name.oid}`;
    case 'x400Address':
    case 'ediPartyName':
      return name.type;
  }
}

/** Whatever a hostile certificate holds, a log line stays one line, and short: cut first, then escaped. */
function printText(text: string): string {
  const shown = JSON.stringify(text.slice(0, LONGEST_TEXT)).slice(1, -1);
  return text.length > LONGEST_TEXT ? `${shown}…` : shown;
}

const LONGEST_TEXT = 100;

function printAddress(address: Uint8Array): string {
  const known = address.length === 4 || address.length === 16;
  return known ? addressText(address) : `#${printOctets(address)}`;
}

function printOctets(octets: Uint8Array): string {
  return octets.length > MOST_OCTETS ? `${hex(octets.subarray(0, MOST_OCTETS))}…` : hex(octets);
}

const MOST_OCTETS = 32;

function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
