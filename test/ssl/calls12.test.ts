/** Calls whose answers depend on the version: what a connection of TLS 1.2 tells and gives that one of 1.3 does not. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
let simulation: Simulation;
beforeEach(async () => {
  simulation = await simulateSsl();
});
afterEach(() => simulation.stop());

type Version = 'tlsv1.3' | 'tlsv1.2';
interface Ends {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
  readonly listener: ssl.SslListenSocket;
  /** Accepted, and not yet in a handshake. */
  readonly early: ssl.SslSocket;
}

async function ends(version: Version): Promise<Ends> {
  const { test, run } = simulation;
  const self = test.node.shell();
  const options = { versions: [version], active: false } as const;
  const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
  const listener = ssl.unwrap(await run(ssl.listen(self, 443, { ...options, ...identity })));
  const connect = (): Promise<ssl.Result<ssl.SslSocket>> =>
    ssl.connect(self, 'localhost', 443, { ...options, cacerts: [ca.cert] });
  const connecting = connect();
  const accepted = ssl.unwrap(await run(ssl.transportAccept(self, listener)));
  const server = ssl.unwrap(await run(ssl.handshake(self, accepted)));
  const client = ssl.unwrap(await run(connecting));
  void connect();
  const early = ssl.unwrap(await run(ssl.transportAccept(self, listener)));
  return { client, server, listener, early };
}

type PrfArguments = readonly [
  secret: Uint8Array | 'master_secret',
  label: Uint8Array | string,
  seed: readonly ssl.PrfSeed[],
  length: number,
];
const bytes = new Uint8Array([1, 2, 3]);
const good = ['master_secret', 'label', ['client_random', bytes], 32] as const;

describe('ssl.prf', () => {
  it('gives both ends of a connection of TLS 1.2 the same, and other bytes for other arguments', async () => {
    const { client, server } = await ends('tlsv1.2');
    const call = (socket: ssl.SslSocket, ...[secret, label, seed, length]: PrfArguments) =>
      simulation.run(ssl.prf(socket, secret, label, seed, length));
    const made = ssl.unwrap(await call(client, ...good));
    expect(made).toHaveLength(32);
    expect(ssl.unwrap(await call(server, ...good))).toEqual(made);
    const label = new TextEncoder().encode('label');
    expect(ssl.unwrap(await call(client, 'master_secret', label, good[2], 32))).toEqual(made);
    const others: readonly PrfArguments[] = [
      ['master_secret', 'labe', ['client_random', bytes], 32],
      ['master_secret', 'label', ['server_random', bytes], 32],
      ['master_secret', 'label', [bytes, 'client_random'], 32],
      [bytes, 'label', ['client_random', bytes], 32],
    ];
    for (const other of others) expect(ssl.unwrap(await call(client, ...other))).not.toEqual(made);
  });

  it.each([
    ['a secret that is absent', [undefined, 'label', [], 1]],
    ['a secret of another name', ['secret', 'label', [], 1]],
    ['a label that is no text', ['master_secret', 1, [], 1]],
    ['a seed that is no list', ['master_secret', 'label', bytes, 1]],
    ['a seed with an unknown part', ['master_secret', 'label', ['randoms'], 1]],
    ['a negative length', ['master_secret', 'label', [], -1]],
    ['a broken length', ['master_secret', 'label', [], 1.5]],
    ['a length beyond 65,535', ['master_secret', 'label', [], 65_536]],
    ['no arguments', []],
  ])('answers badarg for %s, and the connection goes on', async (_what, args) => {
    const { client, server } = await ends('tlsv1.2');
    expect(await simulation.run(Reflect.apply(ssl.prf, undefined, [client, ...args]))).toEqual({
      error: 'badarg',
    });
    ssl.unwrap(await simulation.run(ssl.send(client, 'x')));
    expect(await simulation.run(ssl.recv(server, 1))).toEqual({ ok: Buffer.from('x') });
  });

  it('answers a term wherever there is no PRF', async () => {
    const { client, listener, early } = await ends('tlsv1.3');
    const call = (socket: ssl.SslSocket | ssl.SslListenSocket) => simulation.run(ssl.prf(socket, ...good));
    expect(await call(client)).toEqual({ error: 'undefined' });
    expect(await call(listener)).toEqual({ error: 'enotconn' });
    expect(await call(early)).toEqual({ error: 'notsup_on_transport_accept_socket' });
    await simulation.run(ssl.close(client));
    expect(await call(client)).toEqual({ error: 'closed' });
  });
});

describe('a connection of TLS 1.2', () => {
  it('has no key updates', async () => {
    const { client, server } = await ends('tlsv1.2');
    for (const socket of [client, server]) {
      expect(await simulation.run(ssl.updateKeys(socket, 'read_write'))).toEqual({ error: 'notsup' });
      expect(await simulation.run(ssl.updateKeys(socket, 'write'))).toEqual({ error: 'notsup' });
    }
    ssl.unwrap(await simulation.run(ssl.send(server, 'y')));
    expect(await simulation.run(ssl.recv(client, 1))).toEqual({ ok: Buffer.from('y') });
  });

  it('tells its version, suite and curve unasked, its secrets when they are named', async () => {
    const { client, server } = await ends('tlsv1.2');
    const facts = ssl.unwrap(await simulation.run(ssl.connectionInformation(client)));
    expect(facts).toMatchObject({
      protocol: 'tlsv1.2',
      sessionResumption: false,
      sessionId: expect.any(Uint8Array),
      ecc: { named_curve: 'x25519' },
      selectedCipherSuite: { keyExchange: 'ecdhe_ecdsa', mac: 'aead' },
    });
    expect(Object.keys(facts)).not.toContain('masterSecret');
    expect(Object.keys(facts)).not.toContain('keylog');
    const items = ['clientRandom', 'serverRandom', 'masterSecret', 'keylog'] as const;
    const mine = ssl.unwrap(await simulation.run(ssl.connectionInformation(client, items)));
    expect(ssl.unwrap(await simulation.run(ssl.connectionInformation(server, items)))).toEqual(mine);
    const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');
    expect(mine.keylog).toEqual([`CLIENT_RANDOM ${hex(mine.clientRandom)} ${hex(mine.masterSecret)}`]);
    expect(mine.masterSecret).toHaveLength(48);
  });

  it('keeps its secrets whatever is done to what it told', async () => {
    const { client } = await ends('tlsv1.2');
    const before = ssl.unwrap(await simulation.run(ssl.prf(client, ...good)));
    const items = ['masterSecret', 'clientRandom'] as const;
    const told = ssl.unwrap(await simulation.run(ssl.connectionInformation(client, items)));
    told.masterSecret?.fill(0);
    told.clientRandom.fill(0);
    expect(ssl.unwrap(await simulation.run(ssl.prf(client, ...good)))).toEqual(before);
  });
});
