/**
 * What node:crypto likes best, decided once at load. Figures: µs on Node 20.20 · 24.21.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';

export type SecretInput = Uint8Array | KeyObject;

/**
 * From Node 24 on (OpenSSL 3.5) a raw key makes `createCipheriv` and `createHmac` cost 12 in place of 1.2 and 2.3;
 * on 20 and 22 both forms cost the same, and raw bytes are one native object less per direction.
 */
const wantsKeyObject = Number.parseInt(process.versions.node, 10) >= 24;

/** A secret key in the form this Node takes fastest. */
export const secretInput: (key: Uint8Array) => SecretInput = wantsKeyObject
  ? (key) => createSecretKey(key)
  : (key) => key;

/**
 * Bytes of a latin1 string. `digest('latin1')` and this loop cost half of `digest()` (0.6 for 1.2 with SHA-256),
 * and a short array lives in the JavaScript heap without a native buffer behind it.
 */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Memory of its own: small Buffers are slices of a pool that they would keep alive. */
export function copied(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}

/** Not under `--frozen-intrinsics`. */
const limitIsWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;

/**
 * Calls into node:crypto with errors that have no stack. Node 24 finds out what kind of key it was given by catching
 * errors, four of them for an import, and the traces of these are two thirds of its cost (51 for 18). For calls whose
 * errors nobody reads.
 */
export function withoutStacks<T>(call: () => T): T {
  if (!limitIsWritable) return call();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
