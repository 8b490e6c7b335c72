/**
 * Hybrid groups (draft-ietf-tls-ecdhe-mlkem §4): a curve and ML-KEM side by side, secure while either is. Shares and
 * secrets of both stand one behind the other; which comes first differs between the groups.
 */
import { concat } from '../wire/join.js';
import type {
  CryptoEngine,
  CurveGroupName,
  DhGroup,
  GroupName,
  HybridGroupName,
  Kem,
  KemGroup,
  KemName,
  KeyAnswer,
  KeyShare,
} from './engine.js';

interface Hybrid {
  readonly curve: CurveGroupName;
  /** bytes of the curve's private keys */
  readonly scalarLength: number;
  readonly kem: KemName;
  readonly first: 'curve' | 'kem';
}

/** §4.1: X25519 stands behind ML-KEM, whose standard wants an approved secret first; the NIST curves are approved too. */
const hybrids: Readonly<Record<HybridGroupName, Hybrid>> = {
  x25519mlkem768: { curve: 'x25519', scalarLength: 32, kem: 'mlkem768', first: 'kem' },
  secp256r1mlkem768: { curve: 'secp256r1', scalarLength: 32, kem: 'mlkem768', first: 'curve' },
  secp384r1mlkem1024: { curve: 'secp384r1', scalarLength: 48, kem: 'mlkem1024', first: 'curve' },
};

export function isHybridGroup(name: GroupName): name is HybridGroupName {
  return Object.hasOwn(hybrids, name);
}

/** The group of what an engine has; `undefined` when it lacks a half. */
export function hybridGroup(
  name: HybridGroupName,
  engine: Pick<CryptoEngine, 'group' | 'kem'>,
): KemGroup | undefined {
  const hybrid = hybrids[name];
  const curve = engine.group(hybrid.curve);
  const kem = engine.kem(hybrid.kem);
  if (curve?.kind !== 'dh' || kem === undefined) return undefined;
  return new HybridGroup(name, hybrid, curve, kem);
}

/** FIPS 203 §7.1: d and z */
const seedLength = 64;

class HybridGroup implements KemGroup {
  readonly kind = 'kem';
  readonly name: HybridGroupName;
  readonly native: boolean;
  readonly publicKeyLength: number;
  private readonly hybrid: Hybrid;
  private readonly curve: DhGroup;
  private readonly kem: Kem;

  constructor(name: HybridGroupName, hybrid: Hybrid, curve: DhGroup, kem: Kem) {
    this.name = name;
    this.native = kem.native;
    this.publicKeyLength = curve.publicKeyLength + kem.publicKeyLength;
    this.hybrid = hybrid;
    this.curve = curve;
    this.kem = kem;
  }

  generate(): KeyShare {
    return this.share(this.curve.generate(), this.kem.generate());
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const halves = this.split(privateKey, this.hybrid.scalarLength, seedLength);
    if (halves === undefined) throw new RangeError(`a private key of another length than ${this.name}'s`);
    return this.share(this.curve.fromPrivateKey(halves.curve), this.kem.fromSeed(halves.kem));
  }

  respond(peerPublicKey: Uint8Array): KeyAnswer | undefined {
    const peer = this.split(peerPublicKey, this.curve.publicKeyLength, this.kem.publicKeyLength);
    if (peer === undefined) return undefined;
    // The cheaper first: nothing more is done for a share that is wrong.
    const own = this.curve.generate();
    const shared = own.sharedSecret(peer.curve);
    const encapsulated = shared && this.kem.encapsulate(peer.kem);
    if (shared === undefined || encapsulated === undefined) return undefined;
    return {
      publicKey: this.join(own.publicKey, encapsulated.ciphertext),
      secret: this.joinSecrets(shared, encapsulated.secret),
    };
  }

  private share(own: KeyShare, key: ReturnType<Kem['generate']>): KeyShare {
    return {
      publicKey: this.join(own.publicKey, key.publicKey),
      sharedSecret: (answer) => {
        const peer = this.split(answer, this.curve.publicKeyLength, this.kem.ciphertextLength);
        const shared = peer && own.sharedSecret(peer.curve);
        const decapsulated = shared && key.decapsulate(peer.kem);
        return decapsulated && this.joinSecrets(shared, decapsulated);
      },
    };
  }

  private join(curve: Uint8Array, kem: Uint8Array): Uint8Array {
    return concat(this.hybrid.first === 'kem' ? [kem, curve] : [curve, kem]);
  }

  /** The halves are good for nothing more, and overwritten. */
  private joinSecrets(curve: Uint8Array, kem: Uint8Array): Uint8Array {
    const both = this.join(curve, kem);
    curve.fill(0);
    kem.fill(0);
    return both;
  }

  /** `undefined`: of another length. */
  private split(
    both: Uint8Array,
    curveLength: number,
    kemLength: number,
  ): { readonly curve: Uint8Array; readonly kem: Uint8Array } | undefined {
    if (both.length !== curveLength + kemLength) return undefined;
    const cut = this.hybrid.first === 'kem' ? kemLength : curveLength;
    const [head, rest] = [both.subarray(0, cut), both.subarray(cut)];
    return this.hybrid.first === 'kem' ? { curve: rest, kem: head } : { curve: head, kem: rest };
  }
}
