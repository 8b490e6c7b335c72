/**
 * Host names in their one form: lower case ASCII, without the dot at the end (RFC 1034 §3.1, RFC 5890 §2.3.1).
 *
 * Whoever compares host names (the matcher of certificates, name constraints, server_name) does so in this form, so
 * that none of them can read a name otherwise than another. What has no such form is nobody's name.
 */

declare const canonical: unique symbol;

/** A host name that was brought into its one form. Equal names are equal strings. */
export type HostName = string & { readonly [canonical]: true };

/** What a certificate may present: a host name, or `*.` before one for every name of one label more. */
export interface HostPattern {
  readonly wildcard: boolean;
  /** Without the `*.`. */
  readonly name: HostName;
}

/** Characters of a name at most (RFC 1035 §2.3.4, without the dot at the end). */
const MAX_LENGTH = 253;

/** Underscores are no part of a host name in RFC 952's sense, but such names are in use. */
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const wellFormed = new RegExp(`^(?:${label}\\.)*${label}$`);

/** What resolvers take for an address and not for a name (RFC 1123 §2.1: the last label of a name is no number). */
const number = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/** The name in its one form; one dot at its end is no part of it. `undefined`: no host name, or not in ASCII. */
export function hostName(text: string): HostName | undefined {
  if (text.length > MAX_LENGTH + 1) return undefined;
  const name = lowerAscii(text.endsWith('.') ? text.slice(0, -1) : text);
  return isHostName(name) ? name : undefined;
}

function isHostName(text: string): text is HostName {
  if (text.length > MAX_LENGTH || !wellFormed.test(text)) return false;
  return !number.test(text.slice(text.lastIndexOf('.') + 1));
}

/** A name of a certificate; RFC 9525 §6.3: a wildcard is the whole left-most label, or the name is no name. */
export function hostPattern(text: string): HostPattern | undefined {
  const wildcard = text.startsWith('*.');
  const name = hostName(wildcard ? text.slice(2) : text);
  return name === undefined ? undefined : { wildcard, name };
}

/** Whether a presented name stands for a host. A wildcard directly above a single label stands for none. */
export function standsFor({ name, wildcard }: HostPattern, host: HostName): boolean {
  return wildcard ? name.includes('.') && parentOf(host) === name : host === name;
}

/** The name without its left-most label; of a single label it is the root, ''. */
export function parentOf(name: HostName): string {
  const dot = name.indexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1);
}

/** Whether `name` is `base` or stands below it. */
export function isWithinDomain(name: HostName, base: HostName): boolean {
  return name === base || name.endsWith(`.${base}`);
}

/** Folds ASCII only: other letters have no case in host names (RFC 4343 §3). */
export function lowerAscii(text: string): string {
  // Most names have no capitals; a certificate may have ten thousands of names.
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

/** Host of `scheme://authority…` (RFC 3986 §3.2); `undefined`: there is none, or it is no host name. */
export function hostNameOfUri(uri: string): HostName | undefined {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/?#\\]*@)?([^@:/?#\\]*)(?::[0-9]*)?(?:[/?#]|$)/i.exec(uri)?.[1];
  return host === undefined ? undefined : hostName(host);
}
