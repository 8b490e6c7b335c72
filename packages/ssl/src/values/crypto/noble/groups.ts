/**
 * Key exchange of @noble/curves.
 */

import { x448 } from '@noble/curves/ed448.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import type { Group, KeyShare } from '../engine.js';

/** x25519 and x448 (RFC 7748). */
export class NobleMontgomeryGroup implements Group {
  readonly name: 'x25519' | 'x448';
  readonly publicKeyLength: number;
  private readonly curve: typeof x25519;

  constructor(name: 'x25519' | 'x448') {
    this.name = name;
    this.curve = name === 'x25519' ? x25519 : x448;
    this.publicKeyLength = name === 'x25519' ? 32 : 56;
  }

  generate(): KeyShare {
    return this.fromPrivateKey(this.curve.utils.randomSecretKey());
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const { curve } = this;
    return {
      publicKey: curve.getPublicKey(privateKey),
      sharedSecret: (peer) =>
        peer.length === this.publicKeyLength
          ? attempt(() => curve.getSharedSecret(privateKey, peer))
          : undefined,
    };
  }
}

/** The NIST curves. */
export class NobleEcGroup implements Group {
  readonly name: 'secp256r1' | 'secp384r1' | 'secp521r1';
  readonly publicKeyLength: number;
  private readonly curve: typeof p256;

  constructor(name: 'secp256r1' | 'secp384r1' | 'secp521r1') {
    this.name = name;
    this.curve = { secp256r1: p256, secp384r1: p384, secp521r1: p521 }[name];
    this.publicKeyLength = { secp256r1: 65, secp384r1: 97, secp521r1: 133 }[name];
  }

  generate(): KeyShare {
    return this.fromPrivateKey(this.curve.utils.randomSecretKey());
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const { curve } = this;
    return {
      publicKey: curve.getPublicKey(privateKey, false),
      sharedSecret: (peer) => {
        // RFC 8446 §4.2.8.2: the uncompressed form and no other.
        if (peer.length !== this.publicKeyLength || peer[0] !== 4) return undefined;
        // A compressed point is its x coordinate behind one byte (§7.4.2 wants x alone).
        return attempt(() => curve.getSharedSecret(privateKey, peer, true).slice(1));
      },
    };
  }
}

/** noble throws for points that are off the curve or of low order. */
function attempt(compute: () => Uint8Array): Uint8Array | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
