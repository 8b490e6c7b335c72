import { afterAll } from 'vitest';
import { go, goVersion, removeGoPeer } from './go.js';
import { interopWith } from './suite.js';

const version = goVersion();
afterAll(removeGoPeer);

interopWith(go, version === undefined || version < 1.26 ? { why: 'no Go 1.26 on the PATH' } : undefined);
