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
import { decodeAll } from '../../values/wire/codec.js';
import { type Certificate, certificate } from '../../values/wire/messages/certificate.js';
import type { CompressedCertificate } from '../../values/wire/messages/compressed-certificate.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { Generations } from '../../values/x509/generations.js';
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
  readonly chain: readonly Uint8Array[];
  readonly staple: Uint8Array | undefined;
  readonly message: CompressedCertificate | undefined;
}

/** Of one certificate: with what is stapled now, and with what was before. */
const mostKept = 2;
/** Certificates of ours per generation; above that those are compressed anew that were not shown lately. */
const mostCertificates = 512;
/**
 * By content, the newest first: an identity is made anew with each config, and a client that connects again has none of
 * the last time.
 */
const keptBy = new WeakMap<Compressor, Generations<string, readonly Kept[]>>();

/**
 * Our Certificate, compressed, for a context that is empty; `undefined` when that makes it no shorter. It is made once:
 * compressing takes as long as many handshakes. `encode`: its body, once it is needed.
 */
export function compressedCertificateOf(
  chain: readonly Uint8Array[],
  staple: Uint8Array | undefined,
  encode: () => Uint8Array,
  { algorithm, compressor }: CompressionChoice,
): CompressedCertificate | undefined {
  const generations = keptBy.get(compressor) ?? new Generations(mostCertificates);
  keptBy.set(compressor, generations);
  const key = endOf(chain[0]);
  const kept = generations.get(key) ?? [];
  const known = kept.find((one) => sameChain(one.chain, chain) && sameStaple(one.staple, staple));
  if (known !== undefined) return known.message;
  const message = compress(encode(), { algorithm, compressor });
  generations.set(key, [{ chain, staple, message }, ...kept].slice(0, mostKept));
  return message;
}

function compress(
  body: Uint8Array,
  { algorithm, compressor }: CompressionChoice,
): CompressedCertificate | undefined {
  const compressedCertificateMessage = compressor.compress(body);
  if (compressedCertificateMessage.length >= body.length) return undefined;
  return {
    algorithm: compressionCode(algorithm),
    uncompressedLength: body.length,
    compressedCertificateMessage,
  };
}

/** The length and the last bytes, which are a signature's: they tell most certificates from each other. */
function endOf(own: Uint8Array = new Uint8Array(0)): string {
  return `${own.length} ${own.subarray(-16).join()}`;
}

function sameChain(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a === b || (a.length === b.length && a.every((der, at) => sameStaple(der, b[at])));
}

function sameStaple(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameBytes(a, b));
}
