/** `handshake: 'hello'`: a handshake pauses after the peer's hello, and goes on or is given up, over loopback. */
import { connect as connectTcp, createServer, Socket } from 'node:net';
import { createNode, type Node, silentLogger, startSupervisor } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const issue = (name: string) => {
  const { chain, key, cert } = ca.issue({ key: 'ed25519', names: [name] });
  return { cert, options: { cert: chain, key: { PrivateKeyInfo: key } } };
};
const plain = issue('plain.example');
const other = issue('other.example');
const own = issue('client.example');

let node: Node;
let self: ReturnType<Node['shell']>;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
});

interface Ends {
  readonly connecting: Promise<ssl.HandshakeAnswer>;
  readonly served: ssl.HandshakeAnswer;
  readonly accepted: ssl.SslSocket;
}

/** Both ends of a connection; `served` is what the server's `handshake` has answered. */
async function ends(
  server: ssl.TlsServerOptions,
  client: ssl.TlsClientOptions = {},
  { at = self, timeout = 9000 }: { readonly at?: typeof self; readonly timeout?: number } = {},
): Promise<Ends> {
  const listener = ssl.unwrap(
    await ssl.listen(at, 0, { ...plain.options, ip: 'loopback', active: false, ...server }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const wish = { active: false, cacerts: [ca.cert], serverNameIndication: 'plain.example', ...client };
  const connecting = ssl.connect(self, '127.0.0.1', port, wish, 9000);
  const accepted = ssl.unwrap(await ssl.transportAccept(at, listener, 9000));
  const served = await ssl.handshake(at, accepted, timeout);
  await ssl.close(listener);
  return { connecting, served, accepted };
}

/** A client that has paused; the server waits for the rest. */
async function pausedClient(
  server: ssl.TlsServerOptions,
  client: ssl.TlsClientOptions,
): Promise<{ readonly answer: ssl.HandshakeAnswer; readonly serving: Promise<ssl.HandshakeAnswer> }> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { ...plain.options, ip: 'loopback', active: false, ...server }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const serving = ssl
    .transportAccept(self, listener, 9000)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 9000));
  const answer = await ssl.connect(
    self,
    '127.0.0.1',
    port,
    {
      handshake: 'hello',
      active: false,
      cacerts: [ca.cert],
      serverNameIndication: 'plain.example',
      ...client,
    },
    9000,
  );
  void serving.then(() => ssl.close(listener));
  return { answer, serving };
}

function extOf(answer: ssl.HandshakeAnswer): ssl.HelloExtensions {
  if ('error' in answer || answer.ext === undefined) throw new Error(`no pause: ${JSON.stringify(answer)}`);
  return answer.ext;
}

const alertOf = (answer: ssl.Result<unknown>): unknown =>
  'error' in answer && typeof answer.error === 'object' && 'tls_alert' in answer.error
    ? Array.isArray(answer.error['tls_alert']) && answer.error['tls_alert'][0]
    : answer;

const text = new TextEncoder();

describe.each(['tlsv1.3', 'tlsv1.2'] as const)('a server of %s', (version) => {
  const versions = [version];
  const paused = { handshake: 'hello', versions } as const;

  it('pauses with what the client’s hello says, and goes on with other options', async () => {
    const { served, accepted, connecting } = await ends(
      { ...paused, alpnPreferredProtocols: ['h2'] },
      { versions, alpnAdvertisedProtocols: ['h2', 'x'], serverNameIndication: 'OTHER.example' },
    );
    const ext = extOf(served);
    expect(ext).toMatchObject({
      sni: 'other.example',
      alpn: Uint8Array.from([2, ...text.encode('h2'), 1, ...text.encode('x')]),
      ellipticCurves: expect.arrayContaining(['x25519', 'secp256r1']),
      signatureAlgs: expect.arrayContaining(['eddsa_ed25519']),
      ja4: expect.stringMatching(/^t1[23]d\d{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$/),
    });
    expect(ext.clientHello?.[0]).toBe(1);
    expect(ext.clientHello?.length).toBe(4 + Buffer.from(ext.clientHello ?? []).readUIntBE(1, 3));
    expect(Buffer.from(ext.clientHello ?? []).includes('other.example')).toBe(true);
    if (version === 'tlsv1.3')
      expect(ext).toMatchObject({
        clientHelloVersions: ['tlsv1.3'],
        keyShare: [{ group: 'x25519', keyExchange: expect.any(Uint8Array) }],
      });
    else
      expect(ext).toMatchObject({ ecPointFormats: [0], keyShare: undefined, clientHelloVersions: undefined });
    const going = await ssl.handshakeContinue(accepted, { ...other.options, alpnPreferredProtocols: ['x'] });
    expect(going).toEqual({ ok: accepted });
    const client = ssl.unwrap(await connecting);
    expect(await ssl.peercert(client)).toEqual({ ok: other.cert });
    expect(await ssl.negotiatedProtocol(client)).toEqual({ ok: text.encode('x') });
    ssl.unwrap(await ssl.send(accepted, 'hello'));
    expect(await ssl.recv(client, 5, 5000)).toEqual({ ok: Buffer.from('hello') });
  });

  it('goes on as it was without options, and takes those of the socket', async () => {
    const { accepted, connecting } = await ends(paused, { versions });
    expect(await ssl.handshakeContinue(accepted, { packet: 4 }, 5000)).toEqual({ ok: accepted });
    expect(await ssl.getopts(accepted, ['packet'])).toEqual({ ok: { packet: 4 } });
    expect(await connecting).toHaveProperty('ok');
  });

  it('lays a host’s options over those of its going on', async () => {
    const { accepted, connecting } = await ends(
      { ...paused, sniHosts: { 'other.example': other.options } },
      { versions, serverNameIndication: 'other.example' },
    );
    ssl.unwrap(await ssl.handshakeContinue(accepted, plain.options));
    expect(await ssl.peercert(ssl.unwrap(await connecting))).toEqual({ ok: other.cert });
  });

  it('is given up with user_canceled, and nothing is left to go on with', async () => {
    const { accepted, connecting } = await ends(paused, { versions });
    expect(await ssl.handshakeCancel(accepted)).toEqual({ ok: true });
    expect(alertOf(await connecting)).toBe('user_canceled');
    expect(await ssl.handshakeCancel(accepted)).toEqual({ error: 'closed' });
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ error: 'closed' });
  });

  it.each([
    [{ verify: 'wrong' }, { options: { verify: 'wrong' } }],
    [{ certfile: '/no/such' }, { options: { certfile: ['/no/such', { error: 'enoent' }] } }],
    [{ depth: -1 }, { options: { depth: -1 } }],
  ])('that goes on with %j ends, and the client hears internal_error', async (options, term) => {
    const { accepted, connecting } = await ends(paused, { versions });
    expect(await ssl.handshakeContinue(accepted, options as never)).toEqual({ error: term });
    expect(alertOf(await connecting)).toBe('internal_error');
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ error: 'closed' });
  });

  it('that nobody goes on with is over with its time, which the next call is told once', async () => {
    const { accepted, connecting, served } = await ends({ ...paused, handshakeDeadline: 200 }, { versions });
    expect(served).toHaveProperty('ext');
    expect(await connecting).toEqual({ error: 'closed' });
    await expect.poll(() => node.isAlive(accepted.connection)).toBe(false);
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ error: 'timeout' });
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ error: 'closed' });
  });

  it('has the time of its first call through the pause', async () => {
    const { accepted, connecting } = await ends(paused, { versions }, { timeout: 200 });
    expect(await connecting).toEqual({ error: 'closed' });
    expect(await ssl.handshakeContinue(accepted, {}, 5000)).toEqual({ error: 'timeout' });
  });

  it('answers what is asked in the pause once the handshake is done, but for what it knows', async () => {
    const { accepted, connecting } = await ends(paused, { versions });
    expect(await ssl.peername(accepted)).toHaveProperty('ok.port');
    let answered = false;
    const waiting = ssl.connectionInformation(accepted, ['protocol']).then((answer) => {
      answered = true;
      return answer;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(answered).toBe(false);
    ssl.unwrap(await ssl.handshakeContinue(accepted, {}));
    expect(await waiting).toEqual({ ok: { protocol: version } });
    expect(await connecting).toHaveProperty('ok');
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ error: 'einval' });
    expect(await ssl.handshakeCancel(accepted)).toEqual({ error: 'einval' });
  });

  it('pauses when only handshake/3 says so', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...plain.options, versions, ip: 'loopback', active: false }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const wish = { active: false, cacerts: [ca.cert], serverNameIndication: 'other.example' } as const;
    const connecting = ssl.connect(self, '127.0.0.1', port, wish, 9000);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 9000));
    const answer = await ssl.handshake(self, accepted, { handshake: 'hello', ...other.options }, 9000);
    expect(extOf(answer).sni).toBe('other.example');
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ ok: accepted });
    expect(await ssl.peercert(ssl.unwrap(await connecting))).toEqual({ ok: other.cert });
    await ssl.close(listener);
  });

  it('pauses on a stream that is upgraded, and so does its client', async () => {
    const stream = new Socket();
    const streams = new Promise<Socket>((resolve) => {
      const plainServer = createServer((socket) => {
        plainServer.close();
        resolve(socket);
      }).listen(0, '127.0.0.1', () => {
        const address = plainServer.address();
        stream.connect(address !== null && typeof address === 'object' ? address.port : 0, '127.0.0.1');
      });
    });
    await new Promise((resolve) => stream.once('connect', resolve));
    const wish = {
      versions,
      cacerts: [ca.cert],
      serverNameIndication: 'plain.example',
      handshake: 'hello',
    } as const;
    const connecting = ssl.connect(self, stream, wish, 9000);
    const served = await ssl.handshake(
      self,
      await streams,
      { ...plain.options, versions, handshake: 'hello' },
      9000,
    );
    expect(extOf(served).sni).toBe('plain.example');
    const server = ssl.unwrap(served);
    const going = ssl.handshakeContinue(server, {}, 9000);
    const client = await connecting;
    expect(extOf(client)).toBeDefined();
    expect(await ssl.handshakeContinue(ssl.unwrap(client), {}, 9000)).toHaveProperty('ok');
    expect(await going).toEqual({ ok: server });
    await ssl.close(server);
  });

  it('that has lost its client in the pause hears so when it goes on', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...plain.options, ...paused, ip: 'loopback', active: false }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const stream = connectTcp(port, '127.0.0.1');
    await new Promise((resolve) => stream.once('connect', resolve));
    const wish = { versions, cacerts: [ca.cert], serverNameIndication: 'plain.example' };
    const connecting = ssl.connect(self, stream, wish, 9000);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 9000));
    expect(extOf(await ssl.handshake(self, accepted, 9000)).sni).toBe('plain.example');
    stream.resetAndDestroy();
    expect(await connecting).toHaveProperty('error');
    expect(await ssl.handshakeContinue(accepted, {}, 5000)).toEqual({ error: 'closed' });
    await ssl.close(listener);
  });

  it('closes in the pause when its owner does, or ends', async () => {
    const closing = await ends(paused, { versions });
    expect(await ssl.close(closing.accepted)).toEqual({ ok: true });
    expect(await closing.connecting).toEqual({ error: 'closed' });
    const owner = node.shell();
    const ending = await ends(paused, { versions }, { at: owner });
    node.exit(owner.pid, 'kill');
    expect(await ending.connecting).toEqual({ error: 'closed' });
    expect(await ssl.handshakeContinue(ending.accepted, {})).toEqual({ error: 'closed' });
  });
});

describe.each(['tlsv1.3', 'tlsv1.2'] as const)('a client of %s', (version) => {
  const versions = [version];

  it('pauses with what the server’s hello says, and shows the certificate that it goes on with', async () => {
    const { answer, serving } = await pausedClient(
      { verify: 'verify_peer', failIfNoPeerCert: true, cacerts: [ca.cert], alpnPreferredProtocols: ['h2'] },
      { versions, alpnAdvertisedProtocols: ['h2'] },
    );
    const ext = extOf(answer);
    if (version === 'tlsv1.3')
      expect(ext).toEqual({
        keyShare: { group: 'x25519', keyExchange: expect.any(Uint8Array) },
        serverHelloSelectedVersion: 'tlsv1.3',
        preSharedKey: undefined,
      });
    else
      expect(ext).toEqual({
        alpn: Uint8Array.from([2, ...text.encode('h2')]),
        ecPointFormats: [0],
        renegotiationInfo: new Uint8Array(0),
      });
    const socket = ssl.unwrap(answer);
    expect(await ssl.handshakeContinue(socket, own.options)).toEqual({ ok: socket });
    expect(await ssl.peercert(ssl.unwrap(await serving))).toEqual({ ok: own.cert });
  });

  it('checks the name and trusts the CAs that it goes on with', async () => {
    const { answer, serving } = await pausedClient({}, { versions, cacerts: [createCa().cert] });
    const right = { cacerts: [ca.cert] };
    expect(await ssl.handshakeContinue(ssl.unwrap(answer), right)).toHaveProperty('ok');
    expect(await serving).toHaveProperty('ok');
    const misnamed = await pausedClient({}, { versions });
    const wrong = { serverNameIndication: 'other.example' };
    expect(alertOf(await ssl.handshakeContinue(ssl.unwrap(misnamed.answer), wrong))).toBe(
      'handshake_failure',
    );
    await misnamed.serving;
  });

  it('is given up with user_canceled', async () => {
    const { answer, serving } = await pausedClient({}, { versions });
    expect(await ssl.handshakeCancel(ssl.unwrap(answer))).toEqual({ ok: true });
    expect(alertOf(await serving)).toBe('user_canceled');
  });

  it('that goes on with wrong options ends with their term', async () => {
    const { answer, serving } = await pausedClient({}, { versions });
    const going = await ssl.handshakeContinue(ssl.unwrap(answer), { verify: 'wrong' } as never);
    expect(going).toEqual({ error: { options: { verify: 'wrong' } } });
    expect(alertOf(await serving)).toBe('internal_error');
  });
});

it('a client of TLS 1.3 pauses at a HelloRetryRequest, and not again at the hello behind it', async () => {
  const { answer, serving } = await pausedClient(
    { supportedGroups: ['secp384r1'] },
    { versions: ['tlsv1.3'] },
  );
  expect(extOf(answer)).toEqual({
    keyShare: { group: 'secp384r1' },
    serverHelloSelectedVersion: 'tlsv1.3',
    cookie: expect.any(Uint8Array),
  });
  const socket = ssl.unwrap(answer);
  expect(await ssl.handshakeContinue(socket, {}, 5000)).toEqual({ ok: socket });
  expect(await serving).toHaveProperty('ok');
});

it('a handshake without the option does not pause', async () => {
  const { served, connecting } = await ends({});
  expect(served).toEqual({ ok: expect.any(ssl.SslSocket) });
  expect(await connecting).toEqual({ ok: expect.any(ssl.SslSocket) });
});

describe('a paused connection', () => {
  it('reads no more than was on its way, however much a stranger sends', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...plain.options, ip: 'loopback', handshake: 'hello' }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const recorded = await ends({ handshake: 'hello' });
    const hello = extOf(recorded.served).clientHello ?? new Uint8Array();
    await ssl.close(recorded.accepted);
    const stranger = connectTcp(port, '127.0.0.1').on('error', () => {});
    stranger.write(Uint8Array.of(22, 3, 1, hello.length >> 8, hello.length & 0xff));
    stranger.write(hello);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 9000));
    expect(extOf(await ssl.handshake(self, accepted, 9000)).sni).toBe('plain.example');
    const more = Buffer.alloc(1 << 20, 23);
    for (let megabytes = 0; megabytes < 64; megabytes++) stranger.write(more);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { recvOct: received } = ssl.unwrap(await ssl.getstat(accepted));
    expect(received).toBeGreaterThan(hello.length);
    expect(received).toBeLessThan(1 << 19);
    expect(await ssl.listenerCounters(listener)).toMatchObject({ heldBytes: expect.any(Number) });
    stranger.destroy();
    await ssl.close(accepted);
    await ssl.close(listener);
  });

  it('keeps a place no longer than its time: a house full of them lets others in again', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, {
        ...plain.options,
        ip: 'loopback',
        active: false,
        handshake: 'hello',
        maxHandshakes: 2,
        maxHandshakesPerAddress: 'infinity',
        handshakeDeadline: 1500,
      }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const wish = { active: false, verify: 'verify_none', serverNameIndication: 'plain.example' } as const;
    const coming = () => ssl.connect(self, '127.0.0.1', port, wish, 9000);
    const pausing = async () => {
      const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 9000));
      return { accepted, served: await ssl.handshake(self, accepted, 9000) };
    };
    const strangers = [coming(), coming()];
    for (const _ of strangers) expect((await pausing()).served).toHaveProperty('ext');
    // Nobody inside is to blame: they wait for us.
    expect(await coming()).toHaveProperty('error');
    expect(await ssl.listenerCounters(listener)).toMatchObject({ refusedHandshakes: 1, displacedFull: 0 });
    expect(await Promise.all(strangers)).toEqual([{ error: 'closed' }, { error: 'closed' }]);
    const honest = coming();
    const { accepted } = await pausing();
    expect(await ssl.handshakeContinue(accepted, {})).toEqual({ ok: accepted });
    expect(await honest).toHaveProperty('ok');
    await ssl.close(listener);
  });

  it('of a pool is its worker’s to go on with', async () => {
    const names: (string | undefined)[] = [];
    const pool = ssl.acceptorPool({
      name: 'pausing',
      port: 0,
      options: { ...plain.options, ip: 'loopback', active: false, handshake: 'hello' },
      async handler(_self, socket, ext) {
        names.push(ext?.sni);
        await ssl.handshakeContinue(socket, {}, 5000);
        await ssl.send(socket, 'served');
      },
    });
    const supervisor = await startSupervisor(self, { children: [pool] });
    const listener = await ssl.poolListener(self, 'pausing');
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const wish = { active: false, cacerts: [ca.cert], serverNameIndication: 'plain.example' } as const;
    const client = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, wish, 9000));
    expect(await ssl.recv(client, 6, 5000)).toEqual({ ok: Buffer.from('served') });
    expect(names).toEqual(['plain.example']);
    if (supervisor !== 'ignore' && 'ok' in supervisor) node.exit(supervisor.ok, 'shutdown');
  });

  it('is never one whose hello is malformed: that fails as it would without a pause', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...plain.options, ip: 'loopback', handshake: 'hello' }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const recorded = await ends({ handshake: 'hello' });
    const hello = Buffer.from(extOf(recorded.served).clientHello ?? []);
    await ssl.close(recorded.accepted);
    // The name's length says more than there is.
    hello[hello.indexOf('plain.example') - 1] = 0xff;
    const stranger = connectTcp(port, '127.0.0.1').on('error', () => {});
    stranger.write(Buffer.concat([Buffer.from([22, 3, 1, hello.length >> 8, hello.length & 0xff]), hello]));
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 9000));
    expect(alertOf(await ssl.handshake(self, accepted, 9000))).toBe('decode_error');
    stranger.destroy();
    await ssl.close(listener);
  });
});
