import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordError } from './errors.js';
import { HandshakeReassembler } from './reassembly.js';

function message(type: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(type, body.length >> 16, (body.length >> 8) & 255, body.length & 255, ...body);
}

function reasonOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof RecordError) return error.reason;
    throw error;
  }
}

describe('HandshakeReassembler', () => {
  it('gives every message whole, however the stream was cut, and earlier ones stay as they were', () => {
    const bodies = fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 2000 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(bodies, fc.infiniteStream(fc.oneof(fc.nat(3), fc.nat(1000))), (list, cuts) => {
        const stream = new Uint8Array(Buffer.concat(list.map(([type, body]) => message(type, body))));
        const reassembler = new HandshakeReassembler(2000);
        const got: { code: number; raw: Uint8Array }[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + 1 + (cuts.next().value ?? 0);
          reassembler.push(stream.slice(at, end));
          for (let next = reassembler.next(); next !== undefined; next = reassembler.next()) got.push(next);
          at = end;
        }
        expect(got.map(({ code, raw }) => [code, [...raw.subarray(4)]])).toEqual(
          list.map(([type, body]) => [type, [...body]]),
        );
        expect(Buffer.concat(got.map(({ raw }) => raw)).equals(stream)).toBe(true);
        expect(reassembler.pending).toBe(0);
        reassembler.aligned();
      }),
    );
  });

  it('keeps hardly more memory than has come, however much is announced and however it is cut', () => {
    for (const size of [1, 700, 16_384]) {
      const reassembler = new HandshakeReassembler(262_144);
      const stream = new Uint8Array(200_000);
      stream.set([1, 4, 0, 0]);
      let worst = 0;
      for (let at = 0; at < stream.length; at += size) {
        reassembler.push(stream.slice(at, at + size));
        if (reassembler.next() !== undefined) throw new Error('complete');
        worst = Math.max(worst, reassembler.held - reassembler.pending * 1.125);
      }
      expect(worst).toBeLessThanOrEqual(64);
      expect(reassembler.held).toBeGreaterThanOrEqual(200_000);
    }
  });

  it('does not copy a message that came in one fragment', () => {
    const reassembler = new HandshakeReassembler(100);
    const raw = message(8, Uint8Array.of(1, 2));
    reassembler.push(raw);
    expect(reassembler.next()?.raw.buffer).toBe(raw.buffer);
  });

  it('copies what waits, so that the fragment may be overwritten', () => {
    const reassembler = new HandshakeReassembler(100);
    const raw = message(8, Uint8Array.of(1, 2));
    const fragment = raw.slice(0, 5);
    reassembler.push(fragment);
    expect(reassembler.next()).toBeUndefined();
    fragment.fill(0);
    reassembler.push(raw.subarray(5));
    expect(reassembler.next()?.raw).toEqual(raw);
  });

  it('refuses a message that is too large as soon as its header is there', () => {
    const reassembler = new HandshakeReassembler(1000);
    reassembler.push(Uint8Array.of(11, 0, 3, 232));
    expect(reassembler.next()).toBeUndefined();
    const other = new HandshakeReassembler(1000);
    other.push(Uint8Array.of(11, 0, 3, 233));
    expect(reasonOf(() => other.next())).toBe('handshake_message_too_large');
  });

  it('is not aligned while any handshake byte waits, a whole message included', () => {
    const reassembler = new HandshakeReassembler(1000);
    reassembler.aligned();
    reassembler.push(Uint8Array.of(8, 0));
    reassembler.next();
    expect(reasonOf(() => reassembler.aligned())).toBe('excess_handshake_data');
    expect(reasonOf(() => reassembler.assertNotInterleaved())).toBe('interleaved_handshake_message');
    reassembler.push(Uint8Array.of(0, 0, 20, 0, 0, 0));
    expect(reassembler.next()?.code).toBe(8);
    expect(reasonOf(() => reassembler.aligned())).toBe('excess_handshake_data');
    expect(reassembler.next()?.code).toBe(20);
    reassembler.aligned();
    reassembler.assertNotInterleaved();
  });
});
