/**
 * TLS 1.3 with stacks that others wrote, both ways: each suite, group, kind of key, ALPN, SNI, client certificates,
 * HelloRetryRequest and sizes from 1 byte to 10 MB. The table on the last lines says who spoke what with whom.
 */
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onEngine } from '../support/engine.js';
import { describeWithPeer, report } from '../support/report.js';
import { erlang } from './erlang.js';
import { gnutls } from './gnutls.js';
import { createMaterial, keyAlgorithmOf, keyNames, type Material } from './material.js';
import { nodeTls } from './node-tls.js';
import { openssl } from './openssl.js';
import { echoClient, echoServer, type OurServer, sslNode } from './ours.js';
import type { InteropGroup, Peer, PeerClientOptions, PeerServerOptions, SuiteName } from './peer.js';

const suites: readonly SuiteName[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
const groups: readonly InteropGroup[] = ['x25519', 'secp256r1', 'secp384r1'];

/** Lines of text, because GnuTLS's echo server answers line by line. */
function payload(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = 33 + ((at * 7 + (at >> 11)) % 90);
  for (let at = 2000; at < length; at += 2001) bytes[at] = 10;
  bytes[length - 1] = 10;
  return bytes;
}

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

interface OurClientCase {
  readonly server?: Partial<PeerServerOptions>;
  readonly client?: ssl.TlsClientOptions;
  readonly bytes?: number;
}

/** Our client, their server. Answers what our side knows of the connection. */
async function ourClient(peer: Peer, { server = {}, client = {}, bytes = 1000 }: OurClientCase) {
  const their = await peer.echoServer({ ...material.servers.ec256, ...server });
  try {
    const options: ssl.TlsClientOptions = {
      cacertfile: material.cafile,
      serverNameIndication: 'localhost',
      ...client,
    };
    const result = await echoClient(node, their.port, options, payload(bytes));
    expect(Buffer.compare(result.received, payload(bytes))).toBe(0);
    report(`interop: our client, ${peer.name}`, { ok: 1 });
    return result;
  } finally {
    await their.stop();
  }
}

interface OurServerCase {
  readonly server?: ssl.TlsServerOptions;
  readonly client?: Partial<PeerClientOptions>;
  readonly bytes?: number;
}

/** Our server, their client. */
async function ourServer(
  peer: Peer,
  { server = {}, client = {}, bytes = 1000 }: OurServerCase,
): Promise<OurServer> {
  const our = await echoServer(node, { ...material.servers.ec256, ...server });
  try {
    const back = await peer.echoClient({
      port: our.port,
      cafile: material.cafile,
      servername: 'localhost',
      payload: payload(bytes),
      ...client,
    });
    expect(Buffer.compare(back, payload(bytes))).toBe(0);
    report(`interop: our server, ${peer.name}`, { ok: 1 });
    return our;
  } finally {
    await our.stop();
  }
}

const describePeer = (
  peer: Peer,
  program: 'openssl' | 'gnutls-cli' | 'escript' | undefined,
  body: () => void,
) => (program === undefined ? describe(peer.name, body) : describeWithPeer(peer.name, program, body));

for (const [peer, program] of [
  [openssl, 'openssl'],
  [gnutls, 'gnutls-cli'],
  [erlang, 'escript'],
  [nodeTls, undefined],
] as const) {
  describePeer(peer, program, () => {
    for (const suite of suites) {
      it(`our client speaks ${suite}`, async () => {
        const { information } = await ourClient(peer, { server: { suite } });
        expect(information['selectedCipherSuite']).toEqual(ssl.strToSuite(suite));
      });
      it(`our server speaks ${suite}`, async () => {
        await ourServer(peer, { client: { suite } });
      });
    }
    for (const group of groups) {
      it(`our client agrees on keys by ${group}`, async () => {
        await ourClient(peer, { server: { groups: [group] }, client: { supportedGroups: [group] } });
      });
      it(`our server agrees on keys by ${group}`, async () => {
        await ourServer(peer, { client: { groups: [group] }, server: { supportedGroups: [group] } });
      });
    }
    it('our client follows a HelloRetryRequest', async () => {
      await ourClient(peer, {
        server: { groups: ['secp384r1'] },
        client: { supportedGroups: ['x25519', 'secp384r1'] },
      });
    });
    it('our server asks for another share by HelloRetryRequest', async () => {
      await ourServer(peer, {
        client: { groups: ['x25519', 'secp384r1'] },
        server: { supportedGroups: ['secp384r1'] },
      });
    });
    for (const key of onEngine(keyNames, keyAlgorithmOf)) {
      it(`our client judges a server that signs with ${key}`, async () => {
        await ourClient(peer, { server: material.servers[key] });
      });
      it(`our server signs with ${key}`, async () => {
        await ourServer(peer, { server: material.servers[key] });
      });
    }
    it('our client and the server agree on a protocol by ALPN', async () => {
      const { alpn } = await ourClient(peer, {
        server: { alpn: ['h2', 'http/1.1'] },
        client: { alpnAdvertisedProtocols: ['http/1.1'] },
      });
      expect(alpn).toBe('http/1.1');
    });
    it('our server and the client agree on a protocol by ALPN', async () => {
      await ourServer(peer, {
        server: { alpnPreferredProtocols: ['h2', 'http/1.1'] },
        client: { alpn: ['http/1.1'] },
      });
    });
    it('our server learns the name that the client asked for', async () => {
      const our = await ourServer(peer, {});
      expect(our.information()['sniHostname']).toBe('localhost');
    });
    it('our client shows its certificate to a server that insists', async () => {
      await ourClient(peer, { server: { requireClientCa: material.cafile }, client: material.client });
    });
    it('our server insists on a client certificate and gets it', async () => {
      const our = await ourServer(peer, {
        server: { verify: 'verify_peer', cacertfile: material.cafile, failIfNoPeerCert: true },
        client: { identity: material.client },
      });
      expect(our.outcomes).toEqual(['ok']);
    });
    it('our server refuses a client without the certificate that it insists on', async () => {
      const our = await echoServer(node, {
        ...material.servers.ec256,
        verify: 'verify_peer',
        cacertfile: material.cafile,
        failIfNoPeerCert: true,
      });
      try {
        await expect(
          peer.echoClient({
            port: our.port,
            cafile: material.cafile,
            servername: 'localhost',
            payload: payload(1),
          }),
        ).rejects.toThrow();
        expect(our.outcomes[0]).toHaveProperty('tls_alert', ['certificate_required', expect.any(String)]);
      } finally {
        await our.stop();
      }
    });
    it('our client refuses a server of another name', async () => {
      const their = await peer.echoServer(material.other);
      try {
        const options = { cacertfile: material.cafile, serverNameIndication: 'localhost' };
        const outcome = echoClient(node, their.port, options, payload(1));
        await expect(outcome).rejects.toMatchObject({
          reason: { tls_alert: ['handshake_failure', expect.anything()] },
        });
      } finally {
        await their.stop();
      }
    });
    for (const bytes of [1, 16_384, 16_385, 1_000_000, 10_000_000]) {
      it(`${bytes} bytes there and back from our client`, async () => {
        await ourClient(peer, { bytes });
      }, 90_000);
      // gnutls-cli waits for an answer every 4 KB: 10 MB take it a minute.
      const theirs = peer === gnutls ? Math.min(bytes, 2_000_000) : bytes;
      it(`${theirs} bytes there and back from their client`, async () => {
        await ourServer(peer, { bytes: theirs });
      }, 90_000);
    }
  });
}
