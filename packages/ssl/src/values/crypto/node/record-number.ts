/** Masks of record numbers (RFC 9147 §4.2.3) by node:crypto, a cipher for each: an idle connection keeps no native object. */
import { createCipheriv } from 'node:crypto';
import type { AeadName, RecordNumberCipher } from '../engine.js';
import { secretInput } from './platform.js';

/** A block of AES, and where the stream of ChaCha20 begins. */
const sampleLength = 16;
const zeros: Uint8Array = new Uint8Array(sampleLength);

export function recordNumberCipher(aead: AeadName, key: Uint8Array): RecordNumberCipher {
  const secret = secretInput(key);
  // OpenSSL's IV of ChaCha20 is the block counter and the nonce, one behind the other: what the sample is made of.
  if (aead === 'chacha20_poly1305')
    return {
      mask: (sample) => createCipheriv('chacha20', secret, sample.subarray(0, sampleLength)).update(zeros),
    };
  const cipher = key.length === 16 ? 'aes-128-ecb' : 'aes-256-ecb';
  return { mask: (sample) => createCipheriv(cipher, secret, null).update(sample.subarray(0, sampleLength)) };
}
