/**
 * `@actor-tls/ssl/core` where there is no Node: all of it but `nodeEngine`, on an engine in JavaScript alone. Nothing
 * here needs node:crypto, `Buffer` or another global of Node's. The exports map gives it to whoever does not resolve
 * by the condition `node`, such as bundlers for browsers.
 */

export { defaultEngine } from '../values/crypto/portable-engine.js';
export * from './exports.js';
