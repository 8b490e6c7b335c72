import { expect, test } from 'vitest';
import { defaultEngine } from '../values/crypto/default-engine.js';
import { nobleEngine } from '../values/crypto/noble/engine.js';
import { parseClientOptions } from './parse.js';
import type { TlsClientOptions } from './raw.js';

const engine = defaultEngine;
const config = (options: TlsClientOptions, context = {}): object => {
  const parsed = parseClientOptions(options, { engine, ...context });
  if ('error' in parsed) throw new Error(JSON.stringify(parsed.error));
  return parsed.ok;
};

test('the same options give the same config, whoever holds them', () => {
  const options = () => ({ verify: 'verify_none' as const, depth: 3, ciphers: ['TLS_AES_128_GCM_SHA256'] });
  expect(config(options())).toBe(config(options()));
});

test('a list that has changed since is read anew', () => {
  const groups: ('x25519' | 'secp256r1')[] = ['x25519'];
  const options = { verify: 'verify_none' as const, supportedGroups: groups };
  const before = config(options);
  groups[0] = 'secp256r1';
  expect(config(options)).toMatchObject({ supportedGroups: ['secp256r1'] });
  expect(before).toMatchObject({ supportedGroups: ['x25519'] });
});

test('objects and bytes, whose inside may change unseen, are parsed each time', () => {
  const cacerts = [Uint8Array.of(0x30, 0)];
  const options = { verify: 'verify_none' as const, cacerts };
  expect(config(options)).not.toBe(config(options));
});

test('another engine, other default versions, a level of logging: each has a config of its own', () => {
  const options = { verify: 'verify_none' as const, depth: 4 };
  const all = [
    config(options),
    config(options, { engine: nobleEngine }),
    config(options, { defaultVersions: ['tlsv1.3'] }),
    config(options, { logLevel: 'debug' }),
    config({ depth: 4, verify: 'verify_none' }),
    config({ ...options, depth: 5 }),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test('wrong options are told each time', () => {
  for (let i = 0; i < 2; i++)
    expect(parseClientOptions({ verify: 'verify_none', depth: -1 }, { engine })).toHaveProperty('error');
});

test('keys and passwords are not remembered', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  const secrets: readonly TlsClientOptions[] = [
    { key: pem },
    { password: 'sesame' },
    { password: () => 'sesame' },
    { certsKeys: [] },
  ];
  for (const secret of secrets) {
    const options = { verify: 'verify_none' as const, depth: 6, ...secret };
    expect(config(options)).not.toBe(config(options));
  }
});
