/**
 * AEADs of @noble/ciphers.
 */
import { ecb, gcm } from '@noble/ciphers/aes.js';
import { chacha20, chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concat } from '../../wire/join.js';
import type { Aead, AeadName, Opener, RecordNumberCipher, Sealer } from '../engine.js';

type NobleCipher = typeof gcm | typeof chacha20poly1305;

const TAG_LENGTH = 16;

export class NobleAead implements Aead {
  readonly name: AeadName;
  readonly keyLength: number;
  readonly nonceLength = 12;
  readonly tagLength: number = TAG_LENGTH;
  private readonly cipher: NobleCipher;

  constructor(name: AeadName, keyLength: number) {
    this.name = name;
    this.keyLength = keyLength;
    this.cipher = name === 'chacha20_poly1305' ? chacha20poly1305 : gcm;
  }

  sealer(key: Uint8Array): Sealer {
    return new NobleSealer(this.cipher, checked(key, this.keyLength));
  }

  opener(key: Uint8Array): Opener {
    return new NobleOpener(this.cipher, checked(key, this.keyLength));
  }

  /** RFC 9147 §4.2.3 */
  recordNumbers(key: Uint8Array): RecordNumberCipher {
    const own = new Uint8Array(checked(key, this.keyLength));
    if (this.cipher === gcm) return { mask: (sample) => ecb(own, { disablePadding: true }).encrypt(sample) };
    return {
      mask: (sample) =>
        chacha20(own, sample.subarray(4, 16), new Uint8Array(16), undefined, counterIn(sample)),
    };
  }
}

/** The first four bytes, the least significant in front (RFC 8439 §2.3). */
function counterIn([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

class NobleSealer implements Sealer {
  private readonly cipher: NobleCipher;
  private readonly key: Uint8Array;

  constructor(cipher: NobleCipher, key: Uint8Array) {
    this.cipher = cipher;
    this.key = key;
  }

  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void {
    record.set(this.cipher(this.key, nonce, aad).encrypt(record.subarray(start, end)), start);
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tail: Uint8Array,
    trailerLength: number,
  ): Uint8Array {
    // noble seals in one call: the trailer has to stand behind the plaintext, which is copied for once.
    const whole = new Uint8Array(plaintext.length + trailerLength);
    whole.set(plaintext);
    whole.set(tail.subarray(0, trailerLength), plaintext.length);
    const sealed = this.cipher(this.key, nonce, aad).encrypt(whole);
    tail.set(sealed.subarray(plaintext.length));
    return sealed.subarray(0, plaintext.length);
  }
}

class NobleOpener implements Opener {
  private readonly cipher: NobleCipher;
  private readonly key: Uint8Array;

  constructor(cipher: NobleCipher, key: Uint8Array) {
    this.cipher = cipher;
    this.key = key;
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    pieces: readonly Uint8Array[],
    tag: Uint8Array,
  ): Uint8Array[] | undefined {
    if (tag.length !== TAG_LENGTH) return undefined;
    const ciphertext = concat([...pieces, tag]);
    try {
      const plaintext = this.cipher(this.key, nonce, aad).decrypt(ciphertext);
      return plaintext.length === 0 ? [] : [plaintext];
    } catch {
      return undefined;
    }
  }
}

/** noble's GCM takes any AES key; a suite has one length. */
function checked(key: Uint8Array, length: number): Uint8Array {
  if (key.length !== length) throw new RangeError(`key of ${length} bytes expected`);
  return key;
}
