/**
 * For tests of supervision trees: simulated time, seeded scheduling, assertions on trees, leak checks.
 */
export { type Random, seededRandom } from './random.js';
export { type Settle, SimulatedClock } from './simulated-clock.js';
