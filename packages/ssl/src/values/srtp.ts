/** SRTP as use_srtp agrees on it (RFC 5764 §4.1.1). */

/** What travels, in either hello. */
export interface SrtpTerms {
  /** SRTPProtectionProfile, two bytes each, in order of preference; a server names one. */
  readonly protectionProfiles: readonly Uint8Array[];
  /** Master key identifier, 0 to 255 bytes; empty: none is used. */
  readonly mki: Uint8Array;
}

/** What was agreed on. */
export interface AgreedSrtp {
  /** Two bytes */
  readonly protectionProfile: Uint8Array;
  readonly mki: Uint8Array;
}
