/** Keys of one direction in TLS 1.2 and before (RFC 5246 §6.3). */
export interface WriteKey {
  /** Of the MAC; empty for AEADs. */
  readonly mac: Uint8Array;
  readonly key: Uint8Array;
  /** What nonces are made of, or the first IV; may be empty. */
  readonly iv: Uint8Array;
}
