import { describe, expect, it } from 'vitest';
import { DerError, type DerReader, decodeAll, Tag } from './der.js';
import { encodeElement, encodeOid, encodeSmallInteger } from './der-writer.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/ /g, ''), 'hex'));
const read = <T>(hex: string, act: (reader: DerReader) => T): T => decodeAll(bytes(hex), act);
const text = (value: string): string => Buffer.from(value).toString('hex');

describe('DER and nothing else', () => {
  it.each([
    ['an indefinite length', '30 80 00 00'],
    ['a long length where a short one does', '30 81 01 00'],
    ['a length with a leading zero', `30 82 00 80 ${'00'.repeat(128)}`],
    ['a length beyond the end', '30 03 00'],
    ['a length of five octets', '30 85 00 00 00 00 01 00'],
    ['nothing', ''],
    ['a tag alone', '30'],
    ['another tag', '31 00'],
    ['trailing bytes', '30 00 00'],
  ])('%s is refused', (_, hex) => {
    expect(() => read(hex, (reader) => reader.open(Tag.sequence))).toThrow(DerError);
  });

  it.each([
    ['an integer with a needless zero', '02 02 00 7f'],
    ['an integer with a needless ff', '02 02 ff 80'],
    ['an empty integer', '02 00'],
  ])('%s is refused', (_, hex) => {
    expect(() => read(hex, (reader) => reader.integer())).toThrow(DerError);
  });

  it('integers of either sign and any size', () => {
    expect(read('02 01 00', (reader) => reader.integer())).toBe(0n);
    expect(read('02 01 80', (reader) => reader.integer())).toBe(-128n);
    expect(read('02 09 00 ff ff ff ff ff ff ff ff', (reader) => reader.integer())).toBe(2n ** 64n - 1n);
    expect(() => read('02 05 01 00 00 00 00', (reader) => reader.smallInteger())).toThrow(DerError);
    expect(() => read('02 01 ff', (reader) => reader.smallInteger())).toThrow(DerError);
  });

  it('booleans are 00 or ff', () => {
    expect(read('01 01 ff', (reader) => reader.boolean())).toBe(true);
    expect(() => read('01 01 01', (reader) => reader.boolean())).toThrow(DerError);
    expect(() => read('01 02 ff ff', (reader) => reader.boolean())).toThrow(DerError);
  });

  it('named bits have no padding bits set, and octets no unused ones', () => {
    expect(read('03 02 01 06', (reader) => reader.namedBits())).toBe((1 << 5) | (1 << 6));
    expect(() => read('03 02 01 07', (reader) => reader.namedBits())).toThrow(DerError);
    expect(() => read('03 02 08 00', (reader) => reader.namedBits())).toThrow(DerError);
    expect(() => read('03 00', (reader) => reader.namedBits())).toThrow(DerError);
    expect(() => read('03 02 01 06', (reader) => reader.octetsOfBitString())).toThrow(DerError);
  });
});

describe('object identifiers', () => {
  it.each([
    '2.5.29.17',
    '1.2.840.113549.1.1.1',
    '0.9.2342.19200300.100.1.25',
    '2.999.1',
    '2.25.329800735698586629295641978511506172918',
  ])('%s reads as it was written', (oid) => {
    expect(decodeAll(encodeOid(oid), (reader) => reader.oid())).toBe(oid);
  });
  it.each([
    ['with a padded arc', '06 02 80 01'],
    ['cut in an arc', '06 02 55 80'],
    ['empty', '06 00'],
  ])('%s is refused', (_, hex) => {
    expect(() => read(hex, (reader) => reader.oid())).toThrow(DerError);
  });
});

describe('times', () => {
  const utc = (value: string): number =>
    read(`17 ${value.length.toString(16).padStart(2, '0')} ${text(value)}`, (r) => r.time());
  const general = (value: string): number =>
    read(`18 ${value.length.toString(16).padStart(2, '0')} ${text(value)}`, (r) => r.time());

  it('two-digit years are 1950 to 2049, others are written out', () => {
    expect(utc('500101000000Z')).toBe(Date.UTC(1950, 0));
    expect(utc('491231235959Z')).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(general('99991231235959Z')).toBe(253402300799000);
    expect(general('00010101000000Z')).toBe(-62135596800000);
    expect(utc('240229000000Z')).toBe(Date.UTC(2024, 1, 29));
  });

  it.each([
    '2401010000Z',
    '240101000000',
    '240101000000+0000',
    '241301000000Z',
    '230229000000Z',
    '240101240000Z',
    '24010100006xZ',
  ])('UTCTime %s is refused', (value) => {
    expect(() => utc(value)).toThrow(DerError);
  });
  it.each(['20240101000000.5Z', '202401010000Z', '20240101000060Z'])(
    'GeneralizedTime %s is refused',
    (value) => {
      expect(() => general(value)).toThrow(DerError);
    },
  );
});

describe('writing', () => {
  it.each([0, 127, 128, 255, 256, 65_535, 65_536])('an element of %i bytes reads back', (length) => {
    const content = new Uint8Array(length).fill(7);
    const element = encodeElement(Tag.octetString, content);
    expect(decodeAll(element, (reader) => reader.content(Tag.octetString))).toEqual(content);
    expect(() => decodeAll(element.subarray(0, -1), (reader) => reader.content(Tag.octetString))).toThrow(
      DerError,
    );
  });
  it.each([0, 1, 127, 128, 255, 256, 2 ** 31 - 1])('the integer %i reads back', (value) => {
    expect(decodeAll(encodeSmallInteger(value), (reader) => reader.smallInteger())).toBe(value);
  });
});
