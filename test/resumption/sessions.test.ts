/** Sessions of TLS 1.2, 1.1 and 1.0 over loopback, from `listen` and `connect` to the tables (contract §6.5, RFC 5077). */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asking, ca, clientCertificate, host, known, localhost, meet, part, resumes } from './two-ends.js';

let node: Node;
let self: Self;
/** ms that the wall clock is ahead. */
let ahead: number;

async function begin(env: Record<string, unknown> = {}): Promise<void> {
  ahead = 0;
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node, env, wallClock: () => Date.now() + ahead }));
}

beforeEach(() => begin());
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

async function again(env: Record<string, unknown>): Promise<void> {
  await ssl.stop(node);
  node.stop();
  await begin(env);
}

const v12 = { versions: ['tlsv1.2'] } as const;
const byId = { ...v12, olderSessionTickets: false } as const;
const versions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
const weak = { ciphers: ssl.cipherSuites('all', 'tlsv1') } as const;

describe.each(versions)('%s', (version) => {
  const of = version === 'tlsv1.2' ? v12 : { versions: [version], ...weak };

  it.each(['id', 'ticket'] as const)('resumes by %s, again and again', async (kind) => {
    const at = await host(self, { ...of, olderSessionTickets: kind === 'ticket' });
    expect(await resumes(self, at, of)).toBe(false);
    for (let i = 0; i < 3; i += 1) {
      const meeting = await meet(self, at, of);
      expect(meeting.client).toMatchObject({ protocol: version, sessionResumption: true });
      expect(meeting.server).toMatchObject({ sessionResumption: true });
      expect(meeting.client['sessionId']).toEqual(meeting.server['sessionId']);
      expect(await ssl.peercert(meeting.clientSocket)).toEqual({ ok: new Uint8Array(localhost.cert) });
      await part(meeting);
    }
  });
});
