/**
 * Encryption of what goes into a store that others can read: keys of tickets and master secrets are as good as the
 * traffic that they protect. The key comes from a seed that the servers share by hand, so whoever has the store alone has
 * nothing, and what somebody else wrote into it is not believed.
 */
import { type BoxUse, labelBytes, openBox, sealBox } from './sealed-box.js';
import { SecretBytes } from './secret-bytes.js';
import type { Secret } from './session-cache-api.js';
import type { TicketCrypto } from './ticket-crypto.js';

export class StoreWrapping {
  readonly #crypto: TicketCrypto;
  readonly #key: SecretBytes;

  /** @param seed unpredictable bytes, 16 at least; the same on all servers */
  constructor(crypto: TicketCrypto, seed: Secret) {
    if (seed.expose().length < 16) throw new RangeError('a wrapping seed has 16 bytes at least');
    const prk = crypto.extract(labelBytes('store wrapping'), seed.expose());
    this.#crypto = crypto;
    this.#key = new SecretBytes(crypto.expand(prk, labelBytes('key'), 32));
    prk.fill(0);
  }

  /** `place` says where in the store the bytes stand: they open nowhere else. */
  wrap(place: string, bytes: Uint8Array): Uint8Array {
    return sealBox(this.#crypto, this.#key.expose(), useOf(place), bytes);
  }

  unwrap(place: string, bytes: Uint8Array): Uint8Array | undefined {
    return openBox(this.#crypto, this.#key.expose(), useOf(place), bytes);
  }
}

function useOf(place: string): BoxUse {
  return { label: 'stored', context: new TextEncoder().encode(place) };
}
