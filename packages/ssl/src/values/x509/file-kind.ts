/** What a file is that was given as something else, in words for its owner. */
import { Certificate, CertificateError } from './certificate.js';
import { DerError, DerReader, Tag } from './der.js';
import { type PemEntry, type PemType, pemLabels } from './pem.js';

/** What is in a file that has none of the entries that were looked for; `undefined`: nothing worth a word. */
export function kindOfEntries(entries: readonly PemEntry[]): string | undefined {
  return entries.map(({ type }) => kinds[type]).find((kind) => kind !== undefined);
}

const privateKey = 'a private key and no certificate';
const publicKey = 'a public key, which is neither a certificate nor a private key';
const pkcs7 = 'a PKCS#7 file (p7b): openssl pkcs7 -print_certs writes its certificates as PEM';

const kinds: Readonly<Partial<Record<PemType, string>>> = {
  Certificate: 'a certificate and no private key',
  TrustedCertificate:
    'a TRUSTED CERTIFICATE that says what it may be trusted for, which is not obeyed here: openssl x509 writes it ' +
    'without that',
  CertificateList: 'a CRL',
  CertificationRequest: 'a request for a certificate, which a CA has to make one of',
  RSAPrivateKey: privateKey,
  DSAPrivateKey: privateKey,
  ECPrivateKey: privateKey,
  PrivateKeyInfo: privateKey,
  EncryptedPrivateKeyInfo: privateKey,
  SubjectPublicKeyInfo: publicKey,
  RSAPublicKey: publicKey,
  ContentInfo: pkcs7,
};

/** What the bytes are in which no entry was found. */
export function kindOfBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return 'no PEM block of a known kind: the text is UTF-16';
  if (bytes[0] === Tag.sequence) return `no PEM but DER: ${kindOfDer(bytes)}`;
  const [label] = pemLabels(bytes);
  return `no PEM block of a known kind${label === undefined ? '' : `: ${label.slice(0, 64)}`}`;
}

function kindOfDer(der: Uint8Array): string {
  try {
    const content = new DerReader(der).open(Tag.sequence);
    if (content.peek() === Tag.oid) return content.oid() === signedData ? pkcs7 : 'of an unknown kind';
    if (content.peek() === Tag.integer) return 'a private key, perhaps: openssl pkey -inform der';
    new Certificate(der);
    return 'a certificate: openssl x509 -inform der writes it as PEM';
  } catch (error) {
    if (error instanceof DerError || error instanceof CertificateError) return 'of an unknown kind';
    throw error;
  }
}

const signedData = '1.2.840.113549.1.7.2';
