/** TLS is taken off a connection (`ssl:close/2` with a new owner): who wants the bare transport, and how far it is. */
import type { From } from '@actor-tls/runtime';
import type { Core } from '../../protocol/core.js';
import type { Failed, SslReason } from '../../values/terms.js';
import { concat } from '../../values/wire/join.js';
import type { Alarm } from './alarm.js';
import type { Downgraded } from './connection-requests.js';
import type { Line } from './line.js';

export class Downgrade {
  readonly #from: From<Downgraded | Failed>;
  readonly #alarm: Alarm;
  /** Our close_notify. */
  #goodbye: 'asked' | 'said' = 'asked';
  /** All that came before the transport was paused, after the peer's close_notify, has had its turn. */
  #peerDone = false;
  /** Chunks that came behind the one with the peer's close_notify. */
  readonly #behind: Uint8Array[] = [];

  constructor(from: From<Downgraded | Failed>, alarm: Alarm) {
    this.#from = from;
    this.#alarm = alarm;
  }

  goodbyeSaid(): void {
    this.#goodbye = 'said';
  }

  peerDone(): void {
    this.#peerDone = true;
  }

  /** A chunk, kept, that is not TLS any more. */
  keep(chunk: Uint8Array): void {
    this.#behind.push(chunk);
  }

  /** Both sides have said close_notify. */
  get isDone(): boolean {
    return this.#goodbye === 'said' && this.#peerDone;
  }

  /**
   * Gives the transport back; false, and nothing is done, until both sides have said close_notify. What came after the
   * peer's is not TLS any more, and goes with the transport.
   */
  giveBack(line: Line, core: Core): boolean {
    if (!this.isDone) return false;
    this.#alarm.cancel();
    const rest = concat([core.takeRest(), ...this.#behind]);
    const transport = line.release();
    this.#from.reply(rest.length === 0 ? { ok: transport } : { ok: transport, data: Buffer.from(rest) });
    return true;
  }

  /** There will be no bare transport; only the first answer counts. */
  fail(reason: SslReason): void {
    this.#alarm.cancel();
    this.#from.reply({ error: reason });
  }
}
