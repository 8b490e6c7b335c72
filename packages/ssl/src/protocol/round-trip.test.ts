import { expect, it } from 'vitest';
import { RoundTrip } from './round-trip.js';

it('one hello alone is answered by whatever number the answer has', () => {
  let now = 100;
  const trip = new RoundTrip(() => now);
  expect(trip.answeredBy(0)).toBeUndefined();
  trip.left(0, 2);
  now = 180;
  expect([trip.answeredBy(0), trip.answeredBy(7)]).toEqual([80, 80]);
});

it('of several the one whose record’s number the answer bears', () => {
  let now = 0;
  const trip = new RoundTrip(() => now);
  for (const at of [0, 1000, 3000]) {
    now = at;
    trip.left(at / 500, at / 500 + 2);
  }
  now = 3050;
  expect([0, 2, 3, 6, 7].map((number) => trip.answeredBy(number))).toEqual([3050, 2050, 2050, 50, 50]);
  expect(trip.answeredBy(8)).toBeUndefined();
});

it('keeps few of them', () => {
  const trip = new RoundTrip(() => 0);
  for (let n = 0; n < 1000; n += 1) trip.left(n, n + 1);
  expect([trip.answeredBy(999), trip.answeredBy(0)]).toEqual([0, undefined]);
});
