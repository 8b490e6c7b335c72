/**
 * What only TLS 1.2 has, with stacks that others wrote: the extended master secret with and without, the PRF, the key log, and
 * which version is taken where both sides have two. Renegotiation is in `renegotiation.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { erlang, erlangScript } from './erlang.js';
import { gnutls } from './gnutls.js';
import { createMaterial, type Material } from './material.js';
import { nodeTls } from './node-tls.js';
import { openssl } from './openssl.js';
import { echoClient, echoServer, inProcess, sslNode } from './ours.js';
import type { OfferedVersions } from './peer.js';

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

const only12 = { versions: ['tlsv1.2'] } as const;
const clientOptions = (): ssl.TlsClientOptions => ({
  ...only12,
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
});
const text = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describeWithPeer('the extended master secret with GnuTLS', 'gnutls-cli', () => {
  for (const [ourServer, ourClient, extra] of [
    [
      'our server speaks with the extended master secret',
      'our client speaks with the extended master secret',
      '',
    ],
    ['our server speaks without it', 'our client speaks without it', ':%NO_SESSION_HASH'],
  ] as const) {
    it(ourServer, async () => {
      const our = await echoServer(node, { ...only12, ...material.servers.ec256 });
      const client = start('gnutls-cli', [
        ...['--port', String(our.port), '--x509cafile', material.cafile, '--verify-hostname', 'localhost'],
        ...['--priority', `NORMAL:-VERS-ALL:+VERS-TLS1.2${extra}`, '127.0.0.1'],
      ]);
      try {
        await client.until(() => client.stdout().includes('Simple Client Mode'));
        const options = /Options:.*/.exec(client.stdout().toString())?.[0];
        expect(options?.includes('extended master secret')).toBe(extra === '');
        client.process.stdin.write('a line\n');
        await client.until(() => client.stdout().includes('a line\n'));
        report('interop: extended master secret, GnuTLS', { ok: 1 });
      } finally {
        await client.stop();
        await our.stop();
      }
    });

    it(ourClient, async () => {
      const { certfile, keyfile } = material.servers.ec256;
      const { port, child } = await startOnFreePort((at) =>
        start('gnutls-serv', [
          ...['--echo', '--port', String(at), '--x509certfile', certfile, '--x509keyfile', keyfile],
          ...['--disable-client-cert', '--priority', `NORMAL:-VERS-ALL:+VERS-TLS1.2${extra}`],
        ]),
      );
      try {
        const { received } = await echoClient(node, port, clientOptions(), Buffer.from('a line\n'));
        expect(text(received)).toBe('a line\n');
        // Its words come by a pipe of their own: the echo may be here before them.
        await child.until(() => /Options:.*\n/.test(child.stdout().toString()));
        const options = /Options:.*/.exec(child.stdout().toString())?.[0];
        expect(options?.includes('extended master secret')).toBe(extra === '');
        report('interop: extended master secret, GnuTLS', { ok: 1 });
      } finally {
        await child.stop();
      }
    });
  }
});

describeWithPeer('secrets beside OpenSSL', 'openssl', () => {
  it('our key log line is the one that s_client writes', async () => {
    const our = await echoServer(node, { ...only12, ...material.servers.ec256 }, ['keylog']);
    const file = join(material.folder, 'keys.log');
    const client = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${our.port}`, '-tls1_2', '-keylogfile', file],
    ]);
    try {
      await expect.poll(() => our.information()['keylog'], { timeout: patience }).toBeDefined();
      await client.until(() => client.stdout().includes('Master-Key'));
      expect(readFileSync(file, 'latin1')).toContain(`${our.information()['keylog']}\n`);
      report('interop: key log, OpenSSL', { ok: 1 });
    } finally {
      await client.stop();
      await our.stop();
    }
  });
});

describeWithPeer('ssl:prf beside Erlang', 'escript', () => {
  it('both ends of a connection make the same of the same, and know the same secrets', async () => {
    await inProcess(node, async (self) => {
      const options = { ...only12, ...material.servers.ec256, ip: '127.0.0.1', active: false } as const;
      const listener = ssl.unwrap(await ssl.listen(self, 0, options));
      const { port } = ssl.unwrap(await ssl.sockname(listener));
      const client = start('escript', [erlangScript('tls12'), 'prf', String(port), material.cafile]);
      try {
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
        const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
        const bytes = (word: string): Uint8Array => new TextEncoder().encode(word);
        const calls = [
          ['master_secret', 'EXPORTER-test', ['client_random', 'server_random'], 40],
          ['master_secret', bytes('label'), ['server_random', bytes('more'), 'client_random'], 100],
          [bytes('a secret of ours'), 'label', [bytes('seed')], 32],
          [bytes(''), '', [], 1],
          ['master_secret', 'label', [], 0],
        ] as const;
        const made: string[] = [];
        for (const [secret, label, seed, length] of calls)
          made.push(`prf ${hex(ssl.unwrap(await ssl.prf(socket, secret, label, seed, length)))}`);
        const known = ssl.unwrap(
          await ssl.connectionInformation(socket, ['clientRandom', 'serverRandom', 'masterSecret', 'keylog']),
        );
        const lines = () => client.stdout().toString().split('\n').slice(0, -1);
        await client.until(() => lines().length === made.length + Object.keys(known).length);
        expect(lines().sort()).toEqual(
          [
            ...made,
            `client_random ${hex(known.clientRandom)}`,
            `server_random ${hex(known.serverRandom)}`,
            `master_secret ${hex(known.masterSecret)}`,
            `keylog ${known.keylog?.join('').replace(/[0-9a-f]{64,}/g, (digits) => digits.toUpperCase())}`,
          ].sort(),
        );
        report('interop: ssl:prf, Erlang', { ok: calls.length });
      } finally {
        await client.stop();
        await ssl.close(listener);
      }
    });
  });
});

const offers: readonly OfferedVersions[] = ['both', 'tlsv1.3', 'tlsv1.2'];
const versionsOf: Readonly<Record<OfferedVersions, readonly ('tlsv1.3' | 'tlsv1.2')[]>> = {
  both: ['tlsv1.3', 'tlsv1.2'],
  'tlsv1.3': ['tlsv1.3'],
  'tlsv1.2': ['tlsv1.2'],
};

/** Every pair in which one side at least has a choice. */
const pairs = offers
  .flatMap((our) => offers.map((their) => ({ our, their })))
  .filter(({ our, their }) => our === 'both' || their === 'both');

for (const [peer, program] of [
  [openssl, 'openssl'],
  [gnutls, 'gnutls-cli'],
  [erlang, 'escript'],
  [nodeTls, undefined],
] as const) {
  const body = (): void => {
    for (const { our, their } of pairs) {
      const version = our === 'both' ? (their === 'both' ? 'tlsv1.3' : their) : our;
      it(`our client with ${our} and their server with ${their} take ${version}`, async () => {
        const server = await peer.echoServer({ ...material.servers.ec256, version: their });
        try {
          const options = { ...clientOptions(), versions: versionsOf[our] };
          const { information } = await echoClient(node, server.port, options, Buffer.from('a line\n'));
          expect(information['protocol']).toBe(version);
          report(`interop: versions, ${peer.name}`, { ok: 1 });
        } finally {
          await server.stop();
        }
      });
      it(`our server with ${our} and their client with ${their} take ${version}`, async () => {
        const server = await echoServer(node, { ...material.servers.ec256, versions: versionsOf[our] });
        try {
          const asked = {
            port: server.port,
            version: their,
            cafile: material.cafile,
            servername: 'localhost',
          };
          await peer.echoClient({ ...asked, payload: Buffer.from('a line\n') });
          expect(server.information()['protocol']).toBe(version);
          report(`interop: versions, ${peer.name}`, { ok: 1 });
        } finally {
          await server.stop();
        }
      });
    }
  };
  if (program === undefined) describe(`versions with ${peer.name}`, body);
  else describeWithPeer(`versions with ${peer.name}`, program, body);
}
