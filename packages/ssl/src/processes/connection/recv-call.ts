/** A caller of `recv`, who waits as long as he said. */
import type { From, Self } from '@actor-tls/runtime';
import type { RecvResult } from '../delivery/delivery.js';
import { Alarm } from './alarm.js';

export class RecvCall {
  readonly #from: From<RecvResult>;
  #alarm: Alarm | 'none' | 'answered' = 'none';

  constructor(from: From<RecvResult>) {
    this.#from = from;
  }

  reply(result: RecvResult): void {
    if (this.#alarm instanceof Alarm) this.#alarm.cancel();
    this.#alarm = 'answered';
    this.#from.reply(result);
  }

  /** Not answered at once: the alarm rings when the time is over. */
  wait(self: Self, timeout: number | 'infinity'): void {
    if (this.#alarm === 'none' && timeout !== 'infinity') this.#alarm = new Alarm(self, 'recv', timeout);
  }
}
