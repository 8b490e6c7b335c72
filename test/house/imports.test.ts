import { describe, expect, it } from 'vitest';
import {
  cryptographyOutsideItsFolder,
  eagerLibraries,
  importCycles,
  privacyMixed,
  rawTimers,
  upwardImports,
  versionQuestions,
} from './rules.js';
import { packageSources, sourceFile } from './source-files.js';

const sources = packageSources();

describe('the house', () => {
  it('imports go down only: ssl.ts → processes → protocol → values, and packages likewise', () => {
    expect(upwardImports(sources)).toEqual([]);
  });

  it('only values/crypto imports node:crypto or noble', () => {
    expect(cryptographyOutsideItsFolder(sources)).toEqual([]);
  });

  it('libraries that are slow to load wait until a file needs them', () => {
    expect(eagerLibraries(sources)).toEqual([]);
  });

  it('no files import each other in a ring', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it('nobody asks for the version outside hello/, registry/ and options/', () => {
    expect(versionQuestions(sources)).toEqual([]);
  });

  it('nobody sets a timer of Node but the clock', () => {
    expect(rawTimers(sources)).toEqual([]);
  });

  it('what a class hides is behind #, or where records pass behind private', () => {
    expect(privacyMixed(sources)).toEqual([]);
  });

  it('the sources were read: all four packages, with their imports', () => {
    const packages = new Set(sources.map(({ path }) => path.split('/')[1]));
    expect([...packages].sort()).toEqual(['crl-cache', 'runtime', 'session-store', 'ssl']);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(20);
  });
});

describe('the rules bite', () => {
  const ssl = (path: string, text: string) => sourceFile(`packages/ssl/src/${path}`, text);

  it('on an upward import, of a type too, over several lines', () => {
    const offender = ssl(
      'values/wire/reader.ts',
      "import type {\n  Sink,\n} from '../../protocol/sink.js';\n",
    );
    expect(upwardImports([offender])).toEqual([
      'packages/ssl/src/values/wire/reader.ts imports packages/ssl/src/protocol/sink.ts',
    ]);
  });

  it('on a package that imports ssl, and on the runtime importing a cache', () => {
    const cache = sourceFile('packages/crl-cache/src/x.ts', "export { Y } from '@actor-tls/ssl/core';\n");
    const runtime = sourceFile('packages/runtime/src/x.ts', "import '@actor-tls/session-store';\n");
    expect(upwardImports([cache, runtime])).toHaveLength(2);
  });

  it('not on an import of config types, nor on one inside a comment', () => {
    const reader = ssl(
      'protocol/core.ts',
      "/*\nimport { x } from '../processes/connection.js';\n*/\nimport type { Config } from '../options/config.js';\n",
    );
    expect(upwardImports([reader])).toEqual([]);
    expect(reader.imports).toEqual([{ target: 'packages/ssl/src/options/config.ts', kind: 'type' }]);
  });

  it('on cryptography from elsewhere', () => {
    const offender = ssl('protocol/a.ts', "import { sha256 } from '@noble/hashes/sha2.js';\n");
    expect(cryptographyOutsideItsFolder([offender])).toHaveLength(1);
    expect(cryptographyOutsideItsFolder([ssl('values/crypto/a.ts', "import 'node:crypto';\n")])).toEqual([]);
  });

  it('on a library that is loaded with everything else', () => {
    const structure = ssl('values/x509/structure.ts', "import { PFX } from 'pkijs';\n");
    const patient = ssl('values/x509/a.ts', "const load = () => import('./structure.js');\n");
    const eager = ssl('values/x509/b.ts', "import { read } from './structure.js';\n");
    expect(eagerLibraries([structure, patient])).toEqual([]);
    expect(eagerLibraries([structure, eager])).toEqual([
      'packages/ssl/src/values/x509/b.ts loads packages/ssl/src/values/x509/structure.ts at once',
    ]);
  });

  it('on a ring of three', () => {
    const ring = [
      ssl('a.ts', "import { b } from './b.js';\n"),
      ssl('b.ts', "import { c } from './c.js';\n"),
      ssl('c.ts', "import { type A, a } from './a.js';\n"),
    ];
    const broken = ssl('c.ts', "import { type A } from './a.js';\n");
    expect(importCycles([...ring.slice(0, 2), broken])).toEqual([]);
    expect(importCycles(ring)).toEqual([
      'packages/ssl/src/a.ts → packages/ssl/src/b.ts → packages/ssl/src/c.ts → packages/ssl/src/a.ts',
    ]);
  });

  it('on each way to ask for a version', () => {
    const questions = [
      "if (v === 'tlsv1.3') {}",
      "if ('dtlsv1.2' !== v) {}",
      'if (version >= 0x0304) {}',
      "switch (v) { case 'tlsv1': }",
      "if (versions.includes('tlsv1.2')) {}",
    ];
    for (const question of questions) {
      expect(versionQuestions([ssl('protocol/tls13/x.ts', question)])).toHaveLength(1);
      expect(versionQuestions([ssl('protocol/hello/x.ts', question)])).toEqual([]);
    }
    expect(versionQuestions([ssl('protocol/x.ts', "const versions = ['tlsv1.3'];")])).toEqual([]);
  });

  it('on a timer of Node', () => {
    const timers = [
      'const timer = setTimeout(done, 5);',
      'globalThis.setTimeout(done, 5);',
      'setInterval(look, 1000);',
      'fetch(url, { signal: AbortSignal.timeout(ms) });',
      "import { setTimeout as sleep } from 'node:timers/promises';",
    ];
    for (const timer of timers) expect(rawTimers([ssl('processes/x.ts', timer)])).toHaveLength(1);
    expect(rawTimers([ssl('processes/x.ts', 'clock.setTimeout(done, ms); // setTimeout(')])).toEqual([]);
  });

  it('on private members where # is the rule, and on both kinds in one file', () => {
    const field = 'class A {\n  private readonly a = 1;\n}';
    const both = 'class A {\n  private a = 1;\n  readonly #b = 2;\n}';
    expect(privacyMixed([ssl('processes/x.ts', field)])).toHaveLength(1);
    expect(privacyMixed([ssl('protocol/x.ts', field)])).toEqual([]);
    expect(privacyMixed([ssl('protocol/x.ts', both)])).toHaveLength(1);
    expect(privacyMixed([ssl('processes/x.ts', 'class A {\n  private constructor() {}\n}')])).toEqual([]);
  });
});
