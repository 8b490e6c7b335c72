/** CertificateVerify (RFC 8446 §4.4.3): what it signs, how it is sent, and the check of the peer's. */
import type { PublicKey } from '../../values/crypto/engine.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
  schemeFits,
} from '../../values/registry/schemes.js';
import type { CertificateVerify } from '../../values/wire/messages/certificate-verify.js';
import type { Outbox } from '../channel.js';
import { AlertError } from '../reasons.js';
import type { Transcript } from '../transcript.js';
import { send } from './send.js';

const label = {
  client: prefix('TLS 1.3, client CertificateVerify'),
  server: prefix('TLS 1.3, server CertificateVerify'),
};

/** 64 spaces, the context string, a zero. */
function prefix(context: string): Uint8Array {
  return new TextEncoder().encode(`${' '.repeat(64)}${context}\0`);
}

/** The bytes that `signer` signs. `transcript`: hash of all messages up to its Certificate. */
export function signedContent(signer: 'client' | 'server', transcript: Uint8Array): Uint8Array {
  const start = label[signer];
  const content = new Uint8Array(start.length + transcript.length);
  content.set(start);
  content.set(transcript, start.length);
  return content;
}

export function sendCertificateVerify(
  { code: algorithm }: SignatureScheme,
  signature: Uint8Array,
  transcript: Transcript,
  channel: Outbox,
): void {
  send(channel, transcript, 'certificate_verify', { algorithm, signature });
}

/** Checks the peer's signature; answers its scheme. Throws `wrong_signature_scheme`, `bad_signature`. */
export function checkCertificateVerify(
  message: CertificateVerify,
  signer: 'client' | 'server',
  key: PublicKey,
  offered: readonly SignatureSchemeName[],
  transcript: Uint8Array,
): SignatureSchemeName {
  const scheme = schemeByCode(message.algorithm);
  if (
    scheme === undefined ||
    scheme.tls13 !== 'handshake' ||
    !offered.includes(scheme.name) ||
    !schemeFits(scheme, key)
  ) {
    throw new AlertError('wrong_signature_scheme', { scheme: scheme?.name ?? message.algorithm });
  }
  if (!key.verify(scheme.algorithm, signedContent(signer, transcript), message.signature)) {
    throw new AlertError('bad_signature');
  }
  return scheme.name;
}
