/**
 * Trusted certificates of the machine (a client's default), and those that come with Node.
 *
 * As with OpenSSL, `SSL_CERT_FILE` and `SSL_CERT_DIR` name the store: what one of them names, or both together, is then
 * all that is trusted. A store that is there and cannot be read is told and trusts nobody; only a machine without any
 * store gets the certificates that come with Node.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Result, SslReason } from '../../values/terms.js';
import { decodePem, type PemEntry } from '../../values/x509/pem.js';

/** DER certificates, or what could not be read: a posix name, or what is wrong with the content. */
export type TrustedResult =
  | { readonly ok: readonly Uint8Array[] }
  | { readonly error: { readonly path: string; readonly reason: unknown } };

/** Where distributions keep their bundle. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The machine, as far as its store is concerned. */
export interface TrustSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file's entries, the same list as long as the file is the same. */
  read(path: string): Promise<Result<readonly PemEntry[]>>;
  /** Names in a directory; rejects as node:fs does. Default: the disk. */
  list?(directory: string): Promise<readonly string[]>;
}

/** DER of the system's trusted certificates, or which store could not be read. */
export function systemTrust(surroundings: TrustSurroundings): Promise<TrustedResult> {
  const { SSL_CERT_FILE: file = '', SSL_CERT_DIR: directories = '' } = surroundings.environment;
  return file === '' && directories === ''
    ? distributionTrust(surroundings)
    : namedTrust(file, directories, surroundings);
}

/** The first bundle that exists. */
async function distributionTrust({ read }: TrustSurroundings): Promise<TrustedResult> {
  for (const path of bundles) {
    const found = await certificatesIn(path, read);
    if ('ok' in found || !isAbsent(found.error.reason)) return found;
  }
  return { ok: bundledTrust() };
}

async function namedTrust(
  file: string,
  directories: string,
  surroundings: TrustSurroundings,
): Promise<TrustedResult> {
  const own = file === '' ? { ok: [] } : await certificatesIn(file, surroundings.read);
  if ('error' in own) return own;
  const all = [...own.ok];
  for (const directory of directories.split(':').filter((name) => name !== '')) {
    const found = await certificatesBelow(directory, surroundings);
    if ('error' in found) return found;
    all.push(...found.ok);
  }
  return directories === '' ? own : { ok: all };
}

/** Of the files of a directory those that hold certificates; others (a README, lists of revocations) may be there too. */
async function certificatesBelow(
  directory: string,
  { read, list = (path) => readdir(path) }: TrustSurroundings,
): Promise<TrustedResult> {
  let names: readonly string[];
  try {
    names = await list(directory);
  } catch (error) {
    return { error: { path: directory, reason: posixOf(error) } };
  }
  // By content: `openssl rehash` leaves a second name for each.
  const found = new Map<string, Uint8Array>();
  for (const path of [...names].sort().map((name) => join(directory, name))) {
    const entries = await read(path);
    if ('ok' in entries)
      for (const der of certificatesOf(entries.ok)) found.set(Buffer.from(der).toString('latin1'), der);
    else if (isRefused(entries.error)) return { error: { path, reason: entries.error } };
  }
  return found.size > 0 ? { ok: [...found.values()] } : { error: { path: directory, reason: [] } };
}

/** A file that is there and does not open (`eacces`, `eio`); directories and links into nowhere are nobody's store. */
function isRefused(reason: SslReason): boolean {
  return typeof reason === 'string' && reason !== 'eisdir' && !isAbsent(reason);
}

async function certificatesIn(path: string, read: TrustSurroundings['read']): Promise<TrustedResult> {
  const entries = await read(path);
  if ('error' in entries) return { error: { path, reason: entries.error } };
  const ders = known.get(entries.ok) ?? certificatesOf(entries.ok);
  known.set(entries.ok, ders);
  return ders.length > 0 ? { ok: ders } : { error: { path, reason: [] } };
}

/** One list per content of a file, so that a trust store is found by its list. */
const known = new WeakMap<readonly PemEntry[], readonly Uint8Array[]>();

function isAbsent(reason: unknown): boolean {
  return reason === 'enoent' || reason === 'enotdir';
}

function posixOf(error: unknown): SslReason {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code.toLowerCase() : String(error);
}

let bundled: readonly Uint8Array[] | undefined;

/** DER of the certificates that come with Node; always the same list. */
export function bundledTrust(): readonly Uint8Array[] {
  bundled ??= certificatesOf(decodePem(rootCertificates.join('\n')));
  return bundled;
}

function certificatesOf(entries: readonly PemEntry[]): readonly Uint8Array[] {
  return entries.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
}
