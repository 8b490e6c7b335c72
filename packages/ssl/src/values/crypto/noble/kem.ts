/**
 * ML-KEM (FIPS 203) of @noble/post-quantum.
 */
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import type { Encapsulation, Kem, KemKey, KemName } from '../engine.js';

class NobleKem implements Kem {
  readonly name: KemName;
  readonly publicKeyLength: number;
  readonly ciphertextLength: number;
  readonly native = false;
  private readonly kem: typeof ml_kem768;

  constructor(name: KemName, kem: typeof ml_kem768, publicKeyLength: number, ciphertextLength: number) {
    this.name = name;
    this.kem = kem;
    this.publicKeyLength = publicKeyLength;
    this.ciphertextLength = ciphertextLength;
  }

  generate(): KemKey {
    return this.key(this.kem.keygen());
  }

  fromSeed(seed: Uint8Array): KemKey {
    return this.key(this.kem.keygen(seed));
  }

  encapsulate(publicKey: Uint8Array): Encapsulation | undefined {
    if (publicKey.length !== this.publicKeyLength) return undefined;
    try {
      const { cipherText, sharedSecret } = this.kem.encapsulate(publicKey);
      return { ciphertext: cipherText, secret: sharedSecret };
    } catch {
      // A number of the key is not reduced (FIPS 203 §7.2).
      return undefined;
    }
  }

  private key({ publicKey, secretKey }: ReturnType<typeof ml_kem768.keygen>): KemKey {
    return {
      publicKey,
      decapsulate: (ciphertext) =>
        ciphertext.length === this.ciphertextLength ? this.kem.decapsulate(ciphertext, secretKey) : undefined,
    };
  }
}

const kems: Readonly<Record<KemName, Kem>> = {
  mlkem768: new NobleKem('mlkem768', ml_kem768, 1184, 1088),
  mlkem1024: new NobleKem('mlkem1024', ml_kem1024, 1568, 1568),
};

/** See `CryptoEngine.kem`. */
export function nobleKem(name: KemName): Kem {
  return kems[name];
}
