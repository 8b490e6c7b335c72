/** `npm start`, run as users run it: the built main job in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, expect, it, vi } from 'vitest';
import { patience } from '../support/patience.js';
import { describeUnless, describeWithPeer } from '../support/report.js';

const main = fileURLToPath(new URL('../../examples/dist/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'main-job-'));
const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

afterAll(() => rmSync(directory, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

function finished(child: ChildProcess): Promise<Run> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    err += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const run = (...args: readonly string[]): Promise<Run> => finished(start(...args));

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tcpConnect(port, '127.0.0.1', () => resolve(false));
    socket.on('error', () => resolve(true)).end();
  });
}

function said(child: ChildProcess, text: string): Promise<string> {
  let out = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
      if (out.includes(text)) resolve(out);
    });
  });
}

describeUnless('the main job', existsSync(main) ? undefined : 'examples are not built: npm run build', () => {
  it('does one round and stops in order', async () => {
    const { code, out, err } = await run('--once');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /100000 bytes came back unchanged[\s\S]*tree before[\s\S]*is killed[\s\S]*tree after/,
    );
    expect(out).toMatch(/Stopped in order/);
  });

  it('prints one JSON document: what happened, and the trees, in which one worker is another', async () => {
    const { code, out } = await run('--once', '--json');
    expect(code).toBe(0);
    const { happened, trees } = JSON.parse(out);
    expect(happened.map(({ what }: { what: string }) => what)).toEqual([
      'listening',
      'echoed',
      'worker killed',
      'echoed',
      'stopped',
    ]);
    const { pid, restartedAs } = happened[2];
    expect(JSON.stringify(trees.before)).toContain(pid);
    expect(JSON.stringify(trees.after)).not.toContain(`"pid":"${pid}"`);
    expect(JSON.stringify(trees.after)).toContain(restartedAs);
    for (const name of [
      'ssl_sup',
      'tls_connection_sup',
      'ssl_pem_cache',
      'tls_anti_replay',
      'echo_worker_2',
    ]) {
      expect(JSON.stringify(trees.after)).toContain(name);
    }
  });

  it('serves with a certificate and key from files', async () => {
    const { certPem, keyPem } = createCa().issue();
    const { code, out } = await run(
      '--once',
      '--cert',
      file('c.pem', certPem),
      '--key',
      file('k.pem', keyPem),
    );
    expect(code).toBe(0);
    expect(out).toContain('with the certificate of');
    expect((await run('--once', '--cert', file('both.pem', certPem + keyPem))).code).toBe(0);
  });

  it.each([
    [['--port', '70000'], /^--port 70000: a port is a number from 0 to 65535\n$/],
    [['--port', 'x'], /^--port x: .*\n$/],
    [['--cert', '/absent.pem'], /^cannot read \/absent\.pem: ENOENT.*\n$/],
    [['--key', '/absent.pem'], /^--key needs --cert\n$/],
    [['--bogus'], /^Unknown option '--bogus'\n/],
  ])('%j is one clear line and status 1', async (args, line) => {
    const { code, out, err } = await run('--once', ...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(line);
  });

  it('a key of another certificate is one clear line and status 1', async () => {
    const ca = createCa();
    const { code, err } = await run(
      '--once',
      '--cert',
      file('c1.pem', ca.issue().certPem),
      '--key',
      file('k2.pem', ca.issue().keyPem),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^the server cannot shake hands: .*private key.*\n$/);
  });

  it('a port in use is one clear line and status 1', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => {
        const address = holder.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const { code, err } = await run('--once', '--port', String(port));
    holder.close();
    expect(code).toBe(1);
    expect(err).toBe(`cannot listen on port ${port}: it is in use\n`);
  });

  it('stays up until Ctrl-C, which stops it in order', async () => {
    const child = start();
    const end = finished(child);
    await said(child, 'Ctrl-C stops');
    child.kill('SIGINT');
    const { code, out } = await end;
    expect(code).toBe(0);
    expect(out).toMatch(/Stopped in order/);
  });

  it('on SIGTERM lets nobody in, serves those who are there for a while, and says close_notify', async () => {
    const child = start();
    const end = finished(child);
    const out = await said(child, 'Ctrl-C stops');
    const port = Number(/connect 127\.0\.0\.1:(\d+)/.exec(out)?.[1]);
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(client, 'secureConnect');
    client.write('before');
    expect(String((await once(client, 'data'))[0])).toBe('before');
    child.kill('SIGTERM');
    const ended = once(client, 'end');
    await vi.waitFor(() => expect(refused(port)).resolves.toBe(true), patience);
    client.write('while it drains');
    expect(String((await once(client, 'data'))[0])).toBe('while it drains');
    await ended;
    expect(await end).toMatchObject({ code: 0, err: '' });
  });

  describeWithPeer('the main job while it stays up', 'openssl', () => {
    it('the line that it tells to type gets its echo', async () => {
      const child = start();
      const end = finished(child);
      const out = await said(child, 'Ctrl-C stops');
      const [command = '', ...args] = (/openssl s_client.*/.exec(out)?.[0] ?? '').split(' ');
      const client = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
      client.stdin.write('hello\n');
      expect(await said(client, 'hello\n')).toBe('hello\n');
      client.stdin.end();
      client.kill();
      child.kill('SIGINT');
      expect((await end).code).toBe(0);
    });
  });
});
