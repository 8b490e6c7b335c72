/**
 * Cipher suites: one row each, grouped and ordered as OTP's `ssl:cipher_suites/2` offers them.
 *
 * Numbers and names are IANA's (RFC 8446 appendix B.4, RFC 5246 appendix A.5, RFC 5289, RFC 7905); key exchange, cipher, mac and prf are the atoms of OTP's `erl_cipher_suite()` maps.
 * What a suite needs is on its row, so that nobody branches on a name. Checked against OTP 25 in
 * `test/options/otp25-suites.test.ts`.
 */
import type { HashName } from '../crypto/engine.js';
import { type RecordLimits, recordLimitsOf } from './record-limits.js';
import type { ProtocolVersion } from './versions.js';

export type KeyExchange =
  | 'any'
  | 'ecdhe_ecdsa'
  | 'ecdhe_rsa'
  | 'ecdhe_psk'
  | 'ecdh_ecdsa'
  | 'ecdh_rsa'
  | 'ecdh_anon'
  | 'dhe_rsa'
  | 'dhe_dss'
  | 'dhe_psk'
  | 'dh_rsa'
  | 'dh_dss'
  | 'dh_anon'
  | 'rsa'
  | 'rsa_psk'
  | 'psk'
  | 'srp_rsa'
  | 'srp_dss'
  | 'srp_anon';
export type CipherName =
  | 'aes_128_gcm'
  | 'aes_256_gcm'
  | 'aes_128_ccm'
  | 'aes_256_ccm'
  | 'aes_128_ccm_8'
  | 'aes_256_ccm_8'
  | 'chacha20_poly1305'
  | 'aes_128_cbc'
  | 'aes_256_cbc'
  | '3des_ede_cbc'
  | 'des_cbc'
  | 'rc4_128'
  | 'null';
export type MacName = 'aead' | 'md5' | 'sha' | 'sha256' | 'sha384';
/** The kind of key that a server's certificate must have for a suite. */
export type Authentication = 'ecdsa' | 'rsa' | 'dss' | 'ecdh' | 'rsa_cipher';
export type PrfName = 'default_prf' | 'sha256' | 'sha384';

/** A cipher suite: OTP's map and what the wire and the key schedule need. */
export interface CipherSuite {
  /** The two bytes on the wire. */
  readonly id: number;
  /** The RFC's name, `TLS_…`. */
  readonly name: string;
  readonly opensslName: string;
  readonly keyExchange: KeyExchange;
  readonly cipher: CipherName;
  readonly mac: MacName;
  readonly prf: PrfName;
  /** Hash of the key schedule in TLS 1.3 and of the PRF in TLS 1.2 (`default_prf` is SHA-256 there, RFC 5246 §5). */
  readonly hash: HashName;
  /** Versions the suite may be negotiated in, newest first. */
  readonly versions: readonly ProtocolVersion[];
  /** What one key may protect; `undefined` where the cipher is no AEAD. */
  readonly limits: RecordLimits | undefined;
}

const only13: readonly ProtocolVersion[] = ['tlsv1.3', 'dtlsv1.3'];
/** A tag of 64 bits is guessed too soon where what is wrong ends nothing (RFC 9147 §4.5.3). */
const onlyTls13: readonly ProtocolVersion[] = ['tlsv1.3'];
const from12: readonly ProtocolVersion[] = ['tlsv1.2', 'dtlsv1.2'];
const from10: readonly ProtocolVersion[] = ['tlsv1.2', 'tlsv1.1', 'tlsv1', 'dtlsv1.2', 'dtlsv1'];
/** Stream ciphers cannot stand lost or reordered datagrams (RFC 6347 §4.1.2.2). */
const streamFrom10: readonly ProtocolVersion[] = ['tlsv1.2', 'tlsv1.1', 'tlsv1'];

function row(
  id: number,
  name: string,
  opensslName: string,
  keyExchange: KeyExchange,
  cipher: CipherName,
  mac: MacName,
  prf: PrfName,
  versions: readonly ProtocolVersion[],
): CipherSuite {
  const hash = prf === 'default_prf' ? 'sha256' : prf;
  const limits = recordLimitsOf(cipher);
  return Object.freeze({ id, name, opensslName, keyExchange, cipher, mac, prf, hash, versions, limits });
}

/** TLS 1.3 (RFC 8446 §B.4), strongest first as OTP offers them. */
// biome-ignore format: a row a line
export const tls13Suites: readonly CipherSuite[] = [
  row(0x1302, 'TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384', 'any', 'aes_256_gcm', 'aead', 'sha384', only13),
  row(0x1301, 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256', 'any', 'aes_128_gcm', 'aead', 'sha256', only13),
  row(0x1303, 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256', 'any', 'chacha20_poly1305', 'aead', 'sha256', only13),
  row(0x1304, 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_SHA256', 'any', 'aes_128_ccm', 'aead', 'sha256', only13),
  row(0x1305, 'TLS_AES_128_CCM_8_SHA256', 'TLS_AES_128_CCM_8_SHA256', 'any', 'aes_128_ccm_8', 'aead', 'sha256', onlyTls13),
];

/** Offered by default from TLS 1.2 on; OTP's order. */
// biome-ignore format: a row a line
export const ephemeralSuites12: readonly CipherSuite[] = [
  row(0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ecdhe_ecdsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ecdhe_rsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0xc0ad, 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM', 'ECDHE-ECDSA-AES256-CCM', 'ecdhe_ecdsa', 'aes_256_ccm', 'aead', 'default_prf', from12),
  row(0xc0af, 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8', 'ECDHE-ECDSA-AES256-CCM8', 'ecdhe_ecdsa', 'aes_256_ccm_8', 'aead', 'default_prf', from12),
  row(0xc024, 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384', 'ECDHE-ECDSA-AES256-SHA384', 'ecdhe_ecdsa', 'aes_256_cbc', 'sha384', 'sha384', from12),
  row(0xc028, 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 'ECDHE-RSA-AES256-SHA384', 'ecdhe_rsa', 'aes_256_cbc', 'sha384', 'sha384', from12),
  row(0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ecdhe_ecdsa', 'chacha20_poly1305', 'aead', 'sha256', from12),
  row(0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305', 'ecdhe_rsa', 'chacha20_poly1305', 'aead', 'sha256', from12),
  row(0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ecdhe_ecdsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ecdhe_rsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xc0ac, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM', 'ECDHE-ECDSA-AES128-CCM', 'ecdhe_ecdsa', 'aes_128_ccm', 'aead', 'default_prf', from12),
  row(0xc0ae, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'ECDHE-ECDSA-AES128-CCM8', 'ecdhe_ecdsa', 'aes_128_ccm_8', 'aead', 'default_prf', from12),
  row(0xc02e, 'TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDH-ECDSA-AES256-GCM-SHA384', 'ecdh_ecdsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0xc032, 'TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384', 'ECDH-RSA-AES256-GCM-SHA384', 'ecdh_rsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0xc026, 'TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384', 'ECDH-ECDSA-AES256-SHA384', 'ecdh_ecdsa', 'aes_256_cbc', 'sha384', 'sha384', from12),
  row(0xc02a, 'TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384', 'ECDH-RSA-AES256-SHA384', 'ecdh_rsa', 'aes_256_cbc', 'sha384', 'sha384', from12),
  row(0xc02d, 'TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDH-ECDSA-AES128-GCM-SHA256', 'ecdh_ecdsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xc031, 'TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256', 'ECDH-RSA-AES128-GCM-SHA256', 'ecdh_rsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xc023, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256', 'ecdhe_ecdsa', 'aes_128_cbc', 'sha256', 'sha256', from12),
  row(0xc027, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256', 'ecdhe_rsa', 'aes_128_cbc', 'sha256', 'sha256', from12),
  row(0xc025, 'TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDH-ECDSA-AES128-SHA256', 'ecdh_ecdsa', 'aes_128_cbc', 'sha256', 'sha256', from12),
  row(0xc029, 'TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256', 'ECDH-RSA-AES128-SHA256', 'ecdh_rsa', 'aes_128_cbc', 'sha256', 'sha256', from12),
  row(0x009f, 'TLS_DHE_RSA_WITH_AES_256_GCM_SHA384', 'DHE-RSA-AES256-GCM-SHA384', 'dhe_rsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x00a3, 'TLS_DHE_DSS_WITH_AES_256_GCM_SHA384', 'DHE-DSS-AES256-GCM-SHA384', 'dhe_dss', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x006b, 'TLS_DHE_RSA_WITH_AES_256_CBC_SHA256', 'DHE-RSA-AES256-SHA256', 'dhe_rsa', 'aes_256_cbc', 'sha256', 'default_prf', from12),
  row(0x006a, 'TLS_DHE_DSS_WITH_AES_256_CBC_SHA256', 'DHE-DSS-AES256-SHA256', 'dhe_dss', 'aes_256_cbc', 'sha256', 'default_prf', from12),
  row(0x009e, 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256', 'DHE-RSA-AES128-GCM-SHA256', 'dhe_rsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00a2, 'TLS_DHE_DSS_WITH_AES_128_GCM_SHA256', 'DHE-DSS-AES128-GCM-SHA256', 'dhe_dss', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xccaa, 'TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'DHE-RSA-CHACHA20-POLY1305', 'dhe_rsa', 'chacha20_poly1305', 'aead', 'sha256', from12),
  row(0x0067, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA256', 'DHE-RSA-AES128-SHA256', 'dhe_rsa', 'aes_128_cbc', 'sha256', 'default_prf', from12),
  row(0x0040, 'TLS_DHE_DSS_WITH_AES_128_CBC_SHA256', 'DHE-DSS-AES128-SHA256', 'dhe_dss', 'aes_128_cbc', 'sha256', 'default_prf', from12),
];

/** Offered by default from TLS 1.0 on; OTP's order. */
// biome-ignore format: a row a line
export const ephemeralSuites10: readonly CipherSuite[] = [
  row(0xc00a, 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA', 'ecdhe_ecdsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc014, 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA', 'ecdhe_rsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc005, 'TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA', 'ECDH-ECDSA-AES256-SHA', 'ecdh_ecdsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc00f, 'TLS_ECDH_RSA_WITH_AES_256_CBC_SHA', 'ECDH-RSA-AES256-SHA', 'ecdh_rsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc009, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA', 'ecdhe_ecdsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc013, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA', 'ecdhe_rsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc004, 'TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA', 'ECDH-ECDSA-AES128-SHA', 'ecdh_ecdsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc00e, 'TLS_ECDH_RSA_WITH_AES_128_CBC_SHA', 'ECDH-RSA-AES128-SHA', 'ecdh_rsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x0039, 'TLS_DHE_RSA_WITH_AES_256_CBC_SHA', 'DHE-RSA-AES256-SHA', 'dhe_rsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x0038, 'TLS_DHE_DSS_WITH_AES_256_CBC_SHA', 'DHE-DSS-AES256-SHA', 'dhe_dss', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x0033, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA', 'DHE-RSA-AES128-SHA', 'dhe_rsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x0032, 'TLS_DHE_DSS_WITH_AES_128_CBC_SHA', 'DHE-DSS-AES128-SHA', 'dhe_dss', 'aes_128_cbc', 'sha', 'default_prf', from10),
];

/** Static RSA with a pre-shared key (RFC 4279, 5487). */
// biome-ignore format: a row a line
export const rsaPskSuites: readonly CipherSuite[] = [
  row(0x00ad, 'TLS_RSA_PSK_WITH_AES_256_GCM_SHA384', 'RSA-PSK-AES256-GCM-SHA384', 'rsa_psk', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x00b7, 'TLS_RSA_PSK_WITH_AES_256_CBC_SHA384', 'RSA-PSK-AES256-CBC-SHA384', 'rsa_psk', 'aes_256_cbc', 'sha384', 'sha384', from10),
  row(0x00ac, 'TLS_RSA_PSK_WITH_AES_128_GCM_SHA256', 'RSA-PSK-AES128-GCM-SHA256', 'rsa_psk', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00b6, 'TLS_RSA_PSK_WITH_AES_128_CBC_SHA256', 'RSA-PSK-AES128-CBC-SHA256', 'rsa_psk', 'aes_128_cbc', 'sha256', 'default_prf', from10),
  row(0x0095, 'TLS_RSA_PSK_WITH_AES_256_CBC_SHA', 'RSA-PSK-AES256-CBC-SHA', 'rsa_psk', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x0094, 'TLS_RSA_PSK_WITH_AES_128_CBC_SHA', 'RSA-PSK-AES128-CBC-SHA', 'rsa_psk', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x0093, 'TLS_RSA_PSK_WITH_3DES_EDE_CBC_SHA', 'RSA-PSK-DES-CBC3-SHA', 'rsa_psk', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x0092, 'TLS_RSA_PSK_WITH_RC4_128_SHA', 'RSA-PSK-RC4-SHA', 'rsa_psk', 'rc4_128', 'sha', 'default_prf', streamFrom10),
];

/** SRP with a certificate (RFC 5054). */
// biome-ignore format: a row a line
export const srpSuites: readonly CipherSuite[] = [
  row(0xc021, 'TLS_SRP_SHA_RSA_WITH_AES_256_CBC_SHA', 'SRP-RSA-AES-256-CBC-SHA', 'srp_rsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc022, 'TLS_SRP_SHA_DSS_WITH_AES_256_CBC_SHA', 'SRP-DSS-AES256-CBC-SHA', 'srp_dss', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc01e, 'TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA', 'SRP-RSA-AES-128-CBC-SHA', 'srp_rsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc01f, 'TLS_SRP_SHA_DSS_WITH_AES_128_CBC_SHA', 'SRP-DSS-AES128-CBC-SHA', 'srp_dss', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc01b, 'TLS_SRP_SHA_RSA_WITH_3DES_EDE_CBC_SHA', 'SRP-RSA-DES-CBC3-SHA', 'srp_rsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0xc01c, 'TLS_SRP_SHA_DSS_WITH_3DES_EDE_CBC_SHA', 'SRP-DSS-DES-CBC3-SHA', 'srp_dss', '3des_ede_cbc', 'sha', 'default_prf', from10),
];

/** Static RSA, new in TLS 1.2: no forward secrecy. */
// biome-ignore format: a row a line
export const rsaSuites12: readonly CipherSuite[] = [
  row(0x009d, 'TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384', 'rsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x003d, 'TLS_RSA_WITH_AES_256_CBC_SHA256', 'AES256-SHA256', 'rsa', 'aes_256_cbc', 'sha256', 'default_prf', from12),
  row(0x009c, 'TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256', 'rsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x003c, 'TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256', 'rsa', 'aes_128_cbc', 'sha256', 'default_prf', from12),
];

/** Static RSA, from TLS 1.0 on: no forward secrecy. */
// biome-ignore format: a row a line
export const rsaSuites10: readonly CipherSuite[] = [
  row(0x0035, 'TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA', 'rsa', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x002f, 'TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA', 'rsa', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x000a, 'TLS_RSA_WITH_3DES_EDE_CBC_SHA', 'DES-CBC3-SHA', 'rsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
];

/** DES and 3DES. */
// biome-ignore format: a row a line
export const desSuites: readonly CipherSuite[] = [
  row(0xc008, 'TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA', 'ECDHE-ECDSA-DES-CBC3-SHA', 'ecdhe_ecdsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0xc012, 'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA', 'ECDHE-RSA-DES-CBC3-SHA', 'ecdhe_rsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x0016, 'TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA', 'EDH-RSA-DES-CBC3-SHA', 'dhe_rsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x0013, 'TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA', 'DHE-DSS-DES-CBC3-SHA', 'dhe_dss', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0xc003, 'TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA', 'ECDH-ECDSA-DES-CBC3-SHA', 'ecdh_ecdsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0xc00d, 'TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA', 'ECDH-RSA-DES-CBC3-SHA', 'ecdh_rsa', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x0015, 'TLS_DHE_RSA_WITH_DES_CBC_SHA', 'EDH-RSA-DES-CBC-SHA', 'dhe_rsa', 'des_cbc', 'sha', 'default_prf', from10),
  row(0x0009, 'TLS_RSA_WITH_DES_CBC_SHA', 'DES-CBC-SHA', 'rsa', 'des_cbc', 'sha', 'default_prf', from10),
];

/** RC4: forbidden by RFC 7465, kept for `all`. */
// biome-ignore format: a row a line
export const rc4Suites: readonly CipherSuite[] = [
  row(0xc007, 'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA', 'ECDHE-ECDSA-RC4-SHA', 'ecdhe_ecdsa', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0xc011, 'TLS_ECDHE_RSA_WITH_RC4_128_SHA', 'ECDHE-RSA-RC4-SHA', 'ecdhe_rsa', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0xc002, 'TLS_ECDH_ECDSA_WITH_RC4_128_SHA', 'ECDH-ECDSA-RC4-SHA', 'ecdh_ecdsa', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0xc00c, 'TLS_ECDH_RSA_WITH_RC4_128_SHA', 'ECDH-RSA-RC4-SHA', 'ecdh_rsa', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0x0005, 'TLS_RSA_WITH_RC4_128_SHA', 'RC4-SHA', 'rsa', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0x0004, 'TLS_RSA_WITH_RC4_128_MD5', 'RC4-MD5', 'rsa', 'rc4_128', 'md5', 'default_prf', streamFrom10),
];

/** No certificate: PSK, anonymous (EC)DH and SRP, in the order OTP first names them. */
// biome-ignore format: a row a line
export const anonymousSuites: readonly CipherSuite[] = [
  row(0x00ab, 'TLS_DHE_PSK_WITH_AES_256_GCM_SHA384', 'DHE-PSK-AES256-GCM-SHA384', 'dhe_psk', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x00a9, 'TLS_PSK_WITH_AES_256_GCM_SHA384', 'PSK-AES256-GCM-SHA384', 'psk', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0xc0a7, 'TLS_DHE_PSK_WITH_AES_256_CCM', 'DHE-PSK-AES256-CCM', 'dhe_psk', 'aes_256_ccm', 'aead', 'default_prf', from12),
  row(0xc0ab, 'TLS_DHE_PSK_WITH_AES_256_CCM_8', 'DHE-PSK-AES256-CCM8', 'dhe_psk', 'aes_256_ccm_8', 'aead', 'default_prf', from12),
  row(0xc0a5, 'TLS_PSK_WITH_AES_256_CCM', 'PSK-AES256-CCM', 'psk', 'aes_256_ccm', 'aead', 'default_prf', from12),
  row(0xc0a9, 'TLS_PSK_WITH_AES_256_CCM_8', 'PSK-AES256-CCM8', 'psk', 'aes_256_ccm_8', 'aead', 'default_prf', from12),
  row(0xd001, 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', 'ECDHE-PSK-AES128-GCM-SHA256', 'ecdhe_psk', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xd005, 'TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256', 'ECDHE-PSK-AES128-CCM-SHA256', 'ecdhe_psk', 'aes_128_ccm', 'aead', 'sha256', from12),
  row(0xd003, 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', 'ECDHE-PSK-AES128-CCM8-SHA256', 'ecdhe_psk', 'aes_128_ccm_8', 'aead', 'sha256', from12),
  row(0x00aa, 'TLS_DHE_PSK_WITH_AES_128_GCM_SHA256', 'DHE-PSK-AES128-GCM-SHA256', 'dhe_psk', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00a8, 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'PSK-AES128-GCM-SHA256', 'psk', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0xc0a6, 'TLS_DHE_PSK_WITH_AES_128_CCM', 'DHE-PSK-AES128-CCM', 'dhe_psk', 'aes_128_ccm', 'aead', 'default_prf', from12),
  row(0xc0aa, 'TLS_DHE_PSK_WITH_AES_128_CCM_8', 'DHE-PSK-AES128-CCM8', 'dhe_psk', 'aes_128_ccm_8', 'aead', 'default_prf', from12),
  row(0xc0a4, 'TLS_PSK_WITH_AES_128_CCM', 'PSK-AES128-CCM', 'psk', 'aes_128_ccm', 'aead', 'default_prf', from12),
  row(0xc0a8, 'TLS_PSK_WITH_AES_128_CCM_8', 'PSK-AES128-CCM8', 'psk', 'aes_128_ccm_8', 'aead', 'default_prf', from12),
  row(0x00a6, 'TLS_DH_anon_WITH_AES_128_GCM_SHA256', 'ADH-AES128-GCM-SHA256', 'dh_anon', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00a7, 'TLS_DH_anon_WITH_AES_256_GCM_SHA384', 'ADH-AES256-GCM-SHA384', 'dh_anon', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x006c, 'TLS_DH_anon_WITH_AES_128_CBC_SHA256', 'ADH-AES128-SHA256', 'dh_anon', 'aes_128_cbc', 'sha256', 'sha256', from12),
  row(0x006d, 'TLS_DH_anon_WITH_AES_256_CBC_SHA256', 'ADH-AES256-SHA256', 'dh_anon', 'aes_256_cbc', 'sha256', 'sha256', from12),
  row(0xc018, 'TLS_ECDH_anon_WITH_AES_128_CBC_SHA', 'AECDH-AES128-SHA', 'ecdh_anon', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc019, 'TLS_ECDH_anon_WITH_AES_256_CBC_SHA', 'AECDH-AES256-SHA', 'ecdh_anon', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc017, 'TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA', 'AECDH-DES-CBC3-SHA', 'ecdh_anon', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x0018, 'TLS_DH_anon_WITH_RC4_128_MD5', 'ADH-RC4-MD5', 'dh_anon', 'rc4_128', 'md5', 'default_prf', streamFrom10),
  row(0x001a, 'TLS_DH_anon_WITH_DES_CBC_SHA', 'ADH-DES-CBC-SHA', 'dh_anon', 'des_cbc', 'sha', 'default_prf', from10),
  row(0xc038, 'TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384', 'ECDHE-PSK-AES256-CBC-SHA384', 'ecdhe_psk', 'aes_256_cbc', 'sha384', 'sha384', from10),
  row(0x00b3, 'TLS_DHE_PSK_WITH_AES_256_CBC_SHA384', 'DHE-PSK-AES256-CBC-SHA384', 'dhe_psk', 'aes_256_cbc', 'sha384', 'sha384', from10),
  row(0x00af, 'TLS_PSK_WITH_AES_256_CBC_SHA384', 'PSK-AES256-CBC-SHA384', 'psk', 'aes_256_cbc', 'sha384', 'sha384', from10),
  row(0xc037, 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256', 'ECDHE-PSK-AES128-CBC-SHA256', 'ecdhe_psk', 'aes_128_cbc', 'sha256', 'sha256', from10),
  row(0x00b2, 'TLS_DHE_PSK_WITH_AES_128_CBC_SHA256', 'DHE-PSK-AES128-CBC-SHA256', 'dhe_psk', 'aes_128_cbc', 'sha256', 'sha256', from10),
  row(0x00ae, 'TLS_PSK_WITH_AES_128_CBC_SHA256', 'PSK-AES128-CBC-SHA256', 'psk', 'aes_128_cbc', 'sha256', 'sha256', from10),
  row(0xc033, 'TLS_ECDHE_PSK_WITH_RC4_128_SHA', 'ECDHE-PSK-RC4-SHA', 'ecdhe_psk', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0x0091, 'TLS_DHE_PSK_WITH_AES_256_CBC_SHA', 'DHE-PSK-AES256-CBC-SHA', 'dhe_psk', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x008d, 'TLS_PSK_WITH_AES_256_CBC_SHA', 'PSK-AES256-CBC-SHA', 'psk', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc035, 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA', 'ECDHE-PSK-AES128-CBC-SHA', 'ecdhe_psk', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x0090, 'TLS_DHE_PSK_WITH_AES_128_CBC_SHA', 'DHE-PSK-AES128-CBC-SHA', 'dhe_psk', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x008c, 'TLS_PSK_WITH_AES_128_CBC_SHA', 'PSK-AES128-CBC-SHA', 'psk', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc034, 'TLS_ECDHE_PSK_WITH_3DES_EDE_CBC_SHA', 'ECDHE-PSK-3DES-EDE-CBC-SHA', 'ecdhe_psk', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x008f, 'TLS_DHE_PSK_WITH_3DES_EDE_CBC_SHA', 'DHE-PSK-3DES-EDE-CBC-SHA', 'dhe_psk', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x008b, 'TLS_PSK_WITH_3DES_EDE_CBC_SHA', 'PSK-3DES-EDE-CBC-SHA', 'psk', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0x008e, 'TLS_DHE_PSK_WITH_RC4_128_SHA', 'DHE-PSK-RC4-SHA', 'dhe_psk', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0x008a, 'TLS_PSK_WITH_RC4_128_SHA', 'PSK-RC4-SHA', 'psk', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0x001b, 'TLS_DH_anon_WITH_3DES_EDE_CBC_SHA', 'ADH-DES-CBC3-SHA', 'dh_anon', '3des_ede_cbc', 'sha', 'default_prf', from10),
  row(0xc01d, 'TLS_SRP_SHA_WITH_AES_128_CBC_SHA', 'SRP-AES-128-CBC-SHA', 'srp_anon', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0xc020, 'TLS_SRP_SHA_WITH_AES_256_CBC_SHA', 'SRP-AES-256-CBC-SHA', 'srp_anon', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc01a, 'TLS_SRP_SHA_WITH_3DES_EDE_CBC_SHA', 'SRP-3DES-EDE-CBC-SHA', 'srp_anon', '3des_ede_cbc', 'sha', 'default_prf', from10),
];

/** Known by name and number to OTP, offered by no list. */
// biome-ignore format: a row a line
export const unofferedSuites: readonly CipherSuite[] = [
  row(0x0012, 'TLS_DHE_DSS_WITH_DES_CBC_SHA', 'DHE-DSS-DES-CBC-SHA', 'dhe_dss', 'des_cbc', 'sha', 'default_prf', from10),
  row(0x002c, 'TLS_PSK_WITH_NULL_SHA', 'PSK-NULL-SHA', 'psk', 'null', 'sha', 'default_prf', from10),
  row(0x002d, 'TLS_DHE_PSK_WITH_NULL_SHA', 'DHE-PSK-NULL-SHA', 'dhe_psk', 'null', 'sha', 'default_prf', from10),
  row(0x002e, 'TLS_RSA_PSK_WITH_NULL_SHA', 'RSA-PSK-NULL-SHA', 'rsa_psk', 'null', 'sha', 'default_prf', from10),
  row(0x0034, 'TLS_DH_anon_WITH_AES_128_CBC_SHA', 'ADH-AES128-SHA', 'dh_anon', 'aes_128_cbc', 'sha', 'default_prf', from10),
  row(0x003a, 'TLS_DH_anon_WITH_AES_256_CBC_SHA', 'ADH-AES256-SHA', 'dh_anon', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0x00a0, 'TLS_DH_RSA_WITH_AES_128_GCM_SHA256', 'DH-RSA-AES128-GCM-SHA256', 'dh_rsa', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00a1, 'TLS_DH_RSA_WITH_AES_256_GCM_SHA384', 'DH-RSA-AES256-GCM-SHA384', 'dh_rsa', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x00a4, 'TLS_DH_DSS_WITH_AES_128_GCM_SHA256', 'DH-DSS-AES128-GCM-SHA256', 'dh_dss', 'aes_128_gcm', 'aead', 'sha256', from12),
  row(0x00a5, 'TLS_DH_DSS_WITH_AES_256_GCM_SHA384', 'DH-DSS-AES256-GCM-SHA384', 'dh_dss', 'aes_256_gcm', 'aead', 'sha384', from12),
  row(0x00b0, 'TLS_PSK_WITH_NULL_SHA256', 'PSK-NULL-SHA256', 'psk', 'null', 'sha256', 'default_prf', from10),
  row(0x00b1, 'TLS_PSK_WITH_NULL_SHA384', 'PSK-NULL-SHA384', 'psk', 'null', 'sha384', 'sha384', from10),
  row(0x00b4, 'TLS_DHE_PSK_WITH_NULL_SHA256', 'DHE-PSK-NULL-SHA256', 'dhe_psk', 'null', 'sha256', 'sha256', from10),
  row(0x00b5, 'TLS_DHE_PSK_WITH_NULL_SHA384', 'DHE-PSK-NULL-SHA384', 'dhe_psk', 'null', 'sha384', 'sha384', from10),
  row(0x00b8, 'TLS_RSA_PSK_WITH_NULL_SHA256', 'RSA-PSK-NULL-SHA256', 'rsa_psk', 'null', 'sha256', 'sha256', from10),
  row(0x00b9, 'TLS_RSA_PSK_WITH_NULL_SHA384', 'RSA-PSK-NULL-SHA384', 'rsa_psk', 'null', 'sha384', 'sha384', from10),
  row(0xc001, 'TLS_ECDH_ECDSA_WITH_NULL_SHA', 'ECDH-ECDSA-NULL-SHA', 'ecdh_ecdsa', 'null', 'sha', 'default_prf', from10),
  row(0xc006, 'TLS_ECDHE_ECDSA_WITH_NULL_SHA', 'ECDHE-ECDSA-NULL-SHA', 'ecdhe_ecdsa', 'null', 'sha', 'default_prf', from10),
  row(0xc00b, 'TLS_ECDH_RSA_WITH_NULL_SHA', 'ECDH-RSA-NULL-SHA', 'ecdh_rsa', 'null', 'sha', 'default_prf', from10),
  row(0xc010, 'TLS_ECDHE_RSA_WITH_NULL_SHA', 'ECDHE-RSA-NULL-SHA', 'ecdhe_rsa', 'null', 'sha', 'default_prf', from10),
  row(0xc015, 'TLS_ECDH_anon_WITH_NULL_SHA', 'AECDH-NULL-SHA', 'ecdh_anon', 'null', 'sha', 'default_prf', from10),
  row(0xc016, 'TLS_ECDH_anon_WITH_RC4_128_SHA', 'AECDH-RC4-SHA', 'ecdh_anon', 'rc4_128', 'sha', 'default_prf', streamFrom10),
  row(0xc036, 'TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA', 'ECDHE-PSK-AES256-CBC-SHA', 'ecdhe_psk', 'aes_256_cbc', 'sha', 'default_prf', from10),
  row(0xc03a, 'TLS_ECDHE_PSK_WITH_NULL_SHA256', 'ECDHE-PSK-NULL-SHA256', 'ecdhe_psk', 'null', 'sha256', 'sha256', from10),
  row(0xc03b, 'TLS_ECDHE_PSK_WITH_NULL_SHA384', 'ECDHE-PSK-NULL-SHA384', 'ecdhe_psk', 'null', 'sha384', 'sha384', from10),
  row(0xd002, 'TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384', 'ECDHE-PSK-AES256-GCM-SHA384', 'ecdhe_psk', 'aes_256_gcm', 'aead', 'sha384', from12),
];
/** Every suite known by number; not an order of preference. */
export const allSuites: readonly CipherSuite[] = [
  ...tls13Suites,
  ...ephemeralSuites12,
  ...ephemeralSuites10,
  ...rsaPskSuites,
  ...srpSuites,
  ...rsaSuites12,
  ...rsaSuites10,
  ...desSuites,
  ...rc4Suites,
  ...anonymousSuites,
  ...unofferedSuites,
];

const byId: ReadonlyMap<number, CipherSuite> = new Map(allSuites.map((suite) => [suite.id, suite]));
const byName: ReadonlyMap<string, CipherSuite> = new Map(
  allSuites.flatMap((suite) => [[suite.opensslName, suite] as const, [suite.name, suite] as const]),
);

/** The suite with this number; `undefined` for GREASE, signalling values and what nobody knows. */
export function suiteById(id: number): CipherSuite | undefined {
  return byId.get(id);
}

/** The suite with this RFC or OpenSSL name. */
export function suiteByName(name: string): CipherSuite | undefined {
  return byName.get(name);
}

/** Whether a suite is one of TLS 1.3. */
export function isTls13Suite({ versions }: CipherSuite): boolean {
  return versions.includes('tlsv1.3');
}

/** A signalling value: in a client's list of suites, never chosen (RFC 7507 §3). */
export const fallbackScsv = 0x5600;

/** Another: the client knows renegotiation_info (RFC 5746 §3.3). */
export const renegotiationScsv = 0x00ff;
