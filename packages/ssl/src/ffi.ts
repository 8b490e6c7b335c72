/**
 * `@actor-tls/ssl/ffi`: the engine that calls Node's own libcrypto. Opt-in, since a mistake in it is a crash of the
 * process and not an error: docs/performance.md says when it pays.
 */

export { type FfiEngine, type FfiOptions, ffiEngine } from './values/crypto/ffi/engine.js';
export { FfiUnavailable } from './values/crypto/ffi/foreign.js';
