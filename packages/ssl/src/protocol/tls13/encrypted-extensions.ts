/** Server parameters (RFC 8446 §4.3): what a server says in EncryptedExtensions and in CertificateRequest. */
import type { MessageChannel } from '../channel.js';
import type { ServerContext } from '../contexts.js';
import { certificateRequestColumn, encryptedExtensionsColumn, writeExtensions } from '../extensions/table.js';
import { schemeCodes } from '../hello/choose.js';
import type { Transcript } from '../transcript.js';
import { send } from './send.js';

/** §4.3.1. `nameUsed`: the name has decided something (RFC 6066 §3). `earlyData`: whether it is read. */
export function sendEncryptedExtensions(
  nameUsed: boolean,
  alpn: Uint8Array | undefined,
  earlyData: true | undefined,
  transcript: Transcript,
  channel: MessageChannel,
): void {
  send(channel, transcript, 'encrypted_extensions', {
    extensions: writeExtensions(encryptedExtensionsColumn, {
      ...encryptedExtensionsColumn.none(),
      serverName: nameUsed ? true : undefined,
      alpn,
      earlyData,
    }),
  });
}

/** §4.3.2 */
export function sendCertificateRequest(
  { config, certificateAuthorities }: ServerContext,
  transcript: Transcript,
  channel: MessageChannel,
): void {
  send(channel, transcript, 'certificate_request', {
    certificateRequestContext: new Uint8Array(0),
    extensions: writeExtensions(certificateRequestColumn, {
      ...certificateRequestColumn.none(),
      signatureAlgorithms: schemeCodes(config.signatureAlgs),
      signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
      certificateAuthorities: certificateAuthorities.length > 0 ? certificateAuthorities : undefined,
    }),
  });
}
