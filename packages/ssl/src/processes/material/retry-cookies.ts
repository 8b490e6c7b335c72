/**
 * Cookies of HelloRetryRequests (RFC 8446 §4.2.2) of all listeners of a node: a MAC over what the server does not keep.
 * Who reads it learns what it has sent itself; who changes it, or makes one, is found out.
 *
 * A key makes cookies for a minute, and they are taken for as long again. Keys are made when they are wanted: a node
 * without retries has none, and no timer.
 */
import type { Clock } from '@actor-tls/runtime';
import type { CookieSealer } from '../../protocol/settings.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { concat } from '../../values/wire/join.js';

/** ms that a key makes cookies; a cookie lives that long at least, twice that at most. */
const keyLifetime = 60_000;
const macLength = 32;

interface Key {
  readonly secret: Uint8Array;
  /** ms, of the clock. */
  readonly made: number;
}

export class RetryCookies implements CookieSealer {
  readonly #engine: CryptoEngine;
  readonly #clock: Pick<Clock, 'now'>;
  #current: Key | undefined;
  #previous: Key | undefined;

  constructor(engine: CryptoEngine, clock: Pick<Clock, 'now'>) {
    this.#engine = engine;
    this.#clock = clock;
  }

  seal(content: Uint8Array): Uint8Array {
    return concat([this.#mac(this.#key(), content), content]);
  }

  open(cookie: Uint8Array): Uint8Array | undefined {
    const now = this.#clock.now();
    const mac = cookie.subarray(0, macLength);
    const content = cookie.subarray(macLength);
    const fits = [this.#current, this.#previous].some(
      (key) =>
        key !== undefined &&
        now - key.made < 2 * keyLifetime &&
        mac.length === macLength &&
        this.#engine.equal(mac, this.#mac(key, content)),
    );
    return fits ? content : undefined;
  }

  /** The present key, or a new one when that is too old. */
  #key(): Key {
    const now = this.#clock.now();
    if (this.#current !== undefined && now - this.#current.made < keyLifetime) return this.#current;
    this.#previous?.secret.fill(0);
    this.#previous = this.#current;
    this.#current = { secret: this.#engine.randomBytes(macLength), made: now };
    return this.#current;
  }

  #mac({ secret }: Key, content: Uint8Array): Uint8Array {
    const sha256 = this.#engine.hash('sha256');
    if (sha256 === undefined) throw new TypeError('no SHA-256');
    return sha256.hmac(secret, content);
  }
}
