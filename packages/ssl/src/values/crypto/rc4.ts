/**
 * RC4, which no library has any more: it is broken (RFC 7465 forbids it), and spoken only with what cannot be replaced, by
 * whoever names such a suite. As in RFC 6229, whose vectors test it. Lookups by secret bytes: not constant in time.
 */
import type { Cipher, RunningCipher } from './engine.js';

export const rc4: Cipher = {
  name: 'rc4_128',
  keyLength: 16,
  blockLength: 1,
  encryptor: (key) => new Rc4Stream(key),
  decryptor: (key) => new Rc4Stream(key),
};

class Rc4Stream implements RunningCipher {
  private readonly state: Uint8Array = Uint8Array.from({ length: 256 }, (_, index) => index);
  private i = 0;
  private j = 0;

  constructor(key: Uint8Array) {
    const { state } = this;
    for (let i = 0, j = 0; i < 256; i++) {
      j = (j + at(state, i) + at(key, i % key.length)) & 255;
      swap(state, i, j);
    }
  }

  update(data: Uint8Array): Uint8Array {
    const { state } = this;
    const output = new Uint8Array(data.length);
    for (let k = 0; k < data.length; k++) {
      this.i = (this.i + 1) & 255;
      this.j = (this.j + at(state, this.i)) & 255;
      swap(state, this.i, this.j);
      output[k] = at(data, k) ^ at(state, (at(state, this.i) + at(state, this.j)) & 255);
    }
    return output;
  }
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function swap(state: Uint8Array, a: number, b: number): void {
  const kept = at(state, a);
  state[a] = at(state, b);
  state[b] = kept;
}
