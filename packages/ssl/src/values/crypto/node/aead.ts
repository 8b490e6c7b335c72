/**
 * AEADs of node:crypto. The context is made per record: it costs 1.7 µs of the 9 that 16 KB cost, and an idle
 * connection keeps no native object. Short records of AES-GCM are done without one, `short-gcm.ts`.
 */
import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto';
import type { Aead, AeadName, Opener, RecordNumberCipher, Sealer } from '../engine.js';
import { type SecretInput, secretInput } from './platform.js';
import { recordNumberCipher } from './record-number.js';
import { type ShortOpener, type ShortSealer, shortOpener, shortSealer } from './short-gcm.js';

const TAG_LENGTH = 16;
const OPTIONS: { readonly authTagLength: number } = { authTagLength: TAG_LENGTH };

/** Scratch. */
const lastByte: Uint8Array = new Uint8Array(1);

type NodeCipherName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';

export class NodeAead implements Aead {
  readonly name: AeadName;
  readonly keyLength: number;
  readonly nonceLength = 12;
  readonly tagLength: number = TAG_LENGTH;
  private readonly cipher: NodeCipherName;

  constructor(name: AeadName, cipher: NodeCipherName, keyLength: number) {
    this.name = name;
    this.cipher = cipher;
    this.keyLength = keyLength;
  }

  sealer(key: Uint8Array): Sealer {
    const input = secretInput(key);
    const isGcm = this.cipher !== 'chacha20-poly1305';
    return new NodeSealer(this.cipher, input, isGcm ? shortSealer(input, this.keyLength) : undefined);
  }

  opener(key: Uint8Array): Opener {
    const input = secretInput(key);
    const isGcm = this.cipher !== 'chacha20-poly1305';
    return new NodeOpener(this.cipher, input, isGcm ? shortOpener(input, this.keyLength) : undefined);
  }

  recordNumbers(key: Uint8Array): RecordNumberCipher {
    return recordNumberCipher(this.name, key);
  }
}

class NodeSealer implements Sealer {
  readonly direct: ShortSealer | undefined;
  private readonly cipher: NodeCipherName;
  private readonly key: SecretInput;

  constructor(cipher: NodeCipherName, key: SecretInput, direct: ShortSealer | undefined) {
    this.direct = direct;
    this.cipher = cipher;
    this.key = key;
  }

  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void {
    const cipher = this.start(nonce);
    cipher.setAAD(aad);
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
    const cipher = this.start(nonce);
    cipher.setAAD(aad);
    const body = cipher.update(plaintext);
    if (trailerLength === 1) {
      // The usual trailer is a bare content type, and a view costs as much as half an `update`.
      lastByte[0] = tail[0] ?? 0;
      tail[0] = cipher.update(lastByte)[0] ?? 0;
    } else if (trailerLength > 0) {
      tail.set(cipher.update(tail.subarray(0, trailerLength)));
    }
    cipher.final();
    tail.set(cipher.getAuthTag(), trailerLength);
    return body;
  }

  private start(nonce: Uint8Array): CipherGCM {
    this.direct?.count();
    return this.cipher === 'chacha20-poly1305'
      ? createCipheriv(this.cipher, this.key, nonce, OPTIONS)
      : createCipheriv(this.cipher, this.key, nonce);
  }
}

class NodeOpener implements Opener {
  readonly direct: ShortOpener | undefined;
  private readonly cipher: NodeCipherName;
  private readonly key: SecretInput;

  constructor(cipher: NodeCipherName, key: SecretInput, direct: ShortOpener | undefined) {
    this.direct = direct;
    this.cipher = cipher;
    this.key = key;
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    pieces: readonly Uint8Array[],
    tag: Uint8Array,
  ): Uint8Array[] | undefined {
    // OpenSSL would take a shorter tag for GCM.
    if (tag.length !== TAG_LENGTH) return undefined;
    const decipher = this.start(nonce);
    decipher.setAAD(aad);
    decipher.setAuthTag(tag);
    const plaintext: Uint8Array[] = [];
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i];
      if (piece !== undefined) plaintext.push(decipher.update(piece));
    }
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plaintext;
  }

  private start(nonce: Uint8Array): DecipherGCM {
    this.direct?.count();
    return this.cipher === 'chacha20-poly1305'
      ? createDecipheriv(this.cipher, this.key, nonce, OPTIONS)
      : createDecipheriv(this.cipher, this.key, nonce);
  }
}
