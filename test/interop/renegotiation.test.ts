/**
 * Handshakes that run again with stacks that others wrote, begun by each of the four ends, in every version that has them;
 * with data before and after, a client's certificate that is asked for only then, and peers that refuse. OpenSSL's `-msg` writes
 * between the first byte of a line and the rest of it, which TLS 1.0 sends in records of their own.
 */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { type Child, start, startOnFreePort } from './child.js';
import { erlangScript } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { inProcess, sslNode } from './ours.js';

let node: Node;
let material: Material;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const versions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
type Version = (typeof versions)[number];
const opensslFlag: Readonly<Record<Version, string>> = {
  'tlsv1.2': '-tls1_2',
  'tlsv1.1': '-tls1_1',
  tlsv1: '-tls1',
};
const gnutlsName: Readonly<Record<Version, string>> = {
  'tlsv1.2': 'TLS1.2',
  'tlsv1.1': 'TLS1.1',
  tlsv1: 'TLS1.0',
};
const rejected = { error: 'renegotiation_rejected' };

const clientOptions = (version: Version): ssl.TlsClientOptions => ({
  versions: [version],
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
  active: false,
});

/** Says a line to a peer that echoes lines. */
async function echoes(socket: ssl.SslSocket, line: string): Promise<void> {
  ssl.unwrap(await ssl.send(socket, line));
  const echoed = ssl.unwrap(await ssl.recv(socket, line.length, patience));
  expect(Buffer.from(echoed instanceof Uint8Array ? echoed : '').toString()).toBe(line);
}

/** Our server for one client: `meet` starts that, `serve` speaks with it. */
function withOurServer(
  options: ssl.TlsServerOptions,
  meet: (port: number) => Child,
  serve: (socket: ssl.SslSocket, client: Child, self: Self<ssl.SslMessage>) => Promise<void>,
): Promise<void> {
  return inProcess(node, async (self) => {
    const listened = { ...material.servers.rsa, ...options, ip: '127.0.0.1', active: false } as const;
    const listener = ssl.unwrap(await ssl.listen(self, 0, listened));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const client = meet(port);
    try {
      const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
      const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
      await serve(socket, client, self);
      await ssl.close(socket);
    } finally {
      await client.stop();
      await ssl.close(listener);
    }
  });
}

function withOurClient(
  version: Version,
  port: number,
  speak: (socket: ssl.SslSocket) => Promise<void>,
  options: ssl.TlsClientOptions = {},
): Promise<void> {
  return inProcess(node, async (self) => {
    const all = { ...clientOptions(version), ...options };
    const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, all, patience));
    await speak(socket);
    await ssl.close(socket);
  });
}

async function randomOf(socket: ssl.SslSocket): Promise<string> {
  const { serverRandom } = ssl.unwrap(await ssl.connectionInformation(socket, ['serverRandom']));
  return Buffer.from(serverRandom).toString('hex');
}

/** Until another handshake is done. */
async function renewed(socket: ssl.SslSocket, before: string): Promise<void> {
  await expect.poll(() => randomOf(socket), { timeout: patience }).not.toBe(before);
}

async function line(socket: ssl.SslSocket, expected: string): Promise<void> {
  const read = ssl.unwrap(await ssl.recv(socket, expected.length, patience));
  expect(Buffer.from(read instanceof Uint8Array ? read : '').toString()).toBe(expected);
}

describeWithPeer('renegotiation with OpenSSL', 'openssl', () => {
  const sClient = (version: Version, port: number, more: readonly string[] = []): Child =>
    start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, opensslFlag[version], '-CAfile', material.cafile],
      ...['-cipher', 'ALL:@SECLEVEL=0', '-msg', ...more],
    ]);
  const sServer = (version: Version, more: readonly string[] = []): Promise<{ port: number; child: Child }> =>
    startOnFreePort((at) =>
      start('openssl', [
        ...['s_server', '-accept', `127.0.0.1:${at}`, opensslFlag[version], '-cipher', 'ALL:@SECLEVEL=0'],
        ...['-cert', material.servers.rsa.certfile, '-key', material.servers.rsa.keyfile, '-msg', ...more],
      ]),
    );

  for (const version of versions) {
    it(`${version}: s_client asks our server`, () =>
      withOurServer(
        { versions: [version] },
        (port) => sClient(version, port),
        async (socket, client) => {
          client.process.stdin.write('before\n');
          await line(socket, 'before\n');
          const before = await randomOf(socket);
          client.process.stdin.write('R\n');
          await renewed(socket, before);
          client.process.stdin.write('after\n');
          await line(socket, 'after\n');
          ssl.unwrap(await ssl.send(socket, 'an answer\n'));
          await client.until(() => client.stdout().includes('nswer\n'));
          report('interop: renegotiated, OpenSSL', { ok: 1 });
        },
      ));

    it(`${version}: our server asks s_client, with data in both directions`, () =>
      withOurServer(
        { versions: [version] },
        (port) => sClient(version, port),
        async (socket, client) => {
          client.process.stdin.write('before\n');
          await line(socket, 'before\n');
          for (let round = 0; round < 3; round += 1) {
            const sending = ssl.send(socket, 'x'.repeat(100_000));
            expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
            ssl.unwrap(await sending);
          }
          // s_client may wait for something to read before it looks at its terminal again.
          ssl.unwrap(await ssl.send(socket, 'an answer\n'));
          await client.until(() => client.stdout().includes('nswer\n'));
          client.process.stdin.write('after\n');
          await line(socket, 'after\n');
          report('interop: renegotiated, OpenSSL', { ok: 3 });
        },
      ));

    it(`${version}: our client asks s_server that lets clients`, async () => {
      const { port, child } = await sServer(version, ['-client_renegotiation', '-rev']);
      try {
        await withOurClient(version, port, async (socket) => {
          ssl.unwrap(await ssl.send(socket, 'before\n'));
          await line(socket, 'erofeb\n');
          for (let round = 0; round < 3; round += 1)
            expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          ssl.unwrap(await ssl.send(socket, 'after\n'));
          await line(socket, 'retfa\n');
        });
        report('interop: renegotiated, OpenSSL', { ok: 3 });
      } finally {
        await child.stop();
      }
    });

    it(`${version}: our client asks s_server that does not, and goes on`, async () => {
      const { port, child } = await sServer(version, ['-rev']);
      try {
        await withOurClient(version, port, async (socket) => {
          expect(await ssl.renegotiate(socket)).toEqual(rejected);
          ssl.unwrap(await ssl.send(socket, 'after\n'));
          await line(socket, 'retfa\n');
        });
        report('interop: renegotiation refused, OpenSSL', { ok: 1 });
      } finally {
        await child.stop();
      }
    });

    it(`${version}: s_server asks our client, and then for its certificate`, async () => {
      const { port, child } = await sServer(version, ['-CAfile', material.cafile]);
      try {
        await withOurClient(
          version,
          port,
          async (socket) => {
            ssl.unwrap(await ssl.send(socket, 'before\n'));
            await child.until(() => child.stdout().includes('efore\n'));
            for (const command of ['r\n', 'R\n']) {
              const before = await randomOf(socket);
              child.process.stdin.write(command);
              await renewed(socket, before);
            }
            ssl.unwrap(await ssl.send(socket, 'after\n'));
            await child.until(() => child.stdout().includes('fter\n'));
            child.process.stdin.write('an answer\n');
            await line(socket, 'an answer\n');
          },
          material.client,
        );
        expect(child.stdout().toString()).toContain('CertificateVerify');
        report('interop: renegotiated, OpenSSL', { ok: 2 });
      } finally {
        await child.stop();
      }
    });
  }

  it('s_client that is refused gives up by itself', () =>
    withOurServer(
      { versions: ['tlsv1.2'], clientRenegotiation: false },
      (port) => sClient('tlsv1.2', port),
      async (socket, client) => {
        client.process.stdin.write('before\n');
        await line(socket, 'before\n');
        client.process.stdin.write('R\n');
        await client.until(() => client.stdout().includes('warning no_renegotiation'));
        report('interop: renegotiation refused, OpenSSL', { ok: 1 });
      },
    ));

  it('our server asks s_client that never renegotiates, and goes on', () =>
    withOurServer(
      { versions: ['tlsv1.2'] },
      (port) => sClient('tlsv1.2', port, ['-no_renegotiation']),
      async (socket, client) => {
        expect(await ssl.renegotiate(socket)).toEqual(rejected);
        client.process.stdin.write('after\n');
        await line(socket, 'after\n');
        report('interop: renegotiation refused, OpenSSL', { ok: 1 });
      },
    ));
});

/**
 * A gnutls-cli that got a ticket names no tickets in a hello that renegotiates, and yet waits for another one, which no
 * server may send then (RFC 5077 §3.2).
 */
const withoutTickets = ':%NO_TICKETS';

describeWithPeer('renegotiation with GnuTLS', 'gnutls-cli', () => {
  const priority = (version: Version, more = ''): readonly string[] => [
    '--priority',
    `NORMAL:-VERS-ALL:+VERS-${gnutlsName[version]}:+SIGN-RSA-SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1${more}`,
  ];
  const cli = (version: Version, port: number, more: readonly string[] = []): Child =>
    start('gnutls-cli', [
      ...['--port', String(port), '--x509cafile', material.cafile, '--verify-hostname', 'localhost'],
      ...[...priority(version, withoutTickets), ...more, '127.0.0.1'],
    ]);

  for (const version of versions) {
    it(`${version}: gnutls-cli asks our server`, () =>
      withOurServer(
        { versions: [version] },
        (port) => cli(version, port, ['--rehandshake']),
        async (socket, client) => {
          await client.until(() => client.stdout().includes('ReHandshake was completed'));
          client.process.stdin.write('after\n');
          await line(socket, 'after\n');
          report('interop: renegotiated, GnuTLS', { ok: 1 });
        },
      ));

    it(`${version}: our server asks gnutls-cli`, () =>
      withOurServer(
        { versions: [version] },
        (port) => cli(version, port),
        async (socket, client) => {
          client.process.stdin.write('before\n');
          await line(socket, 'before\n');
          expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          client.process.stdin.write('after\n');
          await line(socket, 'after\n');
          report('interop: renegotiated, GnuTLS', { ok: 1 });
        },
      ));

    it(`${version}: our client asks gnutls-serv, and is asked by it`, async () => {
      const { certfile, keyfile } = material.servers.rsa;
      const { port, child } = await startOnFreePort((at) =>
        start('gnutls-serv', [
          ...['--echo', '--port', String(at), '--x509certfile', certfile, '--x509keyfile', keyfile],
          ...['--disable-client-cert', ...priority(version)],
        ]),
      );
      try {
        await withOurClient(version, port, async (socket) => {
          await echoes(socket, 'before\n');
          expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          await echoes(socket, 'between\n');
          const before = await randomOf(socket);
          ssl.unwrap(await ssl.send(socket, '**REHANDSHAKE**\n'));
          await renewed(socket, before);
        });
        report('interop: renegotiated, GnuTLS', { ok: 2 });
      } finally {
        await child.stop();
      }
    });
  }
});

describeWithPeer('renegotiation with peers that know no renegotiation_info', 'gnutls-cli', () => {
  const unaware = 'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION';
  const cli = (port: number, more: readonly string[] = []): Child =>
    start('gnutls-cli', [
      ...['--port', String(port), '--x509cafile', material.cafile, '--verify-hostname', 'localhost'],
      ...['--priority', `${unaware}${withoutTickets}`, ...more, '127.0.0.1'],
    ]);

  it('our server neither asks gnutls-cli nor lets it, and goes on', () =>
    withOurServer(
      { versions: ['tlsv1.2'] },
      (port) => cli(port),
      async (socket, client) => {
        expect(await ssl.renegotiate(socket)).toEqual(rejected);
        client.process.stdin.write('on\n');
        await line(socket, 'on\n');
        report('interop: renegotiation refused, GnuTLS', { ok: 1 });
      },
    ));

  it('our server that lets insecure ones asks gnutls-cli, and is asked', () =>
    withOurServer(
      { versions: ['tlsv1.2'], secureRenegotiate: false },
      (port) => cli(port, ['--rehandshake']),
      async (socket, client) => {
        await client.until(() => client.stdout().includes('ReHandshake was completed'));
        expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
        client.process.stdin.write('after\n');
        await line(socket, 'after\n');
        report('interop: renegotiated, GnuTLS', { ok: 2 });
      },
    ));

  it('our client does not ask gnutls-serv, unless secure_renegotiate is false', async () => {
    const { certfile, keyfile } = material.servers.rsa;
    const { port, child } = await startOnFreePort((at) =>
      start('gnutls-serv', [
        ...['--echo', '--port', String(at), '--x509certfile', certfile, '--x509keyfile', keyfile],
        ...['--disable-client-cert', '--priority', unaware],
      ]),
    );
    try {
      await withOurClient('tlsv1.2', port, async (socket) => {
        expect(await ssl.renegotiate(socket)).toEqual(rejected);
        await echoes(socket, 'on\n');
      });
      const options = { secureRenegotiate: false };
      await withOurClient(
        'tlsv1.2',
        port,
        async (socket) => {
          expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          await echoes(socket, 'on\n');
        },
        options,
      );
      report('interop: renegotiated, GnuTLS', { ok: 1 });
    } finally {
      await child.stop();
    }
  });
});

describeWithPeer('renegotiation with Erlang', 'escript', () => {
  for (const version of versions) {
    it(`${version}: its client asks our server`, () =>
      withOurServer(
        { versions: [version] },
        (port) =>
          start('escript', [erlangScript('tls12'), 'renegotiate', String(port), material.cafile, version]),
        async (socket, client) => {
          await line(socket, 'after');
          ssl.unwrap(await ssl.send(socket, 'after'));
          await client.exited;
          expect(client.stdout().toString()).toBe('ok\n{ok,<<"after">>}\n');
          report('interop: renegotiated, Erlang', { ok: 1 });
        },
      ));

    it(`${version}: our server asks its client`, () =>
      withOurServer(
        { versions: [version] },
        (port) => start('escript', [erlangScript('tls12'), 'asked', String(port), material.cafile, version]),
        async (socket, client) => {
          await line(socket, 'ready');
          expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          ssl.unwrap(await ssl.send(socket, 'after'));
          await line(socket, 'after');
          await client.until(() => client.stdout().includes('{ok,<<"after">>}\n'));
          report('interop: renegotiated, Erlang', { ok: 1 });
        },
      ));

    it(`${version}: its server asks our client, and our client it`, async () => {
      const { certfile, keyfile } = material.servers.ec256;
      const server = start('escript', [erlangScript('tls12'), 'renegotiating', certfile, keyfile, version]);
      try {
        await server.until(() => /PORT \d+\n/.test(server.stdout().toString()));
        const port = Number(/PORT (\d+)\n/.exec(server.stdout().toString())?.[1]);
        await withOurClient(version, port, async (socket) => {
          await server.until(() => /\nok\n/.test(server.stdout().toString()));
          expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
          await echoes(socket, 'after');
          // Its twelve seconds.
          expect(await ssl.renegotiate(socket)).toEqual(rejected);
        });
        report('interop: renegotiated, Erlang', { ok: 2 });
      } finally {
        await server.stop();
      }
    });
  }
});

describe('renegotiation with node:tls', () => {
  it('its client asks our server, and our server it', async () => {
    await inProcess(node, async (self) => {
      const options = { ...material.servers.rsa, versions: ['tlsv1.2'], ip: '127.0.0.1' } as const;
      const listener = ssl.unwrap(await ssl.listen(self, 0, { ...options, active: false }));
      const { port } = ssl.unwrap(await ssl.sockname(listener));
      const client = tls.connect({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: readFileSync(material.cafile),
        maxVersion: 'TLSv1.2',
      });
      try {
        client.on('error', () => {});
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
        const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
        const done = new Promise<Error | null>((resolve) => {
          const ask = (): unknown => client.renegotiate({}, resolve);
          if (client.authorized) ask();
          else client.once('secureConnect', ask);
        });
        expect(await done).toBeNull();
        client.write('between');
        await line(socket, 'between');
        expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
        client.write('after');
        await line(socket, 'after');
        report('interop: renegotiated, node:tls', { ok: 2 });
      } finally {
        client.destroy();
        await ssl.close(listener);
      }
    });
  });

  it('its server asks our client, and our client it', async () => {
    const served: tls.TLSSocket[] = [];
    const server = tls.createServer(
      {
        cert: readFileSync(material.servers.rsa.certfile),
        key: readFileSync(material.servers.rsa.keyfile),
        maxVersion: 'TLSv1.2',
      },
      (socket) => {
        socket.on('error', () => {});
        socket.pipe(socket);
        served.push(socket);
      },
    );
    try {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      await withOurClient('tlsv1.2', port, async (socket) => {
        await echoes(socket, 'before');
        expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
        await echoes(socket, 'between');
        const before = await randomOf(socket);
        served[0]?.renegotiate({}, () => {});
        await renewed(socket, before);
        await echoes(socket, 'after');
      });
      report('interop: renegotiated, node:tls', { ok: 2 });
    } finally {
      server.close();
    }
  });
});
