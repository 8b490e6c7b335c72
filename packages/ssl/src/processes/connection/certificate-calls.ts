/**
 * Who waits for the client's certificate (`requestCertificate`, RFC 8446 §4.6.2). One request is out at a time: whoever asks
 * meanwhile, or asks again after a time-out, waits for the answer to that one.
 */
import type { From, Self } from '@actor-tls/runtime';
import type { Authentication } from '../../protocol/authentication.js';
import type { Core } from '../../protocol/core.js';
import type { Result, SslReason } from '../../values/terms.js';
import { Alarm } from './alarm.js';

interface Waiter {
  readonly from: From<Result<Uint8Array>>;
  readonly alarm: Alarm;
}

export class CertificateCalls {
  readonly #self: Self;
  #waiters: Waiter[] = [];

  constructor(self: Self) {
    this.#self = self;
  }

  ask(core: Core, timeout: number | 'infinity', from: From<Result<Uint8Array>>): void {
    if (core.requestCertificate() === 'notsup') from.reply({ error: 'notsup' });
    else this.#waiters.push({ from, alarm: new Alarm(this.#self, 'certificate', timeout) });
  }

  /** The client has answered. */
  answered(shown: Authentication): void {
    const [certificate] = shown.kind === 'certificate' ? shown.chain : [];
    this.#answer(certificate === undefined ? { error: 'no_peercert' } : { ok: certificate });
  }

  /** There will be no answer. */
  end(reason: SslReason): void {
    this.#answer({ error: reason });
  }

  rung(alarm: Alarm): void {
    const late = this.#waiters.find((waiter) => waiter.alarm === alarm);
    this.#waiters = this.#waiters.filter((waiter) => waiter !== late);
    late?.from.reply({ error: 'timeout' });
  }

  #answer(result: Result<Uint8Array>): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { from, alarm } of waiters) {
      alarm.cancel();
      from.reply(result);
    }
  }
}
