/** `{ protocol: 'dtls' }` on real UDP sockets: calls, active modes, peers that begin anew, listeners that close. */
import { createSocket, type Socket } from 'node:dgram';
import { createNode, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
let node: Node;
let self: Self<ssl.SslMessage>;
const sockets: Socket[] = [];

beforeEach(async () => {
  node = createNode();
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await ssl.stop(node);
});

async function listen(
  options: ssl.TlsServerOptions = {},
): Promise<{ listener: ssl.SslListenSocket; port: number }> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { protocol: 'dtls', ip: '127.0.0.1', active: false, ...identity, ...options }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return { listener, port };
}

function connect(port: number, options: ssl.TlsClientOptions = {}): Promise<ssl.Result<ssl.SslSocket>> {
  return ssl.connect(
    self,
    '127.0.0.1',
    port,
    { protocol: 'dtls', active: false, cacerts: [ca.cert], serverNameIndication: 'localhost', ...options },
    5000,
  );
}

async function accept(listener: ssl.SslListenSocket): Promise<ssl.SslSocket> {
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 5000));
  return ssl.unwrap(await ssl.handshake(self, accepted, 5000));
}

async function pair(
  server: ssl.TlsServerOptions = {},
  client: ssl.TlsClientOptions = {},
): Promise<{ client: ssl.SslSocket; server: ssl.SslSocket; listener: ssl.SslListenSocket; port: number }> {
  const { listener, port } = await listen(server);
  const [connected, accepted] = await Promise.all([connect(port, client), accept(listener)]);
  return { client: ssl.unwrap(connected), server: accepted, listener, port };
}

describe('a connection of DTLS', () => {
  it.each(['dtlsv1.2', 'dtlsv1'] as const)(
    '%s: data both ways, a message a datagram, and the end',
    async (version) => {
      const versions = [version];
      const { client, server } = await pair({ versions }, { versions });
      expect(ssl.unwrap(await ssl.connectionInformation(client, ['protocol'])).protocol).toBe(version);
      ssl.unwrap(await ssl.send(client, 'one'));
      ssl.unwrap(await ssl.send(client, 'two'));
      expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('one');
      expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('two');
      ssl.unwrap(await ssl.send(server, 'three'));
      expect(String(ssl.unwrap(await ssl.recv(client, 0, 2000)))).toBe('three');
      await ssl.close(client);
      expect(await ssl.recv(server, 0, 2000)).toEqual({ error: 'closed' });
      expect(await ssl.send(client, 'late')).toEqual({ error: 'closed' });
    },
  );

  it('tells the owner of each record, in its active modes', async () => {
    const { client, server } = await pair();
    for (const text of ['a', 'b', 'c']) ssl.unwrap(await ssl.send(client, text));
    ssl.unwrap(await ssl.setopts(server, { active: 2 }));
    const got: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const message = await self.receive();
      got.push(message.type === 'ssl' ? String(message.data) : message.type);
    }
    expect(got).toEqual(['a', 'b', 'ssl_passive']);
    expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('c');
  });

  it('refuses to send what no datagram holds, and goes on', async () => {
    const { client, server } = await pair({}, { mtu: 1200 });
    const told = await ssl.send(client, new Uint8Array(2000));
    expect(told).toEqual({ error: { emsgsize: [2000, expect.any(Number)] } });
    const { error } = Object(told);
    const [, limit] = error.emsgsize;
    ssl.unwrap(await ssl.send(client, new Uint8Array(limit)));
    expect(ssl.unwrap(await ssl.recv(server, 0, 2000))).toHaveLength(limit);
    expect(await ssl.send(server, new Uint8Array(16_385))).toEqual({ error: { emsgsize: [16_385, 16_384] } });
  });

  it('is asked what TLS is asked', async () => {
    const { client, server, port } = await pair({ verify: 'verify_peer', cacerts: [ca.cert] }, identity);
    expect(await ssl.peername(client)).toEqual({ ok: { address: '127.0.0.1', port } });
    expect(ssl.unwrap(await ssl.peername(server))).toEqual(ssl.unwrap(await ssl.sockname(client)));
    expect(ssl.unwrap(await ssl.peercert(server))).toEqual(new Uint8Array(leaf.cert));
    expect(await ssl.updateKeys(client, 'write')).toEqual({ error: expect.anything() });
    expect(ssl.unwrap(await ssl.getstat(client, ['recvCnt'])).recvCnt).toBeGreaterThan(1);
  });

  it('ends with the alert of a client that does not trust the server', async () => {
    const { listener, port } = await listen();
    const other = createCa({ key: 'ec' });
    const accepted = ssl
      .transportAccept(self, listener, 5000)
      .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 5000));
    expect(await connect(port, { cacerts: [other.cert] })).toMatchObject({
      error: { tls_alert: ['unknown_ca', expect.stringMatching(/^DTLS client: /)] },
    });
    expect(await accepted).toMatchObject({ error: { tls_alert: ['unknown_ca', expect.any(String)] } });
  });

  it('gives a server that is not there up in time', async () => {
    const begun = Date.now();
    const silent = createSocket('udp4');
    sockets.push(silent);
    await new Promise<void>((done) => silent.bind(0, '127.0.0.1', done));
    const told = await ssl.connect(
      self,
      '127.0.0.1',
      silent.address().port,
      { protocol: 'dtls', verify: 'verify_none' },
      300,
    );
    expect(told).toEqual({ error: 'timeout' });
    expect(Date.now() - begun).toBeLessThan(3000);
  });
});

describe('a listener of DTLS', () => {
  it('lets its connections live when it closes, and gives the socket back with the last', async () => {
    const { client, server, listener, port } = await pair();
    await ssl.close(listener);
    ssl.unwrap(await ssl.send(client, 'still'));
    expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('still');
    expect(
      await ssl.connect(self, '127.0.0.1', port, { protocol: 'dtls', verify: 'verify_none' }, 300),
    ).toEqual({
      error: 'timeout',
    });
    await ssl.close(client);
    await ssl.recv(server, 0, 2000);
    await ssl.close(server);
    await new Promise((done) => setTimeout(done, 50));
    const free = createSocket('udp4');
    sockets.push(free);
    await new Promise<void>((done, fail) => {
      free.once('error', fail);
      free.bind(port, '127.0.0.1', done);
    });
  });

  it('serves many peers over one socket', async () => {
    const { listener, port } = await listen();
    const served = (async () => {
      for (let n = 0; n < 20; n += 1) {
        const server = await accept(listener);
        void ssl
          .recv(server, 0, 5000)
          .then((got) => ssl.send(server, 'ok' in got && got.ok instanceof Uint8Array ? got.ok : 'nothing'));
      }
    })();
    const echoes = await Promise.all(
      Array.from({ length: 20 }, async (_none, n) => {
        const client = ssl.unwrap(await connect(port));
        ssl.unwrap(await ssl.send(client, `peer ${n}`));
        return String(ssl.unwrap(await ssl.recv(client, 0, 5000)));
      }),
    );
    await served;
    expect(echoes).toEqual(Array.from({ length: 20 }, (_none, n) => `peer ${n}`));
  });

  it('takes its options, and no others', async () => {
    const { listener } = await listen({ recbuf: 65_536, sndbuf: 65_536, reuseaddr: true });
    await ssl.close(listener);
    const six = await ssl.listen(self, 0, { protocol: 'dtls', inet6: true, ...identity });
    expect(six).toHaveProperty('ok');
    expect(await ssl.listen(self, 0, { protocol: 'dtls', packet: 4, ...identity })).toMatchObject({
      error: { options: { not_supported: { packet: 4 } } },
    });
    expect(await ssl.listen(self, 0, { recbuf: 1000, ...identity })).toMatchObject({
      error: { options: { socket_options: { recbuf: 1000 } } },
    });
  });
});
