/**
 * What the engine under test has. The suite runs on the default engine and, with `ACTOR_TLS_ENGINE=noble`, on the
 * portable engine alone, which has no RSA and no DSA: what needs them is left out there and counted.
 */
import { test } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import type { KeyAlgorithm } from '../../packages/ssl/src/values/crypto/engine.js';
import { report } from './report.js';

/** Those of `cases` whose keys the engine has; the others are counted on the run's last lines. */
export function onEngine<T>(cases: readonly T[], algorithm: (one: T) => KeyAlgorithm): T[] {
  return cases.filter((one) => {
    const needed = algorithm(one);
    if (defaultEngine.supportsKey(needed)) return true;
    leftOut(needed);
    return false;
  });
}

/** `test`, or its skipping twin when the engine lacks keys of that kind. */
export function testWithKey(algorithm: KeyAlgorithm): typeof test | typeof test.skip {
  if (defaultEngine.supportsKey(algorithm)) return test;
  leftOut(algorithm);
  return test.skip;
}

function leftOut(algorithm: KeyAlgorithm): void {
  report(`left out: engine ${defaultEngine.name} has no ${algorithm}`, { cases: 1 });
}
