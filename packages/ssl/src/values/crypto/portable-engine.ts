/**
 * `default-engine.ts` where there is no node:crypto: a browser, a worker at an edge. JavaScript alone, so slower, and
 * without RSA and DSA.
 */
export { nobleEngine as defaultEngine } from './noble/engine.js';
