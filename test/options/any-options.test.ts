/** Whatever is written as an option, the answer is a config or a term: no crash, no other exception, no hang. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  mergeOptions,
  parseClientOptions,
  parseServerOptions,
} from '../../packages/ssl/src/options/parse.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { emulatedRows, planSetopts, transportRows } from '../../packages/ssl/src/options/socket-options.js';
import { formatError } from '../../packages/ssl/src/values/format-error.js';
import { SslError } from '../../packages/ssl/src/values/ssl-error.js';
import { fakeEngine } from './fake-engine.js';

const names = [
  ...optionRows.map((row) => row.name),
  ...Object.keys(emulatedRows),
  ...Object.keys(transportRows),
  'nosuch',
  '__proto__',
  'constructor',
];
const words = fc.constantFrom(
  'tlsv1.3',
  'tlsv1.2',
  'x25519',
  'verify_peer',
  'once',
  'infinity',
  'sha256',
  'rsa',
  '',
);
const anything = fc.anything({
  withBigInt: true,
  withNullPrototype: true,
  withTypedArray: true,
  withMap: true,
});
const value = fc.oneof(
  anything,
  words,
  fc.array(fc.oneof(words, anything), { maxLength: 4 }),
  fc.func(fc.nat()),
  fc.uint8Array({ maxLength: 6 }),
);
const options = fc
  .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries));

describe('any options', () => {
  it('parse to a config or a term on both sides, and every term has a text and an SslError', () => {
    fc.assert(
      fc.property(options, options, (listen, later) => {
        for (const result of [
          parseClientOptions(listen, { engine: fakeEngine }),
          parseServerOptions(mergeOptions(listen, later), { engine: fakeEngine }),
        ]) {
          expect(Object.keys(result)).toHaveLength(1);
          if ('error' in result) {
            expect(formatError(result.error).length).toBeGreaterThan(0);
            expect(new SslError(result.error).code).toMatch(/^[A-Z0-9_]+$/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a config that parsed parses again to the same from the same options', () => {
    fc.assert(
      fc.property(options, (raw) => {
        expect(parseServerOptions(raw, { engine: fakeEngine })).toEqual(
          parseServerOptions(raw, { engine: fakeEngine }),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('setopts plans anything', () => {
    fc.assert(
      fc.property(fc.oneof(options, anything), (raw) => void planSetopts(raw)),
      { numRuns: 300 },
    );
  });
});
