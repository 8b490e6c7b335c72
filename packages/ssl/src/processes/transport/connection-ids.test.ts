import { expect, it } from 'vitest';
import { ConnectionIds } from './connection-ids.js';

/** A datagram that begins with a record under such an ID. */
const under = (id: readonly number[]): Uint8Array =>
  Uint8Array.of(25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, ...id, 0, 0);

it('each holder is found by its IDs, until it gives them back', () => {
  let next = 0;
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length).fill(next++), 4);
  const [one, other] = [{}, {}];
  expect([ids.issue(one)[0], ids.issue(one)[0], ids.issue(other)[0]]).toEqual([0, 1, 2]);
  expect(ids.holderOf(under([1, 1, 1, 1]))).toBe(one);
  expect(ids.holderOf(under([2, 2, 2, 2]))).toBe(other);
  ids.retire(one);
  expect([ids.size, ids.holderOf(under([0, 0, 0, 0])), ids.holderOf(under([1, 1, 1, 1]))]).toEqual([
    1,
    undefined,
    undefined,
  ]);
  ids.retire(one);
  expect(ids.holderOf(under([2, 2, 2, 2]))).toBe(other);
});

it('records of DTLS 1.3 have it behind their first byte, if that says so', () => {
  let next = 0;
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length).fill(++next), 4);
  const holder = {};
  ids.issue(holder);
  expect(ids.holderOf(Uint8Array.of(0x3f, 1, 1, 1, 1))).toBe(holder);
  for (const others of [
    [0x3f, 1, 1, 1],
    [0x2f, 1, 1, 1, 1],
    [0x7f, 1, 1, 1, 1],
    [0x3f, 1, 1, 1, 2],
  ])
    expect(ids.holderOf(Uint8Array.from(others))).toBeUndefined();
});

it('a holder gives one back and keeps the others; nobody gives back another’s', () => {
  let next = 0;
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length).fill(++next), 4);
  const [one, other] = [{}, {}];
  const [first, second] = [ids.issue(one), ids.issue(one)];
  ids.retireOne(other, first);
  expect(ids.holderOf(under([...first]))).toBe(one);
  ids.retireOne(one, first);
  expect([ids.holderOf(under([...first])), ids.holderOf(under([...second]))]).toEqual([undefined, one]);
  ids.retire(one);
  expect(ids.size).toBe(0);
});

it('no ID is given out twice, be chance as bad as it can', () => {
  const chance = [7, 7, 7, 8];
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length).fill(chance.shift() ?? 9), 4);
  expect([ids.issue({})[0], ids.issue({})[0]]).toEqual([7, 8]);
});

it('other records, and datagrams that are cut, are nobody’s', () => {
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length), 4);
  ids.issue({});
  const whole = under([0, 0, 0, 0]);
  for (let length = 0; length < 15; length += 1)
    expect(ids.holderOf(whole.subarray(0, length))).toBeUndefined();
  expect(ids.holderOf(Uint8Array.of(23, ...whole.subarray(1)))).toBeUndefined();
});

it('a length of none: nobody has an ID; another length is taken when nobody has one', () => {
  const ids = new ConnectionIds<object>((length) => new Uint8Array(length), 0);
  const holder = {};
  expect(ids.issue(holder)).toHaveLength(0);
  expect(ids.holderOf(under([]))).toBeUndefined();
  ids.resize(5);
  expect(ids.issue(holder)).toHaveLength(5);
  ids.resize(6);
  expect(ids.holderOf(under([0, 0, 0, 0, 0]))).toBe(holder);
});
