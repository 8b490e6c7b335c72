/** CRLs in files and HTTP bodies: DER as it is, or PEM with any number of them. */

/**
 * The CRLs in the bytes, in DER. Bytes that do not look like PEM are taken for one DER CRL; whether they are one
 * is for whoever decodes it. A broken PEM block is left out.
 */
export function crlsInFile(bytes: Uint8Array): Uint8Array[] {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, sniffed)).toString(
    'latin1',
  );
  if (!start.includes('-----BEGIN')) return [bytes];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const found: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf(beginMarker, at);
    const end = begin < 0 ? -1 : text.indexOf(endMarker, begin);
    if (end < 0) return found;
    at = end + endMarker.length;
    const body = text.slice(begin + beginMarker.length, end).replace(/\s/g, '');
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(body)) found.push(new Uint8Array(Buffer.from(body, 'base64')));
  }
}

/** RFC 7468 §6 */
const beginMarker = '-----BEGIN X509 CRL-----';
const endMarker = '-----END X509 CRL-----';
/** Explanatory text may stand before the first block. */
const sniffed = 8192;
