/** The outer form of DER and PEM: enough to refuse what cannot be a certificate or key when options are given. */
import { decodePem, PemError } from '../values/x509/pem.js';

/** Whether these are the bytes of exactly one DER SEQUENCE, by its outer length (X.690 §8.1). */
export function isDer(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) || value[0] !== 0x30) return false;
  const first = value[1];
  if (first === undefined) return false;
  if (first < 0x80) return value.length === 2 + first;
  const bytes = first - 0x80;
  if (bytes === 0 || bytes > 4 || value.length < 2 + bytes) return false;
  let length = 0;
  for (let i = 0; i < bytes; i += 1) length = length * 256 + (value[2 + i] ?? 0);
  return value.length === 2 + bytes + length;
}

/** The certificates of a PEM text (RFC 7468 §5), in its order; none when one of them cannot be read as it is meant. */
export function pemCertificates(text: string): readonly Uint8Array[] {
  try {
    const entries = decodePem(text);
    if (entries.some(({ type }) => type === 'TrustedCertificate')) return [];
    return entries.flatMap(({ type, der }) => (type === 'Certificate' ? [der] : []));
  } catch (error) {
    if (error instanceof PemError) return [];
    throw error;
  }
}
