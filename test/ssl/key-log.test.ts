/** What leaves a connection of its secrets, and only when it is told to: `keepSecrets`, `sslKeyLogFile`, exporters. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Logger, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { patience } from '../support/patience.js';

const ca = createCa();
const leaf = ca.issue();
const base = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback', active: false } as const;
const trust = { cacerts: [ca.cert], active: false } as const;

let node: Node;
let self: Self<ssl.SslMessage>;
let folder: string;
let errors: unknown[] = [];
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  const logger: Logger = { ...silentLogger, error: (fields) => errors.push(fields) };
  node = createNode({ logger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
  folder = mkdtempSync(join(tmpdir(), 'actor-tls-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).reverse()) await end();
  self.flush();
  errors = [];
});
afterAll(async () => {
  await ssl.stop(node);
  rmSync(folder, { recursive: true });
});

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function pair(client: ssl.TlsClientOptions = {}, server: ssl.TlsServerOptions = {}): Promise<Pair> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ...base, ...server }));
  ends.push(() => ssl.close(listener));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const dialling = ssl.connect(self, 'localhost', port, { ...trust, ...client }, 10_000);
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
  const served = ssl.handshake(self, accepted, 10_000);
  const pair = { client: ssl.unwrap(await dialling), server: ssl.unwrap(await served) };
  ends.push(
    () => ssl.close(pair.client),
    () => ssl.close(pair.server),
  );
  return pair;
}

async function talks({ client, server }: Pair): Promise<void> {
  ssl.unwrap(await ssl.send(client, 'ping'));
  ssl.unwrap(await ssl.recv(server, 4, 5000));
  ssl.unwrap(await ssl.send(server, 'pong'));
  ssl.unwrap(await ssl.recv(client, 4, 5000));
}

const labelsOf = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ')[0] ?? '');
const soon = (assertion: () => unknown): Promise<unknown> => vi.waitFor(assertion, patience);

describe('keepSecrets with a function', () => {
  it('tells all secrets of both sides as they come into being, those of key updates too', async () => {
    const told = { client: [] as string[], server: [] as string[] };
    const there = await pair(
      { keepSecrets: { keylog: ({ items }) => told.client.push(...items) } },
      { keepSecrets: { keylog: ({ items }) => told.server.push(...items) } },
    );
    await talks(there);
    ssl.unwrap(await ssl.updateKeys(there.client, 'read_write'));
    await talks(there);
    ssl.unwrap(await ssl.updateKeys(there.client, 'write'));
    await talks(there);
    expect(labelsOf(told.client).sort()).toEqual([
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_TRAFFIC_SECRET_0',
      'CLIENT_TRAFFIC_SECRET_1',
      'CLIENT_TRAFFIC_SECRET_2',
      'EXPORTER_SECRET',
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'SERVER_TRAFFIC_SECRET_0',
      'SERVER_TRAFFIC_SECRET_1',
    ]);
    expect([...told.client].sort()).toEqual([...told.server].sort());
    // As in OTP, who has a function does not ask the connection.
    expect(ssl.unwrap(await ssl.connectionInformation(there.client, ['keylog']))).toEqual({});
  });

  it('tells the master secret of TLS 1.2, which connectionInformation tells too', async () => {
    const told: ssl.KeyLogInfo[] = [];
    const { client } = await pair({
      versions: ['tlsv1.2'],
      keepSecrets: { keylog: (info) => told.push(info) },
    });
    const { keylog, clientRandom } = ssl.unwrap(
      await ssl.connectionInformation(client, ['keylog', 'clientRandom']),
    );
    expect(told).toEqual([{ items: keylog, clientRandom }]);
  });

  it('whose answer, throw or rejection is nothing to the connection, and told once', async () => {
    const keylog = vi
      .fn()
      .mockImplementationOnce(() => {
        throw new Error('mine');
      })
      .mockRejectedValue(new Error('mine too'));
    const there = await pair({ keepSecrets: { keylog } });
    await talks(there);
    expect(keylog).toHaveBeenCalledTimes(2);
    await soon(() => expect(errors).toHaveLength(1));
  });

  it('keylog_hs tells the secrets of handshakes that fail, and no others', async () => {
    const told: string[] = [];
    const keepSecrets = { keylog_hs: ({ items }: ssl.KeyLogInfo) => told.push(...items) };
    await talks(await pair({ keepSecrets }));
    expect(told).toEqual([]);
    await expect(pair({ cacerts: [createCa().cert], keepSecrets })).rejects.toThrow();
    expect(labelsOf(told)).toEqual(['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET']);
  });

  it.each([1, 'yes', {}, { keylog: 1 }, { keylog: () => 0, more: 1 }])(
    '%o is no value',
    async (keepSecrets) => {
      const options = { ...trust, keepSecrets } as ssl.TlsClientOptions;
      expect(await ssl.connect(self, 'localhost', 1, options)).toMatchObject({
        error: { options: expect.anything() },
      });
    },
  );
});

describe('sslKeyLogFile', () => {
  it('appends the lines to the file of the environment, which nobody else can read', async () => {
    const name = join(folder, 'keys');
    vi.stubEnv('SSLKEYLOGFILE', name);
    await talks(await pair({ sslKeyLogFile: true }));
    await talks(await pair({ sslKeyLogFile: true, versions: ['tlsv1.2'] }));
    await soon(() => {
      const lines = readFileSync(name, 'latin1').trimEnd().split('\n');
      expect(lines).toHaveLength(6);
      for (const line of lines) expect(line).toMatch(/^[A-Z_0-9]+ [\da-f]{64} [\da-f]{64,96}$/);
    });
    expect(statSync(name).mode & 0o777).toBe(0o600);
  });

  it('does nothing when only the option or only the environment says so', async () => {
    const name = join(folder, 'no keys');
    vi.stubEnv('SSLKEYLOGFILE', name);
    await talks(await pair());
    vi.unstubAllEnvs();
    vi.stubEnv('SSLKEYLOGFILE', '');
    await talks(await pair({ sslKeyLogFile: true }));
    expect(() => statSync(name)).toThrow('ENOENT');
  });

  it('a file that cannot be written is told once, and the connections go on', async () => {
    vi.stubEnv('SSLKEYLOGFILE', join(folder, 'no such folder', 'keys'));
    await talks(await pair({ sslKeyLogFile: true }));
    await soon(() => expect(errors).toHaveLength(1));
    await talks(await pair({ sslKeyLogFile: true }));
    expect(errors).toHaveLength(1);
    expect(JSON.stringify(errors)).not.toMatch(/[\da-f]{64}/);
  });

  it('keeps what stands in the file', async () => {
    const name = join(folder, 'kept');
    writeFileSync(name, '# mine\n');
    vi.stubEnv('SSLKEYLOGFILE', name);
    await talks(await pair({ sslKeyLogFile: true }));
    await soon(() =>
      expect(readFileSync(name, 'latin1')).toMatch(/^# mine\nCLIENT_HANDSHAKE.*EXPORTER_SECRET/s),
    );
  });
});

describe('keepSecrets true', () => {
  it('gives the key log in the information of TLS 1.3, and only when it is named', async () => {
    const { client, server } = await pair({ keepSecrets: true }, { keepSecrets: true });
    const ours = ssl.unwrap(await ssl.connectionInformation(client, ['keylog']));
    expect(labelsOf(ours.keylog ?? [])).toEqual([
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_TRAFFIC_SECRET_0',
      'SERVER_TRAFFIC_SECRET_0',
    ]);
    expect(ssl.unwrap(await ssl.connectionInformation(server, ['keylog']))).toEqual(ours);
    expect(ssl.unwrap(await ssl.connectionInformation(client))).not.toHaveProperty('keylog');
  });
});

describe('exportKeyMaterials', () => {
  const both = (there: Pair, ...rest: [string[], (Uint8Array | 'no_context')[], number[], boolean?]) =>
    Promise.all([
      ssl.exportKeyMaterials(there.client, ...rest),
      ssl.exportKeyMaterials(there.server, ...rest),
    ]);
  const one = [['label'], ['no_context'], [32]] satisfies [string[], 'no_context'[], number[]];

  it('gives both sides the same, one for each label', async () => {
    const [ours, theirs] = await both(
      await pair(),
      ['a', 'b'],
      ['no_context', Buffer.from('c')],
      [20, 1000],
      false,
    );
    const materials = ssl.unwrap(ours);
    expect(materials.map(({ length }) => length)).toEqual([20, 1000]);
    expect(ssl.unwrap(theirs)).toEqual(materials);
  });

  it('for one label alone are its bytes, of `exportKeyMaterial`, with the same errors', async () => {
    const { client, server } = await pair();
    const [listed] = ssl.unwrap(await ssl.exportKeyMaterials(client, ['a'], ['no_context'], [20], false));
    const alone = ['a', 'no_context', 20, false] as const;
    expect(await ssl.exportKeyMaterial(server, ...alone)).toEqual({ ok: listed });
    expect(await ssl.exportKeyMaterial(server, 'é', 'no_context', 20)).toEqual({ error: 'bad_input' });
    expect(await ssl.exportKeyMaterial(server, 'a', 'no_context', 20)).toEqual({ ok: listed });
    const consumed = { error: 'exporter_master_secret_already_consumed' };
    expect(await ssl.exportKeyMaterial(server, 'a', 'no_context', 20)).toEqual(consumed);
  });

  it('consumes its secret unless told otherwise, in TLS 1.3', async () => {
    const { client } = await pair();
    ssl.unwrap(await ssl.exportKeyMaterials(client, ...one, false));
    ssl.unwrap(await ssl.exportKeyMaterials(client, ...one));
    const consumed = { error: 'exporter_master_secret_already_consumed' };
    expect(await ssl.exportKeyMaterials(client, ...one)).toEqual(consumed);
    expect(await ssl.exportKeyMaterials(client, ...one, false)).toEqual(consumed);
  });

  it('is the PRF of TLS 1.2 over the randoms of both sides, as `prf` gives it', async () => {
    const { client } = await pair({ versions: ['tlsv1.2'] });
    const randoms = ['client_random', 'server_random'] as const;
    const [exported] = ssl.unwrap(await ssl.exportKeyMaterials(client, ...one));
    const plain = ssl.unwrap(await ssl.prf(client, 'master_secret', 'label', randoms, 32));
    expect(Buffer.from(exported ?? [])).toEqual(Buffer.from(plain));
  });

  it('tells no context from an empty one in TLS 1.2, whose secret stays', async () => {
    const there = await pair({ versions: ['tlsv1.2'] });
    const [none] = ssl.unwrap(await ssl.exportKeyMaterials(there.client, ...one));
    const [empty] = ssl.unwrap(
      await ssl.exportKeyMaterials(there.client, ['label'], [new Uint8Array()], [32]),
    );
    expect(none).not.toEqual(empty);
    const thirteen = await pair();
    const [a] = ssl.unwrap(await ssl.exportKeyMaterials(thirteen.client, ...one, false));
    const [b] = ssl.unwrap(
      await ssl.exportKeyMaterials(thirteen.client, ['label'], [new Uint8Array()], [32], false),
    );
    expect(a).toEqual(b);
  });

  it.each([
    ['lists of different lengths', ['a', 'b'], ['no_context'], [32]],
    ['no label', [], [], []],
    ['a label that is no ASCII', ['é'], ['no_context'], [32]],
    ['a label longer than there is room', ['a'.repeat(250)], ['no_context'], [32]],
    ['a length that is none', ['a'], ['no_context'], [-1]],
    ['more than HKDF gives', ['a'], ['no_context'], [65_535]],
    ['a context that is none', ['a'], ['context'], [32]],
    ['no lists', 'a', 'no_context', 32],
  ] as const)('is bad_input for %s', async (_what, labels, contexts, lengths) => {
    const { client } = await pair();
    const answer = await Reflect.apply(ssl.exportKeyMaterials, undefined, [
      client,
      labels,
      contexts,
      lengths,
    ]);
    expect(answer).toEqual({ error: 'bad_input' });
    ssl.unwrap(await ssl.exportKeyMaterials(client, ...one));
  });

  it.each(['client finished', 'master secret', 'key expansion'])(
    'does not give the handshake’s own %s in TLS 1.2',
    async (label) => {
      const { client } = await pair({ versions: ['tlsv1.2'] });
      expect(await ssl.exportKeyMaterials(client, [label], ['no_context'], [48])).toEqual({
        error: 'bad_input',
      });
    },
  );

  it('has nothing early without early data, and nothing on listeners', async () => {
    const { client } = await pair();
    expect(await ssl.exportEarlyKeyMaterials(client, ...one)).toEqual({ error: 'undefined' });
    const listener = ssl.unwrap(await ssl.listen(self, 0, base));
    ends.push(() => ssl.close(listener));
    expect(await ssl.exportKeyMaterials(listener, ...one)).toEqual({ error: 'enotconn' });
  });
});
