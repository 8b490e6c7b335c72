/**
 * The secrets of TLS 1.2 as Erlang makes them: recorded from `tls_v1` of OTP 25 (`master_secret/4`, `prf/5`,
 * `setup_keys/8`, `finished/5`). Inputs are bytes that count up by seven.
 */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { HashFunction, HashName } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import { MasterSecret12 } from './master-secret.js';
import { tls12Prf } from './prf.js';

const counting = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => from + 7 * index);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const randoms = { client: counting(100, 32), server: counting(200, 32) };
const premaster = (): Secret => new Secret(counting(3, 32));
const messages = counting(9, 1000);

function hashOf(name: HashName): HashFunction {
  const hash = defaultEngine.hash(name);
  if (hash === undefined) throw new Error(`no ${name}`);
  return hash;
}

interface Recorded {
  readonly master: string;
  readonly extended: string;
  readonly client: { readonly key: string; readonly iv: string };
  readonly server: { readonly key: string; readonly iv: string };
  readonly clientFinished: string;
  readonly serverFinished: string;
}

const ofSha256 = {
  master: '4a394174a2a3b6abc7953a39b9f19977dcd92f1cf7e99b7fd38f5959cd7044b8b0d1978ba2cfd6b044d560bf6ac59d8c',
  extended:
    'e1d0405d0fe4c074116d8d6828cd24526b40e326a6dabffccc837ab6fc3e144d3581d0d4cd46a28c7ee849550b9d9642',
  clientFinished: '9240814090c309f5aa035024',
  serverFinished: '2b667ccba7214916eb48a14c',
};

const recorded: readonly [string, HashName, Recorded][] = [
  [
    'AES-128-GCM',
    'sha256',
    {
      ...ofSha256,
      client: { key: '63694570953d960e5038308afc52db0a', iv: 'c3dbe94d' },
      server: { key: '75f8606d92234570aba73e581f53f91f', iv: 'c0dd76be' },
    },
  ],
  [
    'ChaCha20-Poly1305',
    'sha256',
    {
      ...ofSha256,
      client: {
        key: '63694570953d960e5038308afc52db0a75f8606d92234570aba73e581f53f91f',
        iv: '547019c87a0ac20af57c7f21',
      },
      server: {
        key: 'c3dbe94dc0dd76be5dfed223b0bfcf78dd06d12e8fa549c5d664c437a6243985',
        iv: '8e1bc3742936140778181166',
      },
    },
  ],
  [
    'AES-256-GCM',
    'sha384',
    {
      master:
        'f19373f47f9a59aa2e08150dd14c0835b3eea8c45b767c54f16fddd5dd1e13d26b7faae1540ce3ba3c1d593cd9b3d556',
      extended:
        '94bb3dd0291713a944adfcb2bcd23dde0d1b26241faf844eb8b89a4af297f894f36000881acb03b2534aba67e1b2ef3f',
      client: { key: '039289b1de82f882b0d0b45410f34c1c115c94ade41b5a9bc4ba5d96131789b5', iv: 'cfbeb9f8' },
      server: { key: '0fe0074f57b55d94de0d7a7feff19863ce8cdabd93c0be165f6fd167b30088a9', iv: '085d6265' },
      clientFinished: '2cd6285a52098fbf65f75904',
      serverFinished: '80d48d41d112dcdebca50261',
    },
  ],
];

describe.each(recorded)('the secrets of %s', (_cipher, name, expected) => {
  const hash = hashOf(name);
  const master = MasterSecret12.plain(tls12Prf(hash), premaster(), randoms);

  test('begin with the master secret of RFC 5246 §8.1, or that of RFC 7627 §4', () => {
    expect(hex(master.expose())).toBe(expected.master);
    const sessionHash = counting(50, hash.outputLength);
    const extended = MasterSecret12.extended(tls12Prf(hash), premaster(), sessionHash);
    expect(hex(extended.expose())).toBe(expected.extended);
  });

  test('are cut from the key block in the order of RFC 5246 §6.3', () => {
    const { length } = expected.client.iv;
    const block = master.keyBlock(randoms, { mac: 0, key: expected.client.key.length / 2, iv: length / 2 });
    for (const side of ['client', 'server'] as const) {
      expect(hex(block[side].key)).toBe(expected[side].key);
      expect(hex(block[side].iv)).toBe(expected[side].iv);
    }
  });

  test('end with verify_data over the hash of the suite', () => {
    const digest = hash.digest(messages);
    expect(hex(master.verifyData('client', digest))).toBe(expected.clientFinished);
    expect(hex(master.verifyData('server', digest))).toBe(expected.serverFinished);
  });
});

test('the premaster secret is overwritten, and the master secret does not print', () => {
  const secret = premaster();
  const master = MasterSecret12.plain(tls12Prf(hashOf('sha256')), secret, randoms);
  expect(secret.expose()).toEqual(new Uint8Array(32));
  expect(inspect(master, { depth: 9 })).not.toMatch(/\b74, 57, 65\b|4a 39 41/);
  expect(JSON.stringify(master)).not.toContain('74,57,65');
});
