import { erlang } from './erlang.js';
import { interopWith } from './suite.js';

interopWith(erlang, 'escript');
