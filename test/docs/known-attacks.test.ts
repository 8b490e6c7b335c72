/** Attacks of docs/attacks.md that no test of a single part shows. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { createNode, observe, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { nodeEngine } from '@actor-tls/ssl/core';
import { createCa, simulateSsl } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseClientOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { verifyHostname } from '../../packages/ssl/src/values/x509/hostname.js';
import { connected, client as newClient, server as newServer } from '../protocol/two-cores.js';
import { root } from './markdown.js';

describe('options and prototypes', () => {
  const context = {
    engine: defaultEngine,
    logLevel: 'notice',
    defaultVersions: undefined,
    inheritedSocket: undefined,
  } as const;
  const shown = (role: 'client' | 'server'): string =>
    inspect(role === 'client' ? parseClientOptions({}, context) : parseServerOptions({}, context), {
      depth: 9,
    });

  it.each(['client', 'server'] as const)('a polluted Object.prototype changes no option of a %s', (role) => {
    const clean = shown(role);
    for (const { name } of optionRows) {
      Object.defineProperty(Object.prototype, name, {
        value: 'verify_none',
        configurable: true,
        enumerable: true,
        writable: true,
      });
      try {
        expect(shown(role), name).toBe(clean);
      } finally {
        Reflect.deleteProperty(Object.prototype, name);
      }
    }
  });

  it('a __proto__ that came by JSON is an unknown option', () => {
    const options: object = JSON.parse('{"__proto__": {"verify": "verify_none"}}');
    expect(parseClientOptions(options, context)).toEqual({
      error: { options: { socket_options: JSON.parse('{"__proto__": {"verify": "verify_none"}}') } },
    });
  });
});

describe('STARTTLS', () => {
  it('plain text that was smuggled in before the upgrade is no data of the connection', async () => {
    const node = createNode({ logger: silentLogger });
    ssl.unwrap(await ssl.start({ node }));
    const self = node.shell();
    const leaf = createCa().issue();
    const plain = createServer().listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const address = plain.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const peer = createConnection(address.port, '127.0.0.1');
    const [socket]: Socket[] = await once(plain, 'connection');
    if (socket === undefined) throw new Error('no connection');
    peer.write('STARTTLS\nDELETE everything\n');
    await once(socket, 'readable');
    expect(String(socket.read(9))).toBe('STARTTLS\n');
    const options = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
    const upgraded = await ssl.handshake(self, socket, options, 5000);
    expect(upgraded).toHaveProperty(['error', 'tls_alert', 0], 'unexpected_message');
    peer.destroy();
    plain.close();
    await ssl.stop(node);
    node.stop();
  });
});

describe('names of certificates', () => {
  it('a zero byte ends no name: it is part of it, and fits no host', () => {
    const { cert } = createCa().issue({ names: [{ dns: 'good.example\0.evil.example' }] });
    const certificate = new Certificate(cert);
    expect(verifyHostname(certificate, [{ dns_id: 'good.example' }])).toBe(false);
  });
});

describe('reflection', () => {
  it('a client that is sent its own hello, or a server its own flight, does not go on', () => {
    const client = newClient();
    client.core.start();
    client.core.receive(client.sink.take());
    expect(client.sink.failures.map(({ alert }) => alert)).toEqual(['unexpected_message']);

    const greeted = newClient();
    const server = newServer();
    greeted.core.start();
    server.core.receive(greeted.sink.take());
    server.core.receive(server.sink.take());
    expect(server.sink.failures).toHaveLength(1);
    expect(server.sink.facts).toBeUndefined();
  });

  it('a record under our own keys opens nothing at our end', () => {
    const { client } = connected();
    client.core.send(Buffer.from('mine'));
    client.core.receive(client.sink.take());
    expect(client.sink.failures.map(({ alert }) => alert)).toEqual(['bad_record_mac']);
    expect(client.sink.received()).toBe('');
  });
});

describe('secrets', () => {
  const node = createNode({ logger: silentLogger });
  const self = node.shell();
  let server: ssl.SslSocket;
  let client: ssl.SslSocket;
  let secrets: readonly Buffer[] = [];

  beforeAll(async () => {
    ssl.unwrap(await ssl.start({ node }));
    const ca = createCa();
    const leaf = ca.issue();
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback' }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    // Only the client keeps what it agreed on; the server is looked at.
    const dialled = ssl.connect(self, 'localhost', port, { cacerts: [ca.cert], keepSecrets: true });
    server = ssl.unwrap(await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener))));
    client = ssl.unwrap(await dialled);
    const { keylog } = ssl.unwrap(await ssl.connectionInformation(client, ['keylog']));
    if (!Array.isArray(keylog)) throw new Error('no key log');
    secrets = [
      ...keylog.map((line) => Buffer.from(String(line).split(' ')[2] ?? '', 'hex')),
      Buffer.from(leaf.key),
    ];
  });

  afterAll(async () => {
    await ssl.stop(node);
    node.stop();
  });

  /** The first bytes of a secret in the ways bytes are printed. */
  function prints(secret: Buffer): string[] {
    const first = [...secret.subarray(0, 6)];
    return [
      first.join(', '),
      first.join(','),
      secret.subarray(0, 6).toString('hex'),
      first.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      secret.subarray(0, 6).toString('base64'),
    ];
  }

  it('stand in no print of a connection, its processes, or the tree', () => {
    expect(secrets).toHaveLength(5);
    const texts = [
      JSON.stringify(observe(node)),
      inspect(server, { depth: 20 }),
      ...[server.connection, server.sender].flatMap((pid) => {
        const info = node.processInfo(pid);
        return [inspect(info?.context, { depth: 12, maxArrayLength: 1000 })];
      }),
    ];
    expect(texts.join('').length).toBeGreaterThan(1000);
    for (const secret of secrets)
      for (const print of prints(secret)) for (const text of texts) expect(text).not.toContain(print);
  });
});

describe('floods', () => {
  it('connections that nobody accepts wait in a bounded number, the rest is sent away and counted', async () => {
    const simulation = await simulateSsl({ seed: 2 });
    const { run, test } = simulation;
    const self = test.node.shell();
    const leaf = createCa({ key: 'ed25519' }).issue({ key: 'ed25519' });
    const options = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, backlog: 2 };
    const listener = ssl.unwrap(await run(ssl.listen(self, 443, options)));
    const dialled = Array.from({ length: 5 }, () =>
      ssl.connect(self, 'localhost', 443, { cacerts: 'bundled' }, 9000),
    );
    await test.advance(5000);
    expect(await run(ssl.listenerCounters(listener))).toMatchObject({ waiting: 2, refusedBacklog: 3 });
    const ends = await run(Promise.all(dialled));
    expect(ends.every((end) => 'error' in end)).toBe(true);
    await simulation.stop();
  });

  it('a peer that sends more than its owner takes is held back, and loses nothing', async () => {
    const ca = createCa({ key: 'ed25519' });
    const leaf = ca.issue({ key: 'ed25519' });
    const simulation = await simulateSsl({ seed: 1, env: { internal_active_n: 10 } });
    const { run, test } = simulation;
    const self = test.node.shell();
    const options = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, active: false } as const;
    const listener = ssl.unwrap(await run(ssl.listen(self, 443, options)));
    const dialled = ssl.connect(self, 'localhost', 443, { cacerts: [ca.cert], active: false });
    const accepted = ssl.unwrap(await run(ssl.transportAccept(self, listener)));
    const server = ssl.unwrap(await run(ssl.handshake(self, accepted)));
    const client = ssl.unwrap(await run(dialled));

    const flood = 8_000_000;
    const sending = ssl.send(client, Buffer.alloc(flood, 1));
    await test.advance(600_000);
    const { recvOct = 0 } = ssl.unwrap(await run(ssl.getstat(server, ['recvOct'])));
    expect(recvOct).toBeLessThan(flood / 2);

    let taken = 0;
    while (taken < flood) {
      const data = ssl.unwrap(await run(ssl.recv(server, 0)));
      if (!(data instanceof Uint8Array)) throw new Error('no binary');
      taken += data.length;
    }
    expect(taken).toBe(flood);
    expect(await run(sending)).toEqual({ ok: true });
    await simulation.stop();
  });
});

describe('comparing what must not be guessed byte by byte', () => {
  it('verify_data is compared by the engine, in a time that does not depend on where it differs', () => {
    const folder = `${root}packages/ssl/src/protocol/tls13/`;
    const comparisons = readdirSync(folder)
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => readFileSync(folder + file, 'utf8').split('\n'))
      .filter((line) => line.includes("AlertError('bad_finished')"));
    expect(comparisons.length).toBeGreaterThan(0);
    for (const line of comparisons) expect(line).toMatch(/engine\.equal\(expected, verifyData\)/);
  });
});

describe('giant keys', () => {
  it('an RSA key of 32,768 bits is no key', () => {
    expect(() => nodeEngine.importPublicKey(rsaSpki(Buffer.alloc(4096, 0xff)))).toThrow(TypeError);
  });
});

function rsaSpki(modulus: Uint8Array): Uint8Array {
  const length = (n: number): number[] => (n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255]);
  const tlv = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
    const whole = Buffer.concat(content);
    return Buffer.concat([Uint8Array.from([tag, ...length(whole.length)]), whole]);
  };
  const key = tlv(0x30, tlv(2, Uint8Array.of(0), modulus), tlv(2, Uint8Array.of(1, 0, 1)));
  const rsa = Uint8Array.from([0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0]);
  return tlv(0x30, tlv(0x30, rsa), tlv(3, Uint8Array.of(0), key));
}
