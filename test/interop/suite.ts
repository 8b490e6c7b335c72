/**
 * TLS 1.3 and 1.2 with stacks that others wrote, both ways: each suite, group, kind of key, ALPN, SNI, client certificates,
 * HelloRetryRequest and sizes from 1 byte to 10 MB. The table on the last lines says who spoke what with whom.
 */
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engine } from '../protocol/two-cores.js';
import { onEngine } from '../support/engine.js';
import { describeUnless, describeWithPeer, report } from '../support/report.js';
import { gnutls } from './gnutls.js';
import { createMaterial, type KeyName, keyAlgorithmOf, keyNames, type Material } from './material.js';
import { echoClient, echoServer, type OurServer, sslNode } from './ours.js';
import type {
  InteropGroup,
  InteropVersion,
  Peer,
  PeerClientOptions,
  PeerServerOptions,
  SuiteName,
} from './peer.js';

interface Suite {
  readonly name: SuiteName;
  /** A key that it can be authenticated with. */
  readonly key: KeyName;
}

const suites: Readonly<Record<InteropVersion, readonly Suite[]>> = {
  'tlsv1.3': [
    { name: 'TLS_AES_128_GCM_SHA256', key: 'ec256' },
    { name: 'TLS_AES_256_GCM_SHA384', key: 'ec256' },
    { name: 'TLS_CHACHA20_POLY1305_SHA256', key: 'ec256' },
    { name: 'TLS_AES_128_CCM_SHA256', key: 'ec256' },
    { name: 'TLS_AES_128_CCM_8_SHA256', key: 'ec256' },
  ],
  'tlsv1.2': [
    { name: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', key: 'ec256' },
    { name: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', key: 'ec256' },
    { name: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', key: 'ec256' },
    { name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM', key: 'ec256' },
    { name: 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8', key: 'ec256' },
    { name: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', key: 'rsa' },
    { name: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', key: 'rsa' },
    { name: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', key: 'rsa' },
  ],
};
const sizes = [1, 16_384, 16_385, 1_000_000, 10_000_000];
/** gnutls-cli waits for an answer every 4 KB: 10 MB take it a minute, and 2 MB are shown once. */
const slowSizes: Readonly<Record<InteropVersion, readonly number[]>> = {
  'tlsv1.3': [1, 16_384, 16_385, 2_000_000],
  'tlsv1.2': [1, 16_384, 16_385, 500_000],
};
const curves = ['x25519', 'x448', 'secp256r1', 'secp384r1', 'secp521r1'] as const;
const groups: Readonly<Record<InteropVersion, readonly InteropGroup[]>> = {
  'tlsv1.3': [
    ...curves,
    'ffdhe2048',
    'ffdhe3072',
    'ffdhe4096',
    'ffdhe6144',
    'ffdhe8192',
    'brainpoolP256r1tls13',
    'brainpoolP384r1tls13',
    'brainpoolP512r1tls13',
    'x25519mlkem768',
    'secp256r1mlkem768',
    'secp384r1mlkem1024',
  ],
  'tlsv1.2': curves,
};
const isCurve = (group: InteropGroup): group is (typeof curves)[number] =>
  curves.some((curve) => curve === group);

/** What both we, on this engine, and the peer have. */
function common(peer: Peer, version: InteropVersion): readonly InteropGroup[] {
  return groups[version].filter((name) => engine.group(name) !== undefined && !peer.lacks(version, name));
}

function commonSuites(peer: Peer, version: InteropVersion): readonly Suite[] {
  return suites[version].filter(
    ({ name }) =>
      !peer.lacks(version, name) && (!name.includes('_CCM') || engine.aead('aes_128_ccm') !== undefined),
  );
}

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

interface OurClientCase {
  readonly server?: Partial<PeerServerOptions>;
  readonly client?: ssl.TlsClientOptions;
  readonly bytes?: number;
}

/** Our client, their server. Answers what our side knows of the connection. */
async function ourClient(
  peer: Peer,
  version: InteropVersion,
  { server = {}, client = {}, bytes = 1000 }: OurClientCase,
) {
  const their = await peer.echoServer({ ...material.servers.ec256, version, ...server });
  try {
    const options: ssl.TlsClientOptions = {
      cacertfile: material.cafile,
      serverNameIndication: 'localhost',
      versions: [version],
      ...client,
    };
    const result = await echoClient(node, their.port, options, payload(bytes));
    expect(Buffer.compare(result.received, payload(bytes))).toBe(0);
    report(`interop: our client, ${version}, ${peer.name}`, { ok: 1 });
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
  version: InteropVersion,
  { server = {}, client = {}, bytes = 1000 }: OurServerCase,
): Promise<OurServer> {
  const our = await echoServer(node, { ...material.servers.ec256, versions: [version], ...server });
  try {
    const back = await peer.echoClient({
      port: our.port,
      version,
      cafile: material.cafile,
      servername: 'localhost',
      payload: payload(bytes),
      ...client,
    });
    expect(Buffer.compare(back, payload(bytes))).toBe(0);
    report(`interop: our server, ${version}, ${peer.name}`, { ok: 1 });
    return our;
  } finally {
    await our.stop();
  }
}

/** What must be installed for a peer, or why it cannot be had. */
type Program = 'openssl' | 'gnutls-cli' | 'escript' | { readonly why: string } | undefined;

const describePeer = ({ name }: Peer, program: Program, version: InteropVersion, body: () => void) =>
  program === undefined
    ? describe(`${name}, ${version}`, body)
    : typeof program === 'object'
      ? describeUnless(`${name}, ${version}`, program.why, body)
      : describeWithPeer(`${name}, ${version}`, program, body);

const versions: readonly InteropVersion[] = ['tlsv1.3', 'tlsv1.2'];
/** RFC 8446 §6.2, RFC 5246 §7.4.6 */
const missingCertificate: Readonly<Record<InteropVersion, string>> = {
  'tlsv1.3': 'certificate_required',
  'tlsv1.2': 'handshake_failure',
};

function groupOption(version: InteropVersion, group: InteropGroup): ssl.TlsClientOptions {
  return version === 'tlsv1.3' ? { supportedGroups: [group] } : { eccs: [group].filter(isCurve) };
}

/** In TLS 1.2 the list of curves is of certificates too (RFC 8422 §5.1): one with RSA leaves the curve to the agreement. */
const keyForGroups: Readonly<Record<InteropVersion, KeyName>> = { 'tlsv1.3': 'ec256', 'tlsv1.2': 'rsa' };

/** All of it with one peer, in both versions. */
export function interopWith(peer: Peer, program: Program): void {
  beforeAll(async () => {
    node = await sslNode();
    material = createMaterial();
  });
  afterAll(async () => {
    await ssl.stop(node);
    material.remove();
  });
  for (const version of versions) describePeer(peer, program, version, () => exchanges(peer, version));
}

function exchanges(peer: Peer, version: InteropVersion): void {
  for (const { name: suite, key } of onEngine(commonSuites(peer, version), ({ key }) =>
    keyAlgorithmOf(key),
  )) {
    it(`our client speaks ${suite}`, async () => {
      const { information } = await ourClient(peer, version, {
        server: { ...material.servers[key], suite },
        client: { ciphers: [suite] },
      });
      expect(information['selectedCipherSuite']).toEqual(ssl.strToSuite(suite));
      expect(information['protocol']).toBe(version);
    });
    it(`our server speaks ${suite}`, async () => {
      const our = await ourServer(peer, version, {
        server: { ...material.servers[key], ciphers: [suite] },
        client: { suite },
      });
      expect(our.information()['selectedCipherSuite']).toEqual(ssl.strToSuite(suite));
    });
  }
  const ownGroups = common(peer, version);
  for (const group of onEngine(ownGroups, () => keyAlgorithmOf(keyForGroups[version]))) {
    it(`our client agrees on keys by ${group}`, async () => {
      const { information } = await ourClient(peer, version, {
        server: { ...material.servers[keyForGroups[version]], groups: [group] },
        client: groupOption(version, group),
      });
      if (version === 'tlsv1.2') expect(information['ecc']).toEqual({ named_curve: group });
    });
    it(`our server agrees on keys by ${group}`, async () => {
      const our = await ourServer(peer, version, {
        client: { groups: [group] },
        server: { ...material.servers[keyForGroups[version]], ...groupOption(version, group) },
      });
      if (version === 'tlsv1.2') expect(our.information()['ecc']).toEqual({ named_curve: group });
    });
  }
  if (version === 'tlsv1.3') {
    it('our client follows a HelloRetryRequest', async () => {
      await ourClient(peer, version, {
        server: { groups: ['secp384r1'] },
        client: { supportedGroups: ['x25519', 'secp384r1'] },
      });
    });
    it('our server asks for another share by HelloRetryRequest', async () => {
      await ourServer(peer, version, {
        client: { groups: ['x25519', 'secp384r1'] },
        server: { supportedGroups: ['secp384r1'] },
      });
    });
  }
  const ownKeys = keyNames.filter((name) => !peer.lacks(version, name));
  for (const key of onEngine(ownKeys, keyAlgorithmOf)) {
    if (peer.cannotSignWith?.(key) !== true)
      it(`our client judges a server that signs with ${key}`, async () => {
        await ourClient(peer, version, { server: material.servers[key] });
      });
    it(`our server signs with ${key}`, async () => {
      await ourServer(peer, version, { server: material.servers[key] });
    });
  }
  it('our client and the server agree on a protocol by ALPN', async () => {
    const { alpn } = await ourClient(peer, version, {
      server: { alpn: ['h2', 'http/1.1'] },
      client: { alpnAdvertisedProtocols: ['http/1.1'] },
    });
    expect(alpn).toBe('http/1.1');
  });
  it('our server and the client agree on a protocol by ALPN', async () => {
    await ourServer(peer, version, {
      server: { alpnPreferredProtocols: ['h2', 'http/1.1'] },
      client: { alpn: ['http/1.1'] },
    });
  });
  it('our server learns the name that the client asked for', async () => {
    const our = await ourServer(peer, version, {});
    expect(our.information()['sniHostname']).toBe('localhost');
  });
  it('our client shows its certificate to a server that insists', async () => {
    await ourClient(peer, version, {
      server: { requireClientCa: material.cafile },
      client: material.client,
    });
  });
  it('our server insists on a client certificate and gets it', async () => {
    const our = await ourServer(peer, version, {
      server: { verify: 'verify_peer', cacertfile: material.cafile, failIfNoPeerCert: true },
      client: { identity: material.client },
    });
    expect(our.outcomes).toEqual(['ok']);
  });
  it('our server refuses a client without the certificate that it insists on', async () => {
    const our = await echoServer(node, {
      ...material.servers.ec256,
      versions: [version],
      verify: 'verify_peer',
      cacertfile: material.cafile,
      failIfNoPeerCert: true,
    });
    try {
      await expect(
        peer.echoClient({
          port: our.port,
          version,
          cafile: material.cafile,
          servername: 'localhost',
          payload: payload(1),
        }),
      ).rejects.toThrow();
      expect(our.outcomes[0]).toHaveProperty('tls_alert', [missingCertificate[version], expect.any(String)]);
    } finally {
      await our.stop();
    }
  });
  it('our client refuses a server of another name', async () => {
    const their = await peer.echoServer({ ...material.other, version });
    try {
      const options: ssl.TlsClientOptions = {
        cacertfile: material.cafile,
        serverNameIndication: 'localhost',
        versions: [version],
      };
      const outcome = echoClient(node, their.port, options, payload(1));
      await expect(outcome).rejects.toMatchObject({
        reason: { tls_alert: ['handshake_failure', expect.anything()] },
      });
    } finally {
      await their.stop();
    }
  });
  for (const bytes of sizes) {
    it(`${bytes} bytes there and back from our client`, async () => {
      await ourClient(peer, version, { bytes });
    }, 90_000);
  }
  for (const bytes of peer === gnutls ? slowSizes[version] : sizes) {
    it(`${bytes} bytes there and back from their client`, async () => {
      await ourServer(peer, version, { bytes });
    }, 90_000);
  }
}
