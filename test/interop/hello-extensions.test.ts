/**
 * What hellos agree on besides, with stacks that others wrote: lengths of records (OpenSSL, OTP, GnuTLS), compressed
 * certificates (Chromium, and OpenSSL from 3.2 on where it is built so; GnuTLS of Debian 12, node:tls and Go have none),
 * cookies (OTP; of OpenSSL the client), CAs by their names, and schemes for certificates.
 */
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { nodeCompressors } from '@actor-tls/ssl/core';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPeer, report } from '../support/report.js';
import { erlang } from './erlang.js';
import { gnutls } from './gnutls.js';
import { createMaterial, type Material } from './material.js';
import { openssl } from './openssl.js';
import { echoClient, echoServer } from './ours.js';
import type { InteropVersion, Peer, PeerCredentials } from './peer.js';
import { longestData, type Tapped, tap } from './wire.js';

const run = promisify(execFile);

let node: Node;
let material: Material;
/** What the log has told of messages: `>>> certificate`. */
let said: string[] = [];
beforeAll(async () => {
  const told = (fields: Readonly<Record<string, unknown>>): void => {
    if (fields['message'] !== undefined) said.push(`${fields['direction']} ${fields['message']}`);
  };
  node = createNode({ logger: { ...silentLogger, debug: told } });
  ssl.unwrap(await ssl.start({ node }));
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const versions: readonly InteropVersion[] = ['tlsv1.3', 'tlsv1.2'];
/** Of AES-GCM: inner type and tag, or explicit nonce and tag. */
const overheads: Readonly<Record<InteropVersion, number>> = { 'tlsv1.3': 17, 'tlsv1.2': 24 };
const suites = {
  'tlsv1.3': 'TLS_AES_128_GCM_SHA256',
  'tlsv1.2': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
} as const;

/** 20,000 bytes in lines, which GnuTLS's echo server answers one by one. */
const payload = Buffer.from(`${'.'.repeat(1999)}\n`.repeat(10));

interface Scene {
  readonly server?: ssl.TlsServerOptions;
  readonly client?: ssl.TlsClientOptions;
  /** Of the peer. */
  readonly extra?: readonly string[];
  readonly credentials?: PeerCredentials;
  readonly identity?: PeerCredentials;
  readonly requireClientCa?: string;
  readonly cafile?: string;
  readonly payload?: Uint8Array;
}

interface Seen {
  readonly information: Readonly<Record<string, unknown>>;
  readonly records: Tapped['records'];
  readonly messages: readonly string[];
}

async function ourClient(peer: Peer, version: InteropVersion, scene: Scene): Promise<Seen> {
  const { client = {}, extra, credentials = material.servers.ec256, requireClientCa } = scene;
  const their = await peer.echoServer({
    ...credentials,
    version,
    ...(extra && { extra }),
    ...(requireClientCa === undefined ? {} : { requireClientCa }),
  });
  const line = await tap(their.port);
  said = [];
  try {
    const sent = scene.payload ?? payload;
    const { received, information } = await echoClient(
      node,
      line.port,
      {
        cacertfile: material.cafile,
        serverNameIndication: 'localhost',
        versions: [version],
        ciphers: suites[version],
        logLevel: 'debug',
        ...client,
      },
      sent,
    );
    expect(Buffer.compare(received, sent)).toBe(0);
    return { information, records: line.records, messages: said };
  } finally {
    await line.stop();
    await their.stop();
  }
}

async function ourServer(peer: Peer, version: InteropVersion, scene: Scene): Promise<Seen> {
  const { server = {}, extra, identity, cafile = material.cafile } = scene;
  const our = await echoServer(
    node,
    {
      ...material.servers.ec256,
      versions: [version],
      ciphers: suites[version],
      logLevel: 'debug',
      ...server,
    },
    undefined,
  );
  const line = await tap(our.port);
  said = [];
  try {
    const sent = scene.payload ?? payload;
    const back = await peer.echoClient({
      port: line.port,
      version,
      cafile,
      servername: 'localhost',
      payload: sent,
      ...(extra && { extra }),
      ...(identity && { identity }),
    });
    expect(Buffer.compare(back, sent)).toBe(0);
    return { information: our.information(), records: line.records, messages: said };
  } finally {
    await line.stop();
    await our.stop();
  }
}

/** One more in the table on the last lines. */
function tell(what: string, side: 'client' | 'server', version: InteropVersion, peer: Peer): void {
  report(`interop: ${what}, our ${side}, ${version}, ${peer.name}`, { ok: 1 });
}

const programs = { OpenSSL: 'openssl', 'Erlang OTP': 'escript', GnuTLS: 'gnutls-cli' } as const;
const eachVersion = (
  peer: Peer,
  name: keyof typeof programs,
  body: (version: InteropVersion) => void,
): void =>
  describeWithPeer(`with ${peer.name}`, programs[name], () => {
    describe.each(versions)('%s', body);
  });

describe('max_fragment_length', () => {
  const asked = {
    OpenSSL: (length: number) => ['-maxfraglen', String(length)],
    'Erlang OTP': (length: number) => [`[{max_fragment_length, ${length}}]`],
  };
  for (const [peer, name] of [
    [openssl, 'OpenSSL'],
    [erlang, 'Erlang OTP'],
  ] as const)
    eachVersion(peer, name, (version) => {
      it.each([512, 4096] as const)('of %i, which our client asks for', async (length) => {
        const { information, records } = await ourClient(peer, version, {
          client: { maxFragmentLength: length },
        });
        expect(information['maxFragmentLength']).toBe(length);
        expect(longestData(records.toServer)).toBe(length + overheads[version]);
        expect(longestData(records.toClient)).toBeLessThanOrEqual(length + overheads[version]);
        tell('max_fragment_length', 'client', version, peer);
      });
      it.each([512, 4096] as const)('of %i, which our server grants', async (length) => {
        const { information, records } = await ourServer(peer, version, { extra: asked[name](length) });
        expect(information['maxFragmentLength']).toBe(length);
        expect(longestData(records.toClient)).toBe(length + overheads[version]);
        expect(longestData(records.toServer)).toBeLessThanOrEqual(length + overheads[version]);
        tell('max_fragment_length', 'server', version, peer);
      });
    });
});

describe('record_size_limit', () => {
  eachVersion(gnutls, 'GnuTLS', (version) => {
    const typeLength = version === 'tlsv1.3' ? 1 : 0;
    const most = (limit: number): number => limit - typeLength + overheads[version];
    it('our client keeps to theirs, and their server to ours', async () => {
      const { records } = await ourClient(gnutls, version, {
        client: { recordSizeLimit: 300 },
        extra: ['--recordsize', '600'],
      });
      // GnuTLS counts the content alone in its own limit.
      expect(longestData(records.toServer)).toBe(600 + overheads[version]);
      expect(longestData(records.toClient)).toBe(most(300));
      tell('record_size_limit', 'client', version, gnutls);
    });
    it('our server keeps to theirs, and their client to ours', async () => {
      const { records } = await ourServer(gnutls, version, {
        server: { recordSizeLimit: 300 },
        extra: ['--recordsize', '600'],
        // What does not fit into one record gnutls-cli forgets.
        payload: Buffer.from(`${'.'.repeat(299 - typeLength)}\n`),
      });
      expect(longestData(records.toClient)).toBeLessThanOrEqual(600 + overheads[version]);
      expect(longestData(records.toServer)).toBe(most(300));
      tell('record_size_limit', 'server', version, gnutls);
    });
  });
});

/** Debian's 3.0 has none; from 3.2 on it is there where OpenSSL is built with zlib, brotli or zstd. */
const compressing = spawnSync('openssl', ['s_server', '-help']).stderr?.includes('-cert_comp') === true;

describe.skipIf(!compressing)('certificate compression with OpenSSL 3.2 and later', () => {
  const version = 'tlsv1.3';
  // Of what both have: Debian's OpenSSL is built with zlib and zstd, Node has zstd from 22.15 on.
  const algorithms = (['zlib', 'zstd'] as const).filter((name) => nodeCompressors[name] !== undefined);
  it.each(algorithms)('%s, both ways', async (name) => {
    const certificateCompression = [name];
    const read = await ourClient(openssl, version, {
      extra: ['-cert_comp'],
      client: { certificateCompression },
    });
    expect(read.messages).toContain('in compressed_certificate');
    tell(`certificate by ${name}`, 'client', version, openssl);
    const sent = await ourServer(openssl, version, { server: { certificateCompression } });
    expect(sent.messages).toContain('out compressed_certificate');
    tell(`certificate by ${name}`, 'server', version, openssl);
  });
  it('client certificates too, both ways', async () => {
    const certificateCompression = ['zlib'] as const;
    const asking = await ourServer(openssl, version, {
      server: {
        verify: 'verify_peer',
        failIfNoPeerCert: true,
        cacertfile: material.cafile,
        certificateCompression,
      },
      identity: material.client,
    });
    tell('client certificate by zlib', 'server', version, openssl);
    expect(asking.messages).toContain('out certificate_request');
    const asked = await ourClient(openssl, version, {
      client: { ...material.client, certificateCompression },
      requireClientCa: material.cafile,
    });
    expect(asked.messages).toContain('out compressed_certificate');
    tell('client certificate by zlib', 'client', version, openssl);
  });
});

describeWithPeer('a browser', 'chromium', () => {
  it('that sends GREASE everywhere reads our certificate, compressed by brotli as it is by default', async () => {
    said = [];
    const page = await pageServer();
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--ignore-certificate-errors'];
    const profile = `--user-data-dir=${join(material.folder, 'profile')}`;
    try {
      const { stdout } = await run(
        'chromium',
        [...flags, profile, '--dump-dom', `https://127.0.0.1:${page.port}/`],
        { timeout: 60_000 },
      );
      expect(stdout).toContain('a page of ours');
      expect(said).toContain('out compressed_certificate');
      report('interop: certificate by brotli, our server, tlsv1.3, Chromium', { ok: 1 });
    } finally {
      await page.stop();
    }
  }, 70_000);
});

/** Answers every request with a page. */
async function pageServer(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const shell = node.shell();
  const body = '<!doctype html><title>x</title><p>a page of ours</p>';
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  const options = { ...material.servers.ec256, ip: '127.0.0.1', active: false, logLevel: 'debug' } as const;
  const listener = ssl.unwrap(await ssl.listen(shell, 0, options));
  const acceptor = node.spawn(async (self: Self<ssl.SslMessage>) => {
    for (;;) {
      const accepted = await ssl.transportAccept(self, listener);
      if ('error' in accepted) return;
      const shaken = await ssl.handshake(self, accepted.ok, 20_000);
      if ('error' in shaken) continue;
      if ('ok' in (await ssl.recv(shaken.ok, 0, 20_000))) await ssl.send(shaken.ok, answer);
      await ssl.close(shaken.ok);
    }
  });
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return {
    port,
    async stop() {
      node.exit(acceptor, 'kill');
      await ssl.close(listener);
    },
  };
}

describe('cookies', () => {
  describeWithPeer('with OpenSSL', 'openssl', () => {
    it.each([true, false])('their client gives back ours, if there is one: %s', async (cookie) => {
      const { messages } = await ourServer(openssl, 'tlsv1.3', {
        server: { cookie, supportedGroups: ['secp384r1'] },
        extra: ['-groups', 'X25519:P-384'],
      });
      expect(messages.filter((line) => line === 'in client_hello')).toHaveLength(2);
      tell('cookie', 'server', 'tlsv1.3', openssl);
    });
  });
  describeWithPeer('with Erlang OTP', 'escript', () => {
    it('our client gives back theirs', async () => {
      const { messages } = await ourClient(erlang, 'tlsv1.3', {
        extra: ['[{cookie, true}, {supported_groups, [secp384r1]}]'],
        client: { supportedGroups: ['x25519', 'secp384r1'] },
      });
      expect(messages.filter((line) => line === 'in server_hello')).toHaveLength(2);
      tell('cookie', 'client', 'tlsv1.3', erlang);
    });
    it('their client gives back ours', async () => {
      await ourServer(erlang, 'tlsv1.3', {
        server: { supportedGroups: ['secp384r1'] },
        extra: ['[{supported_groups, [x25519, secp384r1]}]'],
      });
      tell('cookie', 'server', 'tlsv1.3', erlang);
    });
  });
});

describe('which of several certificates is shown', () => {
  const other = createCa({ subject: 'Another CA' });
  const leaf = other.issue({ subject: 'localhost', names: ['localhost'] });
  const file = (name: string, text: string): string => {
    const path = join(material.folder, name);
    writeFileSync(path, text);
    return path;
  };
  const otherCa = (): string => file('other-ca.crt', other.certPem);
  const anotherPair = (): PeerCredentials => ({
    certfile: file('another.crt', leaf.certPem),
    keyfile: file('another.key', leaf.keyPem),
  });

  describeWithPeer('with OpenSSL', 'openssl', () => {
    it('our server goes by the CAs that their client names', async () => {
      // It trusts the one alone: any other certificate would fail.
      await ourServer(openssl, 'tlsv1.3', {
        server: { certsKeys: [material.servers.ec256, anotherPair()] },
        cafile: otherCa(),
        extra: ['-requestCAfile', otherCa()],
      });
      tell('certificate_authorities', 'server', 'tlsv1.3', openssl);
    });
    it.each(versions)('our client goes by the CAs that their server names, %s', async (version) => {
      await ourClient(openssl, version, {
        requireClientCa: otherCa(),
        client: { certsKeys: [material.client, anotherPair()] },
      });
      tell('certificate_authorities in a request', 'client', version, openssl);
    });
    it('our client names its own, and their server takes no offence', async () => {
      await ourClient(openssl, 'tlsv1.3', { client: { certificateAuthorities: true } });
      tell('certificate_authorities', 'client', 'tlsv1.3', openssl);
    });
  });

  describeWithPeer('with Erlang OTP', 'escript', () => {
    const pairs = (): string => {
      const { certfile, keyfile } = anotherPair();
      const first = material.servers.ec256;
      // OTP 25's server crashes on names of a client's that it does not trust itself.
      return `[{cacertfile, "${otherCa()}"}, {certs_keys, [#{certfile => "${first.certfile}", keyfile => "${first.keyfile}"}, #{certfile => "${certfile}", keyfile => "${keyfile}"}]}]`;
    };
    it('their server goes by the CAs that our client names', async () => {
      await ourClient(erlang, 'tlsv1.3', {
        extra: [pairs()],
        client: { cacertfile: otherCa(), certificateAuthorities: true },
      });
      tell('certificate_authorities', 'client', 'tlsv1.3', erlang);
    });
    it('our server goes by the CAs that their client names', async () => {
      await ourServer(erlang, 'tlsv1.3', {
        server: { certsKeys: [material.servers.ec256, anotherPair()] },
        cafile: otherCa(),
        extra: ['[{certificate_authorities, true}]'],
      });
      tell('certificate_authorities', 'server', 'tlsv1.3', erlang);
    });
    it('a server that names no CAs is shown the first certificate that fits', async () => {
      const { messages } = await ourServer(erlang, 'tlsv1.3', {
        server: {
          verify: 'verify_peer',
          failIfNoPeerCert: true,
          cacertfile: material.cafile,
          certificateAuthorities: false,
        },
        identity: material.client,
      });
      expect(messages).toContain('out certificate_request');
      tell('no certificate_authorities in a request', 'server', 'tlsv1.3', erlang);
    });
    it('our server goes by the schemes that their client has for certificates', async () => {
      const { ca, pair } = rsaSigned();
      await ourServer(erlang, 'tlsv1.3', {
        server: { certsKeys: [material.servers.ec256, pair] },
        cafile: ca,
        extra: ['[{signature_algs_cert, [eddsa_ed25519]}]'],
      });
      tell('signature_algs_cert', 'server', 'tlsv1.3', erlang);
    });
    it('their server hears those of our client', async () => {
      await ourClient(erlang, 'tlsv1.3', {
        client: { signatureAlgsCert: ['ecdsa_secp256r1_sha256', 'eddsa_ed25519'] },
      });
      tell('signature_algs_cert', 'client', 'tlsv1.3', erlang);
    });
  });

  /** A certificate whose CA signs with Ed25519. */
  function rsaSigned(): { readonly ca: string; readonly pair: PeerCredentials } {
    const signer = createCa({ subject: 'Ed25519 CA', key: 'ed25519' });
    const issued = signer.issue({ subject: 'localhost', names: ['localhost'] });
    return {
      ca: file('ed25519-ca.crt', signer.certPem),
      pair: { certfile: file('ed.crt', issued.certPem), keyfile: file('ed.key', issued.keyPem) },
    };
  }
});

describeWithPeer('honor_cipher_order with OpenSSL', 'openssl', () => {
  const ours = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'] as const;
  const theirs = ['-ciphersuites', 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256'];
  it.each([
    [true, ours[0]],
    [false, ours[1]],
  ])('of %s', async (honorCipherOrder, chosen) => {
    const { information } = await ourServer(openssl, 'tlsv1.3', {
      server: { honorCipherOrder, ciphers: ours },
      extra: theirs,
    });
    expect(information['selectedCipherSuite']).toEqual(ssl.strToSuite(chosen));
    tell('honor_cipher_order', 'server', 'tlsv1.3', openssl);
  });
  it.each([
    [true, 'secp384r1'],
    [false, 'secp256r1'],
  ])('honor_ecc_order of %s', async (honorEccOrder, chosen) => {
    const { information } = await ourServer(openssl, 'tlsv1.2', {
      server: { honorEccOrder, eccs: ['secp384r1', 'secp256r1'] },
      extra: ['-groups', 'P-256:P-384'],
    });
    expect(information['ecc']).toEqual({ named_curve: chosen });
    tell('honor_ecc_order', 'server', 'tlsv1.2', openssl);
  });
});
