/** Trusted certificates of the machine (a client's default), and those that come with Node. */
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { decodePem } from '../values/x509/pem.js';

/** Where distributions keep their bundle. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** DER of the system's trusted certificates; without a bundle (other systems) those that come with Node. */
export async function systemTrust(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Uint8Array[]> {
  const named = environment['SSL_CERT_FILE'];
  for (const path of named === undefined ? bundles : [named, ...bundles]) {
    try {
      return certificatesOf(await readFile(path, 'latin1'));
    } catch {
      // Not there, or no PEM: the next one.
    }
  }
  return bundledTrust();
}

/** DER of the certificates that come with Node. */
export function bundledTrust(): readonly Uint8Array[] {
  return certificatesOf(rootCertificates.join('\n'));
}

function certificatesOf(pem: string): readonly Uint8Array[] {
  return decodePem(pem)
    .filter(({ type }) => type === 'Certificate')
    .map(({ der }) => der);
}
