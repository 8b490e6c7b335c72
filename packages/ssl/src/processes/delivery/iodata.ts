/** `iodata()`: what `send` takes. */

/** Bytes, text (sent as UTF-8), byte numbers, and lists of these to any depth. */
export type IoData = Uint8Array | string | readonly (IoData | number)[];

/** All bytes in one piece, without a copy where the data is one binary. Throws `TypeError` for anything else (badarg). */
export function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  const pieces: Uint8Array[] = [];
  collect(data, pieces);
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

function collect(data: unknown, pieces: Uint8Array[]): void {
  if (data instanceof Uint8Array) pieces.push(data);
  else if (typeof data === 'string') pieces.push(Buffer.from(data, 'utf8'));
  else if (Array.isArray(data)) {
    for (const item of data) {
      if (typeof item !== 'number') collect(item, pieces);
      else if (Number.isInteger(item) && item >= 0 && item < 256) pieces.push(Uint8Array.of(item));
      else throw new TypeError('badarg: a number in iodata is a byte');
    }
  } else throw new TypeError('badarg: send takes a Uint8Array, a string, or lists of these and bytes');
}
