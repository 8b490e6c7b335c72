/** An option is one row: types, config, the core's list and `connection_information` are made of it and repeat nothing. */
import { readFileSync } from 'node:fs';
import { clientSettings, nobleEngine } from '@actor-tls/ssl/core';
import { describe, expect, it } from 'vitest';
import { parseClientOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { toldOptions } from '../../packages/ssl/src/options/told.js';
import { fakeEngine } from './fake-engine.js';

const source = (path: string): string =>
  readFileSync(new URL(`../../packages/ssl/src/${path}`, import.meta.url), 'utf8');

/** As a key, a field or a text; code that reads a setting may name it. */
function mentions(text: string, name: string): boolean {
  const key = new RegExp(String.raw`^\s*(?:readonly )?${name}\??:|['"]${name}['"]`, 'm');
  return key.test(text.replace(/\/\*[\s\S]*?\*\//g, ''));
}

describe('an option is one row', () => {
  it.each([
    ['options/config.ts', []],
    ['options/raw.ts', []],
    ['options/build.ts', []],
    ['options/rows.ts', ['versions']],
    ['options/told.ts', []],
    ['options/own-options.ts', []],
    ['options/recent.ts', []],
    // The protocol, the length of records that was agreed on and the name that was proved are no options.
    ['processes/connection/connection-information.ts', ['protocol', 'maxFragmentLength', 'pskIdentity']],
    // Of trusted certificates the core has a form of its own, without the system's.
    ['core/settings-from-options.ts', ['cacerts']],
  ] as const)('%s lists no options by name', (path, excepted) => {
    const text = source(path);
    const listed = optionRows.map(({ name }) => name).filter((name) => mentions(text, name));
    expect(listed.filter((name) => !excepted.some((other) => other === name))).toEqual([]);
  });

  it('the test sees a list when there is one', () => {
    expect(mentions("const told = ['depth'];", 'depth')).toBe(true);
    expect(mentions('  readonly depth?: number;', 'depth')).toBe(true);
    expect(mentions('/** depth: */ const { depth } = settings;', 'depth')).toBe(false);
  });
});

const config = (side: 'client' | 'server', options: object) => {
  const parse = side === 'client' ? parseClientOptions : parseServerOptions;
  const parsed = parse(options, { engine: fakeEngine });
  if ('error' in parsed) throw new Error(JSON.stringify(parsed.error));
  return parsed.ok;
};
const verifyFun = (): { valid: undefined } => ({ valid: undefined });

describe('connection_information of options', () => {
  it.each([
    ['client', {}],
    ['server', {}],
    ['client', { depth: 3, verifyFun, stapling: 'staple', serverNameIndication: 'a.example' }],
    ['client', { ciphers: 'TLS_AES_128_GCM_SHA256', alpnAdvertisedProtocols: ['h2'], certfile: 'a.pem' }],
    ['server', { keyfile: 'k.pem', maxHandshakes: 7, honorCipherOrder: true, versions: ['tlsv1.3'] }],
  ] as const)('what a %s is told of %j can be given again and means the same', (side, options) => {
    const told = toldOptions(config(side, options), undefined);
    expect(Object.keys(told).length).toBeGreaterThan(14);
    expect(toldOptions(config(side, told), undefined)).toEqual(told);
    for (const name of Object.keys(options)) expect(told).toHaveProperty(name);
  });

  it('secrets are not told, asked for or not', () => {
    const secrets = optionRows.filter(({ kept }) => kept === 'secret').map(({ name }) => name);
    expect(secrets).toEqual([
      'key',
      'password',
      'certsKeys',
      'reuseSession',
      'useTicket',
      'earlyData',
      'statelessTicketsSeed',
      'srpIdentity',
      'fleetSeed',
    ]);
    const own = config('server', {
      password: 'sesame',
      key: { PrivateKeyInfo: Uint8Array.of(0x30, 0) },
      certsKeys: [],
    });
    expect(toldOptions(own, secrets)).toEqual({});
    expect(JSON.stringify(toldOptions(own, undefined))).not.toContain('sesame');
  });

  it('options of the other side are not told', () => {
    const client = config('client', { failIfNoPeerCert: true });
    expect(toldOptions(client, ['failIfNoPeerCert', 'depth', 'minKeySize'])).toEqual({
      depth: 10,
      minKeySize: 2048,
    });
  });

  it('only the named ones are told when some are named', () => {
    const own = config('client', { verifyFun: [verifyFun, 7], ciphers: ['TLS_AES_128_GCM_SHA256'] });
    expect(toldOptions(own, ['ciphers', 'verifyFun', 'nosuch'])).toEqual({
      verifyFun: [verifyFun, 7],
      ciphers: [{ keyExchange: 'any', cipher: 'aes_128_gcm', mac: 'aead', prf: 'sha256' }],
    });
  });
});

describe("the core's options", () => {
  it('are those whose rows say so', () => {
    for (const { core, name, side } of optionRows) {
      const give = () => clientSettings({ [name]: undefined, verify: 'verify_none' }, nobleEngine);
      if (core && side !== 'server') expect(give, name).not.toThrow();
      else expect(give, name).toThrow(`the core has no option ${name}`);
    }
  });
});
