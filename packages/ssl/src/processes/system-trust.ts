/** Trusted certificates of the machine (a client's default), and those that come with Node. */
import { rootCertificates } from 'node:tls';
import type { Result } from '../values/terms.js';
import { decodePem, type PemEntry } from '../values/x509/pem.js';

/** Where distributions keep their bundle. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * DER of the system's trusted certificates, `SSL_CERT_FILE` first; without a bundle (other systems) those that come
 * with Node. `read` gives a file's entries, the same list as long as the file is the same.
 */
export async function systemTrust(
  environment: Readonly<Record<string, string | undefined>>,
  read: (path: string) => Promise<Result<readonly PemEntry[]>>,
): Promise<readonly Uint8Array[]> {
  const named = environment['SSL_CERT_FILE'];
  for (const path of named === undefined ? bundles : [named, ...bundles]) {
    const entries = await read(path);
    if ('error' in entries) continue;
    const ders = known.get(entries.ok) ?? certificatesOf(entries.ok);
    known.set(entries.ok, ders);
    if (ders.length > 0) return ders;
  }
  return bundledTrust();
}

/** One list per content of a file, so that a trust store is found by its list. */
const known = new WeakMap<readonly PemEntry[], readonly Uint8Array[]>();

let bundled: readonly Uint8Array[] | undefined;

/** DER of the certificates that come with Node; always the same list. */
export function bundledTrust(): readonly Uint8Array[] {
  bundled ??= certificatesOf(decodePem(rootCertificates.join('\n')));
  return bundled;
}

function certificatesOf(entries: readonly PemEntry[]): readonly Uint8Array[] {
  return entries.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
}
