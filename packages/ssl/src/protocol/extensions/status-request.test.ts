import { describe, expect, it } from 'vitest';
import { Reader } from '../../values/wire/reader.js';
import { certificateStatus, statusRequest } from './status-request.js';

describe('status_request', () => {
  const read = (bytes: readonly number[]): unknown => {
    const set = { statusRequest: undefined };
    const reader = new Reader(Uint8Array.from(bytes));
    statusRequest.read(reader, set);
    reader.end();
    return set.statusRequest;
  };

  it('of a type that nobody knows is read as such, whatever follows (RFC 6066 §8)', () => {
    expect(read([2])).toBe('unknown');
    expect(read([9, 1, 2, 3])).toBe('unknown');
  });

  it('for OCSP needs both of its lists', () => {
    expect(read([1, 0, 0, 0, 0])).toEqual({ responderIds: [], requestExtensions: new Uint8Array() });
    for (const bytes of [[], [1], [1, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
      expect(() => read(bytes)).toThrow();
  });

  it('in a Certificate is a response that is not empty, of OCSP', () => {
    const status = (bytes: readonly number[]): unknown => {
      const set = { certificateStatus: undefined };
      const reader = new Reader(Uint8Array.from(bytes));
      certificateStatus.read(reader, set);
      reader.end();
      return set.certificateStatus;
    };
    expect(status([1, 0, 0, 2, 5, 6])).toEqual(Uint8Array.of(5, 6));
    for (const bytes of [[], [1], [1, 0, 0, 0], [2, 0, 0, 1, 5], [1, 0, 0, 2, 5], [1, 0, 0, 1, 5, 6]])
      expect(() => status(bytes)).toThrow();
  });
});
