/**
 * The secrets that cookies are made with (RFC 6347 §4.2.1, RFC 9147 §5.1): one at a time, and the one before is still known,
 * so that nobody is turned away by a change. Nothing is kept of those who have a cookie.
 */
import type { CryptoEngine } from '../values/crypto/engine.js';

/** ms that one secret makes cookies; as long again it is still known (contract §13.5). */
const renewal = 15_000;
const secretLength = 32;

export class CookieSecrets {
  private readonly engine: CryptoEngine;
  private readonly now: () => number;
  private readonly length: number;
  private current: Uint8Array;
  private previous: Uint8Array;
  private renewed: number;

  /** `now`: ms of a clock that only goes forwards. `length`: bytes of a cookie's MAC. */
  constructor(engine: CryptoEngine, now: () => number, length: number) {
    this.engine = engine;
    this.now = now;
    this.length = length;
    this.current = engine.randomBytes(secretLength);
    this.previous = engine.randomBytes(secretLength);
    this.renewed = now();
  }

  /** At the first hello when it is due: a door that nobody knocks at costs nothing. */
  renew(): void {
    const age = this.now() - this.renewed;
    if (age < renewal) return;
    this.previous = age < 2 * renewal ? this.current : this.engine.randomBytes(secretLength);
    this.current = this.engine.randomBytes(secretLength);
    this.renewed = this.now();
  }

  /** The MAC of now. */
  mac(asked: Uint8Array): Uint8Array {
    return this.macBy(this.current, asked);
  }

  /** Whether one of the two secrets has made it; in the same time, whichever. `ofNow`: the MAC of now, where it is known. */
  knows(mac: Uint8Array, asked: Uint8Array, ofNow: Uint8Array = this.mac(asked)): boolean {
    const isOfNow = this.engine.equal(ofNow, mac);
    return this.engine.equal(this.macBy(this.previous, asked), mac) || isOfNow;
  }

  private macBy(secret: Uint8Array, asked: Uint8Array): Uint8Array {
    const sha256 = this.engine.hash('sha256');
    if (sha256 === undefined) throw new TypeError('cookies need SHA-256');
    return sha256.hmac(secret, asked).subarray(0, this.length);
  }
}
