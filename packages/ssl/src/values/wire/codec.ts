/**
 * The presentation language of RFC 8446 §3 as combinators. A `Codec<T>` reads and writes one `T`, so that a message
 * is declared once and reads like the RFC's struct: `opaque8(0, 32)` is `opaque<0..32>`.
 *
 * Bounds are checked before anything is allocated. Decoded bytes are views of the input. A value that breaks its own
 * bounds when written is a fault of ours: `RangeError`.
 */
import { DecodeError, Reader } from './reader.js';
import { Writer } from './writer.js';

export interface Codec<T> {
  /** Reads one value. Throws `DecodeError`. */
  decode(reader: Reader): T;
  encode(writer: Writer, value: T): void;
}

/** Decodes a whole piece of bytes; trailing bytes are an error. */
export function decodeAll<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.decode(reader);
  reader.end();
  return value;
}

/** One for all: encoding is synchronous and codecs do not encode whole values inside others. */
const scratch = new Writer();

/** The encoding of one value, as bytes of its own. */
export function encodeAll<T>(codec: Codec<T>, value: T): Uint8Array {
  scratch.reset();
  codec.encode(scratch, value);
  return scratch.finish();
}

export const uint8: Codec<number> = {
  decode: (reader) => reader.uint8(),
  encode: (writer, value) => writer.uint8(value),
};

export const uint16: Codec<number> = {
  decode: (reader) => reader.uint16(),
  encode: (writer, value) => writer.uint16(value),
};

export const uint24: Codec<number> = {
  decode: (reader) => reader.uint24(),
  encode: (writer, value) => writer.uint24(value),
};

export const uint32: Codec<number> = {
  decode: (reader) => reader.uint32(),
  encode: (writer, value) => writer.uint32(value),
};

/** Nothing at all: the body of a message or extension that says all by being there. */
export const empty: Codec<true> = {
  decode: () => true,
  encode: () => {},
};

/** All bytes that are left. */
export const rest: Codec<Uint8Array> = {
  decode: (reader) => reader.take(reader.remaining),
  encode: (writer, value) => writer.bytes(value),
};

/** `opaque[length]` */
export function fixed(length: number): Codec<Uint8Array> {
  return {
    decode: (reader) => reader.take(length),
    encode: (writer, value) => {
      if (value.length !== length) throw new RangeError(`${value.length} bytes instead of ${length}`);
      writer.bytes(value);
    },
  };
}

/** `opaque<min..max>` with a length of one byte. */
export function opaque8(min: number, max: number): Codec<Uint8Array> {
  return opaque(1, min, max);
}

/** `opaque<min..max>` with a length of two bytes. */
export function opaque16(min: number, max: number): Codec<Uint8Array> {
  return opaque(2, min, max);
}

/** `opaque<min..max>` with a length of three bytes. */
export function opaque24(min: number, max: number): Codec<Uint8Array> {
  return opaque(3, min, max);
}

/** `T<min..max>` with a length of one byte; the bounds count bytes, as in the RFC. */
export function list8<T>(item: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  return list(1, item, min, max);
}

/** `T<min..max>` with a length of two bytes; the bounds count bytes, as in the RFC. */
export function list16<T>(item: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  return list(2, item, min, max);
}

/** `T<min..max>` with a length of three bytes; the bounds count bytes, as in the RFC. */
export function list24<T>(item: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  return list(3, item, min, max);
}

/** A struct, its fields in the order given. */
export function struct<T extends object>(fields: { readonly [K in keyof T]-?: Codec<T[K]> }): Codec<T> {
  const names = Object.keys(fields).filter((name): name is Extract<keyof T, string> => name in fields);
  return {
    decode(reader) {
      const value: Partial<T> = {};
      let read = 0;
      for (const name of names) {
        value[name] = fields[name].decode(reader);
        read += 1;
      }
      if (isWhole(value, read, names)) return value;
      throw new TypeError('a struct lost a field');
    },
    encode(writer, value) {
      for (const name of names) fields[name].encode(writer, value[name]);
    },
  };
}

/** Counting is enough, and looking each field up again would double the cost of a decoder. */
function isWhole<T extends object>(
  _value: Partial<T>,
  read: number,
  names: readonly (keyof T)[],
): _value is T {
  return read === names.length;
}

function readLength(reader: Reader, width: 1 | 2 | 3, min: number, max: number): number {
  const length = width === 1 ? reader.uint8() : width === 2 ? reader.uint16() : reader.uint24();
  if (length < min || length > max) throw new DecodeError(`a length of ${length}, not ${min} to ${max}`);
  return length;
}

function checkLength(length: number, min: number, max: number): void {
  if (length < min || length > max) throw new RangeError(`a length of ${length}, not ${min} to ${max}`);
}

function opaque(width: 1 | 2 | 3, min: number, max: number): Codec<Uint8Array> {
  return {
    decode: (reader) => reader.take(readLength(reader, width, min, max)),
    encode(writer, value) {
      checkLength(value.length, min, max);
      const mark = writer.open(width);
      writer.bytes(value);
      writer.close(mark, width);
    },
  };
}

function list<T>(width: 1 | 2 | 3, item: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  return {
    decode(reader) {
      const inner = reader.within(readLength(reader, width, min, max));
      const values: T[] = [];
      while (inner.remaining > 0) values.push(item.decode(inner));
      return values;
    },
    encode(writer, values) {
      const mark = writer.open(width);
      for (const value of values) item.encode(writer, value);
      checkLength(writer.close(mark, width), min, max);
    },
  };
}
