/** The CRL caches with real lists: what they know of them is read by ssl, their files are named by OpenSSL. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CrlCacheDb,
  crlCacheApi,
  crlCacheInfo,
  crlsOf,
  type DistributionPoint,
  hashDirectory,
  insertCrls,
  startCrlCache,
} from '@actor-tls/crl-cache';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crlReader } from '../../packages/ssl/src/processes/material/crl-reader.js';
import { hashDirectoryReader } from '../../packages/ssl/src/processes/material/crl-source.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { describeWithPeer } from '../support/report.js';

const ca = createCa({
  subject: [
    ['C', 'SE'],
    ['O', 'Müller  & Söner'],
    ['CN', 'Root CA'],
  ],
});
const revoked = ca.issue();
const list = ca.crl({ revoked: [{ serial: revoked.serial, reason: 1 }] });
const pem = (der: Uint8Array): string =>
  `-----BEGIN X509 CRL-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;
const point = (...uris: string[]): DistributionPoint => ({ uris, crlIssuers: [], der: new Uint8Array() });

let node: Node;
let self: Self;
let directory: string;

beforeEach(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  directory = mkdtempSync(join(tmpdir(), 'crls-'));
  await startCrlCache(node, { reader: crlReader }, { name: 'crls' });
});

afterEach(() => {
  node.stop();
  rmSync(directory, { recursive: true });
});

describe('the CRL cache with real lists', () => {
  it('finds a list by its issuer, however the name is spelt', async () => {
    expect(await insertCrls(self, 'crls', { pem: pem(list) })).toEqual({ ok: true });
    const db: CrlCacheDb = { asker: self, cache: 'crls' };
    const spelt = createCa({
      subject: [
        ['C', 'SE'],
        ['O', 'müller & SÖNER'],
        ['CN', 'root ca'],
      ],
    });
    expect(await crlCacheApi.select([spelt.subject], db)).toEqual([list]);
    expect(await crlCacheApi.select([createCa().subject], db)).toEqual([]);
  });

  it('fetches from a server as PEM and as DER, and knows when to fetch again', async () => {
    let served = 0;
    const server = await listening((path) => {
      served += 1;
      return path === '/pem' ? Buffer.from(pem(list)) : list;
    });
    const db: CrlCacheDb = { asker: self, cache: 'crls', http: 5000 };
    for (const path of ['der', 'pem', 'der', 'pem']) {
      const answer = await crlCacheApi.lookup(point(`${server.origin}/${path}`), ca.subject, db);
      expect(crlsOf(answer)).toEqual([list]);
    }
    expect(served).toBe(2);
    expect(await crlCacheInfo(self, 'crls')).toMatchObject({ fetched: 2, hits: 2 });
    server.close();
  });

  it('takes neither a page in place of a list, nor a list that has expired', async () => {
    const old = ca.crl({ thisUpdate: new Date(0), nextUpdate: new Date(1e9) });
    const server = await listening((path) => (path === '/old' ? old : Buffer.from('<html>not here</html>')));
    const db: CrlCacheDb = { asker: self, cache: 'crls', http: 5000 };
    for (const path of ['old', 'page']) {
      expect(await crlCacheApi.lookup(point(`${server.origin}/${path}`), ca.subject, db)).toBe(
        'not_available',
      );
    }
    expect((await crlCacheInfo(self, 'crls')).failures).toEqual({ expired: 1, no_crl: 1 });
    server.close();
  });
});

describeWithPeer('a hash directory made by openssl rehash', 'openssl', () => {
  it('holds what is looked for', async () => {
    const second = ca.crl({ number: 2 });
    const other = createCa({ subject: 'another' }).crl();
    for (const [name, der] of Object.entries({ a: list, b: second, c: other })) {
      writeFileSync(join(directory, `${name}.crl`), pem(der));
    }
    execFileSync('openssl', ['rehash', directory], { stdio: 'pipe' });
    const api = hashDirectory(hashDirectoryReader(defaultEngine));
    const found = crlsOf(await api.lookup(point(), ca.subject, { dir: directory }));
    expect(found.map((der) => Buffer.from(der).toString('hex')).sort()).toEqual(
      [list, second].map((der) => Buffer.from(der).toString('hex')).sort(),
    );
  });
});

function listening(answer: (path: string) => Uint8Array): Promise<{ origin: string; close: () => Server }> {
  const server = createServer((request, response) => response.end(answer(request.url ?? '')));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ origin: `http://127.0.0.1:${port}`, close: () => server.close() });
    });
  });
}
