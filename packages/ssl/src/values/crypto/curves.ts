/**
 * Curves that certificates and keys name by object identifier (RFC 5480 §2.1.1.1, SEC 2, RFC 5639 §4.1), under
 * OTP's names.
 */
import { hex } from '../hex.js';

export interface Curve {
  /** OTP's name. */
  readonly name: string;
  /** The object identifier's content octets, hexadecimal. */
  readonly oid: string;
  /** Size of the field, bits. */
  readonly bits: number;
}

/** Arc 1.3.132.0 (SEC 2): last number, name, bits. */
const certicom: readonly (readonly [number, string, number])[] = [
  [1, 'sect163k1', 163],
  [2, 'sect163r1', 163],
  [3, 'sect239k1', 239],
  [8, 'secp160r1', 160],
  [9, 'secp160k1', 160],
  [10, 'secp256k1', 256],
  [15, 'sect163r2', 163],
  [16, 'sect283k1', 283],
  [17, 'sect283r1', 283],
  [24, 'sect193r1', 193],
  [25, 'sect193r2', 193],
  [26, 'sect233k1', 233],
  [27, 'sect233r1', 233],
  [30, 'secp160r2', 160],
  [31, 'secp192k1', 192],
  [32, 'secp224k1', 224],
  [33, 'secp224r1', 224],
  [34, 'secp384r1', 384],
  [35, 'secp521r1', 521],
  [36, 'sect409k1', 409],
  [37, 'sect409r1', 409],
  [38, 'sect571k1', 571],
  [39, 'sect571r1', 571],
];

/** Arc 1.3.36.3.3.2.8.1.1 (RFC 5639). */
const brainpool: readonly (readonly [number, string, number])[] = [
  [7, 'brainpoolP256r1', 256],
  [8, 'brainpoolP256t1', 256],
  [11, 'brainpoolP384r1', 384],
  [12, 'brainpoolP384t1', 384],
  [13, 'brainpoolP512r1', 512],
  [14, 'brainpoolP512t1', 512],
];

const hexByte = (value: number): string => hex(Uint8Array.of(value));

const curves: readonly Curve[] = [
  { name: 'secp192r1', oid: '2a8648ce3d030101', bits: 192 },
  { name: 'secp256r1', oid: '2a8648ce3d030107', bits: 256 },
  ...certicom.map(([last, name, bits]) => ({ name, oid: `2b810400${hexByte(last)}`, bits })),
  ...brainpool.map(([last, name, bits]) => ({ name, oid: `2b24030302080101${hexByte(last)}`, bits })),
];

const byOid: ReadonlyMap<string, Curve> = new Map(curves.map((curve) => [curve.oid, curve]));

/** By the content octets of its OBJECT IDENTIFIER, hexadecimal. */
export function curveByOid(oid: string): Curve | undefined {
  return byOid.get(oid);
}
