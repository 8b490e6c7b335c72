/**
 * Bytes sealed under a lasting key by many servers at once: each box has a key and a nonce of its own, derived from 24
 * random bytes that travel with it. So the number of boxes under one key has no limit to speak of, where random nonces
 * of 12 bytes would have one (NIST SP 800-38D §8.3: 2^32 for all servers together).
 *
 * Wire: salt, ciphertext, tag.
 */
import type { TicketCrypto } from './ticket-crypto.js';

const SALT = 24;
const KEY = 32;
const NONCE = 12;
const TAG = 16;

/** What a box takes beyond its content, bytes. */
export const BOX_OVERHEAD: number = SALT + TAG;

/** `label` keeps boxes of different purposes apart, `context` says what else this one belongs to. */
export interface BoxUse {
  readonly label: string;
  readonly context: Uint8Array;
}

export function sealBox(
  crypto: TicketCrypto,
  key: Uint8Array,
  use: BoxUse,
  plaintext: Uint8Array,
): Uint8Array {
  const salt = crypto.randomBytes(SALT);
  return withBoxKey(crypto, key, use, salt, (boxKey, nonce, aad) =>
    joined(salt, crypto.seal(boxKey, nonce, aad, plaintext)),
  );
}

/** `undefined` for what was not sealed under this key for this use. */
export function openBox(
  crypto: TicketCrypto,
  key: Uint8Array,
  use: BoxUse,
  box: Uint8Array,
): Uint8Array | undefined {
  if (box.length < BOX_OVERHEAD) return undefined;
  return withBoxKey(crypto, key, use, box.subarray(0, SALT), (boxKey, nonce, aad) =>
    crypto.open(boxKey, nonce, aad, box.subarray(SALT)),
  );
}

function withBoxKey<T>(
  crypto: TicketCrypto,
  key: Uint8Array,
  { label, context }: BoxUse,
  salt: Uint8Array,
  go: (boxKey: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => T,
): T {
  const aad = joined(labelBytes(label), context);
  const material = crypto.expand(key, joined(aad, salt), KEY + NONCE);
  try {
    return go(material.subarray(0, KEY), material.subarray(KEY), aad);
  } finally {
    material.fill(0);
  }
}

const encoder = new TextEncoder();

/** With its length in front, so that no label runs into what follows. */
export function labelBytes(label: string): Uint8Array {
  const text = encoder.encode(`actor-tls ${label}`);
  return joined(Uint8Array.of(text.length), text);
}

/** A copy, of a `Buffer` too, whose own `slice` makes none. */
export function copied(bytes: Uint8Array, from: number, to: number = bytes.length): Uint8Array {
  return Uint8Array.from(bytes.subarray(from, to));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
