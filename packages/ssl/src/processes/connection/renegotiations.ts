/**
 * Handshakes that run again on a connection (`ssl:renegotiate/1`, RFC 5246 §7.4.1.1): who waits for one, how long it may
 * take, and how long a client waits that has begun one by itself (contract §13.2).
 */
import type { From, Self } from '@actor-tls/runtime';
import type { Core } from '../../protocol/core.js';
import type { Result } from '../../values/terms.js';
import { Alarm } from './alarm.js';

/** ms, OTP's WAIT_TO_ALLOW_RENEGOTIATION */
const clientPatience = 12_000;
const rejected: Result<true> = { error: 'renegotiation_rejected' };

export class Renegotiations {
  readonly #self: Self;
  #waiter: From<Result<true>> | undefined = undefined;
  #deadline: Alarm | undefined = undefined;
  /** Until a client may begin one again. */
  #quiet: Alarm | undefined = undefined;

  constructor(self: Self) {
    this.#self = self;
  }

  /** `limit`: ms until the peer has answered, and for the handshake. */
  ask(core: Core, limit: number | 'infinity', from: From<Result<true>>): void {
    switch (core.renegotiate()) {
      case 'begun':
        this.#waiter = from;
        this.started(limit);
        return;
      case 'busy':
        from.reply({ error: 'already_renegotiating' });
        return;
      case 'rejected':
        from.reply(rejected);
        return;
      case 'never':
        from.reply({ error: 'notsup' });
        return;
      case 'closed':
        from.reply({ error: 'closed' });
        return;
    }
  }

  /** One has begun, or is asked for. */
  started(limit: number | 'infinity'): void {
    this.#deadline ??= new Alarm(this.#self, 'renegotiation', limit);
  }

  /** A client has begun one; the next that it begins is refused for a while. */
  clientBegan(): void {
    this.#quiet?.cancel();
    this.#quiet = new Alarm(this.#self, 'client_renegotiation', clientPatience);
  }

  /** A handshake has run again. */
  done(): void {
    this.#answer({ ok: true });
  }

  /** The peer does not want to, or has not answered. */
  refused(): void {
    this.#answer(rejected);
  }

  /** The connection has ended. */
  end(): void {
    this.#quiet?.cancel();
    this.#answer({ error: 'closed' });
  }

  #answer(result: Result<true>): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#deadline?.cancel();
    this.#deadline = undefined;
    waiter?.reply(result);
  }
}
