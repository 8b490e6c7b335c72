/**
 * The engine that is used unless another is chosen. node:crypto comes first for every primitive: measured on
 * Node 20 it is level with @noble/hashes for short digests and faster by 4 to 40 times for everything else.
 */
import type { CryptoEngine } from './engine.js';
import { nobleEngine } from './noble/engine.js';
import { nodeEngine } from './node/engine.js';
import { routeEngines } from './router.js';

export const defaultEngine: CryptoEngine = routeEngines([nodeEngine, nobleEngine]);
