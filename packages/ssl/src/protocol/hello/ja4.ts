/**
 * JA4, the fingerprint of a TLS client by FoxIO (github.com/FoxIO-LLC/ja4, technical_details/JA4.md): what a hello
 * offers, in a form that does not change when a client shuffles its lists. `t13d1516h2_8daaf6152771_e5627efa2ab1`.
 */
import type { HashFunction } from '../../values/crypto/engine.js';
import { hex } from '../../values/hex.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { alpnOffer } from '../extensions/alpn.js';
import { serverNameOffer } from '../extensions/server-name.js';
import type { ClientHelloExtensions } from '../extensions/table.js';

/** The fingerprint of a hello, whose extensions have been read; `sha256` hashes its parts. */
export function ja4(hello: ClientHello, read: ClientHelloExtensions, sha256: HashFunction): string {
  const { ciphers, extensions, signatures } = partsOf(hello, read);
  const shown = extensions.filter((code) => code !== serverNameOffer.code && code !== alpnOffer.code);
  const lists = [inHex(shown.sort(ascending)), ...(signatures.length > 0 ? [inHex(signatures)] : [])];
  return [
    prefix(hello, read, ciphers.length, extensions.length),
    hashOf(ciphers.length === 0 ? '' : inHex(ciphers.sort(ascending)), sha256),
    hashOf(extensions.length === 0 ? '' : lists.join('_'), sha256),
  ].join('_');
}

interface Parts {
  readonly ciphers: number[];
  readonly extensions: number[];
  readonly signatures: readonly number[];
}

function partsOf({ cipherSuites, extensions }: ClientHello, { signatureAlgorithms = [] }: Read): Parts {
  return {
    ciphers: cipherSuites.filter(isMeant),
    extensions: extensions.map(({ extensionType }) => extensionType).filter(isMeant),
    signatures: signatureAlgorithms.filter(isMeant),
  };
}

type Read = ClientHelloExtensions;

/** RFC 8701 §2: values that mean nothing have two equal bytes, each ending in a. */
function isMeant(value: number): boolean {
  return (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 0xff);
}

/** Over TCP, version, name or none, how many suites and extensions, ALPN. */
function prefix(
  hello: ClientHello,
  { supportedVersions, serverName, alpn }: Read,
  ciphers: number,
  extensions: number,
): string {
  const versions = supportedVersions?.filter(isMeant) ?? [hello.legacyVersion];
  const version = versionText(versions.reduce((highest, one) => Math.max(highest, one), 0));
  return `t${version}${serverName === undefined ? 'i' : 'd'}${count(ciphers)}${count(extensions)}${alpnText(alpn?.[0])}`;
}

function versionText(code: number): string {
  switch (code) {
    case 0x0304:
      return '13';
    case 0x0303:
      return '12';
    case 0x0302:
      return '11';
    case 0x0301:
      return '10';
    case 0x0300:
      return 's3';
    case 0x0002:
      return 's2';
    default:
      return '00';
  }
}

function count(length: number): string {
  return String(Math.min(length, 99)).padStart(2, '0');
}

/** First and last character of the first protocol; of its hexadecimal digits where one of the two is no ASCII letter or digit. */
function alpnText(protocol: Uint8Array | undefined): string {
  const first = protocol?.[0];
  const last = protocol?.at(-1);
  if (protocol === undefined || first === undefined || last === undefined) return '00';
  if (isAlphanumeric(first) && isAlphanumeric(last)) return String.fromCharCode(first, last);
  const digits = hex(protocol);
  return `${digits.charAt(0)}${digits.charAt(digits.length - 1)}`;
}

function isAlphanumeric(byte: number): boolean {
  return /[0-9A-Za-z]/.test(String.fromCharCode(byte));
}

function inHex(codes: readonly number[]): string {
  return codes.map((code) => code.toString(16).padStart(4, '0')).join(',');
}

function ascending(one: number, other: number): number {
  return one - other;
}

/** The first twelve digits; zeros of what is not there. */
function hashOf(text: string, sha256: HashFunction): string {
  return text === '' ? '000000000000' : hex(sha256.digest(new TextEncoder().encode(text))).slice(0, 12);
}
