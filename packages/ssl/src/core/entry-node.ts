/**
 * `@actor-tls/ssl/core`: the protocol without processes and without I/O, for embedders, browsers, fuzzers and
 * conformance shims. This is the one for Node; `core/entry-portable.ts` is the same without node:crypto.
 */

export { nodeCompressors } from '../values/compression/node-zlib.js';
export { defaultEngine } from '../values/crypto/default-engine.js';
export { nodeEngine } from '../values/crypto/node/engine.js';
export * from './exports.js';
