/**
 * Block ciphers of node:crypto in CBC mode (SP 800-38A §6.2): one native object for a direction's whole life, since the
 * chain goes on from record to record.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../../wire/join.js';
import type { Cipher, CipherName, RunningCipher } from '../engine.js';

export class NodeCbc implements Cipher {
  readonly name: CipherName;
  readonly keyLength: number;
  readonly blockLength: number;
  private readonly cipher: string;
  private readonly keyOf: (key: Uint8Array) => Uint8Array;

  constructor(
    name: CipherName,
    cipher: string,
    keyLength: number,
    blockLength: number,
    keyOf: (key: Uint8Array) => Uint8Array = (key) => key,
  ) {
    this.name = name;
    this.cipher = cipher;
    this.keyLength = keyLength;
    this.blockLength = blockLength;
    this.keyOf = keyOf;
  }

  encryptor(key: Uint8Array, iv: Uint8Array): RunningCipher {
    return createCipheriv(this.cipher, this.keyOf(key), iv).setAutoPadding(false);
  }

  decryptor(key: Uint8Array, iv: Uint8Array): RunningCipher {
    return createDecipheriv(this.cipher, this.keyOf(key), iv).setAutoPadding(false);
  }
}

/** DES is 3DES with one key three times: OpenSSL 3 keeps DES itself in a provider that Node does not load. */
export function thrice(key: Uint8Array): Uint8Array {
  return concat([key, key, key]);
}
