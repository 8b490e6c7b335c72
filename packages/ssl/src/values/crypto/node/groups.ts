/**
 * Key exchange of node:crypto.
 */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import type { BrainpoolGroupName, CurveGroupName, DhGroup, KeyShare } from '../engine.js';
import { encodeCurvePkcs8 } from '../key-encoding.js';
import { copied, withoutStacks } from './platform.js';

/**
 * The public key comes encoded, and is not exported from a `KeyObject` afterwards: on Node 20 an export as JWK holds
 * the key's lock while it allocates, and when the collector then finds the finished job that made the key, the job's
 * destructor waits for the same lock, on the same thread, for ever. While the job runs nobody collects it.
 */
const encodedPublicKey = { publicKeyEncoding: { format: 'jwk' } };

/** x25519 and x448 (RFC 7748). */
export class NodeMontgomeryGroup implements DhGroup {
  readonly kind = 'dh';
  readonly name: 'x25519' | 'x448';
  readonly publicKeyLength: number;
  private readonly jwkCurve: 'X25519' | 'X448';

  constructor(name: 'x25519' | 'x448', jwkCurve: 'X25519' | 'X448', length: number) {
    this.name = name;
    this.jwkCurve = jwkCurve;
    this.publicKeyLength = length;
  }

  generate(): KeyShare {
    const { privateKey, publicKey } =
      this.name === 'x25519'
        ? generateKeyPairSync('x25519', encodedPublicKey)
        : generateKeyPairSync('x448', encodedPublicKey);
    return new NodeMontgomeryShare(this.jwkCurve, privateKey, publicKey);
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const key = createPrivateKey({
      key: Buffer.from(encodeCurvePkcs8(this.name, privateKey)),
      format: 'der',
      type: 'pkcs8',
    });
    return new NodeMontgomeryShare(this.jwkCurve, key, createPublicKey(key).export({ format: 'jwk' }));
  }
}

class NodeMontgomeryShare implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly jwkCurve: string;
  private readonly privateKey: KeyObject;

  // Keys cross as JWK: export 0.7 µs and import 5, where SPKI costs 71 and 78 (Node 20).
  constructor(jwkCurve: string, privateKey: KeyObject, publicKey: unknown) {
    this.jwkCurve = jwkCurve;
    this.privateKey = privateKey;
    this.publicKey = copied(Buffer.from(jwkCoordinate(publicKey), 'base64url'));
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (peerPublicKey.length !== this.publicKey.length) return undefined;
    try {
      const jwk: JsonWebKey = { kty: 'OKP', crv: this.jwkCurve, x: base64url(peerPublicKey) };
      const publicKey = withoutStacks(() => createPublicKey({ key: jwk, format: 'jwk' }));
      const secret = copied(diffieHellman({ privateKey: this.privateKey, publicKey }));
      // RFC 7748 §6, RFC 8446 §7.4.2: OpenSSL refuses these itself; others need not.
      return secret.some((byte) => byte !== 0) ? secret : undefined;
    } catch {
      return undefined;
    }
  }
}

type EcGroupName = Exclude<CurveGroupName, 'x25519' | 'x448'> | BrainpoolGroupName;

/** The NIST curves and Brainpool's. `createECDH` takes raw points: importing them as keys costs 65 to 110 µs more. */
export class NodeEcGroup implements DhGroup {
  readonly kind = 'dh';
  readonly name: EcGroupName;
  readonly publicKeyLength: number;
  private readonly namedCurve: string;

  constructor(name: EcGroupName, namedCurve: string, publicKeyLength: number) {
    this.name = name;
    this.namedCurve = namedCurve;
    this.publicKeyLength = publicKeyLength;
  }

  generate(): KeyShare {
    const ecdh = createECDH(this.namedCurve);
    ecdh.generateKeys();
    return new NodeEcShare(ecdh);
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const ecdh = createECDH(this.namedCurve);
    ecdh.setPrivateKey(privateKey);
    return new NodeEcShare(ecdh);
  }
}

class NodeEcShare implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly ecdh: ECDH;

  constructor(ecdh: ECDH) {
    this.ecdh = ecdh;
    this.publicKey = copied(ecdh.getPublicKey());
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    // RFC 8446 §4.2.8.2: the uncompressed form and no other.
    if (peerPublicKey.length !== this.publicKey.length || peerPublicKey[0] !== 4) return undefined;
    try {
      return copied(this.ecdh.computeSecret(peerPublicKey));
    } catch {
      return undefined;
    }
  }
}

/** `x` of an OKP key (RFC 8037 §2). The types of node:crypto do not know that keys can be made encoded so. */
function jwkCoordinate(jwk: unknown): string {
  if (typeof jwk === 'object' && jwk !== null && 'x' in jwk && typeof jwk.x === 'string') return jwk.x;
  throw new TypeError('node:crypto gave no JWK');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
