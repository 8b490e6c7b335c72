/** Shapes that the tickets of both sides are made of; they are ours, RFC 8446 §4.6.1 leaves them open. */
import type { HashName } from './crypto/engine.js';
import { type Codec, opaque8, uint8, uint16, uint32 } from './wire/codec.js';
import { DecodeError } from './wire/reader.js';

/** A format's number, in front: whatever was written in another one is not read. */
export function format(number: number): Codec<true> {
  return {
    decode(reader) {
      if (reader.uint8() !== number) throw new DecodeError('another format');
      return true;
    },
    encode: (writer) => writer.uint8(number),
  };
}

/** ms since 1970, in 48 bits. */
export const time: Codec<number> = {
  decode: (reader) => uint16.decode(reader) * 0x1_0000_0000 + uint32.decode(reader),
  encode(writer, value) {
    const whole = Math.min(Math.max(Math.floor(value), 0), 0xffff_ffff_ffff);
    uint16.encode(writer, Math.floor(whole / 0x1_0000_0000));
    uint32.encode(writer, whole % 0x1_0000_0000);
  },
};

const hashes = { sha256: 1, sha384: 2 } as const;

/** The hash of a suite of TLS 1.3. */
export const suiteHash: Codec<HashName> = {
  decode(reader) {
    const code = reader.uint8();
    if (code === hashes.sha256) return 'sha256';
    if (code === hashes.sha384) return 'sha384';
    throw new DecodeError('no hash of a suite');
  },
  encode(writer, name) {
    if (name !== 'sha256' && name !== 'sha384') throw new RangeError(`no suite with ${name}`);
    writer.uint8(hashes[name]);
  },
};

export const flag: Codec<boolean> = {
  decode: (reader) => reader.uint8() !== 0,
  encode: (writer, value) => writer.uint8(value ? 1 : 0),
};

/** What may be absent; what is there may be empty. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    decode: (reader) => (uint8.decode(reader) === 0 ? undefined : codec.decode(reader)),
    encode(writer, value) {
      uint8.encode(writer, value === undefined ? 0 : 1);
      if (value !== undefined) codec.encode(writer, value);
    },
  };
}

/** Text of at most 255 bytes. */
export const text8: Codec<string> = {
  decode: (reader) => new TextDecoder().decode(bytes8.decode(reader)),
  encode: (writer, value) => bytes8.encode(writer, new TextEncoder().encode(value)),
};

const bytes8 = opaque8(0, 255);
