/** DTLS 1.3 with stacks that others wrote, both ways; `peers13.ts` says which, and where they come from. */
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LossyLink, openLossyLink } from '../support/lossy-link.js';
import { describeIfNamed, report } from '../support/report.js';
import { type Child, start } from './child.js';
import { createMaterial, type KeyName, type Material } from './material.js';
import { sslNode } from './ours.js';
import type { PeerCredentials } from './peer.js';
import { dimpl, type Peer13, removePeers13, type Wishes, wolfssl } from './peers13.js';

let material: Material;
let node: Node;
let self: Self<ssl.SslMessage>;
const children: Child[] = [];
const links: LossyLink[] = [];
const listeners: ssl.SslListenSocket[] = [];

beforeAll(async () => {
  material = createMaterial();
  node = await sslNode();
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  for (const link of links.splice(0)) link.stop();
  for (const listener of listeners.splice(0)) await ssl.close(listener);
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
  removePeers13();
});

type Role = 'client' | 'server';

/** What a test is about; where nothing is said both sides do as they do by themselves. */
interface Case {
  readonly name: string;
  readonly key?: KeyName;
  readonly wishes?: Wishes;
  readonly ours?: ssl.TlsClientOptions & ssl.TlsServerOptions;
  readonly lose?: LossyLink['lose'];
}

/** One connection: our end, and the program at the other. */
interface Pair {
  readonly us: Role;
  readonly socket: ssl.SslSocket;
  readonly child: Child;
  readonly link: LossyLink;
  readonly one: Case;
}

const lines = (child: Child): readonly string[] => child.stdout().toString('latin1').split('\n');
const command = (child: Child, line: string): void => {
  child.process.stdin.write(`${line}\n`);
};

function tellsLine(child: Child, begins: string, times = 1): Promise<void> {
  return child.until(() => lines(child).filter((line) => line.startsWith(begins)).length >= times, 8_000);
}

async function portOf(child: Child): Promise<number> {
  await tellsLine(child, 'PORT');
  return Number(lines(child)[0]?.slice(5));
}

const identityOf = (one: Case): PeerCredentials => material.servers[one.key ?? 'ec256'];

function run(peer: Peer13, role: Role, one: Case, more: readonly string[] = []): Child {
  const asked = one.wishes?.ask === true;
  // dimpl cannot be without a certificate.
  const own = role === 'server' ? identityOf(one) : asked || peer === dimpl ? material.client : undefined;
  const wishes = { cafile: material.cafile, ...(own ? { identity: own } : {}), ...one.wishes };
  const child = start(peer.program, [role, ...peer.words(wishes), ...more]);
  children.push(child);
  return child;
}

async function lossy(port: number, one: Case): Promise<LossyLink> {
  const link = await openLossyLink(port);
  if (one.lose) link.lose = one.lose;
  links.push(link);
  return link;
}

const overDatagrams = { protocol: 'dtls', versions: ['dtlsv1.3'], active: false } as const;

function pskOptions({ psk }: Wishes): Pick<ssl.TlsClientOptions, 'userLookupFun'> {
  if (psk === undefined) return {};
  const find: ssl.UserLookupFun = (_type, name) =>
    Buffer.from(name).toString() === psk.identity ? { ok: psk.key } : 'error';
  return { userLookupFun: [find, undefined] };
}

function ourServerOptions(one: Case): ssl.TlsServerOptions {
  const { wishes = {} } = one;
  return {
    ...overDatagrams,
    ip: '127.0.0.1',
    ...identityOf(one),
    ...(wishes.ask ? { verify: 'verify_peer', failIfNoPeerCert: true, cacertfile: material.cafile } : {}),
    ...pskOptions(wishes),
    ...one.ours,
  };
}

function ourClientOptions(one: Case): ssl.TlsClientOptions {
  const { wishes = {} } = one;
  return {
    ...overDatagrams,
    cacertfile: material.cafile,
    serverNameIndication: 'localhost',
    ...(wishes.ask ? material.client : {}),
    ...pskOptions(wishes),
    ...(wishes.psk ? { pskIdentity: wishes.psk.identity } : {}),
    ...one.ours,
  };
}

async function connectTo(port: number, one: Case): Promise<ssl.SslSocket> {
  return ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, ourClientOptions(one), 12_000));
}

async function listen(one: Case): Promise<[ssl.SslListenSocket, number]> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, ourServerOptions(one)));
  listeners.push(listener);
  return [listener, ssl.unwrap(await ssl.sockname(listener)).port];
}

async function accept(listener: ssl.SslListenSocket): Promise<ssl.SslSocket> {
  const socket = ssl.unwrap(await ssl.transportAccept(self, listener, 12_000));
  return ssl.unwrap(await ssl.handshake(self, socket, 12_000));
}

async function pair(peer: Peer13, us: Role, one: Case, more: readonly string[] = []): Promise<Pair> {
  if (us === 'client') {
    const child = run(peer, 'server', one, more);
    const link = await lossy(await portOf(child), one);
    const socket = await connectTo(link.port, one);
    await tellsLine(child, 'READY');
    link.lose = () => false;
    return { us, socket, child, link, one };
  }
  const [listener, port] = await listen(one);
  const link = await lossy(port, one);
  const child = run(peer, 'client', one, [`port=${link.port}`, 'name=localhost', ...more]);
  const socket = await accept(listener).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said: ${lines(child).join(' / ')}${child.stderr()}`);
  });
  await tellsLine(child, 'READY');
  // Data that is lost is nobody's fault.
  link.lose = () => false;
  return { us, socket, child, link, one };
}

/** A text goes to the other end and comes back. */
async function echoed({ us, socket, child }: Pair, text: string): Promise<void> {
  if (us === 'server') command(child, `send ${text}`);
  else ssl.unwrap(await ssl.send(socket, text));
  const came = ssl.unwrap(await ssl.recv(socket, 0, 12_000));
  expect(String(came)).toBe(text);
  if (us === 'server') ssl.unwrap(await ssl.send(socket, came as Uint8Array));
  await tellsLine(child, `GOT ${text}`);
}

/** close_notify, of ours or of theirs. */
async function ended({ socket, child }: Pair, who: 'we' | 'they'): Promise<void> {
  if (who === 'we') {
    await ssl.close(socket);
    await tellsLine(child, 'CLOSED');
  } else {
    command(child, 'close');
    expect(await ssl.recv(socket, 0, 12_000)).toEqual({ error: 'closed' });
  }
}

async function infoOf(socket: ssl.SslSocket): Promise<Partial<ssl.ConnectionInformation>> {
  return ssl.unwrap(await ssl.connectionInformation(socket));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const told = (peer: Peer13, us: Role, what: string): void =>
  report(`interop: DTLS 1.3, our ${us}, ${peer.name}, ${what}`, { ok: 1 });

/** Every third datagram of each direction, but for the first `until`, so that all handshakes come to an end. */
const everyThird: LossyLink['lose'] = (number) => number % 3 === 0 && number < 16;

function casesOf(peer: Peer13): readonly Case[] {
  return [
    ...peer.suites.map((suite) => ({ name: suite, wishes: { suite }, ours: { ciphers: [suite] } })),
    ...peer.groups.map((group) => ({
      name: `${group} alone`,
      wishes: { groups: [group] },
      // Ours first has another share.
      ours: { supportedGroups: [group === 'x25519' ? 'secp256r1' : 'x25519', group] },
    })),
    { name: 'a certificate with P-384', key: 'ec384' },
    { name: 'client certificates', wishes: { ask: true } },
    { name: 'no cookie', wishes: { cookie: false } },
    { name: 'every third datagram lost', lose: everyThird, ours: { flightTimeout: 200 } },
    { name: 'small datagrams', wishes: { mtu: 400, ask: true }, ours: { mtu: 400 } },
  ];
}

const roles = ['client', 'server'] as const;

describe.each([dimpl, wolfssl])('$name', (peer) => {
  describeIfNamed(`${peer.name}, DTLS 1.3`, peer.why, () => {
    describe.each(roles)('our %s', (us) => {
      it.each(casesOf(peer))('$name', async (one) => {
        const at = await pair(peer, us, one);
        await echoed(at, 'first');
        await echoed(at, 'second');
        expect((await infoOf(at.socket)).protocol).toBe('dtlsv1.3');
        await ended(at, us === 'client' ? 'we' : 'they');
        told(peer, us, one.name);
      });

      it('ends by the close_notify of either side', async () => {
        const at = await pair(peer, us, { name: 'an end' });
        await ended(at, us === 'client' ? 'they' : 'we');
        told(peer, us, "the other side's close_notify");
      });

      it('is asked for another share than that of its first hello', async () => {
        const one: Case =
          us === 'server'
            ? {
                name: 'another share',
                wishes: { groups: ['x25519', 'secp256r1'] },
                ours: { supportedGroups: ['secp256r1'] },
              }
            : {
                name: 'another share',
                wishes: { groups: ['secp256r1'] },
                ours: { supportedGroups: ['x25519', 'secp256r1'] },
              };
        const at = await pair(peer, us, one);
        await echoed(at, 'retried');
        told(peer, us, one.name);
      });

      it('takes new keys as often as we want', async () => {
        const at = await pair(peer, us, { name: 'updates', ours: { flightTimeout: 200 } });
        for (let n = 0; n < 6; n += 1) {
          const which = n % 2 === 0 ? 'write' : 'read_write';
          expect(await ssl.updateKeys(at.socket, which)).toEqual({ ok: true });
          await echoed(at, `update ${n}`);
          await pause(120);
          await echoed(at, `after ${n}`);
        }
        told(peer, us, 'our key updates');
      });
    });
  });
});

describeIfNamed('dimpl alone, DTLS 1.3', dimpl.why, () => {
  it.each(roles)('takes new keys after so many records, our %s', async (us) => {
    const at = await pair(dimpl, us, { name: 'updates' }, ['update=8', 'rto=200']);
    for (let n = 0; n < 60; n += 1) await echoed(at, `message ${n}`);
    told(dimpl, us, 'its key updates');
  });
});

describeIfNamed('wolfSSL alone, DTLS 1.3', wolfssl.why, () => {
  it.each(roles)('takes new keys when it is told to, our %s', async (us) => {
    const at = await pair(wolfssl, us, { name: 'updates' });
    for (let n = 0; n < 6; n += 1) {
      command(at.child, 'update');
      await tellsLine(at.child, 'UPDATING 1', n + 1);
      await echoed(at, `update ${n}`);
      await pause(60);
      await echoed(at, `after ${n}`);
    }
    told(wolfssl, us, 'its key updates');
  });

  it.each(roles)('works with a key that both have, our %s', async (us) => {
    const psk = { key: Buffer.alloc(32, 9), identity: 'device' };
    const one: Case = {
      name: 'a key agreed beforehand',
      wishes: { psk, suite: 'TLS_AES_128_GCM_SHA256' },
    };
    const at = await pair(wolfssl, us, one);
    await echoed(at, 'known');
    expect(at.child.stdout().toString()).not.toContain('shown');
    told(wolfssl, us, one.name);
  });

  it('resumes with the tickets of our server', async () => {
    const one: Case = { name: 'tickets', ours: { sessionTickets: 'stateless' } };
    const [listener, port] = await listen(one);
    const child = run(wolfssl, 'client', one, [`port=${port}`, 'name=localhost']);
    const first = await accept(listener);
    await echoed({ us: 'server', socket: first, child, link: await lossy(port, one), one }, 'first');
    for (const n of [2, 3]) {
      command(child, 'again');
      const next = await accept(listener);
      await tellsLine(child, 'READY', n);
      expect(lines(child).filter((line) => line.includes(' resumed '))).toHaveLength(n - 1);
      await echoed({ us: 'server', socket: next, child, link: await lossy(port, one), one }, `number ${n}`);
    }
    told(wolfssl, 'server', one.name);
  });

  it('gives tickets that our client comes back with', async () => {
    const one: Case = { name: 'tickets', ours: { sessionTickets: 'auto' } };
    const child = run(wolfssl, 'server', one);
    const port = await portOf(child);
    for (const n of [1, 2, 3]) {
      const socket = await connectTo(port, one);
      await echoed({ us: 'client', socket, child, link: await lossy(port, one), one }, `number ${n}`);
      await pause(100);
      expect((await infoOf(socket)).sessionResumption).toBe(n > 1);
      await ssl.close(socket);
      await tellsLine(child, 'CLOSED', n);
    }
    told(wolfssl, 'client', one.name);
  });

  it('asks our client who it is when all is done', async () => {
    const at = await pair(wolfssl, 'client', { name: 'asked later', ours: material.client });
    await echoed(at, 'who knows');
    command(at.child, 'who');
    await tellsLine(at.child, 'ASKING 1');
    await pause(200);
    await echoed(at, 'known');
    told(wolfssl, 'client', 'asked later');
  });
});
