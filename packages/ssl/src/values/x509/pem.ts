/**
 * PEM files (RFC 7468, and RFC 1421 headers of old encrypted keys), as `public_key:pem_decode/1` sees them.
 */
import { DerError } from './der.js';
import { readTrustedCertificate } from './trusted-certificate.js';

/** ASN.1 type of an entry, in OTP's words. */
export type PemType =
  | 'Certificate'
  | 'CertificateList'
  | 'CertificationRequest'
  | 'RSAPrivateKey'
  | 'DSAPrivateKey'
  | 'ECPrivateKey'
  | 'PrivateKeyInfo'
  | 'EncryptedPrivateKeyInfo'
  | 'SubjectPublicKeyInfo'
  | 'RSAPublicKey'
  | 'DHParameter'
  | 'EcpkParameters'
  | 'ContentInfo'
  /** OpenSSL's `TRUSTED CERTIFICATE` that says what it is to be trusted for; one that does not is a Certificate. */
  | 'TrustedCertificate'
  /** A whole file, of PKCS#12. */
  | 'PFX';

export interface PemEntry {
  readonly type: PemType;
  readonly der: Uint8Array;
  /** Present when the body is encrypted by its headers (`DEK-Info`); PKCS#8 carries its encryption inside. */
  readonly dekInfo: { readonly cipher: string; readonly iv: Uint8Array } | undefined;
}

/** A PEM block that cannot be read. `line` counts from 1. */
export class PemError extends Error {
  readonly code = 'pem';
  readonly line: number;
  constructor(message: string, line: number) {
    super(`${message} (line ${line})`);
    this.name = 'PemError';
    this.line = line;
  }
}

const types: Readonly<Record<string, PemType>> = {
  CERTIFICATE: 'Certificate',
  'X509 CERTIFICATE': 'Certificate',
  'TRUSTED CERTIFICATE': 'TrustedCertificate',
  'X509 CRL': 'CertificateList',
  'CERTIFICATE REQUEST': 'CertificationRequest',
  'NEW CERTIFICATE REQUEST': 'CertificationRequest',
  'RSA PRIVATE KEY': 'RSAPrivateKey',
  'DSA PRIVATE KEY': 'DSAPrivateKey',
  'EC PRIVATE KEY': 'ECPrivateKey',
  'PRIVATE KEY': 'PrivateKeyInfo',
  'ENCRYPTED PRIVATE KEY': 'EncryptedPrivateKeyInfo',
  'PUBLIC KEY': 'SubjectPublicKeyInfo',
  'RSA PUBLIC KEY': 'RSAPublicKey',
  'DH PARAMETERS': 'DHParameter',
  'EC PARAMETERS': 'EcpkParameters',
  PKCS7: 'ContentInfo',
  CMS: 'ContentInfo',
};

/** Files larger than this (characters) are refused. */
const MAX_SIZE = 32 * 1024 * 1024;

/**
 * All entries of known types, in order; blocks with other labels and text between blocks are stepped over. Throws
 * `PemError` for a block that does not end, is no base64 or has bad headers. Each line is looked at once.
 */
export function decodePem(pem: string | Uint8Array): PemEntry[] {
  const lines = linesOf(pem);
  const entries: PemEntry[] = [];
  for (let at = 0; at < lines.length; at++) {
    const label = labelOf(lines[at] ?? '', 'BEGIN');
    if (label === undefined) continue;
    const begin = at;
    at = endOf(label, lines, begin);
    const type = Object.hasOwn(types, label) ? types[label] : undefined;
    if (type !== undefined) entries.push(entryOf(type, lines.slice(begin + 1, at), begin + 1));
  }
  return entries;
}

/** Labels of all blocks, known or not, for telling what a file is. */
export function pemLabels(pem: string | Uint8Array): readonly string[] {
  return linesOf(pem).flatMap((line) => labelOf(line, 'BEGIN') ?? []);
}

function linesOf(pem: string | Uint8Array): readonly string[] {
  const text = typeof pem === 'string' ? pem : new TextDecoder('latin1').decode(pem);
  if (text.length > MAX_SIZE) throw new PemError('file too large', 1);
  // Editors put a byte order mark in front; read as Latin-1 it is three characters.
  return text.replace(/^(\ufeff|\u00ef\u00bb\u00bf)/, '').split(/\r\n|\n|\r/);
}

/** RFC 7468 §3: nothing but white space may follow a boundary on its line. */
function labelOf(line: string, boundary: 'BEGIN' | 'END'): string | undefined {
  const start = `-----${boundary} `;
  if (!line.startsWith(start)) return undefined;
  return /^([A-Z0-9 ]+)-----\s*$/.exec(line.slice(start.length))?.[1];
}

/** The line that ends the block begun at `begin`. */
function endOf(label: string, lines: readonly string[], begin: number): number {
  for (let at = begin + 1; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.startsWith('-----')) continue;
    if (labelOf(line, 'END') === label) return at;
    // Files put together without a line break between them.
    if (line.startsWith(`-----END ${label}-----`) && line.includes('-----BEGIN '))
      throw new PemError('END and BEGIN on one line, a line break is missing between them', at + 1);
  }
  throw new PemError(`${label} does not end`, begin + 1);
}

/** OpenSSL's certificates with a purpose are ordinary ones when they name none. */
function entryOf(type: PemType, lines: readonly string[], line: number): PemEntry {
  const entry = readBlock(type, lines, line);
  if (type !== 'TrustedCertificate') return entry;
  try {
    const { certificate, settings } = readTrustedCertificate(entry.der);
    return settings === 'none' ? { ...entry, type: 'Certificate', der: certificate } : entry;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new PemError(`malformed TRUSTED CERTIFICATE: ${error.message}`, line);
  }
}

function readBlock(type: PemType, lines: readonly string[], line: number): PemEntry {
  const blank = lines.findIndex((text) => text.trim() === '');
  const hasHeaders = (lines[0] ?? '').includes(':');
  if (hasHeaders && blank < 0) throw new PemError('headers are not followed by an empty line', line);
  const headers = hasHeaders ? readHeaders(lines.slice(0, blank)) : new Map<string, string>();
  const body = (hasHeaders ? lines.slice(blank + 1) : lines).join('');
  return { type, der: decodeBase64(body, line), dekInfo: readDekInfo(headers, line) };
}

/** Folded header lines begin with white space (RFC 1421 §4.4). */
function readHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  let name = '';
  for (const text of lines) {
    const colon = text.indexOf(':');
    if (/^\s/.test(text) || colon < 0) headers.set(name, (headers.get(name) ?? '') + text.trim());
    else {
      name = text.slice(0, colon).trim().toLowerCase();
      headers.set(name, text.slice(colon + 1).trim());
    }
  }
  return headers;
}

function readDekInfo(headers: ReadonlyMap<string, string>, line: number): PemEntry['dekInfo'] {
  const procType = headers.get('proc-type');
  if (procType === undefined || !/^4\s*,\s*ENCRYPTED$/i.test(procType)) return undefined;
  const match = /^([A-Z0-9-]+)\s*,\s*((?:[0-9a-f]{2})+)$/i.exec(headers.get('dek-info') ?? '');
  if (match === null) throw new PemError('an encrypted block without a readable DEK-Info', line);
  const iv = (match[2] ?? '').match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return { cipher: (match[1] ?? '').toUpperCase(), iv: Uint8Array.from(iv) };
}

function decodeBase64(body: string, line: number): Uint8Array {
  const text = body.replace(/\s/g, '');
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new PemError('not base64', line);
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
