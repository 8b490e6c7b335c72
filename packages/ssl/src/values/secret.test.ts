import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Secret } from './secret.js';

it('a secret prints as [secret] wherever it is shown', () => {
  const secret = new Secret(Uint8Array.of(65, 66, 67));
  const shown = [
    inspect(secret),
    inspect({ secret }, { depth: 9, showHidden: true }),
    JSON.stringify({ secret }),
    `${secret}`,
    JSON.stringify([...Object.values(secret), ...Object.keys(secret)]),
  ];
  for (const text of shown) expect(text).not.toMatch(/65|ABC|41/);
  expect(inspect(secret)).toBe('[secret]');
  expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
});

it('zero overwrites the very bytes it was given', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const secret = new Secret(bytes);
  expect(secret.expose()).toBe(bytes);
  secret.zero();
  expect(bytes).toEqual(Uint8Array.of(0, 0, 0));
});
