/** DTLS 1.3 by the public functions on real UDP sockets. */
import { createNode, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
const versions: ('dtlsv1.3' | 'dtlsv1.2')[] = ['dtlsv1.3'];
let node: Node;
let self: Self<ssl.SslMessage>;

beforeEach(async () => {
  node = createNode();
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell<ssl.SslMessage>();
});
afterEach(() => ssl.stop(node));

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function listen(options: ssl.TlsServerOptions = {}): Promise<[ssl.SslListenSocket, number]> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, {
      ...{ protocol: 'dtls', ip: '127.0.0.1', active: false, versions },
      ...identity,
      ...options,
    }),
  );
  return [listener, ssl.unwrap(await ssl.sockname(listener)).port];
}

async function join(
  [listener, port]: [ssl.SslListenSocket, number],
  options: ssl.TlsClientOptions = {},
): Promise<Pair> {
  const accepted = ssl
    .transportAccept(self, listener, 15_000)
    .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 15_000));
  const client = await ssl.connect(
    self,
    '127.0.0.1',
    port,
    {
      ...{ protocol: 'dtls', active: false, versions, cacerts: [ca.cert], serverNameIndication: 'localhost' },
      ...options,
    },
    5000,
  );
  return { client: ssl.unwrap(client), server: ssl.unwrap(await accepted) };
}

async function pair(server: ssl.TlsServerOptions = {}, client: ssl.TlsClientOptions = {}): Promise<Pair> {
  return join(await listen(server), client);
}

async function said(from: ssl.SslSocket, to: ssl.SslSocket, text: string): Promise<void> {
  ssl.unwrap(await ssl.send(from, text));
  expect(String(ssl.unwrap(await ssl.recv(to, 0, 2000)))).toBe(text);
}

async function protocolOf(socket: ssl.SslSocket): Promise<unknown> {
  return ssl.unwrap(await ssl.connectionInformation(socket, ['protocol'])).protocol;
}

describe('a connection of DTLS 1.3', () => {
  it('has data both ways, a message a datagram, and an end', async () => {
    const { client, server } = await pair();
    expect([await protocolOf(client), await protocolOf(server)]).toEqual(['dtlsv1.3', 'dtlsv1.3']);
    await said(client, server, 'one');
    await said(server, client, 'two');
    await ssl.close(client);
    expect(await ssl.recv(server, 0, 2000)).toEqual({ error: 'closed' });
    expect(await ssl.send(client, 'late')).toEqual({ error: 'closed' });
  });

  it('takes new keys as often as somebody wants, of one side and of both', async () => {
    const { client, server } = await pair();
    for (const [from, which] of [
      [client, 'write'],
      [server, 'read_write'],
      [client, 'read_write'],
    ] as const) {
      expect(await ssl.updateKeys(from, which)).toEqual({ ok: true });
      for (let n = 0; n < 4; n += 1) {
        await said(client, server, `${which} ${n}`);
        await said(server, client, `${which} ${n}`);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    }
  });

  it('updates its keys by itself after so many bytes', async () => {
    const { client, server } = await pair({}, { keyUpdateAt: 100 });
    for (let n = 0; n < 20; n += 1) {
      await said(client, server, `${n}`.repeat(30));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await said(server, client, 'still here');
  });

  it('agrees on an older version with who has no other', async () => {
    const both: ssl.TlsServerOptions = { versions: ['dtlsv1.3', 'dtlsv1.2'] };
    const old = await pair(both, { versions: ['dtlsv1.2'] });
    expect(await protocolOf(old.client)).toBe('dtlsv1.2');
    await said(old.client, old.server, 'old');
    const older = await pair({ versions: ['dtlsv1.2'] }, { versions: ['dtlsv1.3', 'dtlsv1.2'] });
    expect(await protocolOf(older.client)).toBe('dtlsv1.2');
    await said(older.server, older.client, 'old');
    const best = await pair(both, { versions: ['dtlsv1.3', 'dtlsv1.2'] });
    expect(await protocolOf(best.client)).toBe('dtlsv1.3');
    await said(best.client, best.server, 'new');
  });

  it('asks for a share that the first hello has not, and for its cookie, in one round trip', async () => {
    const { client, server } = await pair(
      { supportedGroups: ['secp256r1'] },
      { supportedGroups: ['x25519', 'secp256r1'] },
    );
    await said(client, server, 'retried');
  });

  it('knows clients by certificates, in the handshake and after it', async () => {
    const other = ca.issue({ key: 'ec' });
    const shown = { cert: other.chain, key: { PrivateKeyInfo: other.key } };
    const server = { verify: 'verify_peer', cacerts: [ca.cert], failIfNoPeerCert: true } as const;
    const first = await pair(server, shown);
    expect(ssl.unwrap(await ssl.peercert(first.server))).toEqual(other.chain[0]);
  });

  it.each(['stateful', 'stateless'] as const)('is resumed by a ticket, %s', async (sessionTickets) => {
    const listener = await listen({ sessionTickets });
    const first = await join(listener, { sessionTickets: 'auto' });
    await said(first.server, first.client, 'first');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await ssl.close(first.client);
    const second = await join(listener, { sessionTickets: 'auto' });
    await said(second.client, second.server, 'second');
    const { sessionResumption } = ssl.unwrap(
      await ssl.connectionInformation(second.client, ['sessionResumption']),
    );
    expect(sessionResumption).toBe(true);
  });

  it('is no slow peer that an application waits for when it stops', async () => {
    await pair();
    const begun = Date.now();
    await ssl.stop(node);
    expect(Date.now() - begun).toBeLessThan(2000);
  });

  it('works with a key that both have, and nothing else', async () => {
    const key = Buffer.alloc(32, 7);
    const lookup: ssl.UserLookupFun = (_type, name) =>
      Buffer.from(name).toString() === 'sensor' ? { ok: key } : 'error';
    const userLookupFun: [ssl.UserLookupFun, undefined] = [lookup, undefined];
    const listener = await listen({ userLookupFun });
    const { client, server } = await join(listener, { userLookupFun, pskIdentity: 'sensor' });
    await said(client, server, 'known');
  });

  it('exports keys for SRTP, the same on both sides', async () => {
    const useSrtp = { protectionProfiles: [Uint8Array.of(0, 1)] };
    const { client, server } = await pair({ useSrtp }, { useSrtp });
    const keys = await Promise.all(
      [client, server].map(async (socket) =>
        ssl.unwrap(await ssl.exportKeyMaterial(socket, 'EXTRACTOR-dtls_srtp', 'no_context', 60)),
      ),
    );
    expect(keys[0]).toEqual(keys[1]);
    expect(ssl.unwrap(await ssl.connectionInformation(server, ['srtp']))).toMatchObject({ srtp: {} });
  });
});
