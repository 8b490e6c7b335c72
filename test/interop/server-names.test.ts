/**
 * Options by the name asked for, and handshakes that pause after the hello, with stacks that others wrote, both ways:
 * OpenSSL's `-servername`, contexts of node:tls, `sni_fun` and `{handshake, hello}` of Erlang.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { erlangScript } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { echoServer, type OurServer, sslNode } from './ours.js';

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

const versions = ['tlsv1.3', 'tlsv1.2'] as const;
type Version = (typeof versions)[number];
const flags: Readonly<Record<Version, string>> = { 'tlsv1.3': '-tls1_3', 'tlsv1.2': '-tls1_2' };

const commonName = (der: Uint8Array): string => /CN=(.*)/.exec(new X509Certificate(der).subject)?.[1] ?? '';

/** Our server for `localhost`, with `other.example` by `sniHosts` or by a function that takes its time. */
function ourServer(version: Version, by: 'sniHosts' | 'sniFun'): Promise<OurServer> {
  const hosts = { 'other.example': material.other };
  const sniFun = async (host: string): Promise<ssl.TlsServerOptions | undefined> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return host === 'other.example' ? material.other : undefined;
  };
  return echoServer(node, {
    ...material.servers.ec256,
    versions: [version],
    ...(by === 'sniHosts' ? { sniHosts: hosts } : { sniFun }),
  });
}

/** Our client, which pauses and goes on, and whom it met. */
async function ourClient(
  version: Version,
  port: number,
  name: string,
): Promise<{ ext: ssl.HelloExtensions; met: string }> {
  const self = node.shell();
  const wish = {
    versions: [version],
    active: false,
    handshake: 'hello',
    serverNameIndication: name,
  } as const;
  const paused = await ssl.connect(self, '127.0.0.1', port, { ...wish, verify: 'verify_none' }, patience);
  const socket = ssl.unwrap(paused);
  const trust = { verify: 'verify_peer', cacertfile: material.cafile } as const;
  ssl.unwrap(await ssl.handshakeContinue(socket, trust, patience));
  const met = commonName(ssl.unwrap(await ssl.peercert(socket)));
  await ssl.close(socket);
  return { ext: ('ext' in paused ? paused.ext : undefined) ?? {}, met };
}

describe.each(versions)('names of %s', (version) => {
  describeWithPeer('with OpenSSL', 'openssl', () => {
    it.each(['sniHosts', 'sniFun'] as const)(
      'our %s shows s_client the certificate of its name, and says so',
      async (by) => {
        const our = await ourServer(version, by);
        for (const [name, used] of [
          ['other.example', true],
          ['localhost', false],
        ] as const) {
          const child = start('openssl', [
            ...['s_client', '-connect', `127.0.0.1:${our.port}`, flags[version], '-servername', name],
            ...['-CAfile', material.cafile, '-verify_hostname', name, '-verify_return_error', '-tlsextdebug'],
          ]);
          try {
            await child.until(() => child.stdout().includes('Verify return code: 0 (ok)'));
            expect(child.stdout().includes('TLS server extension "server name"')).toBe(used);
          } finally {
            await child.stop();
          }
        }
        await our.stop();
        report(`interop: server names, ${version}, OpenSSL`, { 'our server': 1 });
      },
    );

    it('our client meets the certificate of its name at s_server, after a pause', async () => {
      const { certfile, keyfile } = material.servers.ec256;
      const { port, child } = await startOnFreePort((at) =>
        start('openssl', [
          ...[
            's_server',
            '-quiet',
            '-accept',
            `127.0.0.1:${at}`,
            flags[version],
            '-cert',
            certfile,
            '-key',
            keyfile,
          ],
          ...[
            '-servername',
            'other.example',
            '-cert2',
            material.other.certfile,
            '-key2',
            material.other.keyfile,
          ],
        ]),
      );
      try {
        expect((await ourClient(version, port, 'other.example')).met).toBe('other.example');
        expect((await ourClient(version, port, 'localhost')).met).toBe('localhost');
        report(`interop: server names, ${version}, OpenSSL`, { 'our client': 1 });
      } finally {
        await child.stop();
      }
    });
  });

  describe('with node:tls', () => {
    const only = { minVersion: nodeVersion(version), maxVersion: nodeVersion(version) };

    it.each(['sniHosts', 'sniFun'] as const)(
      'our %s shows its client the certificate of its name',
      async (by) => {
        const our = await ourServer(version, by);
        for (const servername of ['other.example', 'localhost']) {
          const socket = tls.connect({
            ...only,
            host: '127.0.0.1',
            port: our.port,
            servername,
            ca: readFileSync(material.cafile),
          });
          await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
          expect(socket.getPeerCertificate().subject.CN).toBe(servername);
          socket.destroy();
        }
        await our.stop();
        report(`interop: server names, ${version}, node:tls`, { 'our server': 1 });
      },
    );

    it('our client meets the context of its name at its server, after a pause', async () => {
      const pair = (files: { readonly certfile: string; readonly keyfile: string }) => ({
        cert: readFileSync(files.certfile),
        key: readFileSync(files.keyfile),
      });
      const server = tls.createServer({ ...only, ...pair(material.servers.ec256) });
      server.addContext('other.example', pair(material.other));
      server.on('tlsClientError', () => {});
      server.on('secureConnection', (socket) => socket.on('error', () => {}));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      expect((await ourClient(version, port, 'other.example')).met).toBe('other.example');
      expect((await ourClient(version, port, 'localhost')).met).toBe('localhost');
      server.close();
      report(`interop: server names, ${version}, node:tls`, { 'our client': 1 });
    });
  });

  describeWithPeer('with Erlang', 'escript', () => {
    const script = (...args: readonly string[]) => start('escript', [erlangScript('names'), ...args]);

    it('our client pauses at its server, which pauses too and has a sni_fun', async () => {
      const { certfile, keyfile } = material.servers.ec256;
      const { other } = material;
      const server = script('server', version, certfile, keyfile, other.certfile, other.keyfile);
      try {
        await server.until(() => /PORT \d+\n/.test(server.stdout().toString()));
        const port = Number(/PORT (\d+)\n/.exec(server.stdout().toString())?.[1]);
        const { ext, met } = await ourClient(version, port, 'other.example');
        expect(met).toBe('other.example');
        if (version === 'tlsv1.3') expect(ext.serverHelloSelectedVersion).toBe('tlsv1.3');
        else expect(ext.renegotiationInfo).toEqual(new Uint8Array(0));
        await server.exited;
        expect(server.stdout().toString()).toMatch(/^PORT \d+\nother\.example\nok\n$/);
        report(`interop: pauses, ${version}, Erlang`, { 'our client': 1 });
      } finally {
        await server.stop();
      }
    });

    it.each(['sniHosts', 'sniFun'] as const)(
      'its client pauses at our %s, and meets the certificate of its name',
      async (by) => {
        const our = await ourServer(version, by);
        const client = script('client', version, String(our.port), 'other.example', material.cafile);
        try {
          await client.exited;
          const keys =
            version === 'tlsv1.3'
              ? '[key_share,server_hello_selected_version]'
              : '[ec_point_formats,renegotiation_info,sni]';
          expect(client.stdout().toString()).toBe(`${keys}\nother.example\n`);
          report(`interop: pauses, ${version}, Erlang`, { 'our server': 1 });
        } finally {
          await client.stop();
          await our.stop();
        }
      },
    );

    it('our server hears that its client gives a paused handshake up', async () => {
      const our = await ourServer(version, 'sniHosts');
      const client = script('cancel', version, String(our.port));
      try {
        await client.exited;
        expect(client.stdout().toString()).toBe('ok\n');
        await expect.poll(() => our.outcomes.length).toBe(1);
        expect(our.outcomes[0]).toMatchObject({ tls_alert: ['user_canceled', expect.any(String)] });
      } finally {
        await client.stop();
        await our.stop();
      }
    });
  });
});

function nodeVersion(version: Version): tls.SecureVersion {
  return version === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2';
}
