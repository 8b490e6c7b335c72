import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPeer, type Peer, report } from '../support/report.js';
import { type Bundle, bundle } from './bundle.js';
import type { Material } from './cores.js';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'actor-tls-portable-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ca = createCa();
const server = ca.issue();
const client = ca.issue({ subject: 'a client' });
const material: Material = {
  ca: ca.certPem,
  otherCa: createCa().certPem,
  server: server.chainPem + server.keyPem,
  client: client.chainPem + client.keyPem,
};

/** Says what it has to say on the page, or where there is none on the console. */
const program = `
  import { talk } from './cores.ts';
  const tell = (lines) => {
    const text = JSON.stringify(lines);
    if (typeof document === 'undefined') console.log(text);
    else document.body.textContent = 'said:' + text + ':said';
  };
  talk(${JSON.stringify(material)}).then(tell, (error) => tell([String(error && error.stack)]));
`;

/** What is said everywhere. */
const everywhere = [
  'engine noble',
  'defaults: 40000 bytes',
  'aes 256: 40000 bytes',
  'chacha: 40000 bytes',
  'protocols: 40000 bytes of b',
  'both judge: 40000 bytes',
  'no certificate: certificate_required by peer',
  'another CA: unknown_ca by self',
  'another host: handshake_failure by self {"bad_cert":"hostname_check_failed"}',
];

let made: Bundle;
let script: string;
beforeAll(async () => {
  made = await bundle(program);
  script = join(folder, 'script.js');
  writeFileSync(script, made.code);
});

describe('the core in a bundle', () => {
  it('has neither node:crypto nor anything else of Node in it', () => {
    expect(made.files.filter((file) => /node:|crypto\/node\//.test(file))).toEqual([]);
    const ofNode = /(?<![\w.$])(?:Buffer\s*[.(]|process\.\w|global\.|setImmediate\(|require\()|["'`]node:/;
    expect(ofNode.exec(made.code)?.[0]).toBeUndefined();
  });

  it('has types that need no types of Node', async () => {
    const options = {
      lib: ['es2023', 'dom'],
      types: [],
      strict: true,
      noEmit: true,
      module: 'esnext',
      moduleResolution: 'bundler',
    };
    const typed = mkdtempSync(join(here, '.generated-'));
    try {
      writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }));
      writeFileSync(
        join(typed, 'page.ts'),
        "import { clientSettings, type Core, defaultEngine } from '@actor-tls/ssl/core';\n" +
          'export const send = (core: Core): boolean => core.send(new Uint8Array(1));\n' +
          "export const depth: number = clientSettings({ cacerts: '' }, defaultEngine).depth;\n",
      );
      const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
      const compiled = await run(process.execPath, [tsc, '-p', typed]).catch(
        (error: { readonly stdout: string }) => error,
      );
      expect(compiled.stdout).toBe('');
    } finally {
      rmSync(typed, { recursive: true });
    }
  }, 60_000);

  it('is small, and says how small', async () => {
    const client = await bundle(
      "import { Core, clientSettings, defaultEngine, judge } from '@actor-tls/ssl/core';\n" +
        'console.log(Core.client, clientSettings, defaultEngine, judge);\n',
    );
    const kilobytes = (bytes: number): number => Math.ceil(bytes / 1024);
    report('bundle of a client that judges, for browsers', {
      'KB minified': kilobytes(client.code.length),
      'KB gzipped': kilobytes(client.gzipped),
    });
    // TLS 1.3, and all of 1.2 to 1.0 with the primes of SRP, sessions, renegotiation, and the same over datagrams.
    expect(kilobytes(client.gzipped)).toBeLessThan(150);
  });

  it('runs where the globals of Node are gone', async () => {
    const file = join(folder, 'without-node.mjs');
    const gone = ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate'];
    writeFileSync(file, `${gone.map((name) => `delete globalThis.${name};`).join('')}\n${made.code}`);
    const { stdout } = await run(process.execPath, [file], { timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual(everywhere);
  }, 70_000);
});

/** A program that runs scripts, with what goes before the script's name. */
function onRuntime(peer: Peer, ...args: readonly string[]): void {
  describeWithPeer(`the core in ${peer}`, peer, () => {
    it('judges and talks as everywhere', async () => {
      const { stdout } = await run(peer, [...args, script], { timeout: 60_000 });
      expect(JSON.parse(stdout)).toEqual(everywhere);
    }, 70_000);
  });
}

onRuntime('deno', 'run', '--no-config');
onRuntime('bun', 'run');

describeWithPeer('the core in chromium', 'chromium', () => {
  it('judges and talks as everywhere', async () => {
    const page = join(folder, 'page.html');
    const inline = made.code.replaceAll('</script', '<\\/script');
    writeFileSync(page, `<!doctype html><meta charset="utf-8"><body><script>${inline}</script>`);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`];
    const { stdout } = await run('chromium', [...flags, '--dump-dom', `file://${page}`], { timeout: 60_000 });
    expect(JSON.parse(/said:(.*):said/.exec(stdout)?.[1] ?? stdout)).toEqual(everywhere);
  }, 70_000);
});
