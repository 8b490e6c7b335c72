/** CBC of @noble/ciphers (SP 800-38A §6.2), which knows whole messages only: the chain goes on by the last block. */
import { cbc } from '@noble/ciphers/aes.js';
import type { Cipher, CipherName, RunningCipher } from '../engine.js';

const blockLength = 16;

export class NobleCbc implements Cipher {
  readonly name: CipherName;
  readonly keyLength: number;
  readonly blockLength: number = blockLength;

  constructor(name: CipherName, keyLength: number) {
    this.name = name;
    this.keyLength = keyLength;
  }

  encryptor(key: Uint8Array, iv: Uint8Array): RunningCipher {
    let previous = iv;
    return {
      update(data) {
        const sealed = cbc(key, previous, { disablePadding: true }).encrypt(data);
        if (sealed.length > 0) previous = sealed.slice(-blockLength);
        return sealed;
      },
    };
  }

  decryptor(key: Uint8Array, iv: Uint8Array): RunningCipher {
    let previous = iv;
    return {
      update(data) {
        const opened = cbc(key, previous, { disablePadding: true }).decrypt(data);
        if (data.length > 0) previous = data.slice(-blockLength);
        return opened;
      },
    };
  }
}
