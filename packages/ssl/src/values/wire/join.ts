/** Copies pieces one behind another to the beginning of `into`, which has room for them, and answers it. */
export function join<T extends Uint8Array>(pieces: readonly Uint8Array[], into: T): T {
  let at = 0;
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
  return into;
}
