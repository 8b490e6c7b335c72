/** Copies pieces one behind another to the beginning of `into`, which has room for them, and answers it. */
export function join<T extends Uint8Array>(pieces: readonly Uint8Array[], into: T): T {
  let at = 0;
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
  return into;
}

/** Pieces one behind another, in memory of their own. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return join(pieces, new Uint8Array(length));
}
