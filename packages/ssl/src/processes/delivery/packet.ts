/**
 * Packet modes: how received bytes are cut into what the owner gets (`erlang:decode_packet/3`, contract §2.7).
 *
 * Pure functions over bytes. A decoder looks at the front of the buffer and answers a packet with the number of
 * bytes it used, how much is needed, or that the bytes cannot be a packet.
 */
import type { PacketMode } from '../../options/config.js';
import { decodeHttpHeader, decodeHttpLine, type HttpPacket } from './packet-http.js';

export type DecodeResult =
  /** A packet; `used` bytes of the buffer went into it. */
  | { readonly packet: Uint8Array | HttpPacket; readonly used: number }
  /** Bytes the whole packet takes, when its header says so; else what the bytes to come must bring to end it. */
  | { readonly more: number | undefined; readonly until?: PacketEnd }
  | 'invalid';

/**
 * What ends a packet of unknown length: a newline, one that no continuation line follows, a byte without its top bit
 * (X.690 §8.1.2.4). Looked for in what is new, it saves looking at all that waits again and again.
 */
export type PacketEnd = 'newline' | 'unfolded_newline' | 'clear_top_bit';

/** Whether `bytes` may hold the end of a packet; `last` is the byte in front of them. */
export function mayEnd(end: PacketEnd, last: number | undefined, bytes: Uint8Array): boolean {
  switch (end) {
    case 'newline':
      return bytes.includes(newline);
    case 'clear_top_bit':
      return bytes.some((one) => one < 0x80);
    case 'unfolded_newline':
      if (last === newline && !isBlank(byte(bytes, 0))) return true;
      for (
        let at = bytes.indexOf(newline);
        at >= 0 && at + 1 < bytes.length;
        at = bytes.indexOf(newline, at + 1)
      )
        if (!isBlank(byte(bytes, at + 1))) return true;
      return false;
  }
}

const moreUnknown: DecodeResult = { more: undefined };
const untilNewline: DecodeResult = { more: undefined, until: 'newline' };
const untilUnfolded: DecodeResult = { more: undefined, until: 'unfolded_newline' };
const untilClear: DecodeResult = { more: undefined, until: 'clear_top_bit' };

/**
 * Takes one packet from the front of `buffer`. `packetSize` is the largest packet accepted in bytes, without the
 * header where the header is stripped; 0 means no limit.
 */
export function decodePacket(type: PacketMode, buffer: Uint8Array, packetSize: number): DecodeResult {
  switch (type) {
    case 'raw':
    case 0:
      return buffer.length === 0 ? moreUnknown : { packet: buffer, used: buffer.length };
    case 1:
      return buffer.length < 1 ? moreUnknown : stripped(buffer, 1, byte(buffer, 0), packetSize);
    case 2:
      return buffer.length < 2 ? moreUnknown : stripped(buffer, 2, uint16(buffer, 0), packetSize);
    case 4:
      return buffer.length < 4 ? moreUnknown : stripped(buffer, 4, uint32(buffer, 0), packetSize);
    case 'asn1':
      return asn1(buffer, packetSize);
    case 'cdr':
      return cdr(buffer, packetSize);
    case 'sunrm':
      // RFC 5531 §11 record marking: the top bit says "last fragment", the rest is the length.
      return buffer.length < 4 ? moreUnknown : whole(buffer, 4, uint32(buffer, 0) & 0x7fffffff, packetSize);
    case 'fcgi':
      return fcgi(buffer, packetSize);
    case 'tpkt':
      return tpkt(buffer, packetSize);
    case 'line':
      return line(buffer, packetSize);
    case 'http':
    case 'http_bin':
      return http(buffer, packetSize, type === 'http_bin', 'line');
    case 'httph':
    case 'httph_bin':
      return http(buffer, packetSize, type === 'httph_bin', 'header');
  }
}

/** The length header that `send` puts before data in packet modes 1, 2 and 4. */
export function packetHeader(width: 1 | 2 | 4, length: number): Uint8Array {
  const header = Buffer.alloc(width);
  header.writeUIntBE(length, 0, width);
  return header;
}

/** Largest data a packet mode with a length header can frame. */
export function largestPacket(width: 1 | 2 | 4): number {
  return 2 ** (8 * width) - 1;
}

const byte = (buffer: Uint8Array, at: number): number => buffer[at] ?? 0;
const uint16 = (buffer: Uint8Array, at: number): number => (byte(buffer, at) << 8) | byte(buffer, at + 1);
const uint32 = (buffer: Uint8Array, at: number): number =>
  uint16(buffer, at) * 65536 + uint16(buffer, at + 2);

/** Emulates the signed 32-bit lengths of Erlang's decoder: what does not fit is no packet. */
const largestLength = 0x7fffffff;

function stripped(buffer: Uint8Array, header: number, length: number, packetSize: number): DecodeResult {
  if (tooLong(header, length, packetSize)) return 'invalid';
  const used = header + length;
  return buffer.length < used ? { more: used } : { packet: buffer.subarray(header, used), used };
}

function whole(buffer: Uint8Array, header: number, length: number, packetSize: number): DecodeResult {
  if (tooLong(header, length, packetSize)) return 'invalid';
  const used = header + length;
  return buffer.length < used ? { more: used } : { packet: buffer.subarray(0, used), used };
}

function tooLong(header: number, length: number, packetSize: number): boolean {
  return (packetSize > 0 && length > packetSize) || header + length > largestLength;
}

/** X.690 §8.1: identifier octets, then a definite length. */
function asn1(buffer: Uint8Array, packetSize: number): DecodeResult {
  let at = 1;
  if (buffer.length < 2) return moreUnknown;
  if ((byte(buffer, 0) & 0x1f) === 0x1f) {
    // The tag number goes on while the top bit is set.
    while (at < buffer.length && (byte(buffer, at) & 0x80) !== 0) at += 1;
    if (at === buffer.length) return untilClear;
    at += 1;
  }
  if (at >= buffer.length) return moreUnknown;
  const first = byte(buffer, at);
  at += 1;
  if ((first & 0x80) === 0) return whole(buffer, at, first, packetSize);
  let length = 0;
  for (let rest = first & 0x7f; rest > 0; rest -= 1) {
    if (at >= buffer.length) return moreUnknown;
    length = length * 256 + byte(buffer, at);
    // The decoder of Erlang keeps 32 bits.
    if (length > 0xffffffff) length %= 0x100000000;
    at += 1;
  }
  return whole(buffer, at, length, packetSize);
}

/** CORBA 2.3 §15.4.1: "GIOP", version, flags (bit 0: little endian), type, 4 bytes length. */
function cdr(buffer: Uint8Array, packetSize: number): DecodeResult {
  if (buffer.length < 12) return moreUnknown;
  if (uint32(buffer, 0) !== 0x47494f50) return 'invalid';
  const littleEndian = (byte(buffer, 6) & 1) !== 0;
  const length = littleEndian
    ? byte(buffer, 8) + byte(buffer, 9) * 256 + byte(buffer, 10) * 65536 + byte(buffer, 11) * 16777216
    : uint32(buffer, 8);
  return whole(buffer, 12, length, packetSize);
}

/**
 * FastCGI 1.0 §3.3: version 1, type, request id, content length, padding length, reserved. The padding is
 * taken from the buffer and not given to the owner.
 */
function fcgi(buffer: Uint8Array, packetSize: number): DecodeResult {
  if (buffer.length < 8) return moreUnknown;
  if (byte(buffer, 0) !== 1) return 'invalid';
  const padding = byte(buffer, 6);
  const decoded = whole(buffer, 8, uint16(buffer, 4) + padding, packetSize);
  return decoded === 'invalid' || 'more' in decoded || padding === 0
    ? decoded
    : { packet: buffer.subarray(0, decoded.used - padding), used: decoded.used };
}

/** RFC 1006 §6: version 3, a reserved byte that nobody checks, length with the header. */
function tpkt(buffer: Uint8Array, packetSize: number): DecodeResult {
  if (buffer.length < 4) return moreUnknown;
  if (byte(buffer, 0) !== 3) return 'invalid';
  const length = uint16(buffer, 2) - 4;
  return length < 0 ? 'invalid' : whole(buffer, 4, length, packetSize);
}

const newline = 0x0a;

function line(buffer: Uint8Array, packetSize: number): DecodeResult {
  const end = buffer.indexOf(newline);
  const length = end < 0 ? buffer.length : end + 1;
  if (packetSize > 0 && length > packetSize) return 'invalid';
  return end < 0 ? untilNewline : { packet: buffer.subarray(0, length), used: length };
}

function http(
  buffer: Uint8Array,
  packetSize: number,
  binary: boolean,
  expect: 'line' | 'header',
): DecodeResult {
  const used = expect === 'line' ? buffer.indexOf(newline) + 1 : endOfHeader(buffer);
  if (used === 0) {
    if (packetSize > 0 && buffer.length >= packetSize) return 'invalid';
    // A line of a single byte goes on in no further one: any byte may end it.
    if (expect === 'line' || buffer.length === 1) return untilNewline;
    return buffer.length === 2 ? moreUnknown : untilUnfolded;
  }
  if (packetSize > 0 && used > packetSize) return 'invalid';
  const text = buffer.subarray(0, used);
  return { packet: expect === 'line' ? decodeHttpLine(text, binary) : decodeHttpHeader(text, binary), used };
}

/** SP or HT: a line that begins so goes on with the one before. */
function isBlank(one: number): boolean {
  return one === 0x20 || one === 0x09;
}

/**
 * Bytes up to the end of a header with its continuation lines (RFC 2616 §4.2), or 0 while it may go on: only the
 * byte after the newline tells.
 */
function endOfHeader(buffer: Uint8Array): number {
  let from = 0;
  for (;;) {
    const end = buffer.indexOf(newline, from);
    if (end < 0) return 0;
    const empty = end === 0 || (end === 1 && byte(buffer, 0) === 0x0d);
    if (empty) return end + 1;
    if (end + 1 === buffer.length) return 0;
    // To Erlang's decoder a line of a single byte goes on in no further one.
    if (end === 1) return 2;
    const next = byte(buffer, end + 1);
    if (!isBlank(next)) return end + 1;
    from = end + 1;
  }
}
