import { openssl } from './openssl.js';
import { interopWith } from './suite.js';

interopWith(openssl, 'openssl');
