import { expect, it } from 'vitest';
import { UnprovedAddress } from './unproved-address.js';

function address() {
  const told: string[] = [];
  const made = new UnprovedAddress(
    () => told.push('answered'),
    () => told.push('proved'),
  );
  return { told, made };
}

it('three times what came may go there, and what is longer than what is left of it does not count', () => {
  const { made } = address();
  expect(made.takes(1)).toBe(false);
  made.came(100);
  expect([250, 51, 50, 1].map((bytes) => made.takes(bytes))).toEqual([true, false, true, false]);
  made.came(1);
  expect([3, 1].map((bytes) => made.takes(bytes))).toEqual([true, false]);
});

it('says once when the first has gone there, and when whoever is there has answered', () => {
  const { made, told } = address();
  made.takes(1);
  expect(told).toEqual([]);
  made.came(10);
  made.takes(1);
  made.takes(1);
  expect(told).toEqual(['answered']);
  made.proved();
  expect(told).toEqual(['answered', 'proved']);
});
