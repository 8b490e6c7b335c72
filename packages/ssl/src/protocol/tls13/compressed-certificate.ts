/**
 * Certificate compression (RFC 8879): a Certificate that travels as CompressedCertificate. The transcript has the
 * message as it travels.
 *
 * What comes in is expanded to no more than `maxHandshakeSize`, which it must say beforehand; what goes out is
 * compressed once for each certificate of ours and what is stapled to it.
 */
import type { Compressor, Compressors } from '../../values/compression/compressor.js';
import {
  type CompressionAlgorithm,
  compressionByCode,
  compressionCode,
} from '../../values/registry/certificate-compression.js';
import { decodeAll, encodeAll } from '../../values/wire/codec.js';
import { type Certificate, certificate } from '../../values/wire/messages/certificate.js';
import type { CompressedCertificate } from '../../values/wire/messages/compressed-certificate.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';
import type { Dependencies } from '../settings.js';

/** What a config says of it. */
interface CompressionSettings {
  readonly certificateCompression?: {
    /** For our certificates, the preferred first. */
    readonly send: readonly CompressionAlgorithm[];
    /** For the peer's. */
    readonly receive: readonly CompressionAlgorithm[];
  };
  readonly maxHandshakeSize: number;
}

/** How our certificate is compressed. */
export interface CompressionChoice {
  readonly algorithm: CompressionAlgorithm;
  readonly compressor: Compressor;
}

/** The extension's value: what we can read; `undefined` when there is nothing to say. */
export function compressionOffer(
  { certificateCompression }: CompressionSettings,
  { compressors }: Pick<Dependencies, 'compressors'>,
): readonly number[] | undefined {
  const codes = (certificateCompression?.receive ?? [])
    .filter((algorithm) => compressors[algorithm] !== undefined)
    .map(compressionCode);
  return codes.length > 0 ? codes : undefined;
}

/** The first of ours that the peer can read; `undefined`: the Certificate goes as it is. */
export function chooseCompression(
  offered: readonly number[] | undefined,
  { certificateCompression }: CompressionSettings,
  { compressors }: Pick<Dependencies, 'compressors'>,
): CompressionChoice | undefined {
  if (offered === undefined) return undefined;
  for (const algorithm of certificateCompression?.send ?? []) {
    const compressor = offered.includes(compressionCode(algorithm)) ? compressors[algorithm] : undefined;
    if (compressor !== undefined) return { algorithm, compressor };
  }
  return undefined;
}

/**
 * The Certificate in the message. `offered`: what we have said we can read. Throws `unknown_compression`,
 * `bad_compressed_certificate`, `DecodeError`.
 */
export function expandCertificate(
  { algorithm: code, uncompressedLength, compressedCertificateMessage }: CompressedCertificate,
  offered: readonly number[],
  { maxHandshakeSize }: CompressionSettings,
  compressors: Compressors,
): Certificate {
  const algorithm = offered.includes(code) ? compressionByCode(code) : undefined;
  const compressor = algorithm && compressors[algorithm];
  if (compressor === undefined) throw new AlertError('unknown_compression', { compression: code });
  if (uncompressedLength === 0 || uncompressedLength > maxHandshakeSize)
    throw new AlertError('bad_compressed_certificate', { uncompressed_length: uncompressedLength });
  const body = compressor.expand(compressedCertificateMessage, uncompressedLength);
  if (body?.length !== uncompressedLength) throw new AlertError('bad_compressed_certificate');
  return decodeAll(certificate, body);
}

interface Kept {
  readonly algorithm: CompressionAlgorithm;
  readonly body: Uint8Array;
  readonly message: CompressedCertificate | undefined;
}

/** For each of three algorithms, with what is stapled now and what was before. */
const mostKept = 6;
/** Per certificate of ours, the newest first. */
const keptBy = new WeakMap<OwnIdentity, readonly Kept[]>();

/**
 * Our Certificate, compressed, for a context that is empty; `undefined` when that makes it no shorter. It is made once:
 * compressing takes as long as many handshakes.
 */
export function compressedCertificateOf(
  identity: OwnIdentity,
  message: Certificate,
  { algorithm, compressor }: CompressionChoice,
): CompressedCertificate | undefined {
  const body = encodeAll(certificate, message);
  const kept = keptBy.get(identity) ?? [];
  const known = kept.find((one) => one.algorithm === algorithm && sameBytes(one.body, body));
  if (known !== undefined) return known.message;
  const compressed = compressor.compress(body);
  const made: CompressedCertificate | undefined =
    compressed.length < body.length
      ? {
          algorithm: compressionCode(algorithm),
          uncompressedLength: body.length,
          compressedCertificateMessage: compressed,
        }
      : undefined;
  keptBy.set(identity, [{ algorithm, body, message: made }, ...kept].slice(0, mostKept));
  return made;
}
