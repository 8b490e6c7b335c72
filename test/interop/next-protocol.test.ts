/**
 * Next protocol negotiation with OpenSSL and Erlang OTP, both ways, in TLS 1.2, 1.1 and 1.0, in full and in abbreviated
 * handshakes. Nobody else has it any more.
 */
import { join } from 'node:path';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { type Child, start, startOnFreePort } from './child.js';
import { erlang } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { echoClient, inProcess, sslNode } from './ours.js';

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

let stops: (() => Promise<unknown>)[];
beforeEach(() => {
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const versions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
type Version = (typeof versions)[number];

const line = Buffer.from('a line\n');
const of = (version: Version) =>
  version === 'tlsv1.2'
    ? { versions: [version] }
    : { versions: [version], ciphers: ssl.cipherSuites('all', 'tlsv1') };
const clientOptions = (version: Version): ssl.TlsClientOptions => ({
  ...of(version),
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
});
const tell = (side: 'client' | 'server', version: Version, peer: string): void =>
  report(`interop: NPN, our ${side}, ${version}, ${peer}`, { ok: 1 });

interface Heard {
  readonly protocol: string | undefined;
  readonly resumed: boolean;
}

/** Answers a line of each of so many connections; resolves with what each has agreed on. */
function ourServer(
  options: ssl.TlsServerOptions,
  connections: number,
): Promise<{ readonly port: number; readonly heard: Promise<readonly Heard[]> }> {
  return new Promise((listening, refused) => {
    const heard = inProcess(node, async (self) => {
      const own = { ...material.servers.ec256, ip: '127.0.0.1', active: false, ...options } as const;
      const listener = ssl.unwrap(await ssl.listen(self, 0, own));
      const { port } = ssl.unwrap(await ssl.sockname(listener));
      let told: (heard: readonly Heard[]) => void = () => {};
      listening({ port, heard: new Promise((resolve) => (told = resolve)) });
      const all: Heard[] = [];
      for (let count = 0; count < connections; count += 1) {
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
        const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
        ssl.unwrap(await ssl.recv(socket, line.length, patience));
        ssl.unwrap(await ssl.send(socket, line));
        const protocol = await ssl.negotiatedProtocol(socket);
        const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(socket));
        all.push({
          protocol: 'ok' in protocol ? Buffer.from(protocol.ok).toString() : undefined,
          resumed: sessionResumption === true,
        });
        await ssl.recv(socket, 0, patience);
        await ssl.close(socket);
      }
      await ssl.close(listener);
      told(all);
    });
    heard.catch(refused);
  });
}

describeWithPeer('OpenSSL', 'openssl', () => {
  const flags = { 'tlsv1.2': '-tls1_2', 'tlsv1.1': '-tls1_1', tlsv1: '-tls1' } as const;
  const common = (version: Version): readonly string[] => [flags[version], '-cipher', 'DEFAULT@SECLEVEL=0'];

  async function theirServer(version: Version, ...args: readonly string[]): Promise<number> {
    const { certfile, keyfile } = material.servers.ec256;
    const { port, child } = await startOnFreePort((at) =>
      start('openssl', [
        ...['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, ...common(version)],
        ...['-cert', certfile, '-cert_chain', certfile, '-key', keyfile, ...args],
      ]),
    );
    stops.push(() => child.stop());
    child.process.stdout.on('data', (chunk) => child.process.stdin.write(chunk));
    return port;
  }

  function theirClient(port: number, version: Version, ...args: readonly string[]): Child {
    const child = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', material.cafile, '-verify_return_error'],
      ...['-servername', 'localhost', '-no_ign_eof', ...common(version), ...args],
    ]);
    stops.push(() => child.stop());
    child.process.stdin.write(line);
    return child;
  }

  describe.each(versions)('%s', (version) => {
    it.each([
      ['client', 'b'],
      ['server', 'a'],
    ] as const)(
      'our client picks from what their server advertises, by the order of the %s',
      async (precedence, alpn) => {
        const port = await theirServer(version, '-nextprotoneg', 'a,b');
        const clientPreferredNextProtocols = { precedence, protocols: ['x', 'b', 'a'] };
        const options = { ...clientOptions(version), clientPreferredNextProtocols };
        // The second one comes back to its session.
        for (const sessionResumption of [false, true])
          expect(await echoClient(node, port, options, line)).toMatchObject({
            alpn,
            information: { protocol: version, sessionResumption },
          });
        tell('client', version, 'OpenSSL');
      },
    );

    it('our client takes what ALPN says where their server has both, and NPN where it has no ALPN', async () => {
      const options = {
        ...clientOptions(version),
        alpnAdvertisedProtocols: ['by alpn'],
        clientPreferredNextProtocols: { client: ['by npn'] },
      } as const;
      const both = await theirServer(version, '-nextprotoneg', 'by npn', '-alpn', 'by alpn');
      expect(await echoClient(node, both, options, line)).toMatchObject({ alpn: 'by alpn' });
      const npn = await theirServer(version, '-nextprotoneg', 'by npn');
      expect(await echoClient(node, npn, options, line)).toMatchObject({ alpn: 'by npn' });
      tell('client', version, 'OpenSSL');
    });

    it('their client picks from what our server advertises, and again when it comes back', async () => {
      const { port, heard } = await ourServer(
        { ...of(version), nextProtocolsAdvertised: ['a', 'b', 'c'] },
        2,
      );
      const session = join(material.folder, `npn-${version}`);
      for (const [flag, kind] of [
        ['-sess_out', 'New, '],
        ['-sess_in', 'Reused, '],
      ] as const) {
        const child = theirClient(port, version, '-nextprotoneg', 'x,c,b', flag, session);
        await child.until(() => child.stdout().includes('a line\n'));
        expect(child.stdout().toString()).toContain('Next protocol: (1) b');
        expect(child.stdout().toString()).toContain(kind);
        await child.stop();
      }
      // OpenSSL goes by the server's order.
      expect(await heard).toEqual([
        { protocol: 'b', resumed: false },
        { protocol: 'b', resumed: true },
      ]);
      tell('server', version, 'OpenSSL');
    });

    it('their client that has ALPN too is answered by it', async () => {
      const both = { alpnPreferredProtocols: ['by alpn'], nextProtocolsAdvertised: ['by npn'] };
      const { port, heard } = await ourServer({ ...of(version), ...both }, 1);
      const child = theirClient(port, version, '-nextprotoneg', 'by npn', '-alpn', 'by alpn');
      await child.until(() => child.stdout().includes('a line\n'));
      await child.stop();
      expect(await heard).toEqual([{ protocol: 'by alpn', resumed: false }]);
      tell('server', version, 'OpenSSL');
    });
  });
});

describeWithPeer('Erlang OTP', 'escript', () => {
  const extraOf = (version: Version, option: string): readonly string[] => [
    `[{versions, ['${version}']}, ${option}]`,
  ];

  describe.each(versions)('%s', (version) => {
    it.each([
      ['client', 'b'],
      ['server', 'a'],
    ] as const)(
      'our client picks from what their server advertises, by the order of the %s',
      async (precedence, alpn) => {
        const server = await erlang.echoServer({
          ...{ ...material.servers.ec256, version: 'tlsv1.2' },
          extra: extraOf(version, '{next_protocols_advertised, [<<"a">>, <<"b">>]}'),
        });
        stops.push(() => server.stop());
        const clientPreferredNextProtocols = { precedence, protocols: ['x', 'b', 'a'] };
        const options = { ...clientOptions(version), clientPreferredNextProtocols };
        expect(await echoClient(node, server.port, options, line)).toMatchObject({
          alpn,
          information: { protocol: version, sessionResumption: false },
        });
        // Erlang keeps a session a moment after its handshake.
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await echoClient(node, server.port, options, line)).toMatchObject({
          alpn,
          information: { sessionResumption: true },
        });
        tell('client', version, 'Erlang OTP');
      },
    );

    it('our client says its default where their server has nothing of ours', async () => {
      const server = await erlang.echoServer({
        ...{ ...material.servers.ec256, version: 'tlsv1.2' },
        extra: extraOf(version, '{next_protocols_advertised, []}'),
      });
      stops.push(() => server.stop());
      const clientPreferredNextProtocols = { client: [['x'], 'y'] } as const;
      const options = { ...clientOptions(version), clientPreferredNextProtocols };
      expect(await echoClient(node, server.port, options, line)).toMatchObject({ alpn: 'y' });
      tell('client', version, 'Erlang OTP');
    });

    it.each([
      ['{client, [<<"b">>, <<"a">>]}', 'b'],
      ['{server, [<<"b">>, <<"a">>]}', 'a'],
      ['{client, [<<"x">>], <<"y">>}', 'y'],
    ])('their client picks from what our server advertises: %s', async (wish, protocol) => {
      const { port, heard } = await ourServer({ ...of(version), nextProtocolsAdvertised: ['a', 'b'] }, 1);
      await erlang.echoClient({
        ...{ port, version: 'tlsv1.2', cafile: material.cafile, servername: 'localhost', payload: line },
        extra: extraOf(version, `{client_preferred_next_protocols, ${wish}}`),
      });
      expect(await heard).toEqual([{ protocol, resumed: false }]);
      tell('server', version, 'Erlang OTP');
    });
  });

  it('says both in its hello, as ours does, and is answered by ALPN', async () => {
    const both = { alpnPreferredProtocols: ['by alpn'], nextProtocolsAdvertised: ['by npn'] };
    const { port, heard } = await ourServer({ ...of('tlsv1.2'), ...both }, 1);
    await erlang.echoClient({
      ...{ port, version: 'tlsv1.2', cafile: material.cafile, servername: 'localhost', payload: line },
      extra: [
        '[{client_preferred_next_protocols, {client, [<<"by npn">>]}}, {alpn_advertised_protocols, [<<"by alpn">>]}]',
      ],
    });
    expect(await heard).toEqual([{ protocol: 'by alpn', resumed: false }]);
  });
});
