/**
 * The secrets of TLS 1.2 (RFC 5246 §6.3, §7.4.9, §8.1; RFC 7627; RFC 5705): one master secret, from which everything
 * else is expanded.
 */
import { Secret } from '../../values/secret.js';
import { concat } from '../../values/wire/join.js';
import type { WriteKey } from '../record/write-key.js';
import type { Prf } from './prf.js';
import type { KeyLengths } from './record-keys.js';

const masterSecretLength = 48;
const verifyDataLength = 12;

export interface Randoms {
  /** 32 bytes */
  readonly client: Uint8Array;
  /** 32 bytes */
  readonly server: Uint8Array;
}

/** Keys of both directions. */
export interface KeyBlock {
  readonly client: WriteKey;
  readonly server: WriteKey;
}

export class MasterSecret12 {
  private readonly prf: Prf;
  private readonly secret: Secret;

  private constructor(prf: Prf, secret: Uint8Array) {
    this.prf = prf;
    this.secret = new Secret(secret);
  }

  /** RFC 5246 §8.1. The premaster secret is overwritten. */
  static plain(prf: Prf, premaster: Secret, randoms: Randoms): MasterSecret12 {
    return MasterSecret12.derive(prf, premaster, 'master secret', concat([randoms.client, randoms.server]));
  }

  /** RFC 7627 §4: bound to the handshake up to ClientKeyExchange. The premaster secret is overwritten. */
  static extended(prf: Prf, premaster: Secret, sessionHash: Uint8Array): MasterSecret12 {
    return MasterSecret12.derive(prf, premaster, 'extended master secret', sessionHash);
  }

  /** Of a session that is resumed (RFC 5246 §8.1): 48 bytes, which are copied. */
  static resumed(prf: Prf, secret: Uint8Array): MasterSecret12 {
    return new MasterSecret12(prf, secret.slice());
  }

  private static derive(prf: Prf, premaster: Secret, label: string, seed: Uint8Array): MasterSecret12 {
    const secret = prf.expand(premaster.expose(), label, seed, masterSecretLength);
    premaster.zero();
    return new MasterSecret12(prf, secret);
  }

  /** RFC 5246 §6.3 */
  keyBlock({ client, server }: Randoms, { mac, key, iv }: KeyLengths): KeyBlock {
    const block = this.expand('key expansion', concat([server, client]), 2 * (mac + key + iv));
    const [keyAt, ivAt] = [2 * mac, 2 * (mac + key)];
    const of = (side: 0 | 1): WriteKey => ({
      mac: block.slice(side * mac, (side + 1) * mac),
      key: block.slice(keyAt + side * key, keyAt + (side + 1) * key),
      iv: block.slice(ivAt + side * iv, ivAt + (side + 1) * iv),
    });
    const keys = { client: of(0), server: of(1) };
    block.fill(0);
    return keys;
  }

  /** verify_data of a side's Finished over the hash of all messages before it (§7.4.9). */
  verifyData(side: 'client' | 'server', handshakeHash: Uint8Array): Uint8Array {
    return this.expand(`${side} finished`, handshakeHash, verifyDataLength);
  }

  /** The bytes, for a key log or a user who asks for them. */
  expose(): Uint8Array {
    return this.secret.expose();
  }

  /** `length` bytes of the PRF over a label and a seed, in one; from a secret of the user's own when there is one. */
  bytesFor(labelAndSeed: Uint8Array, length: number, secret: Uint8Array = this.secret.expose()): Uint8Array {
    return this.prf.expand(secret, '', labelAndSeed, length);
  }

  private expand(label: string, seed: Uint8Array, length: number): Uint8Array {
    return this.prf.expand(this.secret.expose(), label, seed, length);
  }
}
