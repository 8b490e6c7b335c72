/** What certificate compression (RFC 8879) needs from outside; at once, since what is handed to it is short. */
import type { CompressionAlgorithm } from '../registry/certificate-compression.js';

export interface Compressor {
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * Exactly `length` bytes, which is at least 1, from the whole input; `undefined` when it does not hold just that. It
   * must stop as soon as there are more: a stranger has written the input.
   */
  expand(compressed: Uint8Array, length: number): Uint8Array | undefined;
}

/** Those there are. */
export type Compressors = { readonly [A in CompressionAlgorithm]?: Compressor | undefined };

export const noCompressors: Compressors = {};
