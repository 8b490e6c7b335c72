/** tlslite-ng: TLS in Python, which still has RC4, 3DES, anonymous key exchange and SRP. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CipherName, CipherSuite, KeyExchange } from '../../packages/ssl/src/values/registry/suites.js';

/** A Python that has it: `ACTOR_TLS_TLSLITE` names one, or it is the one on the PATH; `undefined`: none. */
export const tlslitePython: string | undefined = [process.env['ACTOR_TLS_TLSLITE'], 'python3'].find(
  (python) => python !== undefined && spawnSync(python, ['-c', 'import tlslite']).status === 0,
);

export const tlsliteScript: string = fileURLToPath(new URL('./python/tlslite_peer.py', import.meta.url));

const exchanges: Partial<Record<KeyExchange, string>> = {
  rsa: 'rsa',
  dhe_rsa: 'dhe_rsa',
  ecdhe_rsa: 'ecdhe_rsa',
  ecdhe_ecdsa: 'ecdhe_ecdsa',
  dh_anon: 'dh_anon',
  ecdh_anon: 'ecdh_anon',
  srp_anon: 'srp_sha',
  srp_rsa: 'srp_sha_rsa',
};
const ciphers: Partial<Record<CipherName, string>> = {
  aes_128_gcm: 'aes128gcm',
  aes_256_gcm: 'aes256gcm',
  aes_128_ccm: 'aes128ccm',
  aes_256_ccm: 'aes256ccm',
  aes_128_ccm_8: 'aes128ccm_8',
  aes_256_ccm_8: 'aes256ccm_8',
  chacha20_poly1305: 'chacha20-poly1305',
  aes_128_cbc: 'aes128',
  aes_256_cbc: 'aes256',
  '3des_ede_cbc': '3des',
  rc4_128: 'rc4',
};
const versions = { 'tlsv1.2': 3, 'tlsv1.1': 2, tlsv1: 1 } as const;

export function tlsliteHas({ keyExchange, cipher }: CipherSuite): boolean {
  return exchanges[keyExchange] !== undefined && ciphers[cipher] !== undefined;
}

/** SETTINGS of the script: one suite, with or without what RFC 7366 and RFC 7627 add. */
export function tlsliteSettings(
  version: keyof typeof versions,
  { keyExchange, cipher, mac }: CipherSuite,
  user: readonly [string, string] | undefined,
  extended: boolean,
): string {
  return JSON.stringify({
    version: versions[version],
    exchange: exchanges[keyExchange],
    cipher: ciphers[cipher],
    mac,
    user: user ?? null,
    etm: extended,
    ems: extended,
  });
}
