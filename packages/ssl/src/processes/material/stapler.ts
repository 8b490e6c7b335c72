/**
 * A server's side of OCSP stapling (RFC 6066 §8, RFC 8446 §4.4.2.1): a current response for one of our certificates,
 * given once or by a function of the user's that fetches it.
 *
 * A function's response is kept and asked for again at half its life, in the background; who asks while there is none
 * waits a little. A request with extensions (a nonce) is answered by a call of its own, a few at a time: any stranger can
 * send one, and beyond that it gets what all others get. What is stale, malformed or about another certificate is never
 * stapled: a connection without a staple is better than one with a bad one.
 */
import type { Clock, Logger } from '@actor-tls/runtime';
import type { StapleWish } from '../../protocol/sink.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { Certificate, sameBytes } from '../../values/x509/certificate.js';
import { decodeOcspResponse } from '../../values/x509/ocsp.js';
import type { OcspResponseSource, OcspStapleRequest } from '../../values/x509/ocsp-response-source.js';

export interface StaplerSurroundings {
  readonly engine: CryptoEngine;
  readonly logger: Logger;
  readonly clock: Clock;
  /** ms since 1970 */
  readonly wallClock: () => number;
}

/** ms that a handshake waits for the function. */
const patience = 5000;
/** ms for which the function is left alone after it failed. */
const respite = 10_000;
/** Calls for requests with extensions at a time. */
const mostOwnCalls = 8;
/** ms that a response without nextUpdate lives. */
const defaultLife = 24 * 3_600_000;

interface CurrentResponse {
  readonly der: Uint8Array;
  /** ms since 1970 */
  readonly refreshAt: number;
  readonly until: number;
}

type Response = Uint8Array | undefined;

export class Stapler {
  readonly #source: OcspResponseSource;
  readonly #chain: readonly Uint8Array[];
  readonly #surroundings: StaplerSurroundings;
  #serial: Uint8Array | undefined = undefined;
  #held: CurrentResponse | undefined = undefined;
  #asking: Promise<Response> | undefined = undefined;
  #ownCalls = 0;
  #restUntil = Number.NEGATIVE_INFINITY;

  /** `chain`: DER, the certificate that the responses are about first. */
  constructor(source: OcspResponseSource, chain: readonly Uint8Array[], surroundings: StaplerSurroundings) {
    this.#source = source;
    this.#chain = chain;
    this.#surroundings = surroundings;
  }

  /** What is to be stapled; `undefined`: nothing. Never rejects. */
  response({ request, serverName }: StapleWish): Response | Promise<Response> {
    const now = this.#surroundings.wallClock();
    const source = this.#source;
    if (typeof source !== 'function') {
      if (this.#held === undefined && now >= this.#restUntil) this.#hold(source, now);
      return this.#heldAt(now);
    }
    const { requestExtensions } = request;
    if (requestExtensions.length > 0 && this.#ownCalls < mostOwnCalls && now >= this.#restUntil)
      return this.#notTooLong(this.#own(source, { ...this.#about(serverName), requestExtensions }));
    const held = this.#heldAt(now);
    if (held !== undefined && now < (this.#held?.refreshAt ?? 0)) return held;
    if (now >= this.#restUntil) this.#asking ??= this.#refresh(source, serverName);
    return held ?? (this.#asking && this.#notTooLong(this.#asking));
  }

  /** For one request alone. */
  async #own(source: Exclude<OcspResponseSource, Uint8Array>, request: OcspStapleRequest): Promise<Response> {
    this.#ownCalls += 1;
    const der = await this.#call(source, request);
    this.#ownCalls -= 1;
    const now = this.#surroundings.wallClock();
    if (der !== undefined && this.#lifeOf(der, now) !== undefined) return der;
    this.#restUntil = now + respite;
    return undefined;
  }

  async #refresh(
    source: Exclude<OcspResponseSource, Uint8Array>,
    serverName: string | undefined,
  ): Promise<Response> {
    const der = await this.#call(source, this.#about(serverName));
    const now = this.#surroundings.wallClock();
    this.#asking = undefined;
    if (der === undefined) this.#restUntil = now + respite;
    else this.#hold(der, now);
    return this.#heldAt(now);
  }

  #about(serverName: string | undefined): OcspStapleRequest {
    const [certificate = new Uint8Array(), issuer] = this.#chain;
    return { certificate, issuer, serverName, requestExtensions: new Uint8Array() };
  }

  /** The user's function; what it throws is logged and staples nothing. */
  async #call(
    source: Exclude<OcspResponseSource, Uint8Array>,
    request: OcspStapleRequest,
  ): Promise<Response> {
    try {
      const answer: unknown = await source(request);
      if (answer === undefined || answer instanceof Uint8Array) return answer;
      this.#warn('the function gave no bytes');
    } catch (error) {
      this.#warn(error);
    }
    return undefined;
  }

  #hold(der: Uint8Array, now: number): void {
    const until = this.#lifeOf(der, now);
    if (until === undefined) this.#restUntil = now + respite;
    else this.#held = { der, until, refreshAt: now + (until - now) / 2 };
  }

  #heldAt(now: number): Response {
    return this.#held !== undefined && now < this.#held.until ? this.#held.der : undefined;
  }

  /** Until when a response may be stapled; `undefined` with a line in the log: not at all. */
  #lifeOf(der: Uint8Array, now: number): number | undefined {
    const decoded = decodeOcspResponse(der);
    if ('error' in decoded) return this.#warn(decoded.error);
    const [own] = this.#chain;
    if (own === undefined) return undefined;
    this.#serial ??= new Certificate(own).serial;
    const serial = this.#serial;
    const single = decoded.ok.responses.find((one) => sameBytes(one.serial, serial));
    if (single === undefined) return this.#warn('about another certificate');
    const until = single.nextUpdate ?? single.thisUpdate + defaultLife;
    return now < until ? until : this.#warn(`stale since ${new Date(until).toISOString()}`);
  }

  #warn(reason: unknown): undefined {
    this.#surroundings.logger.warn({ reason }, 'no OCSP response to staple');
    return undefined;
  }

  /** The answer, or nothing when it takes too long. */
  #notTooLong(answer: Promise<Response>): Promise<Response> {
    const { clock } = this.#surroundings;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => {
        this.#warn(`none within ${patience} ms`);
        resolve(undefined);
      }, patience);
      void answer.then((der) => {
        clock.clearTimeout(timer);
        resolve(der);
      });
    });
  }
}
