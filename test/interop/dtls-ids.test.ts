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
import { pion, removePion } from './pion.js';

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
  removePion();
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
  readonly suite: string;
  readonly ours: ssl.TlsClientOptions['connectionId'];
  readonly theirs: string;
  /** Of mbedTLS: without it the MAC comes first. */
  readonly encryptThenMac?: boolean;
}

const common = ({ suite, ours }: Case): ssl.TlsClientOptions & ssl.TlsServerOptions => ({
  protocol: 'dtls',
  ciphers: [suite],
  connectionId: ours ?? false,
  userLookupFun: [() => ({ ok: key }), undefined],
});

async function ourServer(one: Case): Promise<OurServer> {
  const server = await echoServer(node, common(one));
  servers.push(server);
  return server;
}

/** Our client behind a NAT that moves it: each message comes back, before and after. */
async function ourClientMoves(port: number, one: Case, times: number): Promise<readonly string[]> {
  const nat = await openNat(port);
  nats.push(nat);
  const got: string[] = [];
  await inProcess(node, async (self) => {
    const options = { ...common(one), active: false, pskIdentity: 'device' } as const;
    const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', nat.port, options, 10_000));
    for (let n = 0; n <= times; n += 1) {
      if (n > 0) await nat.move();
      ssl.unwrap(await ssl.send(socket, `message ${n}\n`));
      got.push(String(ssl.unwrap(await ssl.recv(socket, 0, 5000))));
    }
    await ssl.close(socket);
  });
  return got;
}

const messages = (count: number): readonly string[] =>
  Array.from({ length: count }, (_none, n) => `message ${n}\n`);

/** Without CBC: pion/dtls 3.1 has the content in the MAC of such records twice, which RFC 9146 §5.1 and mbedTLS have once. */
const pionCases: readonly Case[] = [
  { suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256', ours: true, theirs: '8' },
  { suite: 'TLS_PSK_WITH_AES_128_CCM_8', ours: 4, theirs: '20' },
  { suite: 'TLS_PSK_WITH_AES_256_CCM_8', ours: 32, theirs: '1' },
];
const how = ({ suite, ours, theirs, encryptThenMac }: Case): string =>
  `${suite.slice(4)}${encryptThenMac === undefined ? '' : encryptThenMac ? ' EtM' : ' MtE'}, ours ${ours}, theirs ${theirs}`;

// Not demanded: not every machine has a way to Go's modules.
describeIfNamed('pion/dtls', 'why' in pion ? pion.why : undefined, () => {
  const program = 'program' in pion ? pion.program : '';
  const idOf = (suite: string): string => String(suiteByName(suite)?.id);

  it.each(pionCases.flatMap((one) => [one, { ...one, theirs: 'send' }]))(
    'as a client that moves: $suite, ours $ours, theirs $theirs',
    async (one) => {
      const our = await ourServer(one);
      const child = run(program, ['client', idOf(one.suite), one.theirs, String(our.port)]);
      await child.until(() => said(child).includes('READY'), 10_000);
      for (let n = 0; n < 5; n += 1) {
        child.process.stdin.write(`${n === 0 ? '' : 'move\n'}message ${n}\n`);
        await child.until(() => said(child).includes(`GOT message ${n}`), 10_000);
      }
      expect(our.outcomes).toEqual(['ok']);
      told('our server answers a client that moves', how(one), 'pion/dtls');
    },
  );

  it.each(pionCases.flatMap((one) => [one, { ...one, ours: 0 }]))(
    'as a server that our client moves away from: $suite, ours $ours, theirs $theirs',
    async (one) => {
      const child = run(program, ['server', idOf(one.suite), one.theirs]);
      await child.until(() => /PORT \d+/.test(said(child)), 10_000);
      const port = Number(/PORT (\d+)/.exec(said(child))?.[1]);
      expect(await ourClientMoves(port, one, 4)).toEqual(messages(5));
      expect(new Set(said(child).match(/FROM \S+/g)).size).toBe(5);
      told('our client moves', how(one), 'pion/dtls');
    },
  );

  it('without IDs, as ever', async () => {
    const one: Case = { suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256', ours: true, theirs: 'none' };
    const our = await ourServer(one);
    const child = run(program, ['client', idOf(one.suite), 'none', String(our.port)]);
    child.process.stdin.write('hello\n');
    await child.until(() => said(child).includes('GOT hello'), 10_000);
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
