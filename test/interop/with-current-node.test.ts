import { currentNode, currentNodePath } from './current-node.js';
import { interopWith } from './suite.js';

interopWith(
  currentNode,
  currentNodePath === undefined ? { why: 'ACTOR_TLS_CURRENT_NODE names no current Node' } : undefined,
);
