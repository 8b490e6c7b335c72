/** Certificates and keys change under a serving listener; caches die under it. Over real sockets, since files are real. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type IssuedCertificate } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pemCacheInfo, sweepPemCache } from '../../packages/ssl/src/processes/material/pem-cache.js';
import { patience } from '../support/patience.js';
import { report } from '../support/report.js';

const ca = createCa();
const identities = Array.from({ length: 8 }, () => ca.issue());
const certificate = (index: number): IssuedCertificate => {
  const found = identities[index % identities.length];
  if (found === undefined) throw new Error('no identities');
  return found;
};

let directory: string;
let certfile: string;
let keyfile: string;
let node: Node;
let self: Self;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rotation-'));
  certfile = join(directory, 'cert.pem');
  keyfile = join(directory, 'key.pem');
  node = createNode({ logger: silentLogger });
  self = node.shell();
  expect(await ssl.start({ node })).toEqual({ ok: true });
  install(certificate(0));
});

afterEach(async () => {
  await ssl.stop(node);
  node.stop();
  rmSync(directory, { recursive: true });
});

function install({ chainPem, keyPem }: IssuedCertificate): void {
  writeFileSync(keyfile, keyPem);
  writeFileSync(certfile, chainPem);
}

/** A listener whose connections are answered and left; its port. */
async function serve(): Promise<number> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { certfile, keyfile, ip: 'loopback', active: false }),
  );
  for (let n = 0; n < 4; n += 1) {
    node.spawn(async (acceptor: Self) => {
      for (;;) {
        const accepted = await ssl.transportAccept(acceptor, listener);
        if ('error' in accepted) return;
        await ssl.handshake(acceptor, accepted.ok, patience);
      }
    });
  }
  return ssl.unwrap(await ssl.sockname(listener)).port;
}

/** One handshake: the certificate that the server showed, or what went wrong. */
async function shake(port: number): Promise<Uint8Array | ssl.SslReason> {
  const client = await ssl.connect(self, '127.0.0.1', port, { cacerts: [ca.cert], active: false }, patience);
  if ('error' in client) return client.error;
  const shown = await ssl.peercert(client.ok);
  await ssl.close(client.ok);
  return 'ok' in shown ? shown.ok : shown.error;
}

/** Handshakes one after the other, in several lanes, while something happens; `aFewMore` waits for some of them. */
async function under(
  port: number,
  lanes: number,
  happening: (aFewMore: () => Promise<void>) => Promise<void>,
): Promise<(Uint8Array | ssl.SslReason)[]> {
  const outcomes: (Uint8Array | ssl.SslReason)[] = [];
  let going = true;
  const lane = async (): Promise<void> => {
    while (going) outcomes.push(await shake(port));
  };
  const all = Array.from({ length: lanes }, lane);
  const aFewMore = async (): Promise<void> => {
    const enough = outcomes.length + lanes;
    while (outcomes.length < enough) await nextTurn();
  };
  await happening(aFewMore);
  going = false;
  await Promise.all(all);
  return outcomes;
}

/** I/O has had its chance. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const failures = (outcomes: readonly (Uint8Array | ssl.SslReason)[]): readonly unknown[] =>
  outcomes.filter((outcome) => !(outcome instanceof Uint8Array));

describe('rotation while serving', () => {
  it('200 rotations fail no handshake, and the newest pair is served', async () => {
    const port = await serve();
    await shake(port);
    const pairs = Array.from({ length: 200 }, (_, n) => certificate(n + 1));
    const begun = Date.now();
    const outcomes = await under(port, 2, async (aFewMore) => {
      for (const [index, { chainPem, keyPem }] of pairs.entries()) {
        const n = index + 1;
        writeFileSync(keyfile, keyPem);
        // Every third time the cache looks when only one of the two files is new.
        if (n % 3 === 0) await sweepPemCache(self, 'ssl_pem_cache');
        writeFileSync(certfile, chainPem);
        await sweepPemCache(self, 'ssl_pem_cache');
        await aFewMore();
      }
    });
    const perSecond = Math.round((outcomes.length * 1000) / (Date.now() - begun));
    expect(failures(outcomes)).toEqual([]);
    expect(await shake(port)).toEqual(certificate(200).cert);
    expect((await pemCacheInfo(self, 'ssl_pem_cache')).swapped).toBe(400);
    report('rotation', { rotations: 200, handshakes: outcomes.length, 'handshakes/s': perSecond });
  });

  it('100 bad files are refused, and the old pair goes on', async () => {
    const port = await serve();
    await shake(port);
    const good = certificate(0);
    const bad = [
      '',
      'garbage',
      good.certPem.slice(0, 200),
      good.keyPem,
      '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n',
      good.certPem.replace('-----END', '----END'),
    ];
    const outcomes = await under(port, 2, async () => {
      for (let n = 0; n < 100; n += 1) {
        writeFileSync(certfile, `${' '.repeat(n)}\n${bad[n % bad.length]}`);
        await sweepPemCache(self, 'ssl_pem_cache');
      }
    });
    expect(outcomes.filter((outcome) => !Buffer.from(good.cert).equals(bytesOf(outcome)))).toEqual([]);
    expect(await pemCacheInfo(self, 'ssl_pem_cache')).toMatchObject({ swapped: 0, refused: 100 });
    report('rotation', { 'bad files refused': 100 });
  });

  it('a pair that does not match is not served, even after the cache was cleared', async () => {
    const port = await serve();
    await shake(port);
    writeFileSync(keyfile, certificate(1).keyPem);
    await sweepPemCache(self, 'ssl_pem_cache');
    expect(await shake(port)).toEqual(certificate(0).cert);
    await ssl.clearPemCache(node);
    expect(await shake(port)).toEqual(certificate(0).cert);
    writeFileSync(certfile, certificate(1).chainPem);
    await ssl.clearPemCache(node);
    expect(await shake(port)).toEqual(certificate(1).cert);
  });
});

describe('caches that die while serving', () => {
  const caches = ['ssl_pem_cache', 'ssl_crl_cache', 'ssl_client_session_cache', 'tls_client_ticket_store'];

  it.each(caches)('%s restarts from empty, and no handshake fails', async (name) => {
    const port = await serve();
    await shake(port);
    const restarts: unknown[] = [];
    const outcomes = await under(port, 2, async () => {
      for (let n = 0; n < 5; n += 1) {
        const victim = node.whereis(name);
        if (victim === undefined) throw new Error(`${name} is not there`);
        node.exit(victim, 'kill');
        while (node.whereis(name) === undefined || node.whereis(name) === victim) await shake(port);
        restarts.push(node.whereis(name));
      }
    });
    expect(failures(outcomes)).toEqual([]);
    expect(new Set(restarts).size).toBe(5);
  });
});

function bytesOf(outcome: Uint8Array | ssl.SslReason): Uint8Array {
  return outcome instanceof Uint8Array ? outcome : new Uint8Array();
}
