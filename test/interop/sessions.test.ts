/**
 * Sessions of TLS 1.2, 1.1 and 1.0 with stacks that others wrote, both ways, by id and by ticket (RFC 5246 §7.3, RFC 5077).
 * The table on the last lines says who resumed what with whom.
 */
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeWithPeer, report } from '../support/report.js';
import { type Child, start, startOnFreePort } from './child.js';
import { erlangScript } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { echoClient, echoServer, type OurServer, sslNode } from './ours.js';

let node: Node;
let material: Material;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

let stops: (() => Promise<unknown>)[];
beforeEach(() => {
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const line = Buffer.from('a line\n');
const cases = (['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const).flatMap((version) =>
  (['id', 'ticket'] as const).map((kind) => ({ version, kind })),
);
type Case = (typeof cases)[number];

const told = (
  what: string,
  { version, kind }: Pick<Case, 'version'> & { readonly kind: string },
  peer: string,
): void => report(`interop: ${what} ${version} by ${kind}, ${peer}`, { ok: 1 });

const of = (version: Case['version']): Pick<ssl.TlsClientOptions, 'versions' | 'ciphers'> =>
  version === 'tlsv1.2'
    ? { versions: [version] }
    : { versions: [version], ciphers: ssl.cipherSuites('all', 'tlsv1') };

async function ourServer({ version, kind }: Case): Promise<OurServer & { readonly resumed: () => unknown }> {
  const server = await echoServer(node, {
    ...material.servers.ec256,
    ...of(version),
    olderSessionTickets: kind === 'ticket',
  });
  stops.push(() => server.stop());
  return { ...server, resumed: () => [server.outcomes.length, server.information()['sessionResumption']] };
}

/** Thrice: the first handshake is a full one. */
async function ourClientResumes(port: number, version: Case['version'], kind?: Case['kind']): Promise<void> {
  const options: ssl.TlsClientOptions = {
    cacertfile: material.cafile,
    serverNameIndication: 'localhost',
    ...of(version),
    ...(kind === undefined ? {} : { olderSessionTickets: kind === 'ticket' }),
  };
  for (const expected of [false, true, true]) {
    const { information } = await echoClient(node, port, options, line);
    expect(information).toMatchObject({ protocol: version, sessionResumption: expected });
    // Erlang keeps a session a moment after its handshake.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Resolves with what it has printed when it has said so much. */
async function printed(child: Child, enough: RegExp): Promise<string> {
  const all = (): string => child.stdout().toString('latin1') + child.stderr();
  try {
    await child.until(() => enough.test(all()));
  } finally {
    await child.stop();
  }
  return all();
}

describeWithPeer('OpenSSL', 'openssl', () => {
  const flags = { 'tlsv1.2': '-tls1_2', 'tlsv1.1': '-tls1_1', tlsv1: '-tls1' } as const;
  const common = ({ version, kind }: Case): readonly string[] => [
    ...[flags[version], '-cipher', 'DEFAULT@SECLEVEL=0'],
    ...(kind === 'id' ? ['-no_ticket'] : []),
  ];

  async function client(port: number, it: Case, args: readonly string[]): Promise<string> {
    const child = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'],
      ...['-CAfile', material.cafile, '-verify_return_error', ...common(it), ...args],
    ]);
    child.process.stdin.write(line);
    return printed(child, /a line\n/);
  }

  it.each(cases)('comes back to our server: $version by $kind', async (it) => {
    const our = await ourServer(it);
    const session = join(material.folder, `openssl-${it.version}-${it.kind}`);
    expect(await client(our.port, it, ['-sess_out', session])).toContain('New, ');
    expect(await client(our.port, it, ['-sess_in', session])).toContain('Reused, ');
    expect(our.resumed()).toEqual([2, true]);
    told('our server resumes', it, 'OpenSSL');
  });

  it.each(cases)('connects again and again (-reconnect): $version by $kind', async (it) => {
    const our = await ourServer(it);
    const child = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${our.port}`, '-servername', 'localhost', '-reconnect'],
      ...['-CAfile', material.cafile, ...common(it)],
    ]);
    const text = await printed(child, /(?:Reused, [\s\S]*){5}/);
    expect(text).toMatch(/New, /);
    await expect.poll(our.resumed).toEqual([6, true]);
    told('our server, -reconnect,', it, 'OpenSSL');
  });

  it.each(cases)('takes our client back: $version by $kind', async (it) => {
    const { certfile, keyfile } = material.servers.ec256;
    const { port, child } = await startOnFreePort((at) =>
      start('openssl', [
        ...['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, ...common(it)],
        ...['-cert', certfile, '-cert_chain', certfile, '-key', keyfile],
      ]),
    );
    stops.push(() => child.stop());
    child.process.stdout.on('data', (chunk) => child.process.stdin.write(chunk));
    await ourClientResumes(port, it.version);
    told('our client resumes', it, 'OpenSSL');
  });
});

describeWithPeer('GnuTLS', 'gnutls-cli', () => {
  const names = { 'tlsv1.2': 'VERS-TLS1.2', 'tlsv1.1': 'VERS-TLS1.1', tlsv1: 'VERS-TLS1.0' } as const;
  const bare = ['', ':%NO_SESSION_HASH', ':%NO_ETM'] as const;
  const priority = ({ version, kind }: Case, without: string): string =>
    `LEGACY:-VERS-ALL:+${names[version]}${kind === 'id' ? ':%NO_TICKETS' : ''}${without}`;
  const all = cases.flatMap((it) => bare.map((without) => ({ ...it, without })));

  it.each(all)('comes back to our server: $version by $kind $without', async ({ without, ...it }) => {
    const our = await ourServer(it);
    const child = start('gnutls-cli', [
      ...['--port', String(our.port), '--x509cafile', material.cafile, '--sni-hostname', 'localhost'],
      ...['--verify-hostname', 'localhost', '--priority', priority(it, without), '--resume', '127.0.0.1'],
    ]);
    const text = await printed(child, /This is a resumed session|\*\*\* Fatal error/);
    expect(text).toContain('This is a resumed session');
    await expect.poll(our.resumed).toEqual([2, true]);
    told('our server resumes', { ...it, kind: `${it.kind}${without}` }, 'GnuTLS');
  });

  it.each(all)('takes our client back: $version by $kind $without', async ({ without, ...it }) => {
    const { certfile, keyfile } = material.servers.ec256;
    const { port, child } = await startOnFreePort((at) =>
      start('gnutls-serv', [
        ...['--echo', '--port', String(at), '--quiet', '--disable-client-cert'],
        ...['--x509certfile', certfile, '--x509keyfile', keyfile, '--priority', priority(it, without)],
        ...(it.kind === 'id' ? ['--noticket'] : []),
      ]),
    );
    stops.push(() => child.stop());
    await ourClientResumes(port, it.version);
    told('our client resumes', { ...it, kind: `${it.kind}${without}` }, 'GnuTLS');
  });
});

describe('node:tls', () => {
  const names = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.1': 'TLSv1.1', tlsv1: 'TLSv1' } as const;
  const common = ({ version, kind }: Case): tls.SecureContextOptions => ({
    minVersion: names[version],
    maxVersion: names[version],
    ciphers: 'DEFAULT@SECLEVEL=0',
    secureOptions: kind === 'id' ? constants.SSL_OP_NO_TICKET : 0,
  });

  function client(port: number, it: Case, session?: Buffer): Promise<{ reused: boolean; session: Buffer }> {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...{ host: '127.0.0.1', port, servername: 'localhost', ca: readFileSync(material.cafile) },
        ...common(it),
        ...(session === undefined ? {} : { session }),
      });
      socket.on('secureConnect', () => socket.write(line));
      socket.on('data', () => {
        const latest = socket.getSession();
        if (latest === undefined) reject(new Error('no session'));
        else resolve({ reused: socket.isSessionReused(), session: latest });
        socket.end();
      });
      socket.on('error', reject);
    });
  }

  it.each(cases)('comes back to our server: $version by $kind', async (it) => {
    const our = await ourServer(it);
    const first = await client(our.port, it);
    expect(first.reused).toBe(false);
    expect((await client(our.port, it, first.session)).reused).toBe(true);
    expect(our.resumed()).toEqual([2, true]);
    told('our server resumes', it, 'node:tls');
  });

  it.each(cases)('takes our client back: $version by $kind', async (it) => {
    const server = tls.createServer({
      cert: readFileSync(material.servers.ec256.certfile),
      key: readFileSync(material.servers.ec256.keyfile),
      ...common(it),
    });
    const sessions = new Map<string, Buffer>();
    server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      sessions.set(id.toString('hex'), data);
      done();
    });
    server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) =>
      done(null, sessions.get(id.toString('hex')) ?? null),
    );
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(() => new Promise((resolve) => server.close(resolve)));
    await ourClientResumes(Number(Object(server.address()).port), it.version);
    told('our client resumes', it, 'node:tls');
  });
});

describeWithPeer('Erlang OTP', 'escript', () => {
  const said = (child: Child): string => child.stdout().toString('latin1');
  /** A script of its own for each test: OTP's sessions live in the node. It has no tickets and no extended master secret. */
  async function otp(...args: readonly string[]): Promise<Child> {
    const child = start('escript', [erlangScript('sessions'), ...args]);
    stops.push(() => child.stop());
    return child;
  }
  const ids = cases.filter(({ kind }) => kind === 'id');

  it.each(ids)('comes back to our server: $version', async (it) => {
    const our = await ourServer(it);
    const child = await otp('client', String(our.port), material.cafile, it.version);
    await child.until(() => /DONE\n/.test(said(child)));
    expect(said(child)).toContain('SAME [false,true,true]');
    expect(our.resumed()).toEqual([3, true]);
    told('our server resumes', it, 'Erlang OTP');
  });

  it.each(ids)('takes our client back: $version', async (it) => {
    const { certfile, keyfile } = material.servers.ec256;
    const child = await otp('server', certfile, keyfile, it.version);
    await child.until(() => /PORT \d+\n/.test(said(child)));
    await ourClientResumes(Number(/PORT (\d+)\n/.exec(said(child))?.[1]), it.version);
    told('our client resumes', it, 'Erlang OTP');
  });
});
