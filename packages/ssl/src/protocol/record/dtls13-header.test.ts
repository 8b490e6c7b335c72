import { describe, expect, it } from 'vitest';
import { bearsId, isUnified, nearestSequence, putUnifiedHeader, unifiedHeaderAt } from './dtls13-header.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

describe('the unified header (RFC 9147 §4)', () => {
  it('is told from records without keys by its first three bits', () => {
    expect([0x20, 0x2f, 0x3f].map(isUnified)).toEqual([true, true, true]);
    expect([20, 21, 22, 23, 26, 0x40, 0x80, undefined].some(isUnified)).toBe(false);
  });

  it('has what its bits say: a number of one byte or two, a length or all that is left', () => {
    expect(unifiedHeaderAt(bytes('2f 0102 0003 aabbcc'), 0, 0)).toEqual({
      ...{ epochBits: 3, idLength: 0, sequenceLength: 2, begin: 5, end: 8 },
    });
    expect(unifiedHeaderAt(bytes('26 01 0002 aabb ccdd'), 0, 0)).toEqual({
      ...{ epochBits: 2, idLength: 0, sequenceLength: 1, begin: 4, end: 6 },
    });
    expect(unifiedHeaderAt(bytes('29 0102 aabbccdd'), 0, 0)).toEqual({
      ...{ epochBits: 1, idLength: 0, sequenceLength: 2, begin: 3, end: 7 },
    });
    expect(unifiedHeaderAt(bytes('ffff 20 01 aa'), 2, 0)).toEqual({
      ...{ epochBits: 0, idLength: 0, sequenceLength: 1, begin: 4, end: 5 },
    });
  });

  it.each(['', '2f', '2f 01', '2f 0102 00', '2f 0102 0003 aabb', '2c 0000 ffff', '28', '20'])(
    'is none in "%s", which ends before it or what it announces',
    (text) => {
      expect(unifiedHeaderAt(bytes(text), 0, 0)).toBeUndefined();
    },
  );

  it('has a connection ID of as many bytes as were agreed on, if its bit says so', () => {
    expect(unifiedHeaderAt(bytes('3f aabbcc 0102 0001 dd'), 0, 3)).toEqual({
      ...{ epochBits: 3, idLength: 3, sequenceLength: 2, begin: 8, end: 9 },
    });
    expect(unifiedHeaderAt(bytes('32 aabb 01 dd'), 0, 2)).toEqual({
      ...{ epochBits: 2, idLength: 2, sequenceLength: 1, begin: 4, end: 5 },
    });
    expect(unifiedHeaderAt(bytes('2f 0102 0001 dd'), 0, 2)).toEqual({
      ...{ epochBits: 3, idLength: 0, sequenceLength: 2, begin: 5, end: 6 },
    });
    for (const text of ['3f', '3f aabb', '3f aabb 0102 00', '3f aabb 0102 0002 dd'])
      expect([text, unifiedHeaderAt(bytes(text), 0, 2)]).toEqual([text, undefined]);
    expect(['30', '3f', '2f', '19'].map((text) => bearsId(bytes(text)[0]))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('is none with a connection ID where none was agreed on', () => {
    expect(unifiedHeaderAt(bytes('3f 0102 0001 aa'), 0, 0)).toBeUndefined();
  });

  it('is written as it is read', () => {
    for (const epoch of [2, 3, 4, 0xffff]) {
      const into = new Uint8Array(5 + 0x123);
      putUnifiedHeader(into, epoch, new Uint8Array(0), 0xabcd, 0x123);
      expect(into.subarray(0, 5)).toEqual(bytes(`${(0x2c | (epoch & 3)).toString(16)} abcd 0123`));
      expect(unifiedHeaderAt(into, 0, 0)).toEqual({
        ...{ epochBits: epoch & 3, idLength: 0, sequenceLength: 2, begin: 5, end: into.length },
      });
      const withId = new Uint8Array(7 + 0x123);
      putUnifiedHeader(withId, epoch, bytes('7788'), 0xabcd, 0x123);
      expect(withId.subarray(0, 7)).toEqual(bytes(`${(0x3c | (epoch & 3)).toString(16)} 7788 abcd 0123`));
    }
  });
});

describe('a number of which few bits came (§4.2.2)', () => {
  it.each([
    [0, 1, 0, 0],
    [255, 1, 0, 255],
    [0xff, 1, 0x100, 0xff],
    [0x00, 1, 0xff, 0x100],
    [0x7f, 1, 0x100, 0x17f],
    [0x81, 1, 0x100, 0x81],
    [0xffff, 2, 0x1_0000, 0xffff],
    [0x0000, 2, 0xfff0, 0x1_0000],
    [0x1234, 2, 2 ** 40, 2 ** 40 + 0x1234],
    [0xfff0, 2, 2 ** 48 - 1, 2 ** 48 - 16],
  ] as const)('%i of %i bytes, where %i is expected, is %i', (low, length, expected, sequence) => {
    expect(nearestSequence(low, length, expected)).toBe(sequence);
  });

  it('is never further than half a span away, and ends in what came', () => {
    for (const length of [1, 2] as const) {
      const span = 2 ** (8 * length);
      for (let expected = span; expected < 10 * span; expected += 97) {
        const low = (expected * 31) % span;
        const found = nearestSequence(low, length, expected);
        expect(found % span).toBe(low);
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(span / 2);
      }
    }
  });
});
