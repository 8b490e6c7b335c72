/** Bytes in hexadecimal text. */

const octets: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Lower case, two digits a byte. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const octet of bytes) text += octets[octet];
  return text;
}

/** The bytes of hexadecimal digits, of which there is an even number. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
