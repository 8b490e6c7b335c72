/**
 * Compression of certificates (RFC 8879 §3, §4) by node:zlib: zlib (RFC 1950), brotli (RFC 7932), and zstd (RFC 8878)
 * where Node has it, from 22.15 on.
 */
import * as zlib from 'node:zlib';
import type { Compressor, Compressors } from './compressor.js';

/** Log2 of the largest window that zstd may ask for: 8 MB, which RFC 8878 §3.1.1.1.2 wants decoders to have. */
const zstdWindowLog = 23;

/** What node:zlib tells with `info`, which its types leave out for the synchronous functions. */
interface Expanded {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function isExpanded(answer: unknown): answer is Expanded {
  return typeof answer === 'object' && answer !== null && 'buffer' in answer && 'engine' in answer;
}

/** An error means that the input is no such stream, ends too early, or holds more than it may. */
function expandBy(
  expand: () => unknown,
  { length: given }: Uint8Array,
  length: number,
): Uint8Array | undefined {
  let answer: unknown;
  try {
    answer = expand();
  } catch {
    return undefined;
  }
  if (!isExpanded(answer)) throw new TypeError('node:zlib answers otherwise than it says');
  const { buffer, engine } = answer;
  // Bytes behind the stream are none of it.
  return buffer.length === length && engine.bytesWritten === given ? buffer : undefined;
}

function options(length: number): { readonly maxOutputLength: number; readonly info: true } {
  return { maxOutputLength: length, info: true };
}

const deflate: Compressor = {
  compress: (bytes) => zlib.deflateSync(bytes, { level: 9 }),
  expand: (bytes, length) => expandBy(() => zlib.inflateSync(bytes, options(length)), bytes, length),
};

/**
 * Log2 of the largest window of brotli that is read, which is what its encoders take unless told otherwise. A decoder
 * fills the window before it gives anything out: 41 ms of work for the 16 MB that RFC 7932 allows, however short the
 * output is to be, 12 ms for these 4 MB.
 */
const brotliWindowLog = 22;

/** RFC 7932 §9.1: bits 1 to 3 of what begins with a set bit say 18 to 24; all else is 17 and less, or no brotli. */
function windowLogOf([first = 0]: Uint8Array): number {
  return (first & 1) === 1 ? 17 + ((first >> 1) & 7) : 16;
}

/** The smallest window that holds so many bytes (RFC 7932 §9.1: 16 less than the power of two). */
function windowFor(length: number): number {
  return Math.min(brotliWindowLog, Math.max(10, Math.ceil(Math.log2(length + 16))));
}

const brotli: Compressor = {
  compress: (bytes) =>
    zlib.brotliCompressSync(bytes, {
      params: {
        [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        [zlib.constants.BROTLI_PARAM_LGWIN]: windowFor(bytes.length),
      },
    }),
  expand: (bytes, length) =>
    windowLogOf(bytes) > brotliWindowLog
      ? undefined
      : expandBy(() => zlib.brotliDecompressSync(bytes, options(length)), bytes, length),
};

/** The types are those of the oldest Node that we run on. */
type Zstd = (bytes: Uint8Array, options?: object) => unknown;

function member(name: string): unknown {
  return name in zlib ? Reflect.get(zlib, name) : undefined;
}

function isZstd(found: unknown): found is Zstd {
  return typeof found === 'function';
}

function zstdOf(): Compressor | undefined {
  const compress = member('zstdCompressSync');
  const expand = member('zstdDecompressSync');
  const windowLog = Reflect.get(zlib.constants, 'ZSTD_d_windowLogMax');
  if (!isZstd(compress) || !isZstd(expand) || typeof windowLog !== 'number') return undefined;
  const params = { [windowLog]: zstdWindowLog };
  return {
    compress(bytes) {
      const answer = compress(bytes);
      if (!(answer instanceof Uint8Array)) throw new TypeError('node:zlib answers otherwise than it says');
      return answer;
    },
    expand: (bytes, length) => expandBy(() => expand(bytes, { ...options(length), params }), bytes, length),
  };
}

export const nodeCompressors: Compressors = { zlib: deflate, brotli, zstd: zstdOf() };
