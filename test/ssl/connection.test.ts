/** What the functions of ssl do on real sockets, against ourselves and node:tls. */
import { once } from 'node:events';
import { createServer as createTcpServer, Socket, connect as tcpConnect } from 'node:net';
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';

const ca = createCa();
const leaf = ca.issue();
const clientLeaf = ca.issue({ subject: 'client' });
const key = { PrivateKeyInfo: leaf.key };
const trust = { cacerts: [ca.cert] };

let node: Node;
let self: Self;
const sockets: (ssl.SslSocket | ssl.SslListenSocket)[] = [];

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) await ssl.close(socket);
  self.flush();
});

afterAll(async () => {
  await ssl.stop(node);
});

async function listen(
  options: ssl.TlsServerOptions = {},
): Promise<{ listener: ssl.SslListenSocket; port: number }> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { cert: leaf.chain, key, ip: 'loopback', active: false, ...options }),
  );
  sockets.push(listener);
  return { listener, port: ssl.unwrap(await ssl.sockname(listener)).port };
}

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
  readonly port: number;
}

async function pair(client: ssl.TlsClientOptions = {}, server: ssl.TlsServerOptions = {}): Promise<Pair> {
  const { listener, port } = await listen(server);
  const connecting = ssl.connect(self, 'localhost', port, { ...trust, active: false, ...client });
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
  const served = ssl.unwrap(await ssl.handshake(self, accepted, patience));
  const connected = ssl.unwrap(await connecting);
  sockets.push(connected, served);
  return { client: connected, server: served, port };
}

async function received(socket: ssl.SslSocket, length: number): Promise<string> {
  const data = ssl.unwrap<ssl.ReceivedData>(await ssl.recv(socket, length, patience));
  return data instanceof Uint8Array ? Buffer.from(data).toString() : JSON.stringify(data);
}

/** The next message of the shell, or what was there in its place after a while. */
async function message(): Promise<ssl.SslMessage> {
  return (await self.receive({ after: patience })) as ssl.SslMessage;
}

describe('connect, send and recv', () => {
  it('carry bytes both ways, exactly as many as asked for', async () => {
    const { client, server } = await pair();
    expect(await ssl.send(client, ['he', Buffer.from('ll'), [111]])).toEqual({ ok: true });
    expect(await received(server, 2)).toBe('he');
    expect(await received(server, 0)).toBe('llo');
    expect(await ssl.send(server, 'world')).toEqual({ ok: true });
    expect(await received(client, 5)).toBe('world');
  });

  it('carry ten megabytes whole', async () => {
    const { client, server } = await pair();
    const data = Buffer.alloc(10_000_000);
    for (let i = 0; i < data.length; i += 997) data[i] = i & 255;
    const sending = ssl.send(client, data);
    const got = ssl.unwrap<ssl.ReceivedData>(await ssl.recv(server, data.length));
    expect(Buffer.compare(got as Uint8Array, data)).toBe(0);
    expect(await sending).toEqual({ ok: true });
  });

  it('keep the bytes whole that come while the connection has other work', async () => {
    const { client, server } = await pair({ active: true });
    const data = Buffer.alloc(3_000_000);
    for (let i = 0; i < data.length; i += 1) data[i] = (i * 7) ^ (i >> 8);
    const sending = ssl.send(server, data);
    let asking = true;
    const asked = Array.from({ length: 20 }, async () => {
      while (asking) await ssl.getopts(client, ['active']);
    });
    const got: Uint8Array[] = [];
    let last = 'ssl';
    for (let size = 0; size < data.length && last === 'ssl'; ) {
      const told = await message();
      last = told.type;
      if (told.type !== 'ssl' || !(told.data instanceof Uint8Array)) continue;
      got.push(told.data);
      size += told.data.length;
    }
    asking = false;
    await Promise.all(asked);
    expect(Buffer.concat(got).equals(data)).toBe(true);
    expect(await sending).toEqual({ ok: true });
  });

  it('tell what was agreed', async () => {
    const alpn = { alpnAdvertisedProtocols: ['h2', 'http/1.1'] };
    const { client, server, port } = await pair(alpn, { alpnPreferredProtocols: ['http/1.1'] });
    expect(Buffer.from(ssl.unwrap(await ssl.negotiatedProtocol(client))).toString()).toBe('http/1.1');
    expect(await ssl.peercert(client)).toEqual({ ok: leaf.cert });
    expect(await ssl.peercert(server)).toEqual({ error: 'no_peercert' });
    expect(ssl.unwrap(await ssl.peername(client))).toEqual({ address: '127.0.0.1', port });
    // @ts-expect-error: no item of that name
    const info = ssl.unwrap(await ssl.connectionInformation(server, ['protocol', 'sniHostname', 'nonsense']));
    expect(info).toEqual({ protocol: 'tlsv1.3', sniHostname: 'localhost' });
    expect(Object.keys(ssl.unwrap(await ssl.connectionInformation(client)))).toContain('selectedCipherSuite');
    const options = ['crlCheck', 'verify', 'maxHandshakes', 'password', 'key'] as const;
    // @ts-expect-error: passwords and keys are told to nobody
    expect(ssl.unwrap(await ssl.connectionInformation(server, options))).toEqual({
      verify: 'verify_none',
      crlCheck: false,
      maxHandshakes: 4096,
    });
    expect(ssl.unwrap(await ssl.getstat(client, ['recvCnt']))['recvCnt']).toBeGreaterThan(0);
    expect(await ssl.getstat(client, ['no_such' as never])).toEqual({ error: 'einval' });
  });

  it('answer several senders one after the other, none mixed with another', async () => {
    const { client, server } = await pair();
    const letters = ['a', 'b', 'c', 'd'];
    await Promise.all(letters.map((letter) => ssl.send(client, letter.repeat(40_000))));
    const all = await received(server, 160_000);
    expect(all.replace(/(.)\1*/g, '$1')).toHaveLength(4);
  });

  it('frame with packet 2 and refuse what does not fit', async () => {
    const { client, server } = await pair({ packet: 2 }, { packet: 2 });
    expect(await ssl.send(client, 'one')).toEqual({ ok: true });
    expect(await ssl.send(client, Buffer.alloc(65_536))).toEqual({
      error: { badarg: { packet_to_large: [65_536, 65_535] } },
    });
    expect(await received(server, 0)).toBe('one');
  });

  it('raise for arguments of a wrong type and leave the connection alone', async () => {
    const { client, server } = await pair();
    await expect(ssl.send(client, 7 as never)).rejects.toThrow(TypeError);
    await expect(ssl.recv(client, -1)).rejects.toThrow(TypeError);
    await expect(ssl.recv(client, 0, -5)).rejects.toThrow(TypeError);
    await expect(ssl.shutdown(client, 'sideways' as never)).rejects.toThrow(TypeError);
    for (const noPid of [null, {}, [], 'name']) {
      await expect(ssl.controllingProcess(client, noPid as never)).rejects.toThrow(TypeError);
    }
    await expect(ssl.connectionInformation(client, 5 as never)).rejects.toThrow(TypeError);
    await expect(ssl.connectionInformation(client, null as never)).rejects.toThrow(TypeError);
    await expect(ssl.getstat(client, 5 as never)).rejects.toThrow(TypeError);
    const trap = {
      get active(): never {
        throw new RangeError('a trap');
      },
    };
    await expect(ssl.setopts(client, trap)).rejects.toThrow(RangeError);
    await expect(ssl.handshake(self, server, trap)).rejects.toThrow(RangeError);
    for (const noPort of [-1, 70000, 1.5, Number.NaN, '443', null, undefined]) {
      await expect(ssl.listen(self, noPort as never, { cert: leaf.chain, key })).rejects.toThrow(/no port/);
    }
    await expect(ssl.listen(self, 0, null as never)).rejects.toThrow(TypeError);
    // @ts-expect-error: nothing to connect to
    await expect(ssl.connect(self, null, {})).rejects.toThrow(/host/);
    await ssl.send(client, 'still here');
    expect(await received(server, 0)).toBe('still here');
  });

  it('say that the calling process is missing, as whoever comes from OTP writes them', async () => {
    const forgetful = ssl as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
    const { listener, port } = await listen();
    const options = { cert: leaf.chain, key };
    const calls = { listen: [0, options], connect: ['localhost', port, trust], transportAccept: [listener] };
    for (const [name, args] of Object.entries(calls)) {
      await expect(forgetful[name]?.(...args), name).rejects.toThrow(/calling process/);
    }
  });

  it('update keys from either side without losing data', async () => {
    const { client, server } = await pair();
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      expect(await ssl.updateKeys(from, 'read_write')).toEqual({ ok: true });
      await ssl.send(from, 'after');
      expect(await received(to, 5)).toBe('after');
      await ssl.send(to, 'back');
      expect(await received(from, 4)).toBe('back');
    }
    expect(await ssl.updateKeys(client, 'both' as never)).toEqual({ error: { illegal_parameter: 'both' } });
  });

  it('change keys by themselves when key_update_at is reached', async () => {
    const { client, server } = await pair({ keyUpdateAt: 50_000 });
    const data = Buffer.alloc(300_000, 'k');
    const sending = ssl.send(client, data);
    expect(await received(server, data.length)).toBe(data.toString());
    expect(await sending).toEqual({ ok: true });
    await ssl.send(server, 'and back');
    expect(await received(client, 8)).toBe('and back');
  });

  it('may only send and change keys as often as they like: the answers are no flood', async () => {
    const { client, server } = await pair({ keyUpdateAt: 10_000 });
    const data = Buffer.alloc(100_000, 'k');
    for (let count = 0; count < 40; count += 1) {
      const sending = ssl.send(client, data);
      expect((await received(server, data.length)).length).toBe(data.length);
      expect(await sending).toEqual({ ok: true });
    }
    for (let count = 0; count < 100; count += 1)
      expect(await ssl.updateKeys(client, 'read_write')).toEqual({ ok: true });
    await ssl.send(server, 'and back');
    expect(await received(client, 8)).toBe('and back');
  });

  it('deliver a flood of tiny packets whole and in order, and the end behind it', async () => {
    const { client, server } = await pair({}, { packet: 'line' });
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at}\n`);
    await ssl.send(client, lines.join(''));
    await ssl.close(client);
    ssl.unwrap(await ssl.setopts(server, { active: true }));
    for (const line of lines) {
      const told = await message();
      if (told.type !== 'ssl' || String(told.data) !== line) throw new Error(`${line}: ${told.type}`);
    }
    expect(await message()).toMatchObject({ type: 'ssl_closed' });
  });

  it('do not let a peer that does not read stop the reading', async () => {
    const { client, server } = await pair();
    let done = false;
    const blocked = ssl.send(client, Buffer.alloc(40_000_000)).then((result) => {
      done = true;
      return result;
    });
    for (const word of ['one', 'two', 'three']) {
      await ssl.send(server, word);
      expect(await received(client, word.length)).toBe(word);
    }
    expect(done).toBe(false);
    // A peer that closes in order reads on for a while, so that the send might end well; one that dies does not.
    node.exit(server.connection, 'kill');
    expect(await blocked).toEqual({ error: 'closed' });
  });

  it('give up a send after sendTimeout', async () => {
    const { client, server } = await pair({ sendTimeout: 100 });
    expect(await ssl.send(client, Buffer.alloc(40_000_000))).toEqual({ error: 'timeout' });
    await ssl.close(server);
  });
});

describe('shutdown(read_write)', () => {
  it('says close_notify, and is the end of the connection that its own owner asked for', async () => {
    const { client, server } = await pair();
    ssl.unwrap(await ssl.setopts(client, { active: true }));
    ssl.unwrap(await ssl.send(client, 'last words'));
    expect(await ssl.shutdown(client, 'read_write')).toEqual({ ok: true });
    expect(await received(server, 10)).toBe('last words');
    expect(await ssl.recv(server, 0)).toEqual({ error: 'closed' });
    expect(await ssl.send(client, 'more')).toEqual({ error: 'closed' });
    // The server's end has come by now: its client's owner is told nothing.
    expect(self.flush()).toEqual([]);
  });
});

describe('errors', () => {
  it('of the transport have their posix names', async () => {
    const { listener, port } = await listen();
    expect(await ssl.listen(self, port, { cert: leaf.chain, key, ip: 'loopback' })).toEqual({
      error: 'eaddrinuse',
    });
    await ssl.close(listener);
    expect(await ssl.connect(self, '127.0.0.1', port, trust)).toEqual({ error: 'econnrefused' });
    expect(await ssl.connect(self, 'no-such-host.invalid', port, trust)).toEqual({ error: 'nxdomain' });
    expect(await ssl.connect(self, '', port, trust)).toEqual({ error: 'nxdomain' });
    const tooHigh = await ssl.connect(self, 'localhost', 70_000, trust);
    expect(tooHigh).toMatchObject({ error: { options: { cb_info: expect.anything() } } });
  });

  it('of calls on listeners and on sockets before their handshake are told, not hung', async () => {
    const { listener, port } = await listen();
    expect(await ssl.send(listener, 'x')).toEqual({ error: 'enotconn' });
    expect(await ssl.recv(listener, 0)).toEqual({ error: 'enotconn' });
    expect(await ssl.peername(listener)).toEqual({ error: 'enotconn' });
    expect(await ssl.updateKeys(listener, 'write')).toEqual({ error: { illegal_parameter: 'write' } });
    expect(await ssl.getstat(listener, ['recvOct', 'sendOct'])).toEqual({ ok: { recvOct: 0, sendOct: 0 } });
    expect(await ssl.listen(self, 0, {})).toEqual({ error: 'nooptions' });
    const tcp = tcpConnect(port, '127.0.0.1');
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const early = { error: 'notsup_on_transport_accept_socket' };
    expect(await ssl.send(accepted, 'x')).toEqual(early);
    expect(await ssl.recv(accepted, 0)).toEqual(early);
    expect(await ssl.updateKeys(accepted, 'write')).toEqual(early);
    expect(ssl.unwrap(await ssl.peername(accepted)).address).toBe('127.0.0.1');
    const ended = once(tcp.resume(), 'close');
    expect(await ssl.close(accepted)).toEqual({ ok: true });
    expect(await ssl.send(accepted, 'x')).toEqual({ error: 'closed' });
    expect(await ssl.peername(accepted)).toEqual({ error: 'einval' });
    expect(await ssl.close(accepted)).toEqual({ ok: true });
    tcp.on('error', () => {});
    await ended;
  });

  it('of an untrusted certificate name the alert on both sides', async () => {
    const { listener, port } = await listen();
    const connecting = ssl.connect(self, 'localhost', port, { cacerts: [createCa().cert] });
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const [server, client] = await Promise.all([ssl.handshake(self, accepted), connecting]);
    expect(client).toMatchObject({
      error: { tls_alert: ['unknown_ca', expect.stringContaining('Unknown CA')] },
    });
    expect(server).toMatchObject({
      error: {
        tls_alert: ['unknown_ca', expect.stringContaining('received CLIENT ALERT: Fatal - Unknown CA')],
      },
    });
  });

  it('of the wrong host name are found, and names are not checked when disabled', async () => {
    const other = ca.issue({ names: [{ dns: 'other.test' }] });
    const { port, listener } = await listen({ cert: other.chain, key: { PrivateKeyInfo: other.key } });
    const serve = async (): Promise<unknown> =>
      ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)));
    const [, refused] = await Promise.all([serve(), ssl.connect(self, 'localhost', port, trust)]);
    expect(refused).toMatchObject({ error: { tls_alert: ['handshake_failure', expect.anything()] } });
    const [, accepted] = await Promise.all([
      serve(),
      ssl.connect(self, 'localhost', port, { ...trust, serverNameIndication: 'disable' }),
    ]);
    expect(accepted).toHaveProperty('ok');
  });

  it('of a handshake that takes too long end the connection', async () => {
    const { listener, port } = await listen();
    const tcp = tcpConnect(port, '127.0.0.1');
    tcp.on('error', () => {});
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    expect(await ssl.handshake(self, accepted, 50)).toEqual({ error: 'timeout' });
    expect(await ssl.recv(accepted, 0)).toEqual({ error: 'closed' });
    await once(tcp.resume(), 'close');
    expect(await ssl.transportAccept(self, listener, 10)).toEqual({ error: 'timeout' });
  });

  it('of a peer that speaks no TLS are alerts', async () => {
    const { listener, port } = await listen();
    const tcp = tcpConnect(port, '127.0.0.1', () => tcp.write('GET / HTTP/1.0\r\n\r\n'));
    const answer = once(tcp, 'data');
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const result = await ssl.handshake(self, accepted);
    expect(result).toHaveProperty(['error', 'tls_alert']);
    const [bytes] = await answer;
    expect(bytes[0], 'an alert record').toBe(21);
    tcp.destroy();
  });

  it('of a key that is another certificate’s name the option of the key', async () => {
    for (const wrong of [{ PrivateKeyInfo: clientLeaf.key }, clientLeaf.keyPem]) {
      const { listener, port } = await listen({ key: wrong });
      const connecting = ssl.connect(self, 'localhost', port, trust);
      const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
      const refused = { error: { options: { key: expect.stringContaining('not that of certificate') } } };
      expect(await ssl.handshake(self, accepted)).toEqual(refused);
      expect(await connecting).toEqual({ error: 'closed' });
    }
  });

  it('of files come at the handshake and name the file', async () => {
    const { listener, port } = await listen({ cert: undefined, key: undefined, certfile: '/no/such.pem' });
    const connecting = ssl.connect(self, 'localhost', port, trust);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    expect(await ssl.handshake(self, accepted)).toEqual({
      error: { options: { certfile: ['/no/such.pem', { error: 'enoent' }] } },
    });
    expect(await connecting).toEqual({ error: 'closed' });
  });
});

describe('owners', () => {
  it('get what comes in an active mode, and ssl_closed last', async () => {
    const { client, server } = await pair();
    await ssl.setopts(server, { active: true });
    await ssl.send(client, 'one');
    expect(await message()).toEqual({ type: 'ssl', socket: server, data: Buffer.from('one') });
    await ssl.send(client, 'two');
    await ssl.close(client);
    expect(await message()).toEqual({ type: 'ssl', socket: server, data: Buffer.from('two') });
    expect(await message()).toEqual({ type: 'ssl_closed', socket: server });
    expect(await ssl.send(server, 'x')).toEqual({ error: 'closed' });
  });

  it('that die close their connection and nobody else’s', async () => {
    const one = await pair();
    const other = await pair();
    const owner = node.shell();
    expect(await ssl.controllingProcess(one.server, owner.pid)).toEqual({ ok: true });
    node.exit(owner.pid, 'kill');
    expect(await ssl.recv(one.client, 0)).toEqual({ error: 'closed' });
    await ssl.send(other.client, 'fine');
    expect(await received(other.server, 0)).toBe('fine');
  });

  it('are told internal_error when a connection’s process crashes, and the peer gets the alert', async () => {
    for (const victim of ['connection', 'sender'] as const) {
      const { client, server } = await pair();
      await ssl.setopts(server, { active: true });
      node.exit(server[victim], 'kill');
      expect(await message()).toMatchObject({
        type: 'ssl_error',
        socket: server,
        reason: { tls_alert: ['internal_error', expect.anything()] },
      });
      const end = await ssl.recv(client, 0);
      if (victim === 'connection')
        expect(end).toMatchObject({ error: { tls_alert: ['internal_error', expect.anything()] } });
      else expect(end).toEqual({ error: 'closed' });
    }
  });

  it('of a listener take it with them', async () => {
    const owner = node.shell();
    const listener = ssl.unwrap(await ssl.listen(owner, 0, { cert: leaf.chain, key, ip: 'loopback' }));
    const waiting = ssl.transportAccept(self, listener);
    node.exit(owner.pid, 'kill');
    expect(await waiting).toEqual({ error: 'closed' });
    expect(await ssl.sockname(listener)).toEqual({ error: 'einval' });
  });
});

describe('limits', () => {
  it('send away connections beyond maxHandshakes and count them', async () => {
    const { listener, port } = await listen({ maxHandshakes: 2 });
    const tcp: Socket[] = [];
    for (let i = 0; i < 4; i++) {
      const socket = tcpConnect(port, '127.0.0.1');
      socket.on('error', () => {});
      tcp.push(socket);
      await once(socket, 'connect');
    }
    await Promise.all(tcp.slice(2).map((socket) => once(socket.resume(), 'close')));
    expect(await ssl.listenerCounters(listener)).toMatchObject({
      accepted: 2,
      refusedHandshakes: 2,
      waiting: 2,
    });
    for (const socket of tcp) socket.destroy();
  });

  it('end a handshake at its deadline', async () => {
    const { listener, port } = await listen({ handshakeDeadline: 50 });
    const tcp = tcpConnect(port, '127.0.0.1');
    tcp.on('error', () => {});
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    expect(await ssl.handshake(self, accepted)).toEqual({ error: 'timeout' });
    tcp.destroy();
  });
});

describe('half-close, upgrade and options of the handshake', () => {
  it('shutdown write says close_notify and reading goes on', async () => {
    const { client, server } = await pair();
    expect(await ssl.shutdown(client, 'write')).toEqual({ ok: true });
    expect(await ssl.send(client, 'x')).toEqual({ error: 'closed' });
    expect(await ssl.recv(server, 0)).toEqual({ error: 'closed' });
    expect(await ssl.recv(client, 0)).toEqual({ error: 'closed' });
  });

  it('upgrades plain sockets on both sides', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const tcp = tcpConnect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    const [[accepted]] = await Promise.all([once(server, 'connection'), once(tcp, 'connect')]);
    server.close();
    const [served, connected] = await Promise.all([
      ssl.handshake(self, accepted, { cert: leaf.chain, key }),
      ssl.connect(self, tcp, trust),
    ]);
    sockets.push(ssl.unwrap(served), ssl.unwrap(connected));
    await ssl.send(ssl.unwrap(connected), 'upgraded');
    expect(await received(ssl.unwrap(served), 0)).toBe('upgraded');
    expect(await ssl.connect(self, new Socket(), trust)).toEqual({ error: 'einval' });
  });

  it('close with downgrade gives the bare socket back, on both sides', async () => {
    const { client, server } = await pair();
    const [one, two] = await Promise.all([
      ssl.close(client, { downgrade: patience }),
      ssl.close(server, { downgrade: patience }),
    ]);
    const [near, far] = [one, two].map((end) => ('ok' in end ? end.ok : undefined));
    if (!(near instanceof Socket) || !(far instanceof Socket)) throw new Error(JSON.stringify([one, two]));
    near.write('plain');
    far.resume();
    expect(String((await once(far, 'data'))[0])).toBe('plain');
    // The one that we connected had its own way of reading; it must flow, rest and flow as any socket does.
    const long = Buffer.alloc(500_000, 'back');
    far.write(long);
    const back: Buffer[] = [];
    for await (const chunk of near) {
      back.push(chunk);
      if (Buffer.concat(back).length === long.length) break;
    }
    expect(Buffer.concat(back).equals(long)).toBe(true);
    expect(await ssl.send(client, 'x')).toEqual({ error: 'closed' });
    near.destroy();
    far.destroy();
  });

  it('close with downgrade gives up when the peer does not answer', async () => {
    const { client, server } = await pair();
    expect(await ssl.close(client, { downgrade: 50 })).toEqual({ error: 'timeout' });
    expect(await ssl.recv(server, 0)).toEqual({ error: 'closed' });
  });

  it('close ends a downgrade that waits', async () => {
    const { client, server } = await pair();
    const waiting = ssl.close(client, { downgrade: 'infinity' });
    await ssl.recv(server, 0);
    expect(await ssl.close(client)).toEqual({ ok: true });
    expect(await waiting).toEqual({ error: 'closed' });
  });

  it('downgrade hands over what followed close_notify', async () => {
    const { client, server } = await pair();
    const peer = ssl.close(server, { downgrade: patience });
    const own = ssl.close(client, { downgrade: patience });
    const near = await own;
    if (!('ok' in near) || !(near.ok instanceof Socket)) throw new Error(JSON.stringify(near));
    near.ok.write('plain at once');
    const far = await peer;
    if (!('ok' in far) || !(far.ok instanceof Socket)) throw new Error(JSON.stringify(far));
    const early = far.data === undefined ? '' : Buffer.from(far.data).toString();
    const late = early.length > 0 ? '' : String((await once(far.ok.resume(), 'data'))[0]);
    expect(early + late).toBe('plain at once');
    near.ok.destroy();
    far.ok.destroy();
  });

  it('handshake lays its options over the listener’s', async () => {
    const { listener, port } = await listen();
    const connecting = ssl.connect(self, 'localhost', port, {
      ...trust,
      active: false,
      cert: clientLeaf.chain,
      key: { PrivateKeyInfo: clientLeaf.key },
    });
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const served = ssl.unwrap(
      await ssl.handshake(
        self,
        accepted,
        { verify: 'verify_peer', cacerts: [ca.cert], failIfNoPeerCert: true, mode: 'list' },
        patience,
      ),
    );
    const client = ssl.unwrap(await connecting);
    sockets.push(served, client);
    expect(await ssl.peercert(served)).toEqual({ ok: clientLeaf.cert });
    await ssl.send(client, 'A');
    expect(await ssl.recv(served, 0)).toEqual({ ok: [65] });
    const wrong = ssl.unwrap(await ssl.getopts(served, ['mode', 'active']));
    expect(wrong).toEqual({ active: false, mode: 'list' });
  });

  it('asks a verify_fun that takes its time, and only that connection waits', async () => {
    const { listener, port } = await listen();
    const events: unknown[] = [];
    const connecting = ssl.connect(self, 'localhost', port, {
      active: false,
      cacerts: [createCa().cert],
      verifyFun: async (_certificate, event, state) => {
        events.push(event);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { valid: state };
      },
    });
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const served = ssl.unwrap(await ssl.handshake(self, accepted));
    const client = ssl.unwrap(await connecting);
    sockets.push(served, client);
    expect(events).toContainEqual({ bad_cert: 'unknown_ca' });
    await ssl.send(client, 'hello');
    expect(await received(served, 0)).toBe('hello');
  });

  it('fails only the connection whose verify_fun throws', async () => {
    const { listener, port } = await listen();
    const connecting = ssl.connect(self, 'localhost', port, {
      ...trust,
      verifyFun: () => {
        throw new Error('oops');
      },
    });
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    await ssl.handshake(self, accepted);
    expect(await connecting).toMatchObject({ error: { tls_alert: ['internal_error', expect.anything()] } });
  });
});

describe('node:tls', () => {
  it('is served and echoes', async () => {
    const { listener, port } = await listen();
    const peer: TLSSocket = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certPem });
    const secure = once(peer, 'secureConnect');
    const served = ssl.unwrap(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener))),
    );
    await secure;
    sockets.push(served);
    peer.write('from node');
    expect(await received(served, 9)).toBe('from node');
    const data = once(peer, 'data');
    await ssl.send(served, 'to node');
    expect(String((await data)[0])).toBe('to node');
    const ended = once(peer, 'end');
    await ssl.close(served);
    await ended;
    peer.destroy();
  });

  it('serves', async () => {
    const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = ssl.unwrap(await ssl.connect(self, 'localhost', port, { ...trust, active: true }));
    await ssl.send(client, 'echo');
    expect(await message()).toEqual({ type: 'ssl', socket: client, data: Buffer.from('echo') });
    await ssl.close(client);
    server.close();
  });
});

describe('the application', () => {
  it('stops with close_notify on every connection and tells the owners', async () => {
    const other = createNode({ logger: silentLogger });
    ssl.unwrap(await ssl.start({ node: other }));
    expect(await ssl.start({ node: other })).toEqual({ ok: true });
    const owner = other.shell();
    const listener = ssl.unwrap(await ssl.listen(owner, 0, { cert: leaf.chain, key, ip: 'loopback' }));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const connecting = ssl.connect(self, 'localhost', port, { ...trust, active: false });
    const served = ssl.unwrap(
      await ssl.handshake(owner, ssl.unwrap(await ssl.transportAccept(owner, listener))),
    );
    const client = ssl.unwrap(await connecting);
    sockets.push(client);
    expect(await ssl.stop(other)).toEqual({ ok: true });
    expect(owner.flush()).toEqual([{ type: 'ssl_closed', socket: served }]);
    expect(await ssl.recv(client, 0)).toEqual({ error: 'closed' });
    expect(await ssl.send(served, 'x')).toEqual({ error: 'closed' });
    expect(await ssl.connect(owner, 'localhost', port, trust)).toEqual({ error: 'ssl_not_started' });
    expect(await ssl.stop(other)).toEqual({ error: { not_started: 'ssl' } });
    expect(other.processes().filter((pid) => other.processInfo(pid)?.kind.startsWith('tls'))).toEqual([]);
  });

  it('stopping ends a downgrade with the answer of its call, and with no ssl_closed besides', async () => {
    const other = createNode({ logger: silentLogger });
    ssl.unwrap(await ssl.start({ node: other }));
    const owner = other.shell();
    const { port, listener } = await listen();
    const connecting = ssl.connect(owner, 'localhost', port, { ...trust, active: true });
    sockets.push(
      ssl.unwrap(await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)))),
    );
    const client = ssl.unwrap(await connecting);
    const closing = ssl.close(client, { downgrade: 'infinity' });
    expect(await ssl.getopts(client, ['active'])).toEqual({ error: 'closed' });
    ssl.unwrap(await ssl.stop(other));
    expect(await closing).toEqual({ error: 'closed' });
    expect(owner.flush()).toEqual([]);
    other.stop();
  });

  it('a process that is killed while TLS is taken off tells its owner by the answer of that call alone', async () => {
    const { port, listener } = await listen();
    const owner = node.shell();
    const connecting = ssl.connect(owner, 'localhost', port, { ...trust, active: true });
    sockets.push(
      ssl.unwrap(await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener)))),
    );
    const client = ssl.unwrap(await connecting);
    const closing = ssl.close(client, { downgrade: 'infinity' });
    expect(await ssl.getopts(client, ['active'])).toEqual({ error: 'closed' });
    node.exit(client.connection, 'kill');
    expect(await closing).toEqual({ error: 'closed' });
    expect(owner.flush()).toEqual([]);
  });

  it('started anew is told anew what it works with', async () => {
    const other = createNode({ logger: silentLogger });
    const owner = other.shell();
    const network = (name: string): NonNullable<ssl.StartOptions['network']> => ({
      name,
      connect: async () => ({ error: name }),
      listen: async () => ({ error: name }),
      adopt: () => ({ error: name }),
    });
    for (const name of ['first', 'second']) {
      ssl.unwrap(await ssl.start({ node: other, network: network(name) }));
      expect(await ssl.connect(owner, 'localhost', 443, trust)).toEqual({ error: name });
      expect(await ssl.listen(owner, 443, { cert: leaf.chain, key })).toEqual({ error: name });
      ssl.unwrap(await ssl.stop(other));
    }
    other.stop();
  });

  it('restarts a cache that is killed, from empty, and every connection goes on', async () => {
    const { client, server } = await pair();
    for (const name of [
      'ssl_pem_cache',
      'ssl_crl_cache',
      'ssl_client_session_cache',
      'tls_client_ticket_store',
    ]) {
      const before = node.whereis(name);
      if (before === undefined) throw new Error(`no ${name}`);
      node.exit(before, 'kill');
      await ssl.send(client, name);
      expect(await received(server, 0)).toBe(name);
      const after = node.whereis(name);
      expect(after, name).toBeDefined();
      expect(after).not.toBe(before);
    }
    const next = await pair();
    await ssl.send(next.client, 'and new ones');
    expect(await received(next.server, 0)).toBe('and new ones');
  });
});
