/** Who waits for a handshake: the caller of `handshake` or `connect`, for how long, and what was asked meanwhile. */
import type { From } from '@actor-tls/runtime';
import type { Result } from '../../values/terms.js';
import type { Alarm } from './alarm.js';
import { answerAfterEnd } from './connection-answers.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { SslSocket } from './socket.js';

/** A call that waits for the end of the handshake. */
export interface PostponedCall {
  readonly request: ConnectionRequest;
  readonly from: From;
}

export class HandshakeCall {
  readonly #from: From<Result<SslSocket>>;
  readonly #alarm: Alarm;
  readonly #postponed: PostponedCall[] = [];

  constructor(from: From<Result<SslSocket>>, alarm: Alarm) {
    this.#from = from;
    this.#alarm = alarm;
  }

  /** For when the handshake is done. */
  postpone(request: ConnectionRequest, from: From): void {
    this.#postponed.push({ request, from });
  }

  /** Only the first answer counts. */
  answer(result: Result<SslSocket>): void {
    this.#alarm.cancel();
    this.#from.reply(result);
  }

  /** What was asked meanwhile, once. */
  takePostponed(): readonly PostponedCall[] {
    return this.#postponed.splice(0);
  }

  /** Whoever has asked meanwhile hears that it is over. */
  endPostponed(): void {
    for (const { request, from } of this.takePostponed()) answerAfterEnd(request, from);
  }
}
