/** Certificate (RFC 8446 §4.4.2): how it is sent, and what is wrong with the peer's before anybody judges it. */
import { encodeAll } from '../../values/wire/codec.js';
import { type Certificate, certificate } from '../../values/wire/messages/certificate.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { Outbox } from '../channel.js';
import { certificateEntryColumn, readAnswer, writeExtensions } from '../extensions/table.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';
import type { Transcript } from '../transcript.js';
import { type CompressionChoice, compressedCertificateOf } from './compressed-certificate.js';
import { send } from './send.js';

/** certificate_request_context of a handshake (§4.3.2). */
const noContext: Uint8Array = new Uint8Array(0);

/** What is shown: `identity` is `undefined` when a client has none; `staple`: the OCSP response that goes with its first. */
interface Shown {
  readonly identity: OwnIdentity | undefined;
  readonly staple?: Uint8Array | undefined;
  /** How it is compressed, if the peer can read that (RFC 8879): in the handshake only, where all have one context. */
  readonly compression?: CompressionChoice | undefined;
}

/** `context`: of the request, empty in the handshake. */
export function sendCertificate(
  { identity, staple, compression }: Shown,
  transcript: Transcript,
  channel: Outbox,
  context: Uint8Array = noContext,
): void {
  const stapled = writeExtensions(certificateEntryColumn, { certificateStatus: staple });
  const chain = identity?.chain ?? [];
  const message: Certificate = {
    certificateRequestContext: context,
    certificateList: chain.map((certData, index) => ({ certData, extensions: index === 0 ? stapled : [] })),
  };
  const encode = (): Uint8Array => encodeAll(certificate, message);
  const compressed =
    identity && compression && compressedCertificateOf(identity.chain, staple, encode, compression);
  if (compressed === undefined) send(channel, transcript, 'certificate', message);
  else send(channel, transcript, 'compressed_certificate', compressed);
}

/** §4.3.2, §4.4.2: the context is that of the request, and empty in every message of a handshake. */
export function checkRequestContext(
  { certificateRequestContext }: Pick<Certificate, 'certificateRequestContext'>,
  expected: Uint8Array = noContext,
): void {
  if (!sameBytes(certificateRequestContext, expected)) throw new AlertError('wrong_certificate_context');
}

/** What the peer shows. */
interface ShownCertificates {
  /** DER, its own certificate first; empty when it shows none. */
  readonly chain: readonly Uint8Array[];
  /** The DER OCSPResponse that goes with its first. */
  readonly staple: Uint8Array | undefined;
}

/** Copies, since facts keep them when the record is long gone. `asked`: the extensions that those in it may answer. */
export function readCertificate(
  message: Certificate,
  asked: readonly RawExtension[],
  context: Uint8Array = noContext,
): ShownCertificates {
  checkRequestContext(message, context);
  const { certificateList } = message;
  const [first] = certificateList.map(({ extensions }) =>
    readAnswer(certificateEntryColumn, extensions, asked),
  );
  const staple = first?.certificateStatus;
  return {
    chain: certificateList.map(({ certData }) => new Uint8Array(certData)),
    staple: staple && new Uint8Array(staple),
  };
}
