/** What TLS 1.2 does after the handshake: it refuses to renegotiate (RFC 5246 §7.2.2, §7.4.1.1). */
import { alertCode } from '../../values/registry/alerts.js';
import type { MessageTable } from '../../values/wire/message-table.js';
import { type Tls12Bodies, tls12Messages } from '../../values/wire/tls12-messages.js';
import { type AlertRules, tls12Alerts } from '../alert-rules.js';
import type { Channel } from '../channel.js';
import type { PostHandshake } from '../post-handshake.js';
import { AlertError } from '../reasons.js';
import { WriteHalf } from '../record/write-half.js';
import type { Sink } from '../sink.js';

/** Wishes to renegotiate without data between them. */
const maxIdleWishes = 8;
const warning = 1;

export class Tls12PostHandshake implements PostHandshake {
  readonly role: 'client' | 'server';
  readonly alerts: AlertRules = tls12Alerts;
  readonly again = 'never';
  private readonly channel: Channel;
  private readonly sink: Pick<Sink, 'owes'>;
  private readonly messages: MessageTable<Tls12Bodies>;
  private idleWishes = 0;
  private owesRefusal = false;

  /** `messages`: of the version. */
  constructor(
    role: 'client' | 'server',
    channel: Channel,
    sink: Pick<Sink, 'owes'>,
    messages: MessageTable<Tls12Bodies> = tls12Messages,
  ) {
    this.role = role;
    this.channel = channel;
    this.sink = sink;
    this.messages = messages;
  }

  receive(code: number, raw: Uint8Array): void {
    const type = this.messages.byCode(code);
    const wish = this.role === 'client' ? 'hello_request' : 'client_hello';
    if (type !== wish) throw new AlertError('unexpected_message', { unexpected: type ?? code });
    this.messages.decode(wish, raw);
    this.channel.endPeerFlight();
    this.idleWishes += 1;
    if (this.idleWishes > maxIdleWishes) throw new AlertError('too_many_renegotiations');
    this.owesRefusal = true;
  }

  dataCame(): void {
    this.idleWishes = 0;
  }

  inputDone(): void {
    if (!this.owesRefusal) return;
    this.owesRefusal = false;
    const { writer } = this.channel;
    if (writer === 'split') this.sink.owes('no_renegotiation');
    else if (writer instanceof WriteHalf) this.channel.sendAlert(warning, alertCode('no_renegotiation'));
  }

  beforeData(): void {}

  get asks(): undefined {
    return undefined;
  }

  answer(): never {
    throw new TypeError('nothing is asked after the handshake');
  }

  /** Nor is the client asked again who it is: that was a renegotiation. */
  requestCertificate(): 'notsup' {
    return 'notsup';
  }

  flightLeft(): void {}

  updateKeys(): boolean {
    return false;
  }

  ticketPsk(): undefined {}

  expectKeyUpdates(): void {}
}
