/** How much is remembered of the hosts that a function gives options for: clients choose the names. */
import { createNode, silentLogger } from '@actor-tls/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../../options/config.js';
import { parseServerOptions } from '../../options/parse.js';
import type { ClientHelloEvent } from '../../protocol/handshake.js';
import * as ssl from '../../ssl.js';
import { applicationOf } from '../application.js';
import type { Environment } from '../environment.js';
import type { Equipment } from './handshake-means.js';
import { equipmentByName } from './host-equipment.js';

const node = createNode({ logger: silentLogger });
let environment: Environment;
beforeAll(async () => {
  ssl.unwrap(await ssl.start({ node }));
  const application = applicationOf(node);
  if (application === undefined) throw new Error('no application');
  ({ environment } = application);
});
afterAll(() => ssl.stop(node));

/** A hello that asks for a name. */
function hello(name: string): ClientHelloEvent {
  const bytes = new TextEncoder().encode(name);
  const list = [0, 0, bytes.length, ...bytes];
  return {
    type: 'client_hello',
    raw: new Uint8Array(0),
    body: {
      legacyVersion: 0x0303,
      random: new Uint8Array(32),
      legacySessionId: new Uint8Array(0),
      cipherSuites: [0x1301],
      legacyCompressionMethods: Uint8Array.of(0),
      extensions: [{ extensionType: 0, extensionData: Uint8Array.of(0, list.length, ...list) }],
    },
  };
}

async function equipmentOf(options: ssl.TlsServerOptions): Promise<(name: string) => Promise<Config>> {
  const config = ssl.unwrap(parseServerOptions(options, environment));
  const credentials = ssl.unwrap(await environment.credentials(config));
  const equipment: Equipment = { config, credentials };
  return async (name) => ssl.unwrap(await equipmentByName(hello(name), equipment, environment)).config;
}

it('a thousand, the longest unasked is forgotten first', async () => {
  const ask = await equipmentOf({ sniFun: () => ({ depth: 2 }) });
  const [first, second] = [await ask('first.example'), await ask('second.example')];
  expect(first.depth).toBe(2);
  for (let at = 0; at < 998; at++) await ask(`host${at}.example`);
  expect(await ask('first.example')).toBe(first);
  await ask('one.more.example');
  expect(await ask('first.example')).toBe(first);
  expect(await ask('second.example')).not.toBe(second);
});

it('one set of options is parsed once, however many names it is given for', async () => {
  const given = { depth: 2 };
  const ask = await equipmentOf({ sniFun: () => given });
  const once = await ask('a.example');
  for (let at = 0; at < 1200; at++) expect(await ask(`host${at}.example`)).toBe(once);
  given.depth = 3;
  expect((await ask('a.example')).depth).toBe(3);
});

it('a list of hosts is parsed once each, and only when it is asked for', async () => {
  const ask = await equipmentOf({ sniHosts: { 'a.example': { depth: 2 }, 'b.example': { depth: 3 } } });
  const once = await ask('a.example');
  expect(await ask('A.example')).toBe(once);
  expect((await ask('b.example')).depth).toBe(3);
  expect((await ask('c.example')).depth).toBe(10);
});
