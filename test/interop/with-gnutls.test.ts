import { gnutls } from './gnutls.js';
import { interopWith } from './suite.js';

interopWith(gnutls, 'gnutls-cli');
