/**
 * A host as people write it, brought into its one form once: for the host argument of `connect`, for
 * `serverNameIndication` and for what is sent in server_name (RFC 6066 §3).
 */
import { parseAnyAddress } from './address.js';
import { type HostName, hostName } from './host-name.js';

/** What a client wants to reach. */
export type Host =
  | { readonly type: 'name'; readonly name: HostName }
  /** 4 or 16 octets. */
  | { readonly type: 'address'; readonly address: Uint8Array };

/** Longest text looked at; a name in Unicode may have more characters than its ASCII form. */
const MAX_TEXT = 1024;

/** What was read lately: a connection asks three times for its host, and a program for few. */
const lately = new Map<string, Host>();
const mostLately = 256;

/** Reads a name (Unicode too) or an address in any spelling; `undefined`: it is neither. */
export function hostOf(text: string): Host | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const known = lately.get(text);
  if (known !== undefined) return known;
  const host = readHost(text);
  if (host === undefined) return undefined;
  if (lately.size === mostLately) lately.clear();
  lately.set(text, host);
  return host;
}

function readHost(text: string): Host | undefined {
  const plain = dialledHost(text);
  const address = parseAnyAddress(plain.replace(/^([^:]+)\.$/, '$1'));
  if (address !== undefined) return { type: 'address', address };
  const name = hostName(plain);
  return name === undefined ? undefined : { type: 'name', name };
}

/**
 * What a resolver is asked for: without brackets, in ASCII. A zone and a dot at the end stay, they mean something
 * there. Text that is no host is left as it is, for the resolver to refuse.
 */
export function dialledHost(text: string): string {
  // RFC 3986 §3.2.2, RFC 6874 §2: brackets, and %25 before a zone, are how URIs write IPv6 addresses.
  const inUri = /^\[([^[\]]*:[^[\]]*)\]$/.exec(text)?.[1];
  if (inUri !== undefined) return inUri.replace('%25', '%');
  return /[\u0080-\uffff]/.test(text) ? (domainToAscii(text) ?? text) : text;
}

/**
 * A name in Unicode as A-labels (UTS #46, RFC 5891). This is `domainToASCII` of node:url, by way of the global `URL`
 * that browsers have too. Of ASCII only what host names are made of is let through: the rest would end a URL's host.
 */
function domainToAscii(text: string): string | undefined {
  if (!/^[\w.\-\u0080-\uffff]*$/.test(text)) return undefined;
  try {
    return new URL(`http://${text}`).hostname;
  } catch {
    return undefined;
  }
}
