/**
 * Early data over datagrams (RFC 9147 §6.1): epoch 1, which is a client's alone and stands beside the epochs of the handshake.
 * Its records may come before, between and behind those of others; none of them ends it (§5.6).
 */
import { APPLICATION_DATA, MAX_PLAINTEXT } from './content-type.js';
import { UNIFIED_HEADER_LENGTH } from './dtls13-header.js';
import { Dtls13WriteKeys } from './dtls13-keys.js';
import type { WriteProtection } from './protection.js';
import { Tls13WriteProtection } from './tls13-protection.js';

export const earlyEpoch = 1;

/** Header, content type and the tag of every suite that DTLS 1.3 has for early data. */
const overhead = UNIFIED_HEADER_LENGTH + 1 + 16;

/** The server has not told any yet. */
const noId: Uint8Array = new Uint8Array(0);

/** Bytes of early data that one datagram takes. `mtu`: the largest datagram, where it is known. */
export function longestEarlyData(mtu: number | undefined): number {
  return mtu === undefined ? MAX_PLAINTEXT : Math.max(0, Math.min(MAX_PLAINTEXT, mtu - overhead));
}

/** What a client writes in it: each piece is one record and one datagram, and leaves once. */
export class EarlyWriter {
  readonly largest: number;
  private readonly keys: Dtls13WriteKeys;

  /** Throws `TypeError` for keys of another version. */
  constructor(protection: WriteProtection, mtu: number | undefined) {
    if (!(protection instanceof Tls13WriteProtection)) throw new TypeError('keys of another version');
    this.keys = new Dtls13WriteKeys(protection);
    this.largest = longestEarlyData(mtu);
  }

  get keyed(): boolean {
    return true;
  }

  /** Throws `TypeError` when it is longer than `largest`. */
  sealApplicationData(data: Uint8Array): Uint8Array[] {
    if (data.length > this.largest) throw new TypeError('too long for a datagram');
    return data.length === 0 ? [] : [this.keys.seal(earlyEpoch, noId, APPLICATION_DATA, data)];
  }
}
