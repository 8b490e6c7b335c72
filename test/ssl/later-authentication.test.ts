/** Who the client is, told later than in the handshake: `requestCertificate`, and `connect` with `confirm`. */
import { createPrivateKey, sign } from 'node:crypto';
import { createServer as createTcpServer, connect as tcpConnect } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const leaf = ca.issue();
const member = ca.issue({ subject: 'a member' });
const stranger = createCa().issue({ subject: 'a stranger' });

const serverBase = {
  cert: leaf.chain,
  key: { PrivateKeyInfo: leaf.key },
  cacerts: [ca.cert],
  verify: 'verify_peer',
  ip: 'loopback',
  active: false,
} as const;
const later = { ...serverBase, postHandshakeAuth: true } as const;
const trust = { cacerts: [ca.cert], active: false } as const;
const identityOf = ({ chain, key }: typeof leaf) => ({ cert: chain, key: { PrivateKeyInfo: key } }) as const;
const willing = { ...trust, ...identityOf(member), postHandshakeAuth: true } as const;

let node: Node;
let self: Self<ssl.SslMessage>;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  self.flush();
});

afterAll(() => ssl.stop(node));

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function listening(
  options: ssl.TlsServerOptions,
): Promise<{ listener: ssl.SslListenSocket; port: number }> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, options));
  ends.push(() => ssl.close(listener));
  return { listener, port: ssl.unwrap(await ssl.sockname(listener)).port };
}

async function pair(
  clientOptions: ssl.TlsClientOptions = willing,
  serverOptions: ssl.TlsServerOptions = later,
): Promise<Pair> {
  const { listener, port } = await listening(serverOptions);
  const dialling = ssl.connect(self, 'localhost', port, clientOptions, 10_000);
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
  const served = ssl.handshake(self, accepted, 10_000);
  const client = ssl.unwrap(await dialling);
  ends.push(() => ssl.close(client));
  const server = ssl.unwrap(await served);
  ends.push(() => ssl.close(server));
  return { client, server };
}

async function talks({ client, server }: Pair): Promise<void> {
  ssl.unwrap(await ssl.send(client, 'ping'));
  expect(ssl.unwrap(await ssl.recv(server, 4, 5000))).toEqual(Buffer.from('ping'));
  ssl.unwrap(await ssl.send(server, 'pong'));
  expect(ssl.unwrap(await ssl.recv(client, 4, 5000))).toEqual(Buffer.from('pong'));
}

describe('requestCertificate', () => {
  it('gives the certificate of the client, which peercert tells from then on', async () => {
    const there = await pair();
    expect(await ssl.peercert(there.server)).toEqual({ error: 'no_peercert' });
    const shown = ssl.unwrap(await ssl.requestCertificate(there.server, 5000));
    expect(Buffer.from(shown)).toEqual(Buffer.from(member.cert));
    expect(ssl.unwrap(await ssl.peercert(there.server))).toEqual(shown);
    await talks(there);
  });

  it('asks again and again, and callers at the same time share one answer', async () => {
    const { server, client } = await pair();
    const together = await Promise.all(Array.from({ length: 5 }, () => ssl.requestCertificate(server, 5000)));
    for (const answer of together) expect(ssl.unwrap(answer)).toEqual(new Uint8Array(member.cert));
    for (let round = 0; round < 20; round += 1) ssl.unwrap(await ssl.requestCertificate(server, 5000));
    await talks({ client, server });
  });

  it('answers no_peercert when the client has none', async () => {
    const there = await pair({ ...trust, postHandshakeAuth: true });
    expect(await ssl.requestCertificate(there.server, 5000)).toEqual({ error: 'no_peercert' });
    await talks(there);
  });

  it.each([
    ['of another CA', { ...willing, ...identityOf(stranger) }, later, 'unknown_ca'],
    [
      'that is none',
      { ...trust, postHandshakeAuth: true },
      { ...later, failIfNoPeerCert: true },
      'certificate_required',
    ],
    [
      'that verifyFun does not like',
      willing,
      { ...later, verifyFun: [() => ({ fail: 'not_today' }), 0] },
      'handshake_failure',
    ],
  ] as const)('ends both sides over one %s', async (_what, clientOptions, serverOptions, alert) => {
    const { client, server } = await pair(clientOptions, serverOptions);
    const refused = await ssl.requestCertificate(server, 5000);
    expect(refused).toMatchObject({ error: { tls_alert: [alert, expect.any(String)] } });
    expect(await ssl.recv(client, 0, 5000)).toMatchObject({
      error: { tls_alert: [alert, expect.any(String)] },
    });
    expect(await ssl.recv(client, 0, 5000)).toEqual({ error: 'closed' });
    expect(await ssl.requestCertificate(server, 5000)).toEqual({ error: 'closed' });
  });

  it('has data go on while verifyFun takes its time', async () => {
    let decide = (): void => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const verifyFun = [
      async (_certificate: unknown, event: unknown, state: unknown) => {
        if (event === 'valid_peer') await decided;
        return { valid: state };
      },
      0,
    ] as const;
    const there = await pair(willing, { ...later, verifyFun } as ssl.TlsServerOptions);
    const asked = ssl.requestCertificate(there.server);
    await talks(there);
    await talks(there);
    decide();
    expect(ssl.unwrap(await asked)).toEqual(new Uint8Array(member.cert));
    await talks(there);
  });

  it('has data go on while a key elsewhere signs, and keeps the order of what the client sends', async () => {
    let signNow = (): void => {};
    let gate = Promise.resolve();
    const key = createPrivateKey({ key: Buffer.from(member.key), format: 'der', type: 'pkcs8' });
    const remote: ssl.RemoteKey = {
      algorithm: 'ec',
      async sign(_scheme, data) {
        await gate;
        return new Uint8Array(sign('sha256', data, key));
      },
    };
    const there = await pair({ ...willing, key: remote });
    gate = new Promise<void>((resolve) => {
      signNow = resolve;
    });
    const asked = ssl.requestCertificate(there.server, 10_000);
    await talks(there);
    signNow();
    for (let at = 0; at < 100; at += 1) void ssl.send(there.client, String(at % 10));
    expect(ssl.unwrap(await asked)).toEqual(new Uint8Array(member.cert));
    expect(ssl.unwrap(await ssl.recv(there.server, 100, 5000))).toEqual(Buffer.from('0123456789'.repeat(10)));
  });

  it('leaves its request standing after a time-out, and the next call has the answer', async () => {
    const held = await heldBack(later);
    const dialling = ssl.connect(self, 'localhost', held.port, willing, 10_000);
    const server = await held.server;
    ssl.unwrap(await dialling);
    held.hold();
    expect(await ssl.requestCertificate(server, 50)).toEqual({ error: 'timeout' });
    const again = ssl.requestCertificate(server, 5000);
    held.release();
    expect(ssl.unwrap(await again)).toEqual(new Uint8Array(member.cert));
  });

  it('hears of the end when the client goes instead of answering', async () => {
    const held = await heldBack(later);
    const dialling = ssl.connect(self, 'localhost', held.port, willing, 10_000);
    const server = await held.server;
    const client = ssl.unwrap(await dialling);
    held.hold();
    const asked = ssl.requestCertificate(server);
    void ssl.close(client);
    held.cut();
    expect(await asked).toEqual({ error: 'closed' });
  });

  it('is closed where the server has closed its side', async () => {
    const { server } = await pair();
    ssl.unwrap(await ssl.shutdown(server, 'write'));
    expect(await ssl.requestCertificate(server)).toEqual({ error: 'closed' });
  });

  it.each([
    ['a client that has not offered it', trust, later],
    ['a server that verifies nobody', willing, { ...later, verify: 'verify_none' }],
    ['TLS 1.2', willing, { ...serverBase, versions: ['tlsv1.2'] }],
  ] as const)('is notsup with %s', async (_whom, clientOptions, serverOptions) => {
    const { client, server } = await pair(clientOptions, serverOptions);
    expect(await ssl.requestCertificate(server, 1000)).toEqual({ error: 'notsup' });
    expect(await ssl.requestCertificate(client, 1000)).toEqual({ error: 'notsup' });
    await talks({ client, server });
  });

  it('is enotconn on a listener, and raises for a time that is none', async () => {
    const { listener } = await listening(later);
    expect(await ssl.requestCertificate(listener)).toEqual({ error: 'enotconn' });
    await expect(ssl.requestCertificate(listener, -1)).rejects.toThrow(TypeError);
  });

  it('is told of by no owner: data alone comes to active ones', async () => {
    const { client, server } = await pair();
    ssl.unwrap(await ssl.setopts(server, { active: true }));
    ssl.unwrap(await ssl.requestCertificate(server, 5000));
    ssl.unwrap(await ssl.send(client, 'data'));
    const message = await self.receive();
    expect(message).toMatchObject({ type: 'ssl', data: Buffer.from('data') });
  });
});

describe('connect with confirm', () => {
  const shows = { ...trust, ...identityOf(member), confirm: true } as const;

  it.each([
    ['of another CA', identityOf(stranger), {}, 'unknown_ca'],
    ['that is missing', {}, { failIfNoPeerCert: true }, 'certificate_required'],
  ] as const)('fails over a certificate %s, as the handshake it is', async (_what, own, wishes, alert) => {
    const { listener, port } = await listening({ ...serverBase, ...wishes });
    const dialling = ssl.connect(
      self,
      'localhost',
      port,
      { ...trust, ...own, confirm: true, active: true },
      10_000,
    );
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
    const served = await ssl.handshake(self, accepted, 10_000);
    expect(served).toMatchObject({ error: { tls_alert: [alert, expect.any(String)] } });
    expect(await dialling).toMatchObject({ error: { tls_alert: [alert, expect.any(String)] } });
    expect(self.messageQueueLength).toBe(0);
  });

  it('without it the next call tells the reason', async () => {
    const { listener, port } = await listening(serverBase);
    const wishes = { ...trust, ...identityOf(stranger) };
    const dialling = ssl.connect(self, 'localhost', port, wishes, 10_000);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
    void ssl.handshake(self, accepted, 10_000);
    const client = ssl.unwrap(await dialling);
    expect(await ssl.recv(client, 0, 5000)).toMatchObject({
      error: { tls_alert: ['unknown_ca', expect.any(String)] },
    });
  });

  it('answers when a server that says nothing by itself has accepted', async () => {
    await talks(await pair(shows, serverBase));
  });

  it('is no different where nothing was asked, and in TLS 1.2', async () => {
    await talks(await pair(shows, { ...serverBase, verify: 'verify_none' }));
    await talks(await pair(shows, { ...serverBase, versions: ['tlsv1.2'] }));
  });

  it('loses nothing of what the server says first', async () => {
    const { listener, port } = await listening(serverBase);
    const dialling = ssl.connect(self, 'localhost', port, { ...shows, active: true }, 10_000);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
    const server = ssl.unwrap(await ssl.handshake(self, accepted, 10_000));
    ssl.unwrap(await ssl.send(server, 'first'));
    await ssl.close(server);
    const client = ssl.unwrap(await dialling);
    expect(await self.receive()).toMatchObject({
      type: 'ssl',
      socket: client,
      data: Buffer.from('first'),
    });
    expect(await self.receive()).toMatchObject({ type: 'ssl_closed' });
  });

  it('waits as long as it was told, and then the connection is gone', async () => {
    const held = await heldBack(serverBase);
    held.hold();
    const before = Date.now();
    // The server's flight passes before the way back is held.
    held.releaseUntil(1);
    const answer = await ssl.connect(self, 'localhost', held.port, shows, 400);
    expect(answer).toEqual({ error: 'timeout' });
    expect(Date.now() - before).toBeLessThan(4000);
    expect(self.messageQueueLength).toBe(0);
  });

  it('is closed when the server goes without a word', async () => {
    const held = await heldBack(serverBase);
    held.hold();
    held.releaseUntil(1);
    const dialling = ssl.connect(self, 'localhost', held.port, shows, 10_000);
    await held.server;
    held.cut();
    expect(await dialling).toEqual({ error: 'closed' });
  });

  it.each(['accepts', 'refuses'] as const)('a server of node:tls that %s', async (what) => {
    const server = createTlsServer(
      {
        cert: leaf.certPem,
        key: leaf.keyPem,
        ca: ca.certPem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => socket.on('error', () => {}).pipe(socket),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const own = identityOf(what === 'accepts' ? member : stranger);
    const answer = await ssl.connect(self, 'localhost', port, { ...trust, ...own, confirm: true }, 10_000);
    if (what === 'refuses') {
      expect(answer).toHaveProperty('error');
      return;
    }
    const client = ssl.unwrap(answer);
    ends.push(() => ssl.close(client));
    ssl.unwrap(await ssl.send(client, 'echo'));
    expect(ssl.unwrap(await ssl.recv(client, 4, 5000))).toEqual(Buffer.from('echo'));
  });
});

/** A server behind a line on which what it says, or is told, can be held back. */
async function heldBack(options: ssl.TlsServerOptions) {
  const { listener, port } = await listening(options);
  const server = (async () => {
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
    return ssl.unwrap(await ssl.handshake(self, accepted, 10_000));
  })();
  server.catch(() => {});
  const sockets: { destroy(): unknown }[] = [];
  let held = false;
  let passes = Infinity;
  const waiting: (() => void)[] = [];
  const proxy = createTcpServer((near) => {
    const far = tcpConnect(port, '127.0.0.1');
    sockets.push(near, far);
    for (const one of [near, far]) one.on('error', () => {});
    near.on('data', (chunk) => far.write(chunk)).on('end', () => far.end());
    far.on('data', (chunk) => {
      if (held && passes <= 0) waiting.push(() => near.write(chunk));
      else near.write(chunk);
      passes -= 1;
    });
    far.on('end', () => near.end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const address = proxy.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    server,
    hold(): void {
      held = true;
      passes = 0;
    },
    /** So many chunks of the server pass before it holds. */
    releaseUntil(chunks: number): void {
      passes = chunks;
    },
    release(): void {
      held = false;
      for (const pass of waiting.splice(0)) pass();
    },
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}
