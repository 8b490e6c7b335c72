import { describe, expect, it } from 'vitest';
import { decodeAck, encodeAck } from './ack.js';
import { RecordError } from './errors.js';

describe('ACK (RFC 9147 §7)', () => {
  it('lists numbers in increasing order', () => {
    const numbers = [
      { epoch: 3, sequence: 0 },
      { epoch: 2, sequence: 2 ** 40 },
      { epoch: 2, sequence: 1 },
    ];
    const bytes = encodeAck(numbers);
    expect(bytes).toHaveLength(2 + 3 * 16);
    expect(decodeAck(bytes)).toEqual([
      { epoch: 2, sequence: 1 },
      { epoch: 2, sequence: 2 ** 40 },
      { epoch: 3, sequence: 0 },
    ]);
  });

  it('may name none', () => {
    expect(decodeAck(Uint8Array.of(0, 0))).toEqual([]);
  });

  it('names no record of ours by a number that no record can have', () => {
    const [number] = decodeAck(Uint8Array.of(0, 16, ...new Array<number>(16).fill(255)));
    expect(number?.epoch).toBeGreaterThan(2 ** 53);
  });

  it.each([
    [[]],
    [[0]],
    [[0, 1, 0]],
    [[0, 16, 0]],
    [[0, 0, 0]],
    [[0, 15, ...new Array<number>(15).fill(0)]],
    [[0, 16, ...new Array<number>(17).fill(0)]],
  ])('is malformed as %j', (bytes) => {
    expect(() => decodeAck(Uint8Array.from(bytes))).toThrow(new RecordError('malformed_ack'));
  });
});
