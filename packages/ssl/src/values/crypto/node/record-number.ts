/**
 * Masks of record numbers (RFC 9147 §4.2.3) by node:crypto. To make a cipher costs more than all that it does for a record: a
 * direction in use keeps one of AES, which has no memory from block to block. A thread has so many of them, and who needs one when
 * there are enough gets that of a direction that was not in use lately; an idle connection keeps no native object.
 */
import { type Cipher, createCipheriv } from 'node:crypto';
import type { AeadName, RecordNumberCipher } from '../engine.js';
import { type SecretInput, secretInput } from './platform.js';

/** A block of AES, and where the stream of ChaCha20 begins. */
const sampleLength = 16;
const zeros: Uint8Array = new Uint8Array(sampleLength);
/** Records that a direction hides otherwise first: many keys see few. */
const warmUp = 4;
/** Directions of a thread that keep a cipher. */
const mostKept = 2048;

export function recordNumberCipher(aead: AeadName, key: Uint8Array): RecordNumberCipher {
  const secret = secretInput(key);
  return aead === 'chacha20_poly1305' ? chacha20(secret) : new AesMasks(secret, key.length);
}

/** OpenSSL's IV is the block counter and the nonce, one behind the other: what the sample is made of. Each needs a cipher. */
function chacha20(key: SecretInput): RecordNumberCipher {
  return {
    mask: (sample) => createCipheriv('chacha20', key, sample.subarray(0, sampleLength)).update(zeros),
  };
}

class AesMasks implements RecordNumberCipher {
  private readonly key: SecretInput;
  private readonly name: 'aes-128-ecb' | 'aes-256-ecb';
  private records = 0;
  private kept: Cipher | undefined = undefined;
  /** In use since somebody looked for an idle one. */
  recent = false;

  constructor(key: SecretInput, keyLength: number) {
    this.key = key;
    this.name = keyLength === 16 ? 'aes-128-ecb' : 'aes-256-ecb';
  }

  mask(sample: Uint8Array): Uint8Array {
    this.recent = true;
    return (this.kept ?? this.cipher()).update(sample.subarray(0, sampleLength));
  }

  /** Another has come in its place. */
  displaced(): void {
    this.kept = undefined;
    this.records = 0;
  }

  private cipher(): Cipher {
    const cipher = createCipheriv(this.name, this.key, null);
    this.records += 1;
    if (this.records < warmUp) return cipher;
    this.kept = cipher;
    keep(this);
    return cipher;
  }
}

/** Who keeps a cipher, the one that is looked at next first. Not kept alive by it. */
const keeping: Set<WeakRef<AesMasks>> = new Set();

function keep(holder: AesMasks): void {
  while (keeping.size >= mostKept) {
    const [next] = keeping;
    if (next === undefined) break;
    keeping.delete(next);
    const other = next.deref();
    if (other?.recent === true) {
      other.recent = false;
      keeping.add(next);
    } else other?.displaced();
  }
  keeping.add(new WeakRef(holder));
}
