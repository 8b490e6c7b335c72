/**
 * The secrets that cookies are made with (RFC 6347 §4.2.1, RFC 9147 §5.1): one at a time, and the one before is still known,
 * so that nobody is turned away by a change. Nothing is kept of those who have a cookie: when it was made stands in it too.
 */
import type { CryptoEngine } from '../values/crypto/engine.js';
import { concat } from '../values/wire/join.js';

/** ms that one secret makes cookies; as long again it is still known (contract §13.5). */
const renewal = 15_000;
const secretLength = 32;
/** bytes: ms modulo 2^16, twice as long as a cookie lives. */
const stampLength = 2;

export class CookieSecrets {
  private readonly engine: CryptoEngine;
  private readonly now: () => number;
  private readonly length: number;
  private current: Uint8Array;
  private previous: Uint8Array;
  private renewed: number;

  /** `now`: ms of a clock that only goes forwards. `length`: bytes of a cookie's MAC, the time in front of it included. */
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

  /** The MAC of now, behind the time that it was made. */
  mac(asked: Uint8Array): Uint8Array {
    const time = this.now();
    const stamp = Uint8Array.of(time >> 8, time);
    return concat([stamp, this.macBy(this.current, stamp, asked)]);
  }

  /** Whether one of the two secrets has made it; in the same time, whichever. */
  knows(mac: Uint8Array, asked: Uint8Array): boolean {
    const [stamp, rest] = [mac.subarray(0, stampLength), mac.subarray(stampLength)];
    const isOfNow = this.engine.equal(this.macBy(this.current, stamp, asked), rest);
    return this.engine.equal(this.macBy(this.previous, stamp, asked), rest) || isOfNow;
  }

  /** ms since a known one was made: as long as the path takes there and back, or longer when something got lost. */
  ageOf(mac: Uint8Array): number {
    const made = ((mac[0] ?? 0) << 8) | (mac[1] ?? 0);
    return (Math.floor(this.now()) - made) & 0xffff;
  }

  private macBy(secret: Uint8Array, stamp: Uint8Array, asked: Uint8Array): Uint8Array {
    const sha256 = this.engine.hash('sha256');
    if (sha256 === undefined) throw new TypeError('cookies need SHA-256');
    return sha256.hmac(secret, concat([stamp, asked])).subarray(0, this.length - stampLength);
  }
}
