/** CRL Distribution Points and Freshest CRL (RFC 5280 §4.2.1.13, §4.2.1.15), Issuing Distribution Point (§5.2.5). */
import { type DerReader, explicit, implicit, Tag } from '../der.js';
import { type Rdn, readRdn } from '../name.js';
import { type GeneralName, readGeneralNames } from './general-name.js';

export type DistributionPointName =
  | { readonly fullName: readonly GeneralName[] }
  | { readonly nameRelativeToCRLIssuer: Rdn };

export interface DistributionPoint {
  readonly distributionPoint: DistributionPointName | undefined;
  /** ReasonFlags; `undefined`: all reasons. */
  readonly reasons: number | undefined;
  readonly cRLIssuer: readonly GeneralName[] | undefined;
  /** DER of the whole, when it was read from a certificate. */
  readonly der?: Uint8Array;
}

export interface IssuingDistributionPoint {
  readonly distributionPoint: DistributionPointName | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
  readonly onlySomeReasons: number | undefined;
  readonly indirectCRL: boolean;
  readonly onlyContainsAttributeCerts: boolean;
}

/** Bits of ReasonFlags by OTP's names; bit 0 (unused) stands for `unspecified`. */
export const ReasonBit = {
  unspecified: 0x1,
  keyCompromise: 0x2,
  cACompromise: 0x4,
  affiliationChanged: 0x8,
  superseded: 0x10,
  cessationOfOperation: 0x20,
  certificateHold: 0x40,
  privilegeWithdrawn: 0x80,
  aACompromise: 0x100,
} as const;

export function readDistributionPoints(reader: DerReader): readonly DistributionPoint[] {
  const sequence = reader.open(Tag.sequence);
  const points: DistributionPoint[] = [];
  do {
    const start = sequence.position;
    const point = sequence.open(Tag.sequence);
    const der = sequence.bytes.subarray(start, sequence.position);
    const distributionPoint = readPointName(point);
    const reasons = point.peek() === implicit(1) ? point.namedBits(implicit(1)) : undefined;
    const issuer = point.openOptional(explicit(2));
    const cRLIssuer = issuer === undefined ? undefined : readGeneralNames(issuer);
    point.finish();
    points.push({ distributionPoint, reasons, cRLIssuer, der });
  } while (!sequence.done);
  return points;
}

export function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  const sequence = reader.open(Tag.sequence);
  const flag = (n: number): boolean => sequence.peek() === implicit(n) && sequence.boolean(implicit(n));
  const idp: IssuingDistributionPoint = {
    distributionPoint: readPointName(sequence),
    onlyContainsUserCerts: flag(1),
    onlyContainsCACerts: flag(2),
    onlySomeReasons: sequence.peek() === implicit(3) ? sequence.namedBits(implicit(3)) : undefined,
    indirectCRL: flag(4),
    onlyContainsAttributeCerts: flag(5),
  };
  sequence.finish();
  return idp;
}

/** `[0] EXPLICIT DistributionPointName`, explicit because a CHOICE cannot be tagged implicitly. */
function readPointName(reader: DerReader): DistributionPointName | undefined {
  const wrapped = reader.openOptional(explicit(0));
  if (wrapped === undefined) return undefined;
  const full = wrapped.openOptional(explicit(0));
  const name: DistributionPointName =
    full === undefined
      ? { nameRelativeToCRLIssuer: readRdn(wrapped.open(explicit(1))) }
      : { fullName: readGeneralNames(full) };
  wrapped.finish();
  return name;
}
