/**
 * Over datagrams with stacks that others wrote, both ways: sessions, by id and by ticket, and handshakes that run again. The
 * table on the last lines says who does what with whom.
 */
import { join } from 'node:path';
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freeUdpPort } from '../support/free-udp-port.js';
import { describeWithPeer, report } from '../support/report.js';
import { type Child, start } from './child.js';
import { erlangScript } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { echoServer, inProcess, type OurServer, sslNode } from './ours.js';

let material: Material;
let node: Node;
const children: Child[] = [];
const servers: OurServer[] = [];

beforeAll(async () => {
  material = createMaterial();
  node = await sslNode();
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const versions = ['dtlsv1.2', 'dtlsv1'] as const;
type Version = (typeof versions)[number];
const cases = versions.flatMap((version) => (['id', 'ticket'] as const).map((kind) => ({ version, kind })));
type Case = (typeof cases)[number];

const told = (what: string, version: string, peer: string): void =>
  report(`interop: ${what} ${version}, ${peer}`, { ok: 1 });

function run(program: string, args: readonly string[]): Child {
  const child = start(program, args);
  children.push(child);
  return child;
}

const said = (child: Child): string => child.stdout().toString('latin1') + child.stderr();

async function ourServer({ version, kind }: Case): Promise<OurServer> {
  const server = await echoServer(node, {
    ...{ protocol: 'dtls', versions: [version], olderSessionTickets: kind === 'ticket' },
    ...material.servers.ec256,
  });
  servers.push(server);
  return server;
}

const clientOptions = (version: Version, kind?: Case['kind']): ssl.TlsClientOptions => ({
  ...{ protocol: 'dtls', versions: [version], active: false },
  ...{ cacertfile: material.cafile, serverNameIndication: 'localhost' },
  ...(kind === undefined ? {} : { olderSessionTickets: kind === 'ticket' }),
});

async function connect(
  self: Self<ssl.SslMessage>,
  port: number,
  options: ssl.TlsClientOptions,
): Promise<ssl.SslSocket> {
  return ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, options, 10_000));
}

async function echoes(socket: ssl.SslSocket, line: string): Promise<void> {
  ssl.unwrap(await ssl.send(socket, line));
  expect(String(ssl.unwrap(await ssl.recv(socket, 0, 10_000)))).toBe(line);
}

/** Thrice: the first handshake is a full one. */
function ourClientResumes(port: number, { version, kind }: Case): Promise<void> {
  return inProcess(node, async (self) => {
    for (const expected of [false, true, true]) {
      const socket = await connect(self, port, clientOptions(version, kind));
      await echoes(socket, 'here\n');
      const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(socket));
      expect(sessionResumption).toBe(expected);
      await ssl.close(socket);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  });
}

/** Our client renegotiates twice. */
function ourClientRenegotiates(port: number, version: Version): Promise<void> {
  return inProcess(node, async (self) => {
    const socket = await connect(self, port, clientOptions(version));
    const randoms = new Set<string>();
    const look = async (): Promise<number> => {
      const { clientRandom } = ssl.unwrap(await ssl.connectionInformation(socket, ['clientRandom']));
      randoms.add(Buffer.from(clientRandom ?? []).toString('hex'));
      return randoms.size;
    };
    await echoes(socket, 'before\n');
    await look();
    for (const n of [2, 3]) {
      expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
      await echoes(socket, 'after\n');
      expect(await look()).toBe(n);
    }
    await ssl.close(socket);
  });
}

/** Our server takes one client, which may begin handshakes; when it says "again" the server does. */
async function ourServerRenegotiates(
  version: Version,
  meet: (port: number) => Child,
  say: (child: Child) => Promise<void>,
): Promise<number> {
  return inProcess(node, async (self) => {
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, {
        ...{ protocol: 'dtls', versions: [version], active: false, ip: '127.0.0.1' },
        ...material.servers.ec256,
      }),
    );
    const child = meet(ssl.unwrap(await ssl.sockname(listener)).port);
    const socket = ssl.unwrap(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener, 10_000)), 10_000),
    );
    const randoms = new Set<string>();
    const serving = (async () => {
      for (;;) {
        const got = await ssl.recv(socket, 0);
        if ('error' in got) return;
        const text = String(got.ok);
        if (text.startsWith('again')) expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
        const { serverRandom } = ssl.unwrap(await ssl.connectionInformation(socket, ['serverRandom']));
        randoms.add(Buffer.from(serverRandom ?? []).toString('hex'));
        await ssl.send(socket, text);
      }
    })();
    await say(child);
    await ssl.close(socket);
    await serving;
    await ssl.close(listener);
    return randoms.size;
  });
}

describeWithPeer('OpenSSL', 'openssl', () => {
  const common = ({
    version,
    kind,
  }: Pick<Case, 'version'> & { readonly kind?: string }): readonly string[] => [
    ...[version === 'dtlsv1.2' ? '-dtls1_2' : '-dtls1', '-cipher', 'DEFAULT@SECLEVEL=0'],
    ...(kind === 'id' ? ['-no_ticket'] : []),
  ];
  const clientArgs = (port: number, args: readonly string[]): readonly string[] => [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'],
    ...['-CAfile', material.cafile, '-verify_return_error', ...args],
  ];
  const serverArgs = (port: number, args: readonly string[]): readonly string[] => [
    ...['s_server', '-accept', `127.0.0.1:${port}`, ...args],
    ...['-cert', material.servers.ec256.certfile, '-cert_chain', material.servers.ec256.certfile],
    ...['-key', material.servers.ec256.keyfile],
  ];

  it.each(cases)('comes back to our server: $version by $kind', async (it) => {
    const our = await ourServer(it);
    const session = join(material.folder, `openssl-${it.version}-${it.kind}`);
    for (const [flag, word] of [
      ['-sess_out', 'New, '],
      ['-sess_in', 'Reused, '],
    ] as const) {
      const child = run('openssl', clientArgs(our.port, [...common(it), flag, session]));
      child.process.stdin.write('a line\n');
      await child.until(() => said(child).includes('a line\n'));
      expect(said(child)).toContain(word);
      await child.stop();
    }
    expect(our.information()).toMatchObject({ sessionResumption: true });
    told('our server resumes', `${it.version} by ${it.kind}`, 'OpenSSL');
  });

  it.each(cases)('takes our client back: $version by $kind', async (it) => {
    const port = await freeUdpPort();
    const server = run('openssl', serverArgs(port, [...common(it), '-quiet']));
    server.process.stdout.on('data', (chunk) => server.process.stdin.write(chunk));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await ourClientResumes(port, it);
    told('our client resumes', `${it.version} by ${it.kind}`, 'OpenSSL');
  });

  // OpenSSL 3.0 takes the random of a connection's first hello for all its handshakes over datagrams, which only a client
  // knows that has kept it, as its own does.
  it.each(versions)(
    'renegotiates with our client, or signs with the random of the first hello: %s',
    async (version) => {
      const port = await freeUdpPort();
      const server = run('openssl', serverArgs(port, [...common({ version }), '-client_renegotiation']));
      await server.until(() => said(server).includes('ACCEPT'));
      await inProcess(node, async (self) => {
        const socket = await connect(self, port, clientOptions(version));
        const outcome = await ssl.renegotiate(socket);
        if ('ok' in outcome) told('renegotiation by our client', version, 'OpenSSL');
        else
          expect(await ssl.recv(socket, 0, 10_000)).toMatchObject({
            error: { tls_alert: ['decrypt_error', expect.stringContaining('bad_signature')] },
          });
        await ssl.close(socket);
      });
    },
  );

  it.each(versions)('renegotiates with our server, whoever begins: %s', async (version) => {
    const times = await ourServerRenegotiates(
      version,
      (port) => run('openssl', clientArgs(port, common({ version }))),
      async (child) => {
        for (const [line, count] of [
          ['one\n', 1],
          ['again\n', 1],
          ['R\n', 0],
          ['two\n', 1],
          ['again\n', 2],
        ] as const) {
          child.process.stdin.write(line);
          if (count > 0) await child.until(() => said(child).split(line).length > count, 10_000);
          else await child.until(() => said(child).includes('RENEGOTIATING'), 10_000);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      },
    );
    expect(times).toBe(4);
    told('renegotiation by our server and by the client', version, 'OpenSSL');
  });

  const profiles = [Uint8Array.of(0, 2), Uint8Array.of(0, 1)];
  const label = 'EXTRACTOR-dtls_srtp';
  const srtpArgs = ['-use_srtp', 'SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32', '-keymatexport', label];
  const exported = (child: Child): string | undefined =>
    /Keying material: ([0-9A-F]{120})/.exec(said(child))?.[1]?.toLowerCase();
  const ours = async (socket: ssl.SslSocket): Promise<string> => {
    expect(ssl.unwrap(await ssl.connectionInformation(socket, ['srtp'])).srtp).toBeDefined();
    const keys = ssl.unwrap(await ssl.exportKeyMaterial(socket, label, 'no_context', 60));
    return Buffer.from(keys instanceof Uint8Array ? keys : []).toString('hex');
  };

  it.each(versions)('agrees with our client on SRTP and its keys: %s', async (version) => {
    const port = await freeUdpPort();
    const server = run(
      'openssl',
      serverArgs(port, [...common({ version }), ...srtpArgs, '-keymatexportlen', '60']),
    );
    await server.until(() => said(server).includes('ACCEPT'));
    await inProcess(node, async (self) => {
      const useSrtp = { protectionProfiles: profiles };
      const socket = await connect(self, port, { ...clientOptions(version), useSrtp });
      await server.until(() => exported(server) !== undefined, 10_000);
      expect(await ours(socket)).toBe(exported(server));
      await ssl.close(socket);
    });
    told('SRTP with our client', version, 'OpenSSL');
  });

  it.each(versions)('agrees with our server on SRTP and its keys: %s', async (version) => {
    await inProcess(node, async (self) => {
      const listener = ssl.unwrap(
        await ssl.listen(self, 0, {
          ...{ protocol: 'dtls', versions: [version], active: false, ip: '127.0.0.1' },
          ...{ ...material.servers.ec256, useSrtp: { protectionProfiles: profiles } },
        }),
      );
      const { port } = ssl.unwrap(await ssl.sockname(listener));
      const client = run(
        'openssl',
        clientArgs(port, [...common({ version }), ...srtpArgs, '-keymatexportlen', '60']),
      );
      const socket = ssl.unwrap(
        await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener, 10_000)), 10_000),
      );
      await client.until(() => exported(client) !== undefined, 10_000);
      expect(said(client)).toContain('SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_32');
      expect(await ours(socket)).toBe(exported(client));
      await ssl.close(socket);
      await ssl.close(listener);
    });
    told('SRTP with our server', version, 'OpenSSL');
  });
});

describeWithPeer('GnuTLS', 'gnutls-cli', () => {
  const priority = (version: Version, rest = ''): string =>
    `NORMAL:-VERS-ALL:+VERS-DTLS${version === 'dtlsv1.2' ? '1.2' : '1.0:%COMPAT:+SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1'}${rest}`;
  const withKind = ({ version, kind }: Case): string =>
    priority(version, kind === 'id' ? ':%NO_TICKETS' : '');
  const clientArgs = (port: number, rest: readonly string[]): readonly string[] => [
    ...['--udp', '--port', String(port), '--x509cafile', material.cafile, '--sni-hostname', 'localhost'],
    ...['--verify-hostname', 'localhost', ...rest, '127.0.0.1'],
  ];

  it.each(cases)('comes back to our server: $version by $kind', async (it) => {
    const our = await ourServer(it);
    const child = run('gnutls-cli', clientArgs(our.port, ['--priority', withKind(it), '--resume']));
    await child.until(() => /This is a resumed session|\*\*\* Fatal error/.test(said(child)));
    expect(said(child)).toContain('This is a resumed session');
    await expect.poll(() => our.information()).toMatchObject({ sessionResumption: true });
    told('our server resumes', `${it.version} by ${it.kind}`, 'GnuTLS');
  });

  async function gnutlsServer(version: Version, args: readonly string[]): Promise<number> {
    const port = await freeUdpPort();
    const { certfile, keyfile } = material.servers.ec256;
    const server = run('gnutls-serv', [
      ...['--udp', '--echo', '--port', String(port), '--x509certfile', certfile, '--x509keyfile', keyfile],
      ...['--disable-client-cert', '--priority', priority(version), ...args],
    ]);
    await server.until(() => said(server).includes('UDP'));
    return port;
  }

  it.each(versions)('renegotiates with our client: %s', async (version) => {
    await ourClientRenegotiates(await gnutlsServer(version, []), version);
    told('renegotiation by our client', version, 'GnuTLS');
  });

  // With tickets GnuTLS 3.7 cannot read what comes under the new keys, be it from OpenSSL.
  it.each(versions)('renegotiates with our server, whoever begins: %s', async (version) => {
    const times = await ourServerRenegotiates(
      version,
      (port) =>
        run(
          'gnutls-cli',
          clientArgs(port, ['--priority', priority(version, ':%NO_TICKETS'), '--rehandshake']),
        ),
      async (child) => {
        for (const line of ['one\n', 'again\n', 'two\n']) {
          child.process.stdin.write(line);
          await child.until(() => said(child).includes(line), 10_000);
        }
      },
    );
    expect(times).toBeGreaterThanOrEqual(2);
    told('renegotiation by our server and by the client', version, 'GnuTLS');
  });
});

describeWithPeer('Erlang OTP', 'escript', () => {
  const script = (...args: readonly string[]): Child => run('escript', [erlangScript('dtls'), ...args]);

  it.each(versions)('comes back to our server: %s', async (version) => {
    const our = await ourServer({ version, kind: 'id' });
    const child = script('twice', version, String(our.port), material.cafile);
    await child.until(() => said(child).includes('SAME'), 20_000);
    expect(said(child)).toContain('SAME true');
    expect(our.information()).toMatchObject({ sessionResumption: true });
    told('our server resumes', `${version} by id`, 'Erlang OTP');
  });

  async function otpServer(version: Version): Promise<number> {
    const { certfile, keyfile } = material.servers.ec256;
    const server = script('server', version, certfile, keyfile);
    await server.until(() => /PORT \d+\n/.test(said(server)));
    return Number(/PORT (\d+)/.exec(said(server))?.[1]);
  }

  it.each(versions)('takes our client back: %s', async (version) => {
    await ourClientResumes(await otpServer(version), { version, kind: 'id' });
    told('our client resumes', `${version} by id`, 'Erlang OTP');
  });

  it.each(versions)('renegotiates with our client, whoever begins: %s', async (version) => {
    const port = await otpServer(version);
    await inProcess(node, async (self) => {
      const socket = await connect(self, port, clientOptions(version));
      await echoes(socket, 'before');
      expect(await ssl.renegotiate(socket)).toEqual({ ok: true });
      await echoes(socket, 'after');
      ssl.unwrap(await ssl.send(socket, 'again'));
      expect(String(ssl.unwrap(await ssl.recv(socket, 0, 10_000)))).toBe('ok');
      await echoes(socket, 'asked');
      await ssl.close(socket);
    });
    told('renegotiation by our client and by the server', version, 'Erlang OTP');
  });

  it.each(versions)(
    'renegotiates with our server: %s',
    async (version) => {
      const our = await ourServer({ version, kind: 'id' });
      const child = script('again', version, String(our.port), material.cafile);
      expect(await child.exited).toBe(0);
      expect(child.stdout().toString()).toBe('ok\n{ok,<<"one">>}\nok\n{ok,<<"two">>}\n');
      told('renegotiation by the client', version, 'Erlang OTP');
    },
    40_000,
  );
});
