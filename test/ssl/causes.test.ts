/** Why connections fail, as users are told: precise, once, and as data too. */
import { createServer as createTcpServer, type Server, connect as tcpConnect } from 'node:net';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, generateKey } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const leaf = ca.issue();
const year = 31_536_000_000;

let node: Node;
let self: Self<ssl.SslMessage>;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  self.flush();
});

afterAll(() => ssl.stop(node));

interface Outcome {
  readonly client: ssl.SslError;
  readonly server: ssl.SslError;
}

function thrown(result: ssl.Result<unknown>): ssl.SslError {
  if ('ok' in result) throw new Error('it went well');
  return new ssl.SslError(result.error);
}

/** Both sides' errors of a handshake that the client refuses. */
async function refusedBy(
  client: ssl.TlsClientOptions,
  issued: { readonly chain: readonly Uint8Array[]; readonly key: Uint8Array } = leaf,
): Promise<Outcome> {
  const options = {
    cert: issued.chain,
    key: { PrivateKeyInfo: issued.key },
    ip: 'loopback',
    active: false,
  } as const;
  const listener = ssl.unwrap(await ssl.listen(self, 0, options));
  ends.push(() => ssl.close(listener));
  const dialling = ssl.connect(
    self,
    'localhost',
    ssl.unwrap(await ssl.sockname(listener)).port,
    client,
    10_000,
  );
  const served = ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener, 10_000)), 10_000);
  return { client: thrown(await dialling), server: thrown(await served) };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a certificate that is refused', () => {
  const trust = { cacerts: [ca.cert] };
  const general = /compare versions|breaks a rule|out of its dates, or/;

  it.each([
    [
      'hostname_check_failed',
      () => refusedBy({ ...trust, serverNameIndication: 'other.example' }),
      /wanted is other\.example/,
    ],
    [
      'invalid_ext_key_usage',
      () => refusedBy(trust, ca.issue({ extendedKeyUsage: ['clientAuth'] })),
      /serverAuth/,
    ],
    [
      'cert_expired',
      () =>
        refusedBy(
          trust,
          ca.issue({ notBefore: new Date(Date.now() - 2 * year), notAfter: new Date(Date.now() - year) }),
        ),
      /renew/,
    ],
    [
      'cert_not_yet_valid',
      () =>
        refusedBy(
          trust,
          ca.issue({ notBefore: new Date(Date.now() + year), notAfter: new Date(Date.now() + 2 * year) }),
        ),
      /clock/,
    ],
    ['unknown_ca', () => refusedBy({ cacerts: [createCa({ subject: 'another' }).cert] }), /cacerts/],
  ] as const)(
    'for %s is told by that name, with certificate and hint, and nothing general',
    async (rule, fail, hint) => {
      const { client, server } = await fail();
      expect(client.cause).toMatchObject({
        rule,
        side: 'client',
        by: 'self',
        certificate: {
          place: 'peer certificate',
          subject: 'CN=localhost',
          serial: expect.stringMatching(/^[0-9a-f]+$/),
        },
      });
      expect(client.cause?.hint).toMatch(hint);
      expect(client.message.split(client.cause?.text ?? '?')).toHaveLength(2);
      expect(client.message).not.toMatch(general);
      expect(ssl.formatError(client.reason)).toContain(client.cause?.text);
      // The other side knows the alert alone.
      expect(server.cause).toMatchObject({ side: 'client', by: 'peer', certificate: undefined });
      expect(server.reason).toEqual({ tls_alert: [server.cause?.rule, expect.any(String)] });
    },
  );

  it('goes with its cause into the message to the owner, too', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, {
        cert: leaf.chain,
        key: { PrivateKeyInfo: leaf.key },
        ip: 'loopback',
        verify: 'verify_peer',
        failIfNoPeerCert: true,
        cacerts: [ca.cert],
      }),
    );
    ends.push(() => ssl.close(listener));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const dialling = ssl.connect(self, 'localhost', port, trust, 10_000);
    const served = await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)), 10_000);
    expect(thrown(served).cause).toMatchObject({ rule: 'certificate_required', side: 'server', by: 'self' });
    const socket = ssl.unwrap(await dialling);
    const message = await self.receive({ after: 10_000 });
    if (message === 'timeout' || message.type !== 'ssl_error') throw new Error('no ssl_error');
    expect(message.socket).toBe(socket);
    const error = new ssl.SslError(message.reason);
    expect(error.cause).toMatchObject({ rule: 'certificate_required', side: 'server', by: 'peer' });
    expect(error.message).toContain('give cert and key');
  });
});

describe('a peer that speaks no TLS 1.3', () => {
  it('as a server: its alert is told with our versions', async () => {
    const port = await listening(
      createTlsServer({ cert: leaf.chainPem, key: leaf.keyPem, maxVersion: 'TLSv1.2' }),
    );
    const error = thrown(
      await ssl.connect(self, 'localhost', port, { cacerts: [ca.cert], versions: ['tlsv1.3'] }, 10_000),
    );
    expect(error.code).toBe('TLS_ALERT_PROTOCOL_VERSION');
    expect(error.message).toContain('the server speaks none of our versions; we speak only tlsv1.3');
  });

  it('as a server that answers with TLS 1.2 all the same', async () => {
    // ServerHello: TLS 1.2, an empty session, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, no extensions.
    const hello = Buffer.concat([
      Buffer.from('160303002a020000260303', 'hex'),
      Buffer.alloc(32, 7),
      Buffer.from('00c02f00', 'hex'),
    ]);
    const port = await listening(createTcpServer((socket) => socket.on('error', () => {}).end(hello)));
    const error = thrown(
      await ssl.connect(self, 'localhost', port, { cacerts: [ca.cert], versions: ['tlsv1.3'] }, 10_000),
    );
    expect(error.cause).toMatchObject({
      rule: 'unsupported_version',
      text: 'the peer speaks only tlsv1.2',
      side: 'client',
    });
    expect(error.message).toContain('the peer speaks only tlsv1.2; we speak only tlsv1.3');
  });

  it('as a client: its versions are told', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, {
        cert: leaf.chain,
        key: { PrivateKeyInfo: leaf.key },
        ip: 'loopback',
        versions: ['tlsv1.3'],
      }),
    );
    ends.push(() => ssl.close(listener));
    const old = tlsConnect({
      host: '127.0.0.1',
      port: ssl.unwrap(await ssl.sockname(listener)).port,
      maxVersion: 'TLSv1.2',
    });
    old.on('error', () => {});
    const error = thrown(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)), 10_000),
    );
    expect(error.cause).toMatchObject({ rule: 'unsupported_version', side: 'server', by: 'self' });
    expect(error.message).toMatch(/the peer speaks only tlsv1\.2[^;]*; we speak only tlsv1\.3/);
    old.destroy();
  });
});

describe('a peer that speaks no TLS at all', () => {
  it.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'the peer speaks plain HTTP'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'the peer speaks SSH'],
    ['220 mail.example ESMTP\r\n', 'STARTTLS'],
    ['what ever this is', 'the peer speaks no TLS'],
  ])('as a server: %j', async (greeting, words) => {
    const port = await listening(createTcpServer((socket) => socket.on('error', () => {}).end(greeting)));
    const error = thrown(await ssl.connect(self, 'localhost', port, { cacerts: [ca.cert] }, 10_000));
    expect(error.cause).toMatchObject({ rule: 'not_tls', side: 'client', by: 'self' });
    expect(error.message).toContain(words);
    expect(error.message).toContain('is this the port where it speaks TLS?');
    expect(error.message).not.toContain('compare versions');
  });

  it('as a client: a browser with http in place of https', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback' }),
    );
    ends.push(() => ssl.close(listener));
    const browser = tcpConnect(ssl.unwrap(await ssl.sockname(listener)).port, '127.0.0.1');
    browser.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const error = thrown(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)), 10_000),
    );
    expect(error.reason).toEqual({ tls_alert: ['unexpected_message', expect.any(String)] });
    expect(error.message).toContain('the peer speaks plain HTTP');
    browser.destroy();
  });
});

describe('material that is of no use', () => {
  it('is told with its reason where the value itself may not be shown', async () => {
    const other = generateKey('ec');
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { cert: leaf.chain, key: { PrivateKeyInfo: other.pkcs8 }, ip: 'loopback' }),
    );
    ends.push(() => ssl.close(listener));
    const browser = tcpConnect(ssl.unwrap(await ssl.sockname(listener)).port, '127.0.0.1');
    browser.on('error', () => {});
    const error = thrown(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)), 10_000),
    );
    expect(error.cause).toMatchObject({ rule: 'unusable_material', side: undefined });
    expect(error.message).toMatch(/^Invalid TLS option: \{ key: \[hidden\] \}: .*certificate/);
    browser.destroy();
  });
});

describe('setopts and getopts', () => {
  it('say what is wrong with an option in words', async () => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback' }),
    );
    ends.push(() => ssl.close(listener));
    const wrong: object = { packetsize: 5 };
    expect(thrown(await ssl.setopts(listener, { ...wrong })).message).toContain('did you mean packetSize?');
    // @ts-expect-error: no option of that name
    expect(thrown(await ssl.getopts(listener, ['activ'])).message).toContain('did you mean active?');
  });
});
