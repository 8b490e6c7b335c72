/** Bytes as text, a character each. `TextDecoder` cannot: what it calls latin1 is windows-1252. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
