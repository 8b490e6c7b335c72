/** Handshakes that run again, by the clock: the twelve seconds of a client, and peers that let others wait. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const rejected = { error: 'renegotiation_rejected' };
let simulation: Simulation;
beforeEach(async () => {
  simulation = await simulateSsl();
});
afterEach(() => simulation.stop());

interface Ends {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function ends(
  clientOptions: ssl.TlsClientOptions = {},
  serverOptions: ssl.TlsServerOptions = {},
): Promise<Ends> {
  const { test, run } = simulation;
  const self = test.node.shell();
  const common = { versions: ['tlsv1.2'], active: false } as const;
  const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
  const listener = ssl.unwrap(await run(ssl.listen(self, 443, { ...common, ...identity, ...serverOptions })));
  const trust = { cacerts: [ca.cert] };
  const connecting = ssl.connect(self, 'localhost', 443, { ...common, ...trust, ...clientOptions });
  const accepted = ssl.unwrap(await run(ssl.transportAccept(self, listener)));
  const server = ssl.unwrap(await run(ssl.handshake(self, accepted)));
  return { client: ssl.unwrap(await run(connecting)), server };
}

it('a client may begin again after twelve seconds, and not before', async () => {
  const { test, run } = simulation;
  const { client } = await ends();
  expect(await run(ssl.renegotiate(client))).toEqual({ ok: true });
  await test.advance(11_000);
  expect(await run(ssl.renegotiate(client))).toEqual(rejected);
  await test.advance(1500);
  expect(await run(ssl.renegotiate(client))).toEqual({ ok: true });
});

it('a peer that does not go on with it loses the connection', async () => {
  const { test, run } = simulation;
  let stalls = false;
  const verifyFun: ssl.TlsClientOptions['verifyFun'] = [
    (_certificate, event, state) =>
      stalls ? new Promise(() => {}) : typeof event === 'object' ? { unknown: state } : { valid: state },
    undefined,
  ];
  const { client, server } = await ends({ verifyFun }, { handshakeDeadline: 5000 });
  stalls = true;
  const asking = ssl.renegotiate(server);
  await test.advance(1000);
  const sending = ssl.send(server, 'waits');
  await test.advance(5000);
  expect(await run(asking)).toEqual({ error: 'closed' });
  expect(await run(sending)).toEqual({ error: 'closed' });
  expect(await run(ssl.recv(server, 0))).toMatchObject({
    error: { tls_alert: ['handshake_failure', expect.any(String)] },
  });
  expect(await run(ssl.recv(client, 0, 20_000))).toHaveProperty('error');
});

it('a peer that begins and leaves holds up nobody who sends, however long a handshake may take', async () => {
  const { test, run } = simulation;
  let stalls = false;
  const verifyFun: ssl.TlsClientOptions['verifyFun'] = [
    (_certificate, event, state) =>
      stalls ? new Promise(() => {}) : typeof event === 'object' ? { unknown: state } : { valid: state },
    undefined,
  ];
  const { client, server } = await ends({ verifyFun }, { handshakeDeadline: 86_400_000 });
  stalls = true;
  const asking = ssl.renegotiate(server);
  await test.advance(1000);
  const sending = ssl.send(server, 'waits');
  await run(ssl.close(client));
  await test.advance(10_000);
  expect(await run(asking)).toEqual({ error: 'closed' });
  expect(await run(sending)).toEqual({ error: 'closed' });
  expect(await run(ssl.recv(server, 0))).toEqual({ error: 'closed' });
});

it('a client that was asked and begins by itself once more waits its twelve seconds from then on', async () => {
  const { test, run } = simulation;
  const { client, server } = await ends();
  expect(await run(ssl.renegotiate(server))).toEqual({ ok: true });
  await test.advance(11_900);
  expect(await run(ssl.renegotiate(client))).toEqual({ ok: true });
  await test.advance(500);
  expect(await run(ssl.renegotiate(client))).toEqual(rejected);
});

it('a client that never begins has not rejected more than this one', async () => {
  const { test, run } = simulation;
  const { client, server } = await ends({}, { handshakeDeadline: 5000 });
  // So much that the client, who reads nothing, has no room for, and nothing behind it comes to it.
  const much = Buffer.alloc(8_000_000, 'x');
  const sending = ssl.send(server, much);
  await test.advance(100);
  const asking = ssl.renegotiate(server);
  await test.advance(6000);
  expect(await run(asking)).toEqual(rejected);
  const read = ssl.unwrap(await run(ssl.recv(client, much.length)));
  expect(Buffer.compare(read instanceof Uint8Array ? read : Buffer.alloc(0), much)).toBe(0);
  expect(await run(sending)).toEqual({ ok: true });
  await test.advance(1000);
  expect(await run(ssl.renegotiate(server))).toEqual({ ok: true });
  ssl.unwrap(await run(ssl.send(client, 'on')));
  expect(await run(ssl.recv(server, 2))).toEqual({ ok: Buffer.from('on') });
});
