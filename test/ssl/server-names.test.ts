/** `sniHosts` and `sniFun`: a server's options by the name that a client asks for, over loopback. */
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applicationOf } from '../../packages/ssl/src/processes/application.js';

const ca = createCa({ key: 'ed25519' });
const other = createCa({ key: 'ed25519', subject: 'another' });
const issue = (name: string, from = ca) => {
  const { chain, key, cert } = from.issue({ key: 'ed25519', names: [name] });
  return { cert, options: { cert: chain, key: { PrivateKeyInfo: key } } };
};
const plain = issue('plain.example');
const a = issue('a.example');
const b = issue('b.example');
const client = ca.issue({ key: 'ed25519', names: ['client'] });

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

interface Met {
  readonly client: ssl.Result<ssl.SslSocket>;
  readonly server: ssl.HandshakeAnswer;
}

/** A listener, and how clients that ask for a name fare at it. */
async function listening(
  options: ssl.TlsServerOptions,
): Promise<{ meet(name: string, more?: ssl.TlsClientOptions): Promise<Met>; close(): Promise<unknown> }> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { ...plain.options, ...options, ip: 'loopback', active: false }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return {
    async meet(name, more = {}) {
      const serving = ssl
        .transportAccept(self, listener, 9000)
        .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 9000));
      const wish = { active: false, verify: 'verify_none', serverNameIndication: name, ...more } as const;
      const answer = await ssl.connect(self, '127.0.0.1', port, wish, 9000);
      return { client: answer, server: await serving };
    },
    close: () => ssl.close(listener),
  };
}

async function shown(met: Met): Promise<Uint8Array> {
  return ssl.unwrap(await ssl.peercert(ssl.unwrap(met.client)));
}

function fail(thrown: unknown): never {
  throw thrown;
}
const trap = { enumerable: true, get: () => fail(new Error('trap')) };

const alertOf = (answer: ssl.Result<unknown>): unknown =>
  'error' in answer && typeof answer.error === 'object' && 'tls_alert' in answer.error
    ? Array.isArray(answer.error['tls_alert']) && answer.error['tls_alert'][0]
    : answer;

describe.each(['tlsv1.3', 'tlsv1.2'] as const)('a server of %s with sniHosts', (version) => {
  const versions = [version];

  it('shows the certificate of the host, and its own to everybody else', async () => {
    const server = await listening({
      versions,
      sniHosts: { 'a.example': a.options, 'B.Example': b.options },
    });
    expect(await shown(await server.meet('a.example'))).toEqual(a.cert);
    expect(await shown(await server.meet('B.EXAMPLE'))).toEqual(b.cert);
    expect(await shown(await server.meet('c.example'))).toEqual(plain.cert);
    expect(await shown(await server.meet('disable'))).toEqual(plain.cert);
    await server.close();
  });

  it('asks for client certificates, trusts and agrees on protocols as the host says', async () => {
    const server = await listening({
      versions,
      alpnPreferredProtocols: ['h2'],
      sniHosts: {
        'a.example': {
          ...a.options,
          verify: 'verify_peer',
          failIfNoPeerCert: true,
          cacerts: [ca.cert],
          alpnPreferredProtocols: ['http/1.1'],
        },
        'b.example': { verify: 'verify_peer', failIfNoPeerCert: true, cacerts: [other.cert] },
      },
    });
    const own = { cert: client.chain, key: { PrivateKeyInfo: client.key } };
    const alpnAdvertisedProtocols = ['h2', 'http/1.1'];
    const met = await server.meet('a.example', { ...own, alpnAdvertisedProtocols });
    const accepted = ssl.unwrap(met.server);
    expect(await ssl.peercert(accepted)).toEqual({ ok: client.cert });
    expect(await ssl.negotiatedProtocol(accepted)).toEqual({ ok: new TextEncoder().encode('http/1.1') });
    // Under the other name the same certificate is a stranger's, and without a name nobody is asked.
    expect(alertOf((await server.meet('b.example', own)).server)).toBe('unknown_ca');
    const nameless = ssl.unwrap((await server.meet('disable', own)).server);
    expect(await ssl.peercert(nameless)).toEqual({ error: 'no_peercert' });
    expect(alertOf((await server.meet('a.example', { alpnAdvertisedProtocols: ['x'] })).server)).toBe(
      'no_application_protocol',
    );
    await server.close();
  });

  it('has what handshake/3 says below the host’s options, and what the listener says below both', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, {
        ...plain.options,
        ip: 'loopback',
        active: false,
        versions,
        sniHosts: { 'a.example': { depth: 3 } },
      }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const serving = ssl
      .transportAccept(self, listener, 9000)
      .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), { ...b.options, depth: 2 }, 9000));
    const wish = { active: false, verify: 'verify_none', serverNameIndication: 'a.example' } as const;
    const answer = await ssl.connect(self, '127.0.0.1', port, wish, 9000);
    expect(await ssl.peercert(ssl.unwrap(answer))).toEqual({ ok: b.cert });
    const told = await ssl.connectionInformation(ssl.unwrap(await serving), ['depth', 'versions']);
    expect(told).toEqual({ ok: { depth: 3, versions } });
    await ssl.close(listener);
  });
});

describe('a host’s versions', () => {
  it('are the host’s own, and what it inherits for others is as good as absent', async () => {
    const server = await listening({
      keyUpdateAt: 1_000_000,
      ciphers: ['TLS_AES_128_GCM_SHA256'],
      versions: ['tlsv1.3'],
      sniHosts: { 'a.example': { ...a.options, versions: ['tlsv1.2'] } },
    });
    const protocol = async (met: Met): Promise<unknown> =>
      ssl.connectionInformation(ssl.unwrap(met.server), ['protocol']);
    expect(await protocol(await server.meet('a.example'))).toEqual({ ok: { protocol: 'tlsv1.2' } });
    expect(await protocol(await server.meet('b.example'))).toEqual({ ok: { protocol: 'tlsv1.3' } });
    const refused = await server.meet('a.example', { versions: ['tlsv1.3'] });
    expect([alertOf(refused.server), alertOf(refused.client)]).toEqual([
      'protocol_version',
      'protocol_version',
    ]);
    await server.close();
  });
});

describe.each(['at once', 'later'] as const)('sniFun that answers %s', (when) => {
  const answering =
    (answer: (host: string) => unknown) =>
    (host: string): never => {
      const given = when === 'at once' ? answer(host) : Promise.resolve().then(() => answer(host));
      // What untyped callers may do.
      return given as never;
    };

  it('chooses options, gets the name in its one form, and may leave things as they are', async () => {
    const asked: string[] = [];
    const sniFun = answering((host) => {
      asked.push(host);
      return host === 'a.example' ? a.options : undefined;
    });
    const server = await listening({ sniFun });
    expect(await shown(await server.meet('A.example'))).toEqual(a.cert);
    expect(await shown(await server.meet('bücher.example'))).toEqual(plain.cert);
    expect(await shown(await server.meet('disable'))).toEqual(plain.cert);
    expect(asked).toEqual(['a.example', 'xn--bcher-kva.example']);
    await server.close();
  });

  it.each<[what: string, answer: () => unknown, term?: unknown]>([
    ['throws', () => fail(new Error('no such host'))],
    ['throws nothing in particular', () => fail(null)],
    ['answers junk', () => 'junk', { options: { sniFun: 'string' } }],
    ['answers null', () => null, { options: { sniFun: 'object' } }],
    ['answers a wrong option', () => ({ verify: 'wrong' }), { options: { verify: 'wrong' } }],
    ['answers an unknown option', () => ({ cert_file: 'x' }), { options: { cert_file: 'x' } }],
    ['answers a socket option', () => ({ active: true }), { options: { active: true } }],
    [
      'names a file that is not there',
      () => ({ certfile: '/no/such' }),
      { options: { certfile: ['/no/such', { error: 'enoent' }] } },
    ],
    ['answers what throws when it is read', () => Object.defineProperty({}, 'cert', trap)],
  ])('and %s ends this handshake with internal_error, and no other', async (_what, answer, term) => {
    const server = await listening({
      sniFun: answering((host) => (host === 'bad.example' ? answer() : undefined)),
    });
    const met = await server.meet('bad.example');
    expect(alertOf(met.client)).toBe('internal_error');
    if (term === undefined) expect(alertOf(met.server)).toBe('internal_error');
    else expect(met.server).toEqual({ error: term });
    expect(await shown(await server.meet('good.example'))).toEqual(plain.cert);
    await server.close();
  });

  it('never puts a key into the log', async () => {
    const lines: string[] = [];
    const keep = (fields: object, text: string): void => void lines.push(`${JSON.stringify(fields)} ${text}`);
    const talkative = createNode({
      logger: { ...silentLogger, debug: keep, info: keep, warn: keep, error: keep },
    });
    ssl.unwrap(await ssl.start({ node: talkative }));
    const shell = talkative.shell();
    const secret = 'c2VjcmV0';
    const listener = ssl.unwrap(
      await ssl.listen(shell, 0, {
        ...plain.options,
        ip: 'loopback',
        sniFun: answering(() => ({ key: { PrivateKeyInfo: secret } })),
      }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const serving = ssl
      .transportAccept(shell, listener, 9000)
      .then((accepted) => ssl.handshake(shell, ssl.unwrap(accepted), 9000));
    await ssl.connect(self, '127.0.0.1', port, { verify: 'verify_none', serverNameIndication: 'a' }, 9000);
    expect(await serving).toHaveProperty('error.options');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    await ssl.stop(talkative);
    talkative.stop();
  });
});

describe('sniFun', () => {
  it('that never answers is over with the handshake’s time, and keeps nobody else waiting', async () => {
    const server = await listening({
      handshakeDeadline: 300,
      sniFun: (host) => (host === 'slow.example' ? new Promise(() => {}) : undefined),
    });
    const slow = server.meet('slow.example');
    expect((await slow).server).toEqual({ error: 'timeout' });
    expect(await shown(await server.meet('good.example'))).toEqual(plain.cert);
    await server.close();
  });

  it('is not asked about a name that is none', async () => {
    const sniFun = vi.fn(() => undefined);
    const server = await listening({ sniFun });
    expect(alertOf((await server.meet('disable')).server)).toHaveProperty('ok');
    expect(sniFun).not.toHaveBeenCalled();
    await server.close();
  });

  it('has its options parsed once as long as they say the same, and anew when they change', async () => {
    const environment = applicationOf(node)?.environment;
    if (environment === undefined) throw new Error('no application');
    const loaded = vi.spyOn(environment, 'credentials');
    const given: { -readonly [K in keyof typeof a.options]: (typeof a.options)[K] } = { ...a.options };
    const configs = (): number => new Set(loaded.mock.calls.map(([config]) => config)).size;
    const server = await listening({ sniFun: (host) => (host === 'fresh.example' ? { ...given } : given) });
    const quiet = async (name: string): Promise<Uint8Array> =>
      shown(await server.meet(name, { verify: 'verify_none' }));
    for (const name of ['a.example', 'b.example', 'fresh.example', 'fresh.example', 'a.example'])
      expect(await quiet(name)).toEqual(a.cert);
    // Of the server: its own, that of the shared object, that of the objects made anew. Of the client: at most one for each name.
    const before = configs();
    await quiet('a.example');
    await quiet('fresh.example');
    expect(configs()).toBe(before);
    given.cert = b.options.cert;
    given.key = b.options.key;
    expect(await quiet('a.example')).toEqual(b.cert);
    expect(configs()).toBe(before + 1);
    loaded.mockRestore();
    await server.close();
  });
});
