/** What a peer speaks that does not speak TLS, told by its first bytes: no record of TLS begins like any of these. */

const proxyProtocol = 'the PROXY protocol, which has to be read before the handshake';
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^HTTP\/\d/, 'plain HTTP'],
  [/^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PRI) /, 'plain HTTP'],
  [/^SSH-/, 'SSH'],
  [/^\* (?:OK|PREAUTH|BYE)/, 'IMAP without TLS, which STARTTLS switches on'],
  [/^\+OK/, 'POP3 without TLS, which STLS switches on'],
  [/^\d{3}[ -]/, 'a protocol in the clear, such as SMTP or FTP, which may have STARTTLS'],
  [/^(?:EHLO|HELO) /, 'SMTP without TLS, which STARTTLS switches on'],
  [/^PROXY (?:TCP|UNKNOWN)/, proxyProtocol],
];
const proxyProtocol2: readonly number[] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51];

/** The protocol's name for people, or `undefined`. */
export function otherProtocol(bytes: Uint8Array): string | undefined {
  if (proxyProtocol2.every((byte, index) => bytes[index] === byte)) return proxyProtocol;
  if (isHelloOfSsl2(bytes)) return 'SSL 2.0, or with its hello, which RFC 6176 forbids';
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return beginnings.find(([beginning]) => beginning.test(start))?.[1];
}

/** RFC 5246 appendix E.2: a length in two bytes, the first with its top bit set, client_hello, the version. */
function isHelloOfSsl2([length = 0, , type, major]: Uint8Array): boolean {
  return length >= 0x80 && type === 1 && (major === 0 || major === 3);
}
