import { nodeTls } from './node-tls.js';
import { interopWith } from './suite.js';

interopWith(nodeTls, undefined);
