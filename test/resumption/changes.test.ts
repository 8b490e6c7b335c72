/** What changes between hello and tickets: options in a pause, and a client that shows later who it is (§4.6.1, §4.6.2). */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asking,
  ca,
  clientCertificate,
  type Host,
  host,
  known,
  meet,
  part,
  resumes,
  trusting,
} from './two-ends.js';

let node: Node;
let self: Self;

beforeEach(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node }));
});
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

const auto = { sessionTickets: 'auto' } as const;

/** A client that pauses at the server's hello, and goes on with these options. */
async function pausing(at: Host, options: ssl.TlsClientOptions): Promise<ssl.HandshakeAnswer> {
  const serving = ssl
    .transportAccept(self, at.listener, 5000)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 5000));
  const wish = { ...trusting, ...auto, active: false, handshake: 'hello' } as const;
  const paused = ssl.unwrap(await ssl.connect(self, 'localhost', at.port, wish, 5000));
  const answer = await ssl.handshakeContinue(paused, options, 5000);
  const served = await serving;
  if ('ok' in served && 'ok' in answer) {
    ssl.unwrap(await ssl.send(served.ok, 'x'));
    ssl.unwrap(await ssl.recv(answer.ok, 1, 5000));
  }
  if ('ok' in served) await ssl.close(served.ok);
  return answer;
}

async function wasResumed(answer: ssl.HandshakeAnswer): Promise<boolean> {
  const socket = ssl.unwrap(answer);
  const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(socket));
  await ssl.close(socket);
  return sessionResumption;
}

describe('a client that pauses with a ticket in its hello', () => {
  it('comes back when it goes on as it was, and when it goes on with what no judgement looks at', async () => {
    const at = await host(self, { sessionTickets: 'stateless' });
    expect(await wasResumed(await pausing(at, {}))).toBe(false);
    expect(await wasResumed(await pausing(at, {}))).toBe(true);
    expect(await wasResumed(await pausing(at, { packet: 0, mode: 'list' }))).toBe(true);
    await at.close();
  });

  it.each([
    ['another trust', (): ssl.TlsClientOptions => ({ cacerts: [ca.cert, createCa().cert] })],
    ['another name', (): ssl.TlsClientOptions => ({ serverNameIndication: 'other.example' })],
    ['a function that judges', (): ssl.TlsClientOptions => ({ partialChain: () => 'unknown_ca' })],
    ['a certificate of its own', (): ssl.TlsClientOptions => known],
  ])(
    'ends the handshake when it goes on with %s: whom the ticket recognized was not judged so',
    async (_what, change) => {
      const at = await host(self, { sessionTickets: 'stateless' });
      await pausing(at, {}).then(wasResumed);
      const answer = await pausing(at, change());
      expect(answer).toMatchObject({ error: { tls_alert: ['handshake_failure', expect.anything()] } });
      await at.close();
    },
  );

  it('without a ticket goes on with any of them', async () => {
    const at = await host(self, { sessionTickets: 'stateless' });
    expect(await wasResumed(await pausing(at, { serverNameIndication: 'other.example' }))).toBe(false);
    await at.close();
  });
});

describe('a client that shows its certificate after the handshake', () => {
  const later = { ...asking, postHandshakeAuth: true } as const;
  const willing = { ...known, ...auto, postHandshakeAuth: true } as const;

  it.each(['stateless_with_cert', 'stateful_with_cert'] as const)(
    'is known by it when it comes back, with tickets that came after: %s',
    async (sessionTickets) => {
      const at = await host(self, { ...later, sessionTickets });
      const first = await meet(self, at, willing);
      expect(await ssl.peercert(first.serverSocket)).toEqual({ error: 'no_peercert' });
      const asked = ssl.requestCertificate(first.serverSocket, 5000);
      // A passive client answers when it reads.
      const reading = ssl.recv(first.clientSocket, 1, 5000);
      expect(await asked).toEqual({ ok: clientCertificate });
      await expect.poll(async () => (await at.counters()).issued).toBe(6);
      ssl.unwrap(await ssl.send(first.serverSocket, 'y'));
      ssl.unwrap(await reading);
      await part(first);
      const again = await meet(self, at, willing);
      expect(again.server['sessionResumption']).toBe(true);
      expect(await ssl.peercert(again.serverSocket)).toEqual({ ok: clientCertificate });
      await part(again);
      await at.close();
    },
  );

  it('is taken where certificates are demanded only with tickets from then on', async () => {
    const at = await host(self, { ...later, sessionTickets: 'stateless' });
    expect(await resumes(self, at, willing)).toBe(false);
    expect((await at.counters()).issued).toBe(3);
    await at.close();
  });
});
