/** The stores with ssl's own secrets and keyed hashes. */
import { inspect } from 'node:util';
import { createNode, type Logger, type Node, observe, type Self } from '@actor-tls/runtime';
import {
  antiReplayPresets,
  lockTicket,
  RotatingBloomFilter,
  registerSession,
  startClientTicketStore,
  startSessionCache,
  storeClientTicket,
} from '@actor-tls/session-store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyedHashes } from '../../packages/ssl/src/processes/material/keyed-hash.js';
import { antiReplayWindows } from '../../packages/ssl/src/values/anti-replay.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { report } from '../support/report.js';

let node: Node;
let self: Self;
let logged: string;

beforeEach(() => {
  logged = '';
  const log = (fields: object, text: string): void => {
    logged += `${text} ${inspect(fields, { depth: 20 })} ${JSON.stringify(fields)}\n`;
  };
  const logger: Logger = { error: log, warn: log, info: log, debug: log };
  node = createNode({ logger });
  self = node.shell();
});

afterEach(() => node.stop());

/** In base64, hex, or as a list of numbers, a dump would show this. */
const key = Uint8Array.from({ length: 48 }, (_, i) => 200 + (i % 50));
const shown = ['200, 201, 202', '"0":200', Buffer.from(key).toString('hex').slice(0, 12), '[200,201,202'];

describe('secrets in the stores', () => {
  it('are shown neither by a snapshot, nor by an inspector, nor in the report of a crash', async () => {
    await startSessionCache(
      node,
      { role: 'client', max: 10, lifetime: 100, sweep: 'off' },
      { name: 'sessions' },
    );
    await startClientTicketStore(node, { size: 10, lifetime: 100 }, { name: 'tickets' });
    let inspected = '';
    node.system.inspect((event) => {
      inspected += inspect(event, { depth: 6 });
    });
    const session = {
      sessionId: Uint8Array.of(1),
      createdAt: Date.now(),
      likeness: '',
      content: new Secret(key),
    };
    registerSession(self, 'sessions', 'host:1', session, 'always');
    const ticket = {
      cipher: 'aes_128_gcm',
      prf: 'sha256',
      lifetime: 100,
      maxEarlyData: 0,
      content: new Secret(key),
    };
    const peer = { host: 'host', port: 1, sni: undefined };
    storeClientTicket(self, 'tickets', peer, ticket);
    const lent = await lockTicket(self, 'tickets', self.pid, { peer, prfs: ['sha256'] });
    expect(lent?.content.expose()).toBe(key);
    const snapshot = JSON.stringify(observe(node)) + inspect(observe(node), { depth: 20 });
    // A notice without what belongs into it is a crash, with the last message and the state in its report.
    for (const name of ['sessions', 'tickets'])
      self.cast(name, {
        type: `${name === 'sessions' ? 'register_session' : 'store_client_ticket'}`,
        content: new Secret(key),
      });
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged).toContain('TypeError');
    expect(inspected).not.toBe('');
    for (const dump of [snapshot, logged, inspected]) {
      for (const text of shown) expect(dump).not.toContain(text);
    }
  });
});

describe('what anti_replay stands for', () => {
  it('is the same in the options and in the store', () => {
    expect(antiReplayWindows).toEqual(antiReplayPresets);
  });
});

describe('keyed hashes in the anti-replay filter', () => {
  it.each([
    ['10k', 10_000, 3],
    ['100k', 100_000, 1],
  ] as const)(
    'keep false positives of %s below three in a hundred, under every key, with a full load in all windows',
    (preset, most, rounds) => {
      for (let round = 0; round < rounds; round += 1) {
        const filter = new RotatingBloomFilter(antiReplayPresets[preset], keyedHashes(defaultEngine), 0);
        const element = (n: number): Uint8Array => new TextEncoder().encode(`binder ${round} ${n}`);
        for (let n = 0; n < 3 * most; n += 1) filter.seen(element(n), Math.floor(n / most) * 10_000);
        let wrong = 0;
        for (let n = 0; n < 500; n += 1) if (filter.seen(element(3 * most + n), 29_999)) wrong += 1;
        report('anti-replay, false positives', { [preset]: wrong, of: 500 });
        // 2.3 in a hundred are expected, 11.5 here: the bounds are four deviations away, since the keys are random.
        expect(wrong).toBeGreaterThan(0);
        expect(wrong).toBeLessThan(26);
      }
    },
  );
});
