/** Cipher suites with the primitives they stand for: what a hello may offer and select (RFC 8446 §4.1.1). */
import { isAead, isCipher } from '../../values/cipher-suites.js';
import type { Aead, CryptoEngine, HashFunction } from '../../values/crypto/engine.js';
import { type CipherSuite, isTls13Suite } from '../../values/registry/suites.js';
import type { NonceForm } from '../record/tls12-protection.js';
import type { KeyExchange } from '../tls12/key-exchange/key-exchange.js';
import { keyExchanges } from '../tls12/key-exchange/table.js';
import type { OlderVersion } from '../tls12/older-version.js';
import type { RecordCipher } from '../tls12/record-keys.js';

/** A suite of TLS 1.3. */
export interface Suite {
  readonly row: CipherSuite;
  readonly aead: Aead;
  /** Of key schedule and transcript. */
  readonly hash: HashFunction;
}

/** Who proves who it is in a handshake of TLS 1.2 or before, how keys are agreed, and how records are protected. */
export interface Suite12 {
  readonly row: CipherSuite;
  /** Of the PRF and the transcript, in TLS 1.2. */
  readonly hash: HashFunction;
  readonly keyExchange: KeyExchange;
  readonly cipher: RecordCipher;
}

/** A suite's primitives; `undefined` when it is not of TLS 1.3 or the engine lacks them. */
export function tls13Suite(row: CipherSuite, engine: CryptoEngine): Suite | undefined {
  return isTls13Suite(row) ? primitives(row, engine) : undefined;
}

/** A suite's primitives; `undefined` when it is not of that version, not built or the engine lacks them. */
export function tls12Suite(
  row: CipherSuite,
  engine: CryptoEngine,
  version: OlderVersion['name'] = 'tlsv1.2',
): Suite12 | undefined {
  const keyExchange = row.versions.includes(version) ? keyExchanges[row.keyExchange] : undefined;
  const hash = engine.hash(row.hash);
  const cipher = recordCipher(row, engine);
  if (keyExchange === undefined || hash === undefined || cipher === undefined) return undefined;
  if (keyExchange.agreement?.isSupported(engine) === false) return undefined;
  return { row, hash, keyExchange, cipher };
}

function recordCipher(row: CipherSuite, engine: CryptoEngine): RecordCipher | undefined {
  if (isAead(row.cipher)) {
    const aead = engine.aead(row.cipher);
    return aead && { kind: 'aead', aead, nonceForm: nonceForms[aead.name] };
  }
  if (!isCipher(row.cipher) || row.mac === 'aead') return undefined;
  const cipher = engine.cipher(row.cipher);
  const hash = engine.hash(row.mac);
  return cipher === undefined || hash === undefined ? undefined : { kind: 'mac', cipher, hash };
}

/** Whether we can speak a suite in any version: only then may a hello offer it. */
export function isBuiltSuite(row: CipherSuite, engine: CryptoEngine): boolean {
  return (
    tls13Suite(row, engine) !== undefined ||
    olderVersions.some((version) => tls12Suite(row, engine, version) !== undefined)
  );
}

const olderVersions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;

/** RFC 5288 §3, RFC 6655 §3, RFC 7905 §2 */
const nonceForms: Readonly<Record<Aead['name'], NonceForm>> = {
  aes_128_gcm: 'explicit',
  aes_256_gcm: 'explicit',
  chacha20_poly1305: 'xor',
  aes_128_ccm: 'explicit',
  aes_256_ccm: 'explicit',
  aes_128_ccm_8: 'explicit',
  aes_256_ccm_8: 'explicit',
};

function primitives(row: CipherSuite, engine: CryptoEngine): Suite | undefined {
  const aead = isAead(row.cipher) ? engine.aead(row.cipher) : undefined;
  const hash = engine.hash(row.hash);
  return aead === undefined || hash === undefined ? undefined : { row, aead, hash };
}
