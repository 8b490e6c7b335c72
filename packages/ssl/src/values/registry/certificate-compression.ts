/** Algorithms of certificate compression (RFC 8879 §7.3). */

export type CompressionAlgorithm = 'zlib' | 'brotli' | 'zstd';

const codes: Readonly<Record<CompressionAlgorithm, number>> = { zlib: 1, brotli: 2, zstd: 3 };

export const compressionAlgorithms: readonly CompressionAlgorithm[] = ['zlib', 'brotli', 'zstd'];

export function compressionCode(algorithm: CompressionAlgorithm): number {
  return codes[algorithm];
}

/** `undefined`: none of ours. */
export function compressionByCode(code: number): CompressionAlgorithm | undefined {
  return compressionAlgorithms.find((algorithm) => codes[algorithm] === code);
}
