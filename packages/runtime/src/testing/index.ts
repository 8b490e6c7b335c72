/**
 * For tests of supervision trees: simulated time, seeded scheduling, faults at chosen steps, assertions on trees,
 * a check for what is left behind. Nothing here depends on a test framework.
 */
export { describeTree, expectTree } from './expect-tree.js';
export { expectNoLeaks, type LeakMark, leaksSince, markLeaks } from './leaks.js';
export { type Random, seededRandom } from './random.js';
export { type Settle, SimulatedClock } from './simulated-clock.js';
export {
  createTestNode,
  type TestNode,
  type TestNodeOptions,
  type TraceEntry,
  type TraceLevel,
} from './test-node.js';
