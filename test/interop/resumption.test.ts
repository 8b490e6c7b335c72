/**
 * Resumption, early data and keys agreed upon beforehand with stacks that others wrote, both ways (RFC 8446 §2.2, §2.3,
 * §4.2.11). The table on the last lines says who did what with whom.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { groupCode } from '../../packages/ssl/src/values/registry/groups.js';
import { describeIfNamed, describeUnless, describeWithPeer, report } from '../support/report.js';
import { type Child, start, startOnFreePort } from './child.js';
import { currentNodePath } from './current-node.js';
import { erlangScript } from './erlang.js';
import { buildGoPeer, goVersion, removeGoPeer } from './go.js';
import { createMaterial, type Material } from './material.js';
import { inProcess, sslNode } from './ours.js';

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

const early = 'GET /early HTTP/1.0\r\n\r\n';
const key = Buffer.alloc(32, 0x5a);
const nodeScript = fileURLToPath(new URL('./node/peer.mjs', import.meta.url));

function told(what: string, peer: string): void {
  report(`interop: ${what}, ${peer}`, { ok: 1 });
}

// ── Our server ──────────────────────────────────────────────────────────────────────────────────────────

interface OurServer {
  readonly port: number;
  /** Facts of each connection, and what came early. */
  readonly met: { readonly information: Readonly<Record<string, unknown>>; readonly early: string }[];
}

/** Says hello on each connection and sends back what comes. */
async function ourServer(options: ssl.TlsServerOptions): Promise<OurServer> {
  const met: OurServer['met'] = [];
  const self = node.shell();
  const listening: ssl.TlsServerOptions = {
    ...material.servers.ec256,
    versions: ['tlsv1.3'],
    ip: '127.0.0.1',
    active: false,
    ...options,
  };
  const listener = ssl.unwrap(await ssl.listen(self, 0, listening));
  stops.push(() => ssl.close(listener));
  const serve = async (socket: ssl.SslSocket): Promise<void> => {
    const information = ssl.unwrap(await ssl.connectionInformation(socket));
    const entry = { information, early: '' };
    met.push(entry);
    await ssl.send(socket, 'hello\n');
    for (;;) {
      const answer = await ssl.recv(socket, 0, 20_000);
      if ('error' in answer) return;
      if (answer.earlyData === true && answer.ok instanceof Uint8Array)
        entry.early += Buffer.from(answer.ok).toString();
      if (answer.ok instanceof Uint8Array) await ssl.send(socket, answer.ok);
    }
  };
  void (async () => {
    for (;;) {
      const accepted = await ssl.transportAccept(self, listener);
      if ('error' in accepted) return;
      void ssl.handshake(self, accepted.ok, 20_000).then((shaken) => {
        if ('ok' in shaken) void serve(shaken.ok);
      });
    }
  })();
  return { port: ssl.unwrap(await ssl.sockname(listener)).port, met };
}

const resumed = ({ met }: OurServer): readonly unknown[] =>
  met.map(({ information }) => information['sessionResumption']);

const kinds: readonly ssl.TlsServerOptions[] = [
  { sessionTickets: 'stateless', antiReplay: '10k', earlyData: 'enabled' },
  { sessionTickets: 'stateful', earlyData: 'enabled' },
];
/** Asks for another share than OpenSSL, GnuTLS and node:tls send by themselves. */
const retrying: ssl.TlsServerOptions = { supportedGroups: ['secp384r1'] };

// ── Our client ──────────────────────────────────────────────────────────────────────────────────────────

interface OurOutcome {
  readonly resumed: boolean;
  readonly early: unknown;
}

/** One connection: sends a line, reads until something comes, parts. */
function ourClient(port: number, options: ssl.TlsClientOptions = {}): Promise<OurOutcome> {
  return inProcess(node, async (self: Self<ssl.SslMessage>) => {
    const socket = ssl.unwrap(
      await ssl.connect(
        self,
        '127.0.0.1',
        port,
        {
          cacertfile: material.cafile,
          serverNameIndication: 'localhost',
          versions: ['tlsv1.3'],
          sessionTickets: 'auto',
          ...options,
          active: false,
        },
        20_000,
      ),
    );
    const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(socket, ['sessionResumption']));
    const outcome =
      options.earlyData === undefined
        ? undefined
        : await self.receive((message) => message.type === 'early_data', { after: 5000 });
    ssl.unwrap(await ssl.send(socket, 'a line\n'));
    ssl.unwrap(await ssl.recv(socket, 0, 20_000));
    await ssl.close(socket);
    return { resumed: sessionResumption, early: Object(outcome).status };
  });
}

async function ourClientResumes(
  peer: string,
  port: number,
  options: ssl.TlsClientOptions = {},
): Promise<void> {
  expect(await ourClient(port, options)).toMatchObject({ resumed: false });
  expect(await ourClient(port, options)).toMatchObject({ resumed: true });
  expect(await ourClient(port, options)).toMatchObject({ resumed: true });
  told('our client resumes', peer);
}

async function ourClientSendsEarly(peer: string, port: number): Promise<void> {
  await ourClient(port);
  const outcome = await ourClient(port, { earlyData: Buffer.from(early) });
  expect(outcome).toEqual({ resumed: true, early: 'accepted' });
  told('our client sends early data', peer);
}

async function spawned(
  begin: (port: number) => Child,
): Promise<{ readonly port: number; readonly child: Child }> {
  const begun = await startOnFreePort(begin);
  stops.push(() => begun.child.stop());
  return begun;
}

describeWithPeer('OpenSSL', 'openssl', () => {
  /** Resolves with what it has printed when it has said so much. */
  async function client(port: number, args: readonly string[], enough: RegExp): Promise<string> {
    const child = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-servername', 'localhost'],
      ...['-CAfile', material.cafile, '-verify_return_error', ...args],
    ]);
    const all = (): string => child.stdout().toString('latin1') + child.stderr();
    try {
      await child.until(() => enough.test(all()));
    } finally {
      await child.stop();
    }
    return all();
  }
  const session = (): string => join(material.folder, 'openssl.session');
  const greeted = /hello\n/;

  async function server(
    ...args: readonly string[]
  ): Promise<{ readonly port: number; readonly child: Child }> {
    const { certfile, keyfile } = material.servers.ec256;
    const begun = await spawned((at) =>
      start('openssl', [
        ...['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, '-tls1_3'],
        ...['-cert', certfile, '-cert_chain', certfile, '-key', keyfile, ...args],
      ]),
    );
    begun.child.process.stdout.on('data', (chunk) => begun.child.process.stdin.write(chunk));
    return begun;
  }

  it.each(kinds)('comes back to our server, with early data too: %j', async (options) => {
    const our = await ourServer(options);
    await client(our.port, ['-sess_out', session()], greeted);
    const text = await client(our.port, ['-sess_in', session(), '-sess_out', session()], greeted);
    expect(text).toContain('Reused, TLSv1.3');
    told('our server resumes', 'OpenSSL');
    const file = join(material.folder, 'early');
    writeFileSync(file, early);
    const again = await client(our.port, ['-sess_in', session(), '-early_data', file], /GET \/early/);
    expect(again).toContain('Early data was accepted');
    expect(resumed(our)).toEqual([false, true, true]);
    expect(our.met[2]?.early).toBe(early);
    told('our server reads early data', 'OpenSSL');
  });

  it('comes back by way of a HelloRetryRequest, and its early data is passed over', async () => {
    const our = await ourServer({ ...kinds[1], ...retrying });
    const groups = ['-groups', 'X25519:P-384'];
    await client(our.port, [...groups, '-sess_out', session()], greeted);
    const file = join(material.folder, 'early');
    writeFileSync(file, early);
    const text = await client(our.port, [...groups, '-sess_in', session(), '-early_data', file], greeted);
    expect(text).toContain('Reused, TLSv1.3');
    expect(text).toContain('Early data was rejected');
    expect(our.met[1]).toMatchObject({ information: { earlyDataStatus: 'rejected' }, early: '' });
    told('our server resumes after HelloRetryRequest', 'OpenSSL');
  });

  it('connects again and again (-reconnect)', async () => {
    const our = await ourServer(kinds[0] ?? {});
    await client(our.port, ['-reconnect'], /(?:drop connection[\s\S]*){5}/);
    await expect.poll(() => our.met.length).toBe(6);
    told('our server, -reconnect', 'OpenSSL');
  });

  it('takes our client back', async () => {
    const { port } = await server();
    await ourClientResumes('OpenSSL', port);
  });

  it('takes our client back by way of a HelloRetryRequest', async () => {
    const { port } = await server('-groups', 'P-384');
    await ourClientResumes('OpenSSL, HelloRetryRequest', port, { supportedGroups: ['x25519', 'secp384r1'] });
  });

  it('reads our client’s early data', async () => {
    const { port, child } = await server('-early_data', '-max_early_data', '16384');
    await ourClientSendsEarly('OpenSSL', port);
    await expect.poll(() => child.stdout().toString()).toContain(early);
  });

  it('knows our client by a key, and is known by one', async () => {
    const options = {
      userLookupFun: [() => ({ ok: key }), undefined],
      pskIdentity: 'meter',
    } as const;
    const their = await spawned((at) =>
      start('openssl', [
        ...['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, '-tls1_3', '-nocert'],
        ...['-psk', key.toString('hex'), '-psk_identity', 'meter'],
      ]),
    );
    their.child.process.stdout.on('data', (chunk) => their.child.process.stdin.write(chunk));
    expect(await ourClient(their.port, { ...options, sessionTickets: 'disabled' })).toMatchObject({
      resumed: false,
    });
    told('our client, external PSK', 'OpenSSL');
    const our = await ourServer({ ...options, certfile: undefined, keyfile: undefined });
    const psk = ['-psk', key.toString('hex'), '-psk_identity', 'meter'];
    expect(await client(our.port, psk, greeted)).toContain('TLSv1.3');
    told('our server, external PSK', 'OpenSSL');
  });
});

describeWithPeer('GnuTLS', 'gnutls-cli', () => {
  async function client(port: number, args: readonly string[], enough: RegExp): Promise<string> {
    const child = start('gnutls-cli', [
      ...['--port', String(port), '--x509cafile', material.cafile, '--sni-hostname', 'localhost'],
      ...['--verify-hostname', 'localhost', '--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.3', ...args],
      '127.0.0.1',
    ]);
    const all = (): string => child.stdout().toString('latin1') + child.stderr();
    try {
      await child.until(() => enough.test(all()));
    } finally {
      await child.stop();
    }
    return all();
  }

  async function server(...args: readonly string[]): Promise<number> {
    const { certfile, keyfile } = material.servers.ec256;
    const { port } = await spawned((at) =>
      start('gnutls-serv', [
        ...['--echo', '--port', String(at), '--quiet', '--disable-client-cert'],
        ...['--x509certfile', certfile, '--x509keyfile', keyfile],
        ...['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.3', ...args],
      ]),
    );
    return port;
  }

  it.each(kinds)('comes back to our server, with early data too: %j', async (options) => {
    const our = await ourServer(options);
    const file = join(material.folder, 'early');
    writeFileSync(file, early);
    await client(our.port, ['--resume', `--earlydata=${file}`], /This is a resumed session/);
    await expect.poll(() => resumed(our)).toEqual([false, true]);
    told('our server resumes', 'GnuTLS');
    await expect.poll(() => our.met[1]?.early).toBe(early);
    told('our server reads early data', 'GnuTLS');
  });

  it('takes our client back', async () => {
    await ourClientResumes('GnuTLS', await server());
  });

  it('reads our client’s early data', async () => {
    await ourClientSendsEarly('GnuTLS', await server('--earlydata', '--maxearlydata', '16384'));
  });
});

describe('node:tls', () => {
  function client(port: number, session: Buffer | undefined): Promise<{ reused: boolean; session: Buffer }> {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...{ host: '127.0.0.1', port, servername: 'localhost', minVersion: 'TLSv1.3' },
        ca: readFileSync(material.cafile),
        ...(session === undefined ? {} : { session }),
      });
      let latest: Buffer | undefined;
      let greeting = false;
      const done = (): void => {
        if (latest === undefined || !greeting) return;
        resolve({ reused: socket.isSessionReused(), session: latest });
        socket.end();
      };
      socket.on('session', (ticket: Buffer) => {
        latest = ticket;
        done();
      });
      socket.on('data', () => {
        greeting = true;
        done();
      });
      socket.on('error', reject);
    });
  }

  it.each(kinds)('comes back to our server: %j', async (options) => {
    const our = await ourServer(options);
    const first = await client(our.port, undefined);
    expect(first.reused).toBe(false);
    const second = await client(our.port, first.session);
    expect(second.reused).toBe(true);
    expect(resumed(our)).toEqual([false, true]);
    told('our server resumes', 'node:tls');
  });

  it('comes back by way of a HelloRetryRequest', async () => {
    const our = await ourServer({ ...kinds[0], ...retrying });
    const { session } = await client(our.port, undefined);
    expect((await client(our.port, session)).reused).toBe(true);
    told('our server resumes after HelloRetryRequest', 'node:tls');
  });

  it('takes our client back', async () => {
    const server = tls.createServer({
      cert: readFileSync(material.servers.ec256.certfile),
      key: readFileSync(material.servers.ec256.keyfile),
      minVersion: 'TLSv1.3',
    });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(() => new Promise((resolve) => server.close(resolve)));
    await ourClientResumes('node:tls', Number(Object(server.address()).port));
  });
});

/** `program`: what runs an escript on that OTP. */
function withOtp(peer: string, program: string): void {
  /** A script of its own for each test: OTP's tickets live in the node. */
  async function otp(...args: readonly string[]): Promise<Child> {
    const child = start(program, [erlangScript('resumption'), ...args]);
    stops.push(() => child.stop());
    return child;
  }
  const said = (child: Child): string => child.stdout().toString('latin1');

  it.each(kinds)('comes back to our server: %j', async (options) => {
    const our = await ourServer(options);
    const child = await otp('client', String(our.port), material.cafile, early);
    await child.until(() => /DONE\n/.test(said(child)));
    expect(said(child)).toContain('RESUMED [false,true,true]');
    expect(resumed(our)).toEqual([false, true, true]);
    told('our server resumes', peer);
    expect(said(child)).toContain('EARLY accepted');
    expect(our.met[2]?.early).toBe(early);
    told('our server reads early data', peer);
  });

  it.each(['stateful', 'stateless'])(
    'takes our client back, and reads its early data: %s',
    async (tickets) => {
      const { certfile, keyfile } = material.servers.ec256;
      const child = await otp('server', tickets, certfile, keyfile);
      await child.until(() => /PORT \d+\n/.test(said(child)));
      const port = Number(/PORT (\d+)\n/.exec(said(child))?.[1]);
      await ourClientResumes(peer, port);
      await ourClientSendsEarly(peer, port);
      await expect.poll(() => said(child)).toContain('GET /early');
    },
  );
}

describeWithPeer('Erlang OTP', 'escript', () => withOtp('Erlang OTP', 'escript'));

/** `bench/erlang/unpack-newer.sh` fills the folder. */
const newerOtp = process.env['ACTOR_TLS_NEWER_OTP'];
const newerEscript = join(newerOtp ?? '', 'escript');
describeIfNamed(
  'a newer Erlang OTP',
  newerOtp === undefined || !existsSync(newerEscript) ? 'ACTOR_TLS_NEWER_OTP names no newer OTP' : undefined,
  () => withOtp('a newer Erlang OTP', newerEscript),
);

// ── Programs of ours over stacks of others ──────────────────────────────────────────────────────────────

interface Scripted {
  readonly name: string;
  readonly program: () => readonly [string, ...string[]];
  /** Options that have it offer x25519's share alone, and secp384r1 besides. */
  readonly twoGroups: object;
  /** And that have it take secp384r1 alone, as a server. */
  readonly oneGroup: object;
  /** Whether it tells of a HelloRetryRequest. */
  readonly tellsRetries: boolean;
}

const x25519 = groupCode('x25519');
const secp384r1 = groupCode('secp384r1');
const goVersionHere = goVersion();
const scripts: readonly (Scripted & { readonly absent: string | undefined })[] = [
  {
    name: "Go's crypto/tls",
    absent: goVersionHere === undefined || goVersionHere < 1.26 ? 'no Go 1.26 on the PATH' : undefined,
    program: () => [buildGoPeer()],
    twoGroups: { groups: [x25519, secp384r1] },
    oneGroup: { groups: [secp384r1] },
    tellsRetries: true,
  },
  {
    name: 'node:tls of a current Node',
    absent: currentNodePath === undefined ? 'ACTOR_TLS_CURRENT_NODE names no current Node' : undefined,
    program: () => [currentNodePath ?? 'node', nodeScript],
    twoGroups: { groups: ['X25519', 'P-384'] },
    oneGroup: { groups: ['P-384'] },
    tellsRetries: false,
  },
];

describe.each(scripts)('$name', (peer) => {
  describeUnless(peer.name, peer.absent, () => {
    afterAll(removeGoPeer);

    function run(role: string, options: object): Child {
      const [program, ...args] = peer.program();
      const child = start(program, [...args, role, JSON.stringify({ version: 'tlsv1.3', ...options })]);
      stops.push(() => child.stop());
      return child;
    }
    const said = (child: Child): string => child.stdout().toString('latin1') + child.stderr();

    async function comesBack(port: number, options: object = {}): Promise<string> {
      const { cafile } = material;
      const child = run('resume', { port, cafile, servername: 'localhost', times: 3, ...options });
      await child.until(() => /DONE\n/.test(said(child)));
      return said(child);
    }

    async function server(options: object = {}): Promise<number> {
      const { certfile, keyfile } = material.servers.ec256;
      const child = run('server', { certfile, keyfile, ...options });
      await child.until(() => /PORT \d+\n/.test(said(child)));
      return Number(/PORT (\d+)\n/.exec(said(child))?.[1]);
    }

    it.each(kinds)('comes back to our server: %j', async (options) => {
      const our = await ourServer(options);
      expect(await comesBack(our.port)).toContain('RESUMED [false true true]');
      expect(resumed(our)).toEqual([false, true, true]);
      told('our server resumes', peer.name);
    });

    it('comes back by way of a HelloRetryRequest', async () => {
      const our = await ourServer({ ...kinds[0], ...retrying });
      const text = await comesBack(our.port, peer.twoGroups);
      expect(text).toContain('RESUMED [false true true]');
      if (peer.tellsRetries) expect(text).toContain('RETRIED [true true true]');
      told('our server resumes after HelloRetryRequest', peer.name);
    });

    it('takes our client back, and by way of a HelloRetryRequest', async () => {
      await ourClientResumes(peer.name, await server());
      const retried = { supportedGroups: ['x25519', 'secp384r1'] } as const;
      await ourClientResumes(`${peer.name}, HelloRetryRequest`, await server(peer.oneGroup), retried);
    });

    it('answers key updates of ours as often as it is asked, on either side', async () => {
      const port = await server();
      await inProcess(node, async (self: Self<ssl.SslMessage>) => {
        const trusting = { cacertfile: material.cafile, serverNameIndication: 'localhost', active: false };
        const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, trusting, 20_000));
        for (let n = 0; n < 5; n += 1) {
          ssl.unwrap(await ssl.updateKeys(socket, n % 2 === 0 ? 'read_write' : 'write'));
          ssl.unwrap(await ssl.send(socket, 'a line\n'));
          expect(String(ssl.unwrap(await ssl.recv(socket, 7, 20_000)))).toBe('a line\n');
        }
        await ssl.close(socket);
      });
      const our = await ourServer({ ...kinds[0], keyUpdateAt: 1 });
      expect(await comesBack(our.port)).toContain('DONE');
      told('key updates', peer.name);
    });
  });
});
