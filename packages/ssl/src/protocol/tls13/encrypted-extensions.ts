/** Server parameters (RFC 8446 §4.3): what a server says in EncryptedExtensions and in CertificateRequest. */
import type { MessageChannel, Outbox } from '../channel.js';
import type { ServerContext } from '../contexts.js';
import { namedAuthorities } from '../extensions/certificate-authorities.js';
import {
  certificateRequestColumn,
  type EncryptedExtensionsSet,
  encryptedExtensionsColumn,
  writeExtensions,
} from '../extensions/table.js';
import { schemeCodes } from '../hello/choose.js';
import type { Transcript } from '../transcript.js';
import { send } from './send.js';

/** §4.3.1 */
export function sendEncryptedExtensions(
  answers: Partial<EncryptedExtensionsSet>,
  transcript: Transcript,
  channel: MessageChannel,
): void {
  send(channel, transcript, 'encrypted_extensions', {
    extensions: writeExtensions(encryptedExtensionsColumn, {
      ...encryptedExtensionsColumn.none(),
      ...answers,
    }),
  });
}

/**
 * §4.3.2. `compressCertificate`: how the answer may be compressed. `context`: empty in the handshake, and what no other
 * request of the connection has after it.
 */
export function sendCertificateRequest(
  { config, certificateAuthorities }: Pick<ServerContext, 'config' | 'certificateAuthorities'>,
  compressCertificate: readonly number[] | undefined,
  transcript: Transcript,
  channel: Outbox,
  context: Uint8Array = new Uint8Array(0),
): void {
  send(channel, transcript, 'certificate_request', {
    certificateRequestContext: context,
    extensions: writeExtensions(certificateRequestColumn, {
      ...certificateRequestColumn.none(),
      signatureAlgorithms: schemeCodes(config.signatureAlgs),
      signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
      certificateAuthorities: namedAuthorities(
        config.certificateAuthorities === false ? [] : certificateAuthorities,
      ),
      compressCertificate,
    }),
  });
}
