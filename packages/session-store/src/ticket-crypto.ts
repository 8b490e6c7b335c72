/**
 * The cryptography of tickets and of what is kept in stores, passed in from above: this package keeps bytes and has no
 * primitive of its own. `ssl` makes one of its engine.
 */

export interface TicketCrypto {
  /** Unpredictable bytes. */
  randomBytes(length: number): Uint8Array;
  /** HKDF-Extract with SHA-256 (RFC 5869 §2.2). */
  extract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array;
  /** HKDF-Expand with SHA-256 (RFC 5869 §2.3). */
  expand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** AES-256-GCM: the ciphertext with its tag of 16 bytes behind it. Key: 32 bytes; nonce: 12. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or `undefined` when it does not authenticate. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}
