/** Stands in for the default engine when the suite runs with `ACTOR_TLS_ENGINE=ffi`. */
import { ffiEngine } from '@actor-tls/ssl/ffi';
import type { CryptoEngine } from '../../packages/ssl/src/values/crypto/engine.js';

export const defaultEngine: CryptoEngine = ffiEngine();
