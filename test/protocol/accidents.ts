import type { Fate } from './datagram-link.js';

/** What may happen to one datagram. */
export const accidents: Readonly<Record<string, Fate>> = {
  lost: () => [],
  doubled: (bytes) => [
    { after: 1, bytes },
    { after: 2, bytes },
  ],
  'late, behind what follows': (bytes) => [{ after: 700, bytes }],
  'later than its repetition': (bytes) => [{ after: 2500, bytes }],
  'cut in half': (bytes) => [{ after: 1, bytes: bytes.subarray(0, bytes.length >> 1) }],
  'changed in its last byte': (bytes) => [{ after: 1, bytes: bent(bytes) }],
  'with a stranger in front': (bytes) => [
    { after: 1, bytes: Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 255, 255, 255, 255, 255, 255, 0, 2, 9, 9) },
    { after: 1, bytes },
  ],
};

function bent(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
  return copy;
}
