import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import { SimulatedClock } from '@actor-tls/runtime/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCa } from '../../testing/certificates.js';
import {
  clearPemCache,
  type FileAccess,
  type FileStamp,
  type PemCacheOptions,
  type PemFile,
  type PemResult,
  pemCacheInfo,
  readPemFile,
  startPemCache,
  sweepPemCache,
} from './pem-cache.js';

const ca = createCa();
const [one, two] = [ca.issue(), ca.issue()];

/** Files in memory; a stamp counts the writes. */
class Files implements FileAccess {
  readonly contents: Map<string, { text: string; stamp: FileStamp }> = new Map();
  reads = 0;
  /** While set, reads wait for it. */
  gate: Promise<void> | undefined;
  #writes = 0;

  write(file: string, text: string): void {
    this.#writes += 1;
    this.contents.set(file, { text, stamp: { mtimeMs: this.#writes, size: text.length, ino: 1 } });
  }

  async stamp(file: string): Promise<FileStamp> {
    return this.#known(file).stamp;
  }

  async read(file: string): Promise<Uint8Array> {
    this.reads += 1;
    await this.gate;
    return new TextEncoder().encode(this.#known(file).text);
  }

  #known(file: string): { text: string; stamp: FileStamp } {
    const known = this.contents.get(file);
    if (known === undefined)
      throw Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
    return known;
  }
}

const name = 'ssl_pem_cache';
let clock: SimulatedClock;
let node: Node;
let shell: Self;
let files: Files;

beforeEach(() => {
  clock = new SimulatedClock();
  node = createNode({ clock, logger: silentLogger });
  shell = node.shell();
  files = new Files();
});

afterEach(() => node.stop());

async function start(options: Partial<PemCacheOptions> = {}): Promise<void> {
  const answer = await startPemCache(node, { clean: 120_000, mode: 'keep', files, ...options }, { name });
  expect(answer).toHaveProperty('ok');
}

const read = (file: string): Promise<PemResult> => readPemFile(shell, name, file, files);

async function entriesOf(file: string): Promise<PemFile> {
  const result = await read(file);
  if ('error' in result) throw new Error(JSON.stringify(result.error));
  return result.ok;
}

const kill = (): void => {
  const pid = node.whereis(name);
  if (pid !== undefined) node.exit(pid, 'kill');
};

describe('the PEM cache', () => {
  it('reads a file once, for all who ask at the same time and later', async () => {
    await start();
    files.write('c', one.certPem + one.keyPem);
    const all = await Promise.all([read('c'), read('c'), read('c')]);
    const again = await entriesOf('c');
    for (const result of all) expect(result).toEqual({ ok: again });
    expect(again.entries.map(({ type }) => type)).toEqual(['Certificate', 'PrivateKeyInfo']);
    expect(files.reads).toBe(1);
    expect(await pemCacheInfo(shell, name)).toMatchObject({ files: 1, hits: 1, reads: 1 });
  });

  it('says what is wrong with a file, and does not remember it', async () => {
    await start();
    expect(await read('absent')).toEqual({ error: 'enoent' });
    files.write('empty', '');
    expect(await read('empty')).toEqual({ error: { bad_pem: 'the file is empty' } });
    files.write('broken', one.certPem.replace('-----END', '-----'));
    expect(await read('broken')).toMatchObject({
      error: { bad_pem: expect.stringContaining('does not end') },
    });
    files.write('broken', one.certPem);
    expect(await read('broken')).toHaveProperty('ok');
  });

  it('a changed file is swapped in at the next sweep, and not before', async () => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    files.write('c', two.certPem);
    expect(await entriesOf('c')).toBe(before);
    expect(before.state).toBe('current');
    await clock.advance(120_000);
    expect(before.state).toBe('replaced');
    expect((await entriesOf('c')).entries[0]?.der).toEqual(two.cert);
    expect(await pemCacheInfo(shell, name)).toMatchObject({ swapped: 1, refused: 0 });
  });

  it('a file that has not changed stays the same object through sweeps', async () => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    await clock.advance(600_000);
    expect(await entriesOf('c')).toBe(before);
    expect(files.reads).toBe(1);
  });

  it.each([
    ['garbage', 'garbage'],
    ['an empty file', ''],
    ['half a file', one.certPem.slice(0, 300)],
    ['a key where a certificate was', one.keyPem],
    ['a certificate that is none', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('%s is refused and the old material stays', async (_what, text) => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    files.write('c', text);
    await sweepPemCache(shell, name);
    expect(await entriesOf('c')).toBe(before);
    expect(before.state).toBe('current');
    expect(await pemCacheInfo(shell, name)).toMatchObject({ refused: 1 });
    files.write('c', two.certPem);
    await sweepPemCache(shell, name);
    expect((await entriesOf('c')).entries[0]?.der).toEqual(two.cert);
  });

  it('certificate and key change in the same step', async () => {
    await start();
    files.write('c', one.certPem);
    files.write('k', one.keyPem);
    const [certificate, key] = [await entriesOf('c'), await entriesOf('k')];
    files.write('c', two.certPem);
    files.write('k', two.keyPem);
    let open: () => void = () => {};
    files.gate = new Promise((resolve) => (open = resolve));
    const swept = sweepPemCache(shell, name);
    await clock.advance(0);
    expect([certificate.state, key.state]).toEqual(['current', 'current']);
    open();
    await swept;
    expect([certificate.state, key.state]).toEqual(['replaced', 'replaced']);
  });

  it('a file that is gone is dropped at the second look, unless it is there again', async () => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    const content = files.contents.get('c');
    files.contents.delete('c');
    await sweepPemCache(shell, name);
    expect(await entriesOf('c')).toBe(before);
    if (content !== undefined) files.contents.set('c', content);
    await sweepPemCache(shell, name);
    files.contents.delete('c');
    await sweepPemCache(shell, name);
    expect(before.state).toBe('current');
    await sweepPemCache(shell, name);
    expect(before.state).toBe('replaced');
    expect(await read('c')).toEqual({ error: 'enoent' });
  });

  it('tells of every change: a swap, a clear, its own end', async () => {
    let changes = 0;
    await start({
      onChange: () => {
        changes += 1;
      },
    });
    files.write('c', one.certPem);
    await entriesOf('c');
    await sweepPemCache(shell, name);
    expect(changes).toBe(0);
    files.write('c', two.certPem);
    await sweepPemCache(shell, name);
    expect(changes).toBe(1);
    await clearPemCache(shell, name);
    expect(changes).toBe(2);
    kill();
    await clock.advance(0);
    expect(changes).toBe(3);
  });

  it('clearing makes everything be read anew', async () => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    await clearPemCache(shell, name);
    expect(before.state).toBe('replaced');
    await entriesOf('c');
    expect(files.reads).toBe(2);
  });

  it('a clear during a sweep is not undone by it', async () => {
    await start();
    files.write('c', one.certPem);
    await entriesOf('c');
    files.write('c', two.certPem);
    let open: () => void = () => {};
    files.gate = new Promise((resolve) => (open = resolve));
    const swept = sweepPemCache(shell, name);
    await clock.advance(0);
    await clearPemCache(shell, name);
    open();
    await swept;
    expect(await pemCacheInfo(shell, name)).toMatchObject({ files: 0, swapped: 0 });
  });

  it('keeps nothing in bypass mode', async () => {
    await start({ mode: 'bypass' });
    files.write('c', one.certPem);
    expect((await entriesOf('c')).state).toBe('replaced');
    await entriesOf('c');
    expect(files.reads).toBe(2);
  });

  it('the oldest file goes when there is no room', async () => {
    await start({ maxFiles: 1 });
    files.write('a', one.certPem);
    files.write('b', two.certPem);
    const before = await entriesOf('a');
    await entriesOf('b');
    expect(before.state).toBe('replaced');
    expect(await pemCacheInfo(shell, name)).toMatchObject({ files: 1 });
  });

  it('a file that is written while it is read is read again', async () => {
    await start();
    files.write('c', one.certPem);
    let rewritten = false;
    const slow: FileAccess = {
      stamp: (file) => files.stamp(file),
      async read(file) {
        const bytes = await files.read(file);
        if (!rewritten) files.write('c', two.certPem);
        rewritten = true;
        return bytes;
      },
    };
    kill();
    await start({ files: slow });
    expect((await entriesOf('c')).entries[0]?.der).toEqual(two.cert);
  });

  it('when it is killed, what was read is no longer current and reading goes on without it', async () => {
    await start();
    files.write('c', one.certPem);
    const before = await entriesOf('c');
    kill();
    await clock.advance(0);
    expect(before.state).toBe('replaced');
    expect((await entriesOf('c')).entries).toEqual(before.entries);
    expect(await read('absent')).toEqual({ error: 'enoent' });
    await clearPemCache(shell, name);
    expect(await pemCacheInfo(shell, name)).toMatchObject({ files: 0 });
  });

  it('killed over a read, the reader gets the file all the same', async () => {
    await start();
    files.write('c', one.certPem);
    let open: () => void = () => {};
    files.gate = new Promise((resolve) => (open = resolve));
    const result = read('c');
    await clock.advance(0);
    kill();
    open();
    expect(await result).toHaveProperty('ok');
  });
});

describe('the PEM cache on a disk', () => {
  it('sees a file that was written anew within the same second', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pem-'));
    try {
      await startPemCache(node, { clean: 120_000, mode: 'keep' }, { name });
      const file = join(directory, 'c.pem');
      writeFileSync(file, one.certPem);
      await readPemFile(shell, name, file);
      writeFileSync(file, two.certPem);
      await sweepPemCache(shell, name);
      const after = await readPemFile(shell, name, file);
      expect('ok' in after && after.ok.entries[0]?.der).toEqual(two.cert);
      unlinkSync(file);
      await clearPemCache(shell, name);
      expect(await readPemFile(shell, name, file)).toEqual({ error: 'enoent' });
      expect(await readPemFile(shell, name, directory)).toEqual({ error: 'eisdir' });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
