/**
 * Key exchange of @noble/curves.
 */

import { x448 } from '@noble/curves/ed448.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from '@noble/curves/misc.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import type { BrainpoolGroupName, DhGroup, KeyShare } from '../engine.js';

/** x25519 and x448 (RFC 7748). */
export class NobleMontgomeryGroup implements DhGroup {
  readonly kind = 'dh';
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

type EcGroupName = 'secp256r1' | 'secp384r1' | 'secp521r1' | BrainpoolGroupName;

/** Each with the bytes of an uncompressed point. */
const ecCurves: Readonly<Record<EcGroupName, readonly [curve: typeof p256, publicKeyLength: number]>> = {
  secp256r1: [p256, 65],
  secp384r1: [p384, 97],
  secp521r1: [p521, 133],
  brainpoolP256r1tls13: [brainpoolP256r1, 65],
  brainpoolP384r1tls13: [brainpoolP384r1, 97],
  brainpoolP512r1tls13: [brainpoolP512r1, 129],
};

/** The NIST curves and Brainpool's. */
export class NobleEcGroup implements DhGroup {
  readonly kind = 'dh';
  readonly name: EcGroupName;
  readonly publicKeyLength: number;
  private readonly curve: typeof p256;

  constructor(name: EcGroupName) {
    this.name = name;
    [this.curve, this.publicKeyLength] = ecCurves[name];
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
