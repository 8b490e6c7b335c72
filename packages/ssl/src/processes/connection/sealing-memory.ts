/**
 * Memory for ciphertext that is lent to transports and used again: what is written over and over stays in the
 * processor's cache and is nothing for the collector. Shared by all connections of a thread.
 */

/** Bytes: one stride of the send queue as records of 16 KB, with their headers and tags. */
const length = 66_560;
/** Pieces that wait for use; more than one only when transports have a backlog. */
const most = 4;
const spare: Uint8Array[] = [];

/** Memory of at least so many bytes, which may hold anything that was sent before. */
export function takeSealingMemory(bytes: number): Uint8Array {
  if (bytes > length) return new Uint8Array(bytes);
  return spare.pop() ?? new Uint8Array(length);
}

/** Nobody reads from it any more. */
export function giveSealingMemory(memory: Uint8Array): void {
  if (memory.length === length && spare.length < most) spare.push(memory);
}
