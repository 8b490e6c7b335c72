import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  decodeAll,
  encodeAll,
  fixed,
  list8,
  list16,
  opaque8,
  opaque16,
  struct,
  uint8,
  uint16,
  uint32,
} from './codec.js';
import { DecodeError, Reader } from './reader.js';
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeType,
  handshakeByCode,
  handshakeTypes,
  type Tls13Bodies,
  tls13Messages,
} from './tls13-messages.js';
import { Writer } from './writer.js';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const extensions = fc.array(fc.record({ extensionType: u16, extensionData: bytes(0, 20) }), { maxLength: 4 });
const atLeastOne = fc.array(fc.record({ extensionType: u16, extensionData: bytes(0, 20) }), {
  minLength: 1,
  maxLength: 4,
});

const bodies: { readonly [K in HandshakeType]: fc.Arbitrary<Tls13Bodies[K]> } = {
  client_hello: fc.record({
    legacyVersion: u16,
    random: bytes(32, 32),
    legacySessionId: bytes(0, 32),
    cipherSuites: fc.array(u16, { minLength: 1, maxLength: 20 }),
    legacyCompressionMethods: bytes(1, 5),
    extensions: atLeastOne,
  }),
  server_hello: fc.record({
    legacyVersion: u16,
    random: bytes(32, 32),
    legacySessionIdEcho: bytes(0, 32),
    cipherSuite: u16,
    legacyCompressionMethod: u8,
    extensions: atLeastOne,
  }),
  new_session_ticket: fc.record({
    ticketLifetime: u32,
    ticketAgeAdd: u32,
    ticketNonce: bytes(0, 20),
    ticket: bytes(1, 40),
    extensions,
  }),
  end_of_early_data: fc.constant({}),
  encrypted_extensions: fc.record({ extensions }),
  certificate: fc.record({
    certificateRequestContext: bytes(0, 10),
    certificateList: fc.array(fc.record({ certData: bytes(1, 40), extensions }), { maxLength: 3 }),
  }),
  certificate_request: fc.record({ certificateRequestContext: bytes(0, 10), extensions: atLeastOne }),
  certificate_verify: fc.record({ algorithm: u16, signature: bytes(0, 80) }),
  finished: fc.record({ verifyData: bytes(0, 48) }),
  key_update: fc.record({ requestUpdate: u8 }),
  compressed_certificate: fc.record({
    algorithm: u16,
    uncompressedLength: fc.integer({ min: 0, max: 0xffffff }),
    compressedCertificateMessage: bytes(1, 40),
  }),
};

/** A message whose header announces what is there. */
function reframed(message: Uint8Array): Uint8Array {
  const length = message.length - 4;
  return Uint8Array.from([
    message[0] ?? 0,
    length >> 16,
    (length >> 8) & 255,
    length & 255,
    ...message.subarray(4),
  ]);
}

/** Property tests of one message, with its type kept together with its body. */
function describeMessage<K extends HandshakeType>(type: K, arbitrary: fc.Arbitrary<Tls13Bodies[K]>): void {
  describe(type, () => {
    test('comes back as it went', () => {
      fc.assert(
        fc.property(arbitrary, (body) => {
          const message = encodeHandshake(type, body);
          expect(message[0]).toBe(tls13Messages.code(type));
          expect(reframed(message)).toEqual(message);
          expect(decodeHandshake(type, message)).toEqual(body);
        }),
        { numRuns: 60 },
      );
    });

    // All of its bytes are verify_data, whose length is the receiver's to check.
    if (type === 'finished') return;
    test('rejects every proper prefix and any trailing byte', () => {
      fc.assert(
        fc.property(arbitrary, u8, (body, extra) => {
          const message = encodeHandshake(type, body);
          for (let end = 4; end < message.length; end += 1) {
            // A hello may lack its whole block of extensions (RFC 5246 §7.4.1.2).
            if (isHelloWithoutExtensions(type, body, end)) continue;
            expect(() => decodeHandshake(type, message.subarray(0, end)), `${end}`).toThrow(DecodeError);
          }
          expect(() => decodeHandshake(type, Uint8Array.from([...message, extra]))).toThrow(DecodeError);
        }),
        { numRuns: 20 },
      );
    });
  });
}

function isHelloWithoutExtensions(type: HandshakeType, body: object, end: number): boolean {
  if (type !== 'client_hello' && type !== 'server_hello') return false;
  const length = Object.entries(body).reduce((sum, [name, value]) => {
    if (name === 'extensions') return sum;
    if (name === 'random') return sum + 32;
    if (value instanceof Uint8Array) return sum + 1 + value.length;
    if (Array.isArray(value)) return sum + 2 + 2 * value.length;
    return sum + (name === 'legacyCompressionMethod' ? 1 : 2);
  }, 4);
  return end === length;
}

describeMessage('client_hello', bodies.client_hello);
describeMessage('server_hello', bodies.server_hello);
describeMessage('new_session_ticket', bodies.new_session_ticket);
describeMessage('end_of_early_data', bodies.end_of_early_data);
describeMessage('encrypted_extensions', bodies.encrypted_extensions);
describeMessage('certificate', bodies.certificate);
describeMessage('certificate_request', bodies.certificate_request);
describeMessage('certificate_verify', bodies.certificate_verify);
describeMessage('finished', bodies.finished);
describeMessage('key_update', bodies.key_update);

test('every type has its number and no other number has a type', () => {
  const codes = handshakeTypes.map(tls13Messages.code);
  expect(new Set(codes).size).toBe(handshakeTypes.length);
  for (let code = 0; code < 256; code += 1) {
    expect(handshakeByCode(code)).toBe(handshakeTypes.find((type) => tls13Messages.code(type) === code));
  }
});

describe('combinators', () => {
  test.each<[string, Codec<unknown>, readonly number[]]>([
    ['an opaque below its minimum', opaque8(2, 4), [1, 0]],
    ['an opaque above its maximum', opaque8(2, 4), [5, 0, 0, 0, 0, 0]],
    ['an opaque that announces more than there is', opaque16(0, 65535), [0xff, 0xff, 1]],
    ['a list that ends within an item', list16(uint16, 2, 10), [0, 3, 1, 2, 3]],
    ['a list longer than its bound', list8(uint8, 1, 2), [3, 1, 2, 3]],
    ['a fixed one that is short', fixed(4), [1, 2, 3]],
  ])('%s is refused', (_what, codec, input) => {
    expect(() => decodeAll(codec, Uint8Array.from(input))).toThrow(DecodeError);
  });

  test('a value that breaks its bounds is not written', () => {
    expect(() => encodeAll(opaque8(2, 4), new Uint8Array(5))).toThrow(RangeError);
    expect(() => encodeAll(list8(uint8, 2, 4), [1])).toThrow(RangeError);
    expect(() => encodeAll(fixed(2), new Uint8Array(3))).toThrow(RangeError);
    expect(() => encodeAll(opaque8(0, 255), new Uint8Array(256))).toThrow(RangeError);
  });

  test('after a failed encoding the next one is whole', () => {
    expect(() =>
      encodeAll(struct<{ a: number; b: Uint8Array }>({ a: uint8, b: fixed(2) }), {
        a: 1,
        b: new Uint8Array(3),
      }),
    ).toThrow();
    expect(encodeAll(uint16, 0x1234)).toEqual(Uint8Array.of(0x12, 0x34));
  });

  test('numbers of all widths come back', () => {
    fc.assert(
      fc.property(u8, u16, u32, (a, b, c) => {
        const codec = struct<{ a: number; b: number; c: number }>({ a: uint8, b: uint16, c: uint32 });
        expect(decodeAll(codec, encodeAll(codec, { a, b, c }))).toEqual({ a, b, c });
      }),
    );
  });
});

describe('reader and writer', () => {
  test('a reader within another cannot leave it', () => {
    const reader = new Reader(Uint8Array.of(1, 2, 3, 4));
    const inner = reader.within(2);
    expect(inner.uint16()).toBe(0x0102);
    expect(() => inner.uint8()).toThrow(DecodeError);
    expect(reader.uint16()).toBe(0x0304);
    reader.end();
  });

  test('a reader of a window starts and ends there', () => {
    const reader = new Reader(Uint8Array.of(9, 1, 2, 3, 9), 1, 4);
    expect(reader.uint24()).toBe(0x010203);
    expect(() => reader.take(1)).toThrow(DecodeError);
  });

  test('a writer grows, and forgets when told', () => {
    const writer = new Writer(2);
    const mark = writer.open(3);
    writer.bytes(new Uint8Array(100_000).fill(7));
    expect(writer.close(mark, 3)).toBe(100_000);
    expect(writer.finish().subarray(0, 4)).toEqual(Uint8Array.of(1, 0x86, 0xa0, 7));
    writer.reset();
    expect(writer.length).toBe(0);
    writer.uint32(0xfffefdfc);
    expect(writer.finish()).toEqual(Uint8Array.of(0xff, 0xfe, 0xfd, 0xfc));
  });

  test('a length that does not fit its room is refused', () => {
    const writer = new Writer();
    const mark = writer.open(1);
    writer.bytes(new Uint8Array(256));
    expect(() => writer.close(mark, 1)).toThrow(RangeError);
  });
});
