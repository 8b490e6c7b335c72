/**
 * How much one key may protect (RFC 8446 §5.5, RFC 9147 §4.5.3, in TLS 1.2 RFC 9325 §4.4): beyond, an attacker's chances
 * are no longer negligible.
 */
import type { CipherName } from './suites.js';

export interface RecordLimits {
  /** Full-sized records that may be sealed under one key; `Infinity`: the record number ends first. */
  readonly records: number;
  /** Records that may fail to open under one key, for who goes on after the first: over datagrams. */
  readonly forgeries: number;
}

/** Half of the bits of a birthday bound: 2^24.5 records of 2^14 bytes (RFC 8446 §5.5). */
const gcm: RecordLimits = { records: Math.floor(2 ** 24.5), forgeries: 2 ** 36 };
/** RFC 9147 appendix B.1 */
const ccm: RecordLimits = { records: 2 ** 23, forgeries: Math.floor(2 ** 23.5) };
/** RFC 9147 appendix B.2: what is encrypted is as safe as with CCM, but a tag of 64 bits is guessed much sooner. */
const ccm8: RecordLimits = { records: 2 ** 23, forgeries: 2 ** 7 };

const limits: Readonly<Partial<Record<CipherName, RecordLimits>>> = {
  aes_128_gcm: gcm,
  aes_256_gcm: gcm,
  chacha20_poly1305: { records: Number.POSITIVE_INFINITY, forgeries: 2 ** 36 },
  aes_128_ccm: ccm,
  aes_256_ccm: ccm,
  aes_128_ccm_8: ccm8,
  aes_256_ccm_8: ccm8,
};

/** Of a cipher; `undefined` for those that are no AEADs, for which no RFC gives numbers. */
export function recordLimitsOf(cipher: CipherName): RecordLimits | undefined {
  return limits[cipher];
}

/** Records under one key; `Infinity` where the sequence number ends first, or where no key can be changed. */
export function recordLimit(cipher: CipherName): number {
  return limits[cipher]?.records ?? Infinity;
}
