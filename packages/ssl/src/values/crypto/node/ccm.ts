/**
 * AES-CCM of node:crypto (SP 800-38C, RFC 5116 §5.3, RFC 6655 §3). CCM wants the whole message at once: how long it is
 * goes into the first block.
 */
import {
  type CipherCCM,
  type CipherCCMTypes,
  createCipheriv,
  createDecipheriv,
  type DecipherCCM,
} from 'node:crypto';
import { concat } from '../../wire/join.js';
import type { Aead, AeadName, Opener, RecordNumberCipher, Sealer } from '../engine.js';
import { type SecretInput, secretInput } from './platform.js';
import { recordNumberCipher } from './record-number.js';

type NodeCipherName = Extract<CipherCCMTypes, 'aes-128-ccm' | 'aes-256-ccm'>;

export class NodeCcm implements Aead {
  readonly name: AeadName;
  readonly keyLength: number;
  readonly nonceLength = 12;
  readonly tagLength: number;
  private readonly cipher: NodeCipherName;

  constructor(name: AeadName, cipher: NodeCipherName, keyLength: number, tagLength: number) {
    this.name = name;
    this.cipher = cipher;
    this.keyLength = keyLength;
    this.tagLength = tagLength;
  }

  sealer(key: Uint8Array): Sealer {
    return new NodeCcmSealer(this.cipher, secretInput(key), this.tagLength);
  }

  opener(key: Uint8Array): Opener {
    return new NodeCcmOpener(this.cipher, secretInput(key), this.tagLength);
  }

  recordNumbers(key: Uint8Array): RecordNumberCipher {
    return recordNumberCipher(this.name, key);
  }
}

class NodeCcmSealer implements Sealer {
  private readonly cipher: NodeCipherName;
  private readonly key: SecretInput;
  private readonly tagLength: number;

  constructor(cipher: NodeCipherName, key: SecretInput, tagLength: number) {
    this.cipher = cipher;
    this.key = key;
    this.tagLength = tagLength;
  }

  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void {
    const cipher = this.start(nonce, aad, end - start);
    record.set(cipher.update(record.subarray(start, end)), start);
    cipher.final();
    record.set(cipher.getAuthTag(), end);
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tail: Uint8Array,
    trailerLength: number,
  ): Uint8Array {
    const length = plaintext.length + trailerLength;
    const cipher = this.start(nonce, aad, length);
    const sealed = cipher.update(concat([plaintext, tail.subarray(0, trailerLength)]));
    cipher.final();
    tail.set(sealed.subarray(plaintext.length));
    tail.set(cipher.getAuthTag(), trailerLength);
    return sealed.subarray(0, plaintext.length);
  }

  private start(nonce: Uint8Array, aad: Uint8Array, plaintextLength: number): CipherCCM {
    const cipher = createCipheriv(this.cipher, this.key, nonce, { authTagLength: this.tagLength });
    return cipher.setAAD(aad, { plaintextLength });
  }
}

class NodeCcmOpener implements Opener {
  private readonly cipher: NodeCipherName;
  private readonly key: SecretInput;
  private readonly tagLength: number;

  constructor(cipher: NodeCipherName, key: SecretInput, tagLength: number) {
    this.cipher = cipher;
    this.key = key;
    this.tagLength = tagLength;
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    pieces: readonly Uint8Array[],
    tag: Uint8Array,
  ): Uint8Array[] | undefined {
    if (tag.length !== this.tagLength) return undefined;
    const ciphertext = concat(pieces);
    const decipher = this.start(nonce, aad, ciphertext.length);
    decipher.setAuthTag(tag);
    try {
      const plaintext = decipher.update(ciphertext);
      decipher.final();
      return plaintext.length === 0 ? [] : [plaintext];
    } catch {
      return undefined;
    }
  }

  private start(nonce: Uint8Array, aad: Uint8Array, plaintextLength: number): DecipherCCM {
    const decipher = createDecipheriv(this.cipher, this.key, nonce, { authTagLength: this.tagLength });
    return decipher.setAAD(aad, { plaintextLength });
  }
}
