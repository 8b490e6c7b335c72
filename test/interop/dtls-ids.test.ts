/**
 * Connection IDs with stacks that others wrote, both ways, and clients that move meanwhile: pion/dtls, and mbedTLS where
 * `ACTOR_TLS_MBEDTLS` names a folder with its `ssl_client2` and `ssl_server2`. The table on the last lines says who does what.
 */
import { join } from 'node:path';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { freeUdpPort } from '../support/free-udp-port.js';
import { type Nat, openNat } from '../support/nat.js';
import { describeIfNamed, report } from '../support/report.js';
import { type Child, start } from './child.js';
import { echoServer, inProcess, type OurServer, sslNode } from './ours.js';
import { pion } from './pion.js';

let node: Node;
const children: Child[] = [];
const servers: OurServer[] = [];
const nats: Nat[] = [];

beforeAll(async () => {
  node = await sslNode();
});
afterEach(async () => {
  for (const nat of nats.splice(0)) nat.stop();
  for (const child of children.splice(0)) await child.stop();
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(async () => {
  await ssl.stop(node);
});

const key = Buffer.from('0123456789abcdef');
const told = (what: string, how: string, peer: string): void =>
  report(`interop: ${what}, ${how}, ${peer}`, { ok: 1 });
const said = (child: Child): string => child.stdout().toString('latin1') + child.stderr();

function run(program: string, args: readonly string[]): Child {
  const child = start(program, args);
  children.push(child);
  return child;
}

interface Case {
  /** DTLS 1.2 unless it says another. */
  readonly version?: 'dtlsv1.3';
  readonly suite: string;
  readonly ours: ssl.TlsClientOptions['connectionId'];
  readonly theirs: string;
  /** Of pion/dtls: how it makes sure of a new address; not at all unless it says so. */
  readonly check?: 'rrc' | 'unsafe';
  /** Of mbedTLS: without it the MAC comes first. */
  readonly encryptThenMac?: boolean;
}

const common = ({ version, suite, ours }: Case): ssl.TlsClientOptions & ssl.TlsServerOptions => ({
  protocol: 'dtls',
  versions: [version ?? 'dtlsv1.2'],
  ciphers: [suite],
  connectionId: ours ?? false,
  userLookupFun: [() => ({ ok: key }), undefined],
});

async function ourServer(one: Case): Promise<OurServer> {
  const server = await echoServer(node, common(one));
  servers.push(server);
  return server;
}

/**
 * Our client behind a NAT that moves it: each message comes back, before and after; at the second try where the answer to the
 * first went to where it was.
 */
async function ourClientMoves(port: number, one: Case, times: number): Promise<readonly string[]> {
  const nat = await openNat(port);
  nats.push(nat);
  const got: string[] = [];
  await inProcess(node, async (self) => {
    const options = { ...common(one), active: false, pskIdentity: 'device' } as const;
    const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', nat.port, options, 10_000));
    for (let n = 0; n <= times; n += 1) {
      if (n > 0) await nat.move();
      got.push(await echoOf(socket, `message ${n}\n`));
    }
    await ssl.close(socket);
  });
  return got;
}

async function echoOf(socket: ssl.SslSocket, text: string): Promise<string> {
  for (let tries = 0; tries < 20; tries += 1) {
    ssl.unwrap(await ssl.send(socket, text));
    const came = await ssl.recv(socket, 0, 300);
    if ('ok' in came) return String(came.ok);
  }
  return 'nothing';
}

const messages = (count: number): readonly string[] =>
  Array.from({ length: count }, (_none, n) => `message ${n}\n`);

/** Without CBC: pion/dtls 4.0 has the content in the MAC of such records twice, which RFC 9146 §5.1 and mbedTLS have once. */
const pionCases: readonly Case[] = [
  { suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256', ours: true, theirs: '8' },
  { suite: 'TLS_PSK_WITH_AES_128_CCM_8', ours: 4, theirs: '20', check: 'rrc' },
  { suite: 'TLS_PSK_WITH_AES_256_CCM_8', ours: 32, theirs: '1', check: 'unsafe' },
  { version: 'dtlsv1.3', suite: 'TLS_AES_128_GCM_SHA256', ours: true, theirs: '8' },
  { version: 'dtlsv1.3', suite: 'TLS_AES_128_GCM_SHA256', ours: { length: 4 }, theirs: '20', check: 'rrc' },
  { version: 'dtlsv1.3', suite: 'TLS_CHACHA20_POLY1305_SHA256', ours: 32, theirs: '1', check: 'unsafe' },
];
const how = ({ suite, ours, theirs, encryptThenMac, check }: Case): string =>
  [
    suite.slice(4),
    ...(encryptThenMac === undefined ? [] : [encryptThenMac ? 'EtM' : 'MtE']),
    `ours ${typeof ours === 'object' ? JSON.stringify(ours) : ours}, theirs ${theirs} ${check ?? ''}`.trim(),
  ].join(' ');

// Not demanded: not every machine has a way to Go's modules.
describeIfNamed('pion/dtls', 'why' in pion ? pion.why : undefined, () => {
  const words = ({ version, suite, theirs, check }: Case): string[] => [
    ...[`version=${version === undefined ? '1.2' : '1.3'}`, `suite=${suiteByName(suite)?.id}`],
    ...[`psk=${key.toString('hex')}`, 'identity=device', ...(theirs === 'none' ? [] : [`ids=${theirs}`])],
    ...(check === undefined ? [] : [`check=${check}`]),
  ];
  const peer = (role: 'client' | 'server', one: Case, ...more: string[]): Child =>
    run('program' in pion ? pion.program : '', [role, ...words(one), ...more]);
  const command = (child: Child, ...lines: string[]): void => {
    child.process.stdin.write(lines.map((line) => `${line}\n`).join(''));
  };
  const tells = (child: Child, text: string): Promise<void> =>
    child.until(() => said(child).includes(text), 10_000);

  it.each(pionCases.flatMap((one) => [one, { ...one, theirs: 'send' }]))(
    'as a client that moves: $version $suite, ours $ours, theirs $theirs $check',
    async (one) => {
      const our = await ourServer(one);
      const child = peer('client', one, `port=${our.port}`);
      await tells(child, 'READY');
      for (let n = 0; n < 5; n += 1) {
        command(child, ...(n === 0 ? [] : ['move']), `send message ${n}`);
        await tells(child, `GOT message ${n}`);
      }
      expect(our.outcomes).toEqual(['ok']);
      told('our server answers a client that moves', how(one), 'pion/dtls');
    },
  );

  it.each(pionCases.filter(({ check }) => check !== undefined).flatMap((one) => [one, { ...one, ours: 0 }]))(
    'as a server that our client moves away from: $version $suite, ours $ours, theirs $theirs $check',
    async (one) => {
      const child = peer('server', one);
      await child.until(() => /PORT \d+/.test(said(child)), 10_000);
      const port = Number(/PORT (\d+)/.exec(said(child))?.[1]);
      expect(await ourClientMoves(port, one, 4)).toEqual(messages(5));
      // The last may have been checked between the question and its answer, and is told with the next.
      expect(new Set(said(child).match(/FROM \S+/g)).size).toBeGreaterThanOrEqual(4);
      told('our client moves', how(one), 'pion/dtls');
    },
  );

  it.each(['rrc', 'unsafe'] as const)(
    'of DTLS 1.3 switches to another path, with IDs of ours: %s',
    async (check) => {
      const one: Case = {
        version: 'dtlsv1.3',
        suite: 'TLS_AES_128_GCM_SHA256',
        ours: true,
        theirs: '8',
        check,
      };
      const our = await ourServer(one);
      const child = peer('client', one, `port=${our.port}`);
      await tells(child, 'READY');
      for (let n = 0; n < 12; n += 1) {
        command(child, ...(n === 0 ? [] : ['switch']), `send message ${n}`);
        await tells(child, `GOT message ${n}`);
        if (n > 0) await child.until(() => said(child).match(/SWITCHED/g)?.length === n, 10_000);
      }
      expect(our.outcomes).toEqual(['ok']);
      told('our server gives IDs to a client that switches its path', how(one), 'pion/dtls');
    },
  );

  it('without IDs, as ever', async () => {
    for (const one of pionCases) {
      const our = await ourServer(one);
      const child = peer('client', { ...one, theirs: 'none' }, `port=${our.port}`);
      command(child, 'send hello');
      await tells(child, 'GOT hello');
    }
  });
});

const mbedTls = process.env['ACTOR_TLS_MBEDTLS'];
const mbedCases: readonly Case[] = [
  { suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256', ours: true, theirs: 'beefcafe' },
  { suite: 'TLS_PSK_WITH_AES_128_CCM_8', ours: 4, theirs: '00' },
  { suite: 'TLS_PSK_WITH_AES_128_CBC_SHA256', ours: true, theirs: 'beef', encryptThenMac: true },
  { suite: 'TLS_PSK_WITH_AES_128_CBC_SHA256', ours: true, theirs: 'beef', encryptThenMac: false },
];

describeIfNamed('mbedTLS', mbedTls === undefined ? 'ACTOR_TLS_MBEDTLS names no folder' : undefined, () => {
  const args = ({ suite, theirs, encryptThenMac = true }: Case): string[] => [
    ...['dtls=1', 'cid=1', `cid_val=${theirs}`, `psk=${key.toString('hex')}`, 'psk_identity=device'],
    ...[`force_ciphersuite=${suite.replace('TLS_', 'TLS-').replaceAll('_', '-')}`],
    ...[`etm=${encryptThenMac ? 1 : 0}`, 'debug_level=1'],
  ];
  const program = (name: string): string => join(mbedTls ?? '', name);

  it.each(mbedCases)('as client: $suite, encrypt-then-MAC $encryptThenMac', async (one) => {
    const our = await ourServer(one);
    const nat = await openNat(our.port);
    nats.push(nat);
    const child = run(program('ssl_client2'), [
      ...[`server_addr=127.0.0.1`, `server_port=${nat.port}`, 'server_name=localhost', ...args(one)],
      ...['request_size=20', 'exchanges=2'],
    ]);
    expect(await child.exited).toBe(0);
    expect(our.outcomes).toEqual(['ok']);
    expect(nat.came.at(-1)?.bytes[0]).toBe(25);
    told('our server', how(one), 'mbedTLS');
  });

  it.each(mbedCases)('as server: $suite, encrypt-then-MAC $encryptThenMac', async (one) => {
    const port = await freeUdpPort();
    const child = run(program('ssl_server2'), [`server_addr=127.0.0.1`, `server_port=${port}`, ...args(one)]);
    await child.until(() => said(child).includes('Waiting for a remote connection'), 10_000);
    await inProcess(node, async (self) => {
      const options = { ...common(one), active: false, pskIdentity: 'device' } as const;
      const nat = await openNat(port);
      nats.push(nat);
      const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', nat.port, options, 10_000));
      ssl.unwrap(await ssl.send(socket, 'GET / HTTP/1.0\r\n\r\n'));
      expect(String(ssl.unwrap(await ssl.recv(socket, 0, 5000)))).toContain('Successful connection');
      expect(nat.came.at(-1)?.bytes[0]).toBe(25);
      await ssl.close(socket);
    });
    told('our client', how(one), 'mbedTLS');
  });
});
