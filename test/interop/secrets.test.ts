/** What goes beyond the handshake, with other stacks: late client authentication, refusals told at once, exporters. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Child, start, startOnFreePort } from './child.js';
import { createMaterial, type Material } from './material.js';
import { inProcess, sslNode } from './ours.js';

let node: Node;
let material: Material;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  material = createMaterial();
  node = await sslNode();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const files = ({ certfile, keyfile }: { certfile: string; keyfile: string }) => ({ certfile, keyfile });
const forServer = () => ({
  ...files(material.servers.ec256),
  cacertfile: material.cafile,
  active: false as const,
});
const forClient = () => ({
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
  active: false as const,
});

function derOf(certfile: string): Buffer {
  const [, base64 = ''] = /CERTIFICATE-----([^-]+)-----END/.exec(readFileSync(certfile, 'latin1')) ?? [];
  return Buffer.from(base64, 'base64');
}

async function program(begin: (port: number) => Child): Promise<{ port: number; child: Child }> {
  const started = await startOnFreePort(begin);
  ends.push(started.child.stop);
  return started;
}

/** One connection of a peer's client to a server of ours. */
function serve<T>(
  options: ssl.TlsServerOptions,
  dial: (port: number) => void,
  body: (socket: ssl.SslSocket) => Promise<T>,
): Promise<T> {
  return inProcess(node, async (self) => {
    const listener = ssl.unwrap(await ssl.listen(self, 0, { ip: '127.0.0.1', ...options }));
    dial(ssl.unwrap(await ssl.sockname(listener)).port);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 20_000));
    const socket = ssl.unwrap(await ssl.handshake(self, accepted, 20_000));
    try {
      return await body(socket);
    } finally {
      await ssl.close(socket);
      await ssl.close(listener);
    }
  });
}

/** One connection of ours to a peer's server. */
function dial<T>(
  port: number,
  options: ssl.TlsClientOptions,
  body: (socket: ssl.SslSocket) => Promise<T>,
): Promise<T> {
  return inProcess(node, async (self) => {
    const socket = ssl.unwrap(
      await ssl.connect(self, '127.0.0.1', port, { ...forClient(), ...options }, 20_000),
    );
    try {
      return await body(socket);
    } finally {
      await ssl.close(socket);
    }
  });
}

async function received(socket: ssl.SslSocket, length: number): Promise<string> {
  const data = ssl.unwrap(await ssl.recv(socket, length, 20_000));
  return Buffer.from(data instanceof Uint8Array ? data : []).toString();
}

describe('late client authentication', () => {
  it('of s_client by our server, three times, with data between', async () => {
    const { certfile, keyfile } = material.client;
    await serve(
      { ...forServer(), verify: 'verify_peer', postHandshakeAuth: true },
      (port) => {
        const args = [
          '-connect',
          `127.0.0.1:${port}`,
          '-tls1_3',
          '-enable_pha',
          '-cert',
          certfile,
          '-key',
          keyfile,
        ];
        const child = start('openssl', ['s_client', ...args, '-CAfile', material.cafile, '-quiet']);
        ends.push(child.stop);
        child.process.stdin.write('to begin with');
      },
      async (socket) => {
        expect(await received(socket, 13)).toBe('to begin with');
        expect(await ssl.peercert(socket)).toEqual({ error: 'no_peercert' });
        for (let round = 0; round < 3; round += 1) {
          const shown = ssl.unwrap(await ssl.requestCertificate(socket, 20_000));
          expect(Buffer.from(shown)).toEqual(derOf(certfile));
          ssl.unwrap(await ssl.send(socket, `round ${round}`));
        }
      },
    );
  });

  it('of gnutls-cli by our server', async () => {
    const { certfile, keyfile } = material.client;
    await serve(
      { ...forServer(), verify: 'verify_peer', postHandshakeAuth: true },
      (port) => {
        const child = start('gnutls-cli', [
          ...['--port', String(port), '--x509cafile', material.cafile, '--logfile', '/dev/null'],
          ...['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.3', '--post-handshake-auth'],
          ...['--sni-hostname', 'localhost', '--verify-hostname', 'localhost'],
          ...['--x509certfile', certfile, '--x509keyfile', keyfile, '127.0.0.1'],
        ]);
        ends.push(child.stop);
        child.process.stdin.write('hello');
      },
      async (socket) => {
        expect(await received(socket, 5)).toBe('hello');
        const shown = ssl.unwrap(await ssl.requestCertificate(socket, 20_000));
        expect(Buffer.from(shown)).toEqual(derOf(certfile));
      },
    );
  });

  it('of our client by s_server, and its key updates before', async () => {
    const { certfile, keyfile } = material.servers.ec256;
    const { port, child } = await program((at) =>
      start('openssl', [
        ...['s_server', '-accept', `127.0.0.1:${at}`, '-tls1_3', '-cert', certfile, '-key', keyfile],
        // Its command `c` asks for a certificate.
        // With `-verify` it would ask once, in the handshake.
        ...['-CAfile', material.cafile, '-verify_return_error'],
      ]),
    );
    await dial(port, { ...files(material.client), postHandshakeAuth: true }, async (socket) => {
      // Not `read_write`: an OpenSSL that owes a KeyUpdate sends that in place of its next CertificateRequest.
      ssl.unwrap(await ssl.updateKeys(socket, 'write'));
      ssl.unwrap(await ssl.send(socket, 'one\n'));
      await child.until(() => child.stdout().includes('one'));
      const verified = () => child.stderr().match(/depth=0/g)?.length ?? 0;
      for (const word of ['two', 'three']) {
        const before = verified();
        child.process.stdin.write('c\n');
        await child.until(() => verified() > before);
        child.process.stdin.write(`${word} of yours\n`);
        expect(await received(socket, word.length + 10)).toBe(`${word} of yours\n`);
        ssl.unwrap(await ssl.send(socket, `${word}\n`));
        await child.until(() => child.stdout().includes(word));
      }
    });
  });
});

describe('a refusal of our certificate is told by connect with confirm', () => {
  it.each(['accepts', 'refuses'])('s_server %s', async (what) => {
    const { certfile, keyfile } = material.servers.ec256;
    const { port } = await program((at) =>
      start('openssl', [
        ...[
          's_server',
          '-quiet',
          '-accept',
          `127.0.0.1:${at}`,
          '-tls1_3',
          '-cert',
          certfile,
          '-key',
          keyfile,
        ],
        ...['-CAfile', material.cafile, '-Verify', '4', '-verify_return_error'],
      ]),
    );
    const own = what === 'accepts' ? files(material.client) : {};
    const connecting = dial(port, { ...own, confirm: true }, async () => 'connected');
    if (what === 'accepts') expect(await connecting).toBe('connected');
    else await expect(connecting).rejects.toThrow(/Certificate required/);
  });

  it.each(['accepts', 'refuses'])('gnutls-serv %s', async (what) => {
    const { certfile, keyfile } = material.servers.ec256;
    const { port } = await program((at) =>
      start('gnutls-serv', [
        ...['--echo', '--port', String(at), '--quiet', '--x509certfile', certfile, '--x509keyfile', keyfile],
        ...['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.3', '--x509cafile', material.cafile],
        ...['--require-client-cert', '--verify-client-cert'],
      ]),
    );
    const own = what === 'accepts' ? files(material.client) : {};
    const connecting = dial(port, { ...own, confirm: true }, async () => 'connected');
    if (what === 'accepts') expect(await connecting).toBe('connected');
    else await expect(connecting).rejects.toThrow(/Certificate required/);
  });
});

const label = 'EXPORTER-actor-tls';
const ourMaterial = async (
  socket: ssl.SslSocket,
  context: Uint8Array | 'no_context' = 'no_context',
  length = 48,
) => {
  const [material] = ssl.unwrap(await ssl.exportKeyMaterials(socket, [label], [context], [length], false));
  return Buffer.from(material ?? []).toString('hex');
};

describe.each(['tlsv1.3', 'tlsv1.2'] as const)('key material of %s is the same', (version) => {
  const openVersion = version === 'tlsv1.3' ? '-tls1_3' : '-tls1_2';

  it('as s_client exports', async () => {
    let child: Child | undefined;
    const ours = await serve(
      { ...forServer(), versions: [version] },
      (port) => {
        child = start('openssl', [
          ...['s_client', '-connect', `127.0.0.1:${port}`, openVersion, '-CAfile', material.cafile],
          ...['-keymatexport', label, '-keymatexportlen', '48'],
        ]);
        ends.push(child.stop);
      },
      async (socket) => {
        const exported = await ourMaterial(socket);
        await child?.until(() => /Keying material: \w{96}/i.test(child?.stdout().toString() ?? ''));
        return exported;
      },
    );
    expect(/Keying material: (\w+)/i.exec(child?.stdout().toString() ?? '')?.[1]?.toLowerCase()).toBe(ours);
  });

  it('as gnutls-cli exports', async () => {
    let child: Child | undefined;
    const ours = await serve(
      { ...forServer(), versions: [version] },
      (port) => {
        child = start('gnutls-cli', [
          ...['--port', String(port), '--x509cafile', material.cafile, '--sni-hostname', 'localhost'],
          ...[
            '--verify-hostname',
            'localhost',
            '--keymatexport',
            label,
            '--keymatexportsize',
            '48',
            '127.0.0.1',
          ],
        ]);
        ends.push(child.stop);
      },
      async (socket) => {
        const exported = await ourMaterial(socket);
        await child?.until(() => /Key material: \w{96}/.test(child?.stdout().toString() ?? ''));
        return exported;
      },
    );
    expect(/Key material: (\w+)/.exec(child?.stdout().toString() ?? '')?.[1]).toBe(ours);
  });

  it.each([
    ['without a context', undefined],
    ['with an empty one', Buffer.alloc(0)],
    ['with a long one', Buffer.alloc(300, 'c')],
  ])('as a server of node:tls exports, %s', async (_what, context) => {
    const { certfile, keyfile } = material.servers.ec256;
    let theirs = (_hex: string): void => {};
    const their = new Promise<string>((resolve) => {
      theirs = resolve;
    });
    const nodeVersion = version === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2';
    const server = createTlsServer(
      {
        cert: readFileSync(certfile),
        key: readFileSync(keyfile),
        minVersion: nodeVersion,
        maxVersion: nodeVersion,
      },
      (socket) => {
        socket.on('error', () => {});
        theirs(exportedBy(socket, 100, context));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const ours = await dial(port, { versions: [version] }, async (socket) => {
      await their;
      return ourMaterial(socket, context ?? 'no_context', 100);
    });
    expect(await their).toBe(ours);
    // RFC 5705 §4 and RFC 8446 §7.5: only in TLS 1.2 is no context another than an empty one.
    expect(ours).toHaveLength(200);
  });

  it('as a client of node:tls exports', async () => {
    let socket: TLSSocket | undefined;
    let secured = (): void => {};
    const ready = new Promise<void>((resolve) => {
      secured = resolve;
    });
    const ours = await serve(
      { ...forServer(), versions: [version] },
      (port) => {
        socket = tlsConnect(
          { port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(material.cafile) },
          secured,
        );
        socket.on('error', () => {});
      },
      async (server) => {
        await ready;
        return ourMaterial(server, Buffer.from('ctx'));
      },
    );
    if (socket === undefined) throw new Error('nobody dialled');
    expect(exportedBy(socket, 48, Buffer.from('ctx'))).toBe(ours);
    socket.destroy();
  });
});

function exportedBy(socket: TLSSocket, length: number, context: Buffer | undefined): string {
  // The types insist on a context, which node:tls itself leaves out.
  const exported = Reflect.apply(socket.exportKeyingMaterial, socket, [length, label, context]);
  return Buffer.isBuffer(exported) ? exported.toString('hex') : '';
}
