/**
 * Stands in for the default engine when the suite runs with `ACTOR_TLS_ENGINE=noble`: the portable engine alone.
 * It has no RSA and no DSA, so tests of these are left out by `describeUnless` and counted.
 */
import type { CryptoEngine } from '../../packages/ssl/src/values/crypto/engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';

export const defaultEngine: CryptoEngine = nobleEngine;
