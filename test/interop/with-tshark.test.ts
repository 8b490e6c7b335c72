/**
 * Key logs as others read them: tshark decrypts what has passed, key updates included. No late authentication: tshark takes
 * its Finished for the handshake's and begins anew with the first keys.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { capturing } from './capture.js';

const isThere = spawnSync('tshark', ['--version']).status === 0;
const ca = createCa();
const leaf = ca.issue();
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };

let node: Node;
let self: Self<ssl.SslMessage>;
let folder: string;

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
  folder = mkdtempSync(join(tmpdir(), 'actor-tls-'));
});
afterAll(async () => {
  await ssl.stop(node);
  rmSync(folder, { recursive: true });
});

const suites = [
  ['tlsv1.3', 'TLS_AES_128_GCM_SHA256'],
  ['tlsv1.3', 'TLS_AES_256_GCM_SHA384'],
  ['tlsv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['tlsv1.2', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
] as const;

// Debian's package is `tshark`; without it these are skipped.
describe.runIf(isThere)('tshark', () => {
  it.each(['client', 'server'] as const)(
    'reads all of TLS 1.3 by the key log of the %s',
    async (side) => {
      for (const [version, suite] of suites.slice(0, 3)) expectAll(await talk(version, suite, side));
    },
    patience * 2,
  );

  it.each(['client', 'server'] as const)(
    'reads all of TLS 1.2 by the key log of the %s',
    async (side) => {
      for (const [version, suite] of suites.slice(3)) expectAll(await talk(version, suite, side));
    },
    patience * 2,
  );

  it('reads nothing without it', async () => {
    const { capture } = await talk('tlsv1.3', suites[0][1], 'client');
    expect(followed(capture, [])).not.toContain(Buffer.from('before').toString('hex'));
  });
});

interface Talk {
  readonly capture: Buffer;
  readonly lines: readonly string[];
}

/** Three words each way, in TLS 1.3 with key updates between them. */
async function talk(version: 'tlsv1.3' | 'tlsv1.2', suite: string, side: 'client' | 'server'): Promise<Talk> {
  const lines: string[] = [];
  const logged = { keepSecrets: { keylog: ({ items }: ssl.KeyLogInfo) => lines.push(...items) } };
  const common = {
    ...identity,
    cacerts: [ca.cert],
    versions: [version],
    ciphers: [suite],
    active: false as const,
  };
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, {
      ...common,
      ...(side === 'server' ? logged : {}),
      ip: 'loopback',
      verify: 'verify_peer',
    }),
  );
  const proxy = await capturing(ssl.unwrap(await ssl.sockname(listener)).port);
  try {
    const dialling = ssl.connect(
      self,
      'localhost',
      proxy.port,
      { ...common, ...(side === 'client' ? logged : {}) },
      patience,
    );
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
    const served = ssl.handshake(self, accepted, patience);
    const client = ssl.unwrap(await dialling);
    const server = ssl.unwrap(await served);
    for (const word of ['before', 'between', 'after']) {
      await say(client, server, `${word} client`);
      await say(server, client, `${word} server`);
      if (version === 'tlsv1.2') continue;
      ssl.unwrap(await ssl.updateKeys(client, 'read_write'));
      ssl.unwrap(await ssl.updateKeys(server, 'write'));
    }
    await ssl.close(client);
    await ssl.close(server);
    return { capture: proxy.capture.bytes(), lines };
  } finally {
    proxy.stop();
    await ssl.close(listener);
  }
}

async function say(from: ssl.SslSocket, to: ssl.SslSocket, word: string): Promise<void> {
  ssl.unwrap(await ssl.send(from, word));
  ssl.unwrap(await ssl.recv(to, word.length, patience));
}

function expectAll({ capture, lines }: Talk): void {
  const seen = followed(capture, lines);
  for (const word of ['before', 'between', 'after'])
    for (const side of ['client', 'server'])
      expect(seen).toContain(Buffer.from(`${word} ${side}`).toString('hex'));
}

/** The application data that tshark finds, in hex. */
function followed(capture: Buffer, lines: readonly string[]): string {
  const [pcap, keys] = [join(folder, 'talk.pcap'), join(folder, 'keys')];
  writeFileSync(pcap, capture);
  writeFileSync(keys, `${lines.join('\n')}\n`);
  const args = ['-r', pcap, '-o', `tls.keylog_file:${keys}`, '-q', '-z', 'follow,tls,raw,0'];
  return execFileSync('tshark', args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] });
}
