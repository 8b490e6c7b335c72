/** Signatures with the key of an own certificate: made here, or asked of whoever has the key. */
import type { Guard } from './arrows.js';
import type { CertificateChoice } from './hello/choose.js';
import type { Sink } from './sink.js';

/** On the arrows of servers: they always show a certificate where they sign. */
export const serverSignsElsewhere: Guard<{ readonly certificate: CertificateChoice }, unknown> = {
  name: 'remote key?',
  holds: ({ certificate }) => certificate.identity.key === 'remote',
};

/** The signature, when the key is at hand. Throws `TypeError` when it is not. */
export function sign({ identity, scheme }: CertificateChoice, content: Uint8Array): Uint8Array {
  if (identity.key === 'remote') throw new TypeError('the key is elsewhere');
  return identity.key.sign(scheme.algorithm, content);
}

/** Asks for the signature, when the key is elsewhere. */
export function askForSignature(
  { identity, scheme }: CertificateChoice,
  content: Uint8Array,
  sink: Pick<Sink, 'askSignature'>,
): void {
  sink.askSignature(scheme.name, content, identity);
}
