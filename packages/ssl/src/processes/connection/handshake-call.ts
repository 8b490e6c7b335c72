/**
 * Who waits for a handshake: the caller of `handshake` or `connect`, after a pause that of `handshakeContinue`, for how
 * long, and what was asked meanwhile.
 */
import type { From } from '@actor-tls/runtime';
import type { HelloExtensions } from '../../protocol/hello/hello-extensions.js';
import type { Failed, Result } from '../../values/terms.js';
import type { ReceivedData } from '../delivery/received-data.js';
import type { Alarm } from './alarm.js';
import { answerAfterEnd } from './connection-answers.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { SslSocket } from './socket.js';

/** A call that waits for the end of the handshake. */
export interface PostponedCall {
  readonly request: ConnectionRequest;
  readonly from: From;
}

/** The answer of a handshake: done, or paused with what the peer's hello says. */
export type HandshakeAnswer<Data = ReceivedData> =
  | Failed
  | { readonly ok: SslSocket<Data>; readonly ext?: HelloExtensions };

/** A caller; or nobody during a pause, who may ask later; or nobody who wants to know. */
type Waiting = From<HandshakeAnswer> | 'paused' | 'given_up';

export class HandshakeCall {
  /** When the handshake has to be done whatever happens, by the node's clock, ms. */
  readonly deadline: number | 'infinity';
  #waiting: Waiting;
  #alarm: Alarm;
  readonly #postponed: PostponedCall[] = [];

  constructor(from: From<HandshakeAnswer>, alarm: Alarm, deadline: number | 'infinity') {
    this.#waiting = from;
    this.#alarm = alarm;
    this.deadline = deadline;
  }

  /** Whoever waits has an answer, and the handshake none yet: its time goes on. */
  pause(answer: HandshakeAnswer): void {
    if (typeof this.#waiting === 'object') this.#waiting.reply(answer);
    this.#waiting = 'paused';
  }

  /** Somebody waits again, for as long as `alarm` says. */
  resume(from: From<HandshakeAnswer>, alarm: Alarm): void {
    this.#alarm.cancel();
    this.#waiting = from;
    this.#alarm = alarm;
  }

  /** Nobody wants to know any more. */
  giveUp(): void {
    this.#waiting = 'given_up';
  }

  /** For when the handshake is done. */
  postpone(request: ConnectionRequest, from: From): void {
    this.#postponed.push({ request, from });
  }

  /** Only the first answer counts. False: somebody may still ask for it. */
  answer(result: Result<SslSocket>): boolean {
    this.#alarm.cancel();
    if (typeof this.#waiting === 'object') this.#waiting.reply(result);
    return this.#waiting !== 'paused';
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
