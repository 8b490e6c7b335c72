/** Hellos as they stand on the wire. */

/** Whether a message is a hello. */
export const isHello = (message: Uint8Array): boolean => message[0] === 1 || message[0] === 2;

/** Bytes of a message in front of its body: over datagrams it has a number and says what part it is (RFC 6347 §4.2.2). */
const [streamHeader, datagramHeader] = [4, 12];

/** Whether a hello came in datagrams: behind the header of those its version begins with 254. */
const isOfDatagrams = (hello: Buffer): boolean => hello[streamHeader] === 0 && hello[datagramHeader] === 254;

/** The data of an extension in a hello; what trails behind the extensions is not looked at. */
export function extensionOf(bytes: Uint8Array, code: number): Buffer | undefined {
  const hello = Buffer.from(bytes);
  const datagrams = isOfDatagrams(hello);
  const sessionId = (datagrams ? datagramHeader : streamHeader) + 34;
  const cookie = sessionId + 1 + hello.readUInt8(sessionId);
  const suites = datagrams && hello[0] === 1 ? cookie + 1 + hello.readUInt8(cookie) : cookie;
  // A ServerHello has one suite and one compression method.
  const compression = suites + 2 + (hello[0] === 1 ? hello.readUInt16BE(suites) : 0);
  let at = compression + 1 + (hello[0] === 1 ? hello.readUInt8(compression) : 0) + 2;
  while (at + 4 <= hello.length) {
    const end = at + 4 + hello.readUInt16BE(at + 2);
    if (hello.readUInt16BE(at) === code) return hello.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}
