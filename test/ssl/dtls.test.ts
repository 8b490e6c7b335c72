/** `{ protocol: 'dtls' }` on real UDP sockets: calls, active modes, peers that begin anew, listeners that close. */
import { createSocket, type Socket } from 'node:dgram';
import { createNode, type Node, type Self, setEnv } from '@actor-tls/runtime';
import { seededRandom } from '@actor-tls/runtime/testing';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
const both = ['dtlsv1.3', 'dtlsv1.2'] as const;
/** What both sides speak where a test does not say. */
let spoken: (typeof both)[number] = 'dtlsv1.3';
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
    await ssl.listen(self, 0, {
      ...{ protocol: 'dtls', versions: [spoken], ip: '127.0.0.1', active: false },
      ...identity,
      ...options,
    }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return { listener, port };
}

function connect(
  port: number,
  options: ssl.TlsClientOptions = {},
  timeout = 5000,
): Promise<ssl.Result<ssl.SslSocket>> {
  return ssl.connect(
    self,
    '127.0.0.1',
    port,
    {
      ...{ protocol: 'dtls', versions: [spoken], active: false },
      ...{ cacerts: [ca.cert], serverNameIndication: 'localhost' },
      ...options,
    },
    timeout,
  );
}

async function accept(listener: ssl.SslListenSocket): Promise<ssl.SslSocket> {
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 15_000));
  return ssl.unwrap(await ssl.handshake(self, accepted, 15_000));
}

async function pair(
  server: ssl.TlsServerOptions = {},
  client: ssl.TlsClientOptions = {},
): Promise<{ client: ssl.SslSocket; server: ssl.SslSocket; listener: ssl.SslListenSocket; port: number }> {
  const { listener, port } = await listen(server);
  const [connected, accepted] = await Promise.all([connect(port, client), accept(listener)]);
  return { client: ssl.unwrap(connected), server: accepted, listener, port };
}

describe.each(both)('a connection of DTLS: %s', (version) => {
  beforeEach(() => {
    spoken = version;
  });

  it.each(version === 'dtlsv1.2' ? (['dtlsv1.2', 'dtlsv1'] as const) : (['dtlsv1.3'] as const))(
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
    expect(await ssl.updateKeys(client, 'write')).toEqual(
      version === 'dtlsv1.2' ? { error: expect.anything() } : { ok: true },
    );
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

describe.each(both)('SRTP: %s', (version) => {
  beforeEach(() => {
    spoken = version;
  });

  const profile = (n: number): Uint8Array => Uint8Array.of(0, n);
  const agreed = async (socket: ssl.SslSocket): Promise<unknown> =>
    ssl.unwrap(await ssl.connectionInformation(socket, ['srtp'])).srtp;

  it('a profile in the order of the server, and the same keys on both sides', async () => {
    const { client, server } = await pair(
      { useSrtp: { protectionProfiles: [profile(7), profile(2), profile(1)] } },
      { useSrtp: { protectionProfiles: [profile(1), profile(2)], mki: Uint8Array.of(9) } },
    );
    for (const socket of [client, server])
      expect(await agreed(socket)).toEqual({ protectionProfile: profile(2), mki: new Uint8Array(0) });
    const keys = await Promise.all(
      [client, server].map((socket) =>
        ssl.exportKeyMaterial(socket, 'EXTRACTOR-dtls_srtp', 'no_context', 60),
      ),
    );
    expect(ssl.unwrap(keys[0] ?? { error: 'closed' })).toHaveLength(60);
    expect(keys[0]).toEqual(keys[1]);
  });

  it('an identifier that both name, and none where one side does not', async () => {
    const useSrtp = { protectionProfiles: [profile(1)], mki: Uint8Array.of(1, 2, 3) };
    const { client, server } = await pair({ useSrtp }, { useSrtp });
    for (const socket of [client, server])
      expect(await agreed(socket)).toEqual({ protectionProfile: profile(1), mki: useSrtp.mki });
  });

  it.each([
    [
      'no profile in common',
      { useSrtp: { protectionProfiles: [profile(1)] } },
      { useSrtp: { protectionProfiles: [profile(2)] } },
    ],
    ['a server without', {}, { useSrtp: { protectionProfiles: [profile(2)] } }],
    ['a client without', { useSrtp: { protectionProfiles: [profile(2)] } }, {}],
  ])('%s: the connection stands, and has none', async (_what, serverOptions, clientOptions) => {
    const { client, server } = await pair(serverOptions, clientOptions);
    for (const socket of [client, server]) expect(await agreed(socket)).toBeUndefined();
  });
});

describe.each(both)('a listener of DTLS: %s', (version) => {
  beforeEach(() => {
    spoken = version;
  });

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

/** Stands between clients and a server, to which all of them have its one address. */
interface Relay {
  readonly port: number;
  /** Datagrams of clients, in order. */
  readonly fromClients: Buffer[];
  /** To the server, from the relay's address. */
  inject(datagram: Uint8Array): void;
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return socket;
}

async function relayTo(port: number, lost: () => boolean = () => false): Promise<Relay> {
  const front = await bound();
  const back = await bound();
  const fromClients: Buffer[] = [];
  let client = 0;
  front.on('message', (datagram, from) => {
    client = from.port;
    fromClients.push(datagram);
    if (!lost()) back.send(datagram, port, '127.0.0.1');
  });
  back.on('message', (datagram) => {
    if (!lost()) front.send(datagram, client, '127.0.0.1');
  });
  return {
    port: front.address().port,
    fromClients,
    inject: (datagram) => back.send(datagram, port, '127.0.0.1'),
  };
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe.each(both)('peers that begin anew from the same address: %s', (version) => {
  beforeEach(() => {
    spoken = version;
  });

  it('replace their old connection when they have brought their cookie back, and not before', async () => {
    const { listener, port } = await listen();
    const relay = await relayTo(port);
    const [first, old] = await Promise.all([connect(relay.port), accept(listener)]);
    const hello = relay.fromClients[0] ?? Buffer.alloc(0);
    // Another hello from the same address, as anybody can send it who forges that.
    const forged = Buffer.from(hello);
    forged.fill(0xab, 13 + 12 + 2, 13 + 12 + 2 + 32);
    relay.inject(forged);
    relay.inject(hello);
    await pause(50);
    ssl.unwrap(await ssl.send(ssl.unwrap(first), 'still'));
    expect(String(ssl.unwrap(await ssl.recv(old, 0, 2000)))).toBe('still');
    const [second, fresh] = await Promise.all([connect(relay.port), accept(listener)]);
    ssl.unwrap(await ssl.send(ssl.unwrap(second), 'anew'));
    expect(String(ssl.unwrap(await ssl.recv(fresh, 0, 2000)))).toBe('anew');
    expect(await ssl.recv(old, 0, 2000)).toEqual({ error: 'closed' });
  });
});

describe.each(both)('strangers at a listener of DTLS: %s', (version) => {
  beforeEach(() => {
    spoken = version;
  });

  it('cost no connection and get less than they sent, however many hellos they send', async () => {
    const { listener, port } = await listen();
    const relay = await relayTo(port);
    const [client] = await Promise.all([connect(relay.port), accept(listener)]);
    await ssl.close(ssl.unwrap(client));
    const hello = relay.fromClients[0] ?? Buffer.alloc(0);
    const stranger = await bound();
    let received = 0;
    stranger.on('message', (datagram) => {
      received += datagram.length;
    });
    for (let n = 0; n < 1000; n += 1) {
      const another = Buffer.from(hello);
      another.writeUInt32BE(n, 13 + 12 + 2);
      stranger.send(another, port, '127.0.0.1');
      if (n % 50 === 0) await pause(1);
    }
    await pause(100);
    expect(received).toBeGreaterThan(0);
    // A HelloRetryRequest is longer than a HelloVerifyRequest, and than no hello.
    expect(received).toBeLessThanOrEqual((hello.length * 1000) / (version === 'dtlsv1.2' ? 2 : 1));
    const counters = await ssl.listenerCounters(listener);
    expect(counters).toMatchObject({ accepted: 1, waiting: 0 });
  });

  it('take no others with them: noise from everywhere, and a client that gets through', async () => {
    const { listener, port } = await listen();
    const random = seededRandom(5);
    const strangers = await Promise.all(Array.from({ length: 10 }, bound));
    const noise = setInterval(() => {
      for (const stranger of strangers) {
        const bytes = Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
        if (random.below(2) === 0) bytes.set([22, 0xfe, 0xfd, 0, 0].slice(0, bytes.length));
        stranger.send(bytes, port, '127.0.0.1');
      }
    }, 1);
    try {
      const [client, server] = await Promise.all([connect(port), accept(listener)]);
      ssl.unwrap(await ssl.send(ssl.unwrap(client), 'through'));
      expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('through');
    } finally {
      clearInterval(noise);
    }
  });
});

it('real sockets with a tenth of all datagrams lost on the way: ten handshakes, none fails', async () => {
  const { listener, port } = await listen();
  const random = seededRandom(11);
  const accepting = (async () => {
    for (let n = 0; n < 10; n += 1) await accept(listener);
  })();
  const connected = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const relay = await relayTo(port, () => random.below(10) === 0);
      return ssl.connect(self, '127.0.0.1', relay.port, {
        ...{ protocol: 'dtls', cacerts: [ca.cert], serverNameIndication: 'localhost', active: false },
      });
    }),
  );
  expect(connected.map((one) => Object.keys(one))).toEqual(Array.from({ length: 10 }, () => ['ok']));
  await accepting;
}, 30_000);

it('real sockets with half of all datagrams lost: handshakes end well or at their deadline, and no message comes twice', async () => {
  const { listener, port } = await listen({ flightTimeout: 50, handshakeDeadline: 10_000 });
  const random = seededRandom(12);
  const received: string[][] = [];
  const serve = async (acceptor: Self, accepted: ssl.SslSocket): Promise<void> => {
    const shaken = await ssl.handshake(acceptor, accepted, 10_000);
    if ('error' in shaken) return;
    const got: string[] = [];
    received.push(got);
    for (;;) {
      const one = await ssl.recv(shaken.ok, 0);
      if ('error' in one) return;
      got.push(String(one.ok));
    }
  };
  const accepting = self.spawn(async (acceptor: Self) => {
    for (;;) {
      const accepted = await ssl.transportAccept(acceptor, listener);
      if ('error' in accepted) return;
      void serve(acceptor, accepted.ok);
    }
  });
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async (_none, n) => {
      const relay = await relayTo(port, () => random.below(2) === 0);
      const connected = await connect(relay.port, { flightTimeout: 50 }, 10_000);
      if ('error' in connected) return connected.error;
      for (let m = 0; m < 20; m += 1) await ssl.send(connected.ok, `${n} ${m}`);
      return 'ok';
    }),
  );
  await pause(100);
  expect(outcomes.filter((outcome) => outcome !== 'ok' && outcome !== 'timeout')).toEqual([]);
  expect(outcomes).toContain('ok');
  expect(received.flat().length).toBeGreaterThan(0);
  for (const got of received) expect(new Set(got).size).toBe(got.length);
  node.exit(accepting, 'kill');
}, 30_000);

describe('calls that DTLS has another answer for', () => {
  it('a port that a listener of the node has is already_listening; one whose listener has closed is taken over', async () => {
    const { client, server, listener, port } = await pair();
    const options = { protocol: 'dtls', ip: '127.0.0.1', active: false, ...identity } as const;
    expect(await ssl.listen(self, port, options)).toEqual({ error: 'already_listening' });
    await ssl.close(listener);
    const again = ssl.unwrap(await ssl.listen(self, port, options));
    const [second] = await Promise.all([connect(port), accept(again)]);
    ssl.unwrap(await ssl.send(client, 'the first still talks'));
    expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('the first still talks');
    expect(second).toHaveProperty('ok');
    const taken = await bound();
    expect(await ssl.listen(self, taken.address().port, options)).toEqual({ error: 'eaddrinuse' });
  });

  it('no downgrade, no upgrade, no other protocol on the way, no options of streams', async () => {
    const { client, server, listener } = await pair();
    expect(await ssl.close(client, { downgrade: 100 })).toEqual({ error: 'notsup' });
    const { Duplex } = await import('node:stream');
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const wrong = { error: { options: { protocol: 'dtls' } } };
    expect(await ssl.connect(self, stream, { protocol: 'dtls', verify: 'verify_none' })).toEqual(wrong);
    expect(await ssl.handshake(self, stream, { protocol: 'dtls', ...identity })).toEqual(wrong);
    const refused = { error: { options: { not_supported: { packet: 4 } } } };
    const any: ssl.SslSocket = server;
    expect(await ssl.setopts(any, { packet: 4 })).toEqual(refused);
    const anyListener: ssl.SslListenSocket = listener;
    expect(await ssl.setopts(anyListener, { packet: 4 })).toEqual(refused);
    expect(await ssl.shutdown(listener, 'write')).toEqual({ error: 'enotconn' });
    expect(await ssl.shutdown(client, 'write')).toEqual({ ok: true });
    expect(await ssl.recv(server, 0, 2000)).toEqual({ error: 'closed' });
  });

  it('a key that cannot be found, or whose finding throws, is that connection’s alone', async () => {
    // Every engine has it.
    const ciphers = ['TLS_PSK_WITH_AES_128_GCM_SHA256'];
    const find: ssl.UserLookupFun = async (_type, identity) => {
      const name = Buffer.from(identity).toString();
      if (name === 'throws') throw new Error('no database');
      return name === 'known' ? { ok: new Uint8Array(16) } : 'error';
    };
    const mine: ssl.UserLookupFun = () => ({ ok: new Uint8Array(16) });
    const { listener, port } = await listen({ ciphers, userLookupFun: [find, undefined] });
    const serving = (async () => {
      for (let n = 0; n < 3; n += 1) {
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 15_000));
        void ssl.handshake(self, accepted, 15_000);
      }
    })();
    const told = (pskIdentity: string, timeout?: number) =>
      connect(port, { ciphers, userLookupFun: [mine, undefined], pskIdentity }, timeout);
    // As with a wrong key: what does not open is dropped, and nobody learns who is known.
    expect(await told('unknown', 1500)).toEqual({ error: 'timeout' });
    expect(await told('throws')).toMatchObject({
      error: { tls_alert: ['internal_error', expect.any(String)] },
    });
    expect(await told('known')).toHaveProperty('ok');
    await serving;
  });
});

describe('which version is spoken', () => {
  const unsaid = { versions: undefined } as const;
  const spokenBetween = async (
    server: ssl.TlsServerOptions,
    client: ssl.TlsClientOptions,
  ): Promise<unknown> => {
    const ends = await pair({ ...unsaid, ...server }, { ...unsaid, ...client });
    return ssl.unwrap(await ssl.connectionInformation(ends.client, ['protocol'])).protocol;
  };
  const older = { ciphers: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'] } as const;

  it('the newest that both have, and 1.3 where nobody says anything', async () => {
    expect(await spokenBetween({}, {})).toBe('dtlsv1.3');
    expect(await spokenBetween({ versions: ['dtlsv1.2'] }, {})).toBe('dtlsv1.2');
    expect(await spokenBetween({}, { versions: ['dtlsv1.2'] })).toBe('dtlsv1.2');
    expect(await spokenBetween({ versions: ['dtlsv1.2', 'dtlsv1'] }, { versions: ['dtlsv1'] })).toBe(
      'dtlsv1',
    );
    expect(ssl.versions().supportedDtls).toEqual(['dtlsv1.3', 'dtlsv1.2', 'dtlsv1']);
  });

  it('1.2 with who names suites of that alone, and none where it wants 1.3 besides', async () => {
    expect(await spokenBetween(older, {})).toBe('dtlsv1.2');
    expect(await spokenBetween({}, older)).toBe('dtlsv1.2');
    expect(await spokenBetween(older, older)).toBe('dtlsv1.2');
    const { port } = await listen({ ...older, versions: ['dtlsv1.3', 'dtlsv1.2'] });
    expect(await connect(port, unsaid)).toMatchObject({
      error: { tls_alert: ['insufficient_security', expect.anything()] },
    });
  });

  it('what the application’s environment has', async () => {
    await ssl.stop(node);
    setEnv(node, 'ssl', 'dtls_protocol_version', 'dtlsv1.2');
    ssl.unwrap(await ssl.start({ node }));
    expect(await spokenBetween({}, {})).toBe('dtlsv1.2');
    expect(await spokenBetween({ versions: ['dtlsv1.3'] }, { versions: ['dtlsv1.3'] })).toBe('dtlsv1.3');
  });
});
