/** A few lines of DER writing: key files are normalised to PKCS#8, tests build certificates. */

/** One element: identifier, minimal length, content. */
export function encodeElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of content) length += piece.length;
  const header: number[] = [tag];
  if (length < 0x80) header.push(length);
  else {
    const octets: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
    header.push(0x80 | octets.length, ...octets);
  }
  const out = new Uint8Array(header.length + length);
  out.set(header);
  let at = header.length;
  for (const piece of content) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** OBJECT IDENTIFIER from dotted decimal. */
export function encodeOid(dotted: string): Uint8Array {
  const arcs = dotted.split('.').map(BigInt);
  const [first = 0n, second = 0n, ...rest] = arcs;
  const content: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const septets: number[] = [];
    let left = arc;
    do {
      septets.unshift(Number(left & 0x7fn) | (septets.length > 0 ? 0x80 : 0));
      left >>= 7n;
    } while (left > 0n);
    content.push(...septets);
  }
  return encodeElement(0x06, Uint8Array.from(content));
}

/** INTEGER from a small non-negative number. */
export function encodeSmallInteger(value: number): Uint8Array {
  const octets: number[] = [];
  let rest = value;
  do {
    octets.unshift(rest % 256);
    rest = Math.floor(rest / 256);
  } while (rest > 0);
  if ((octets[0] ?? 0) >= 0x80) octets.unshift(0);
  return encodeElement(0x02, Uint8Array.from(octets));
}
