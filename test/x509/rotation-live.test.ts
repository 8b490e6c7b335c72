/** CA files change under a serving listener, and what the log says of files that are refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Logger, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepPemCache } from '../../packages/ssl/src/processes/material/pem-cache.js';
import { report } from '../support/report.js';
import { brief, type Outcome, pairOf, type Served, serve, shake } from './live.js';

const one = createCa({ subject: 'CA one' });
const two = createCa({ subject: 'CA two' });
const three = createCa({ subject: 'CA three' });
const leaf = one.issue();
const clients = [one.issue({ subject: 'client one' }), two.issue({ subject: 'client two' })];

let directory: string;
let node: Node;
let self: Self;
const warnings: { readonly text: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
const logger: Logger = {
  error: () => {},
  warn: (fields, text) => void warnings.push({ text, fields: { ...fields } }),
  info: () => {},
  debug: () => {},
};
const file = (name: string): string => join(directory, name);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rotation-'));
  warnings.length = 0;
  node = createNode({ logger });
  self = node.shell();
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
  rmSync(directory, { recursive: true });
});

const sweep = (): Promise<void> => sweepPemCache(self, 'ssl_pem_cache');

describe('CA files', () => {
  let server: Served;
  beforeEach(async () => {
    writeFileSync(file('ca.pem'), one.certPem + two.certPem);
    server = await serve(node, {
      ...pairOf(leaf),
      cacertfile: file('ca.pem'),
      verify: 'verify_peer',
      failIfNoPeerCert: true,
    });
    // There must be something good to keep.
    await shake(node, server.port, { cacerts: [one.cert], ...pairOf(leaf) });
  });

  /** The server's verdicts on both clients, in lanes, while something happens. */
  async function under(happening: () => Promise<void>): Promise<readonly Outcome[]> {
    let going = true;
    const lane = async (own: (typeof clients)[number]): Promise<void> => {
      while (going) await shake(node, server.port, { cacerts: [one.cert], ...pairOf(own) });
    };
    const lanes = clients.map(lane);
    await happening();
    going = false;
    await Promise.all(lanes);
    return server.outcomes;
  }

  it('60 rotations of the CAs refuse nobody who is trusted before and after', async () => {
    const bundles = [
      one.certPem + two.certPem,
      two.certPem + one.certPem,
      three.certPem + two.certPem + one.certPem,
    ];
    const outcomes = await under(async () => {
      for (let n = 1; n <= 60; n += 1) {
        writeFileSync(file('ca.pem'), `${bundles[n % 3]}\n`.repeat(1 + (n % 2)));
        await sweep();
      }
    });
    expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual([]);
    expect(warnings).toEqual([]);
    report('rotation', { 'CA file rotations': 60, 'handshakes under them': outcomes.length });
    // And a CA that is gone is trusted no more.
    writeFileSync(file('ca.pem'), one.certPem);
    await sweep();
    const before = server.outcomes.length;
    await shake(node, server.port, { cacerts: [one.cert], ...pairOf(clients[1] ?? leaf) });
    await expect.poll(() => server.outcomes.slice(before).map(brief)).toEqual(['unknown_ca']);
  });

  it('bad ones are refused, each with a line that names file and fault, and the old CAs go on', async () => {
    const bad = ['', 'garbage', one.keyPem, one.certPem.slice(0, 300), one.certPem.replace('MII', 'MIJ')];
    const outcomes = await under(async () => {
      for (let n = 0; n < 25; n += 1) {
        writeFileSync(file('ca.pem'), `${' '.repeat(n)}\n${bad[n % bad.length]}`);
        await sweep();
      }
    });
    expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual([]);
    expect(warnings).toHaveLength(25);
    for (const { text, fields } of warnings) {
      expect(text).toBe('changed PEM file refused, the old one stays');
      expect(fields).toEqual({ file: file('ca.pem'), reason: { bad_pem: expect.any(String) } });
    }
  });
});

describe('a pair', () => {
  it('whose halves no longer match is refused with one line, not one for each handshake', async () => {
    writeFileSync(file('cert.pem'), leaf.certPem);
    writeFileSync(file('key.pem'), leaf.keyPem);
    const server = await serve(node, { certfile: file('cert.pem'), keyfile: file('key.pem') });
    const go = (): Promise<Outcome> => shake(node, server.port, { cacerts: [one.cert] });
    expect(await go()).toBe('ok');
    const next = one.issue();
    writeFileSync(file('key.pem'), next.keyPem);
    await sweep();
    for (let n = 0; n < 10; n += 1) expect(await go()).toBe('ok');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.text).toBe('changed certificate, key or CA file refused, the old ones stay');
    expect(JSON.stringify(warnings[0]?.fields)).toContain('is not that of certificate');
    writeFileSync(file('cert.pem'), next.certPem);
    await sweep();
    expect(await go()).toBe('ok');
    expect(warnings).toHaveLength(1);
    await server.stop();
  });
});
