/**
 * Every ```ts block of the documents is compiled and run as it stands: in a folder with throw-away certificates
 * (`cert.pem`, `key.pem`, issued by `ca.pem`, for localhost; `client.pem`, `client-key.pem`), in this process. What it
 * prints is compared with its comments `// → …`; an error, a failed assertion or a line on stderr fails it.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { format, promisify } from 'node:util';
import { createNode, defaultNode, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { patience } from '../support/patience.js';
import { freePort, hasRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { allPrograms, documents, type Program, programsIn, root } from './markdown.js';

const folder = `${root}test/docs/.generated/`;
const programs = allPrograms();

/** The README shows its echo without the two lines that everybody writes first. */
const usualImports = "import type { Self } from '@actor-tls/runtime'; import * as ssl from '@actor-tls/ssl';";

function fileOf({ document, line }: Program): string {
  return `${document.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase()}-${line}.ts`;
}

function moduleOf({ text }: Program): string {
  const imports = /^import /m.test(text) ? '' : usualImports;
  return `${imports}${text}\n`;
}

const home = process.cwd();
let redis: RedisServer | undefined;

beforeAll(async () => {
  const port = String(await freePort());
  redis = hasRedis ? await startRedis() : undefined;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const ca = createCa();
  const server = ca.issue();
  const client = ca.issue({ subject: 'a client' });
  writeFileSync(`${folder}ca.pem`, ca.certPem);
  writeFileSync(`${folder}cert.pem`, server.chainPem);
  writeFileSync(`${folder}key.pem`, server.keyPem);
  writeFileSync(`${folder}client.pem`, client.chainPem);
  writeFileSync(`${folder}client-key.pem`, client.keyPem);
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }),
  );
  for (const program of programs)
    writeFileSync(
      folder + fileOf(program),
      moduleOf(program)
        .replaceAll('8443', port)
        .replaceAll('6379', String(redis?.port ?? 1)),
    );
  process.chdir(folder);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await ssl.stop();
  defaultNode().stop();
});

afterAll(async () => {
  await redis?.kill();
  process.chdir(home);
});

describe('the TypeScript in the documents', () => {
  it('compiles', async () => {
    const tsc = `${root}node_modules/typescript/bin/tsc`;
    const compiled = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(compiled.stdout).toBe('');
  });

  // Those of the README speak to each other: see below.
  const alone = programs.filter(({ document, notRun }) => document !== 'README.md' && notRun === undefined);

  it.each(alone)('$document:$line runs', async (program) => {
    const printed: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...args: unknown[]) => {
      printed.push(...format(...args).split('\n'));
    });
    const complaints: string[] = [];
    const complain = (...args: unknown[]): void => {
      complaints.push(format(...args));
    };
    vi.spyOn(console, 'error').mockImplementation(complain);
    vi.spyOn(console, 'warn').mockImplementation(complain);
    await import(`${folder}${fileOf(program)}`);
    expect(complaints).toEqual([]);
    // What is printed without an arrow (a tree with its pids) is for the reader alone.
    if (program.prints.length > 0)
      expect(printed.filter((line) => program.prints.includes(line))).toEqual(program.prints);
  });

  it('is all run, but for what says why not', () => {
    expect(programs.filter(({ notRun }) => notRun !== undefined)).toEqual([]);
    const tables = ['map', 'options', 'attacks', 'performance', 'otp-contract', 'house', 'walks'].map(
      (name) => `docs/${name}.md`,
    );
    for (const document of documents())
      if (!tables.includes(document)) expect(programs.map((program) => program.document)).toContain(document);
  });
});

/** The program of the README that has these words in it. */
function ofReadme(words: string): string {
  const program = programs.find(({ document, text }) => document === 'README.md' && text.includes(words));
  if (program === undefined) throw new Error(`the README has no ${words}`);
  return folder + fileOf(program);
}

it("the README's certificates, server and client are all that a newcomer needs", async () => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  for (const name of ['ca.pem', 'cert.pem', 'key.pem']) rmSync(`${folder}${name}`);
  await import(ofReadme('// certificates.mjs'));
  await import(ofReadme('// server.mjs'));
  await import(ofReadme('// client.mjs'));
  expect(printed.mock.calls.flat()).toEqual([expect.stringMatching(/^listening on \d+$/), 'hello']);
});

it("the README's echo gives a client its bytes back", async () => {
  const { echo }: { readonly echo: (self: Self, port: number, options: object) => Promise<void> } =
    await import(ofReadme('function echo'));
  // Silent: the acceptor crashes when its listener is closed in the end.
  const node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node }));
  const port = await freePort();
  node.spawn((self: Self) => echo(self, port, { certfile: 'cert.pem', keyfile: 'key.pem', ip: 'loopback' }));
  const shell = node.shell();
  const options = { cacertfile: 'ca.pem', active: false } as const;
  const dial = async (): Promise<ssl.SslSocket> =>
    ssl.unwrap(await ssl.connect(shell, 'localhost', port, options));
  const socket = await vi.waitFor(dial, { timeout: patience });
  for (const word of ['hello', 'once more']) {
    ssl.unwrap(await ssl.send(socket, word));
    const back = ssl.unwrap(await ssl.recv(socket, word.length));
    expect(back).toEqual(Buffer.from(word));
  }
  await ssl.stop(node);
  node.stop();
});

describe('blocks', () => {
  const fence = '```';

  it('keep the line numbers of their document', () => {
    const [program] = programsIn('x.md', `# X\n\n${fence}ts\na();\n${fence}\n`);
    expect(program?.text.split('\n')).toEqual(['', '', '', 'a();']);
  });

  it('that continue are joined to the one before, lines and all', () => {
    const text = `${fence}ts\na(); // → 1\n${fence}\n\nand\n\n${fence}ts continued\nb(); // → 2\n${fence}\n`;
    const found = programsIn('x.md', text);
    expect(found).toHaveLength(1);
    expect(found[0]?.text.split('\n')).toEqual(['', 'a(); // → 1', '', '', '', '', '', 'b(); // → 2']);
    expect(found[0]?.prints).toEqual(['1', '2']);
  });

  it('of other languages are passed over, unknown marks are refused', () => {
    expect(programsIn('x.md', `${fence}erlang\na.\n${fence}\n`)).toEqual([]);
    expect(() => programsIn('x.md', `${fence}ts whatever\n${fence}\n`)).toThrow('whatever');
    expect(() => programsIn('x.md', `${fence}ts no-run\n${fence}\n`)).toThrow('reason');
  });
});
