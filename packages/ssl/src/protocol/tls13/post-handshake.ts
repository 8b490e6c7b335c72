/**
 * What TLS 1.3 does after the handshake (RFC 8446 §4.6). The functions that write serve the core before the halves are
 * split, and the sender process after.
 */
import type { Secret } from '../../values/secret.js';
import { concat } from '../../values/wire/join.js';
import type { NewSessionTicket } from '../../values/wire/messages/new-session-ticket.js';
import { decodeHandshake, encodeHandshake, handshakeByCode } from '../../values/wire/tls13-messages.js';
import { type AlertRules, tls13Alerts } from '../alert-rules.js';
import type { Channel } from '../channel.js';
import {
  type NewSessionTicketExtensions,
  newSessionTicketColumn,
  readExtensions,
  writeExtensions,
} from '../extensions/table.js';
import type { AnswerEvent } from '../handshake.js';
import type { PostHandshake } from '../post-handshake.js';
import { AlertError } from '../reasons.js';
import type { EpochKeys } from '../record/protection.js';
import { WriteHalf } from '../record/write-half.js';
import type { Sink } from '../sink.js';
import type { Resumption } from './key-schedule.js';
import type { PostHandshakeAuthentication, RequestOutcome } from './post-handshake-authentication.js';

/** Whether the peer is to update its keys too (§4.6.3). */
export type KeyUpdateRequest = 'update_not_requested' | 'update_requested';

/** KeyUpdates of the peer that neither ask for ours nor answer it, without data between them. */
const maxIdleKeyUpdates = 32;
/** Longest piece of data after which the limit of `key_update_at` is looked at again, bytes. */
const pieceLength = 1 << 20;

/** The KeyUpdate message, then new keys; one record for the channel. */
export function sealKeyUpdate(write: WriteHalf, request: KeyUpdateRequest): Uint8Array[] {
  const message = encodeHandshake('key_update', { requestUpdate: request === 'update_requested' ? 1 : 0 });
  if (write.updating) {
    write.updateLater(message, request === 'update_requested');
    return [];
  }
  const pieces = write.sealHandshake(message);
  if (request === 'update_requested') write.countRequest();
  write.rekey();
  return pieces;
}

/**
 * Tickets of ours (§4.6.1), whose keys are `Core.ticketPsk` of their nonces, in as few records as they fit into (§5.1): one
 * record for each would cost both sides as many ciphers.
 */
export function sealNewSessionTickets(write: WriteHalf, tickets: readonly CheckedTicket[]): Uint8Array[] {
  return tickets.length === 0 ? [] : write.sealHandshake(concat(tickets.map(newSessionTicket)));
}

function newSessionTicket(checked: CheckedTicket): Uint8Array {
  const { ticketLifetime, ticketAgeAdd, ticketNonce, ticket, maxEarlyDataSize } = checked;
  const extensions = writeExtensions(newSessionTicketColumn, { maxEarlyDataSize });
  return encodeHandshake('new_session_ticket', {
    ...{ ticketLifetime, ticketAgeAdd, ticketNonce, ticket, extensions },
  });
}

/** Application data as records, with a KeyUpdate before it when one is due (contract §13.2). */
export function sealData(write: WriteHalf, data: Uint8Array): Uint8Array[] {
  if (data.length <= pieceLength && !write.keyUpdateDue) return write.sealApplicationData(data);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += pieceLength) {
    if (write.keyUpdateDue) pieces.push(...sealKeyUpdate(write, 'update_requested'));
    pieces.push(...write.sealApplicationData(data.subarray(at, at + pieceLength)));
  }
  return pieces;
}

/** The connection's side of it: who owes whom a KeyUpdate. */
export class Tls13PostHandshake implements PostHandshake {
  readonly role: 'client' | 'server';
  readonly alerts: AlertRules = tls13Alerts;
  readonly again: 'never' | 'possible';
  private readonly channel: Channel;
  private readonly sink: Pick<Sink, 'write' | 'owes' | 'ticket'>;
  private idleKeyUpdates = 0;
  /** KeyUpdates that we have asked the peer for and that have not come. */
  private expectedKeyUpdates = 0;
  /** The peer has asked for a KeyUpdate and not got it. */
  private owesKeyUpdate = false;
  private readonly resumption: Resumption | undefined;
  private readonly authentication: PostHandshakeAuthentication | undefined;
  /** Keys for which the peer was asked to take others. */
  private wornKeys: EpochKeys | undefined = undefined;

  /**
   * `resumption`: where keys of tickets come from, of who has a use for them; `authentication`: of those who have agreed
   * that the client may be asked who it is.
   */
  constructor(
    role: 'client' | 'server',
    channel: Channel,
    sink: Pick<Sink, 'write' | 'owes' | 'ticket'>,
    resumption: Resumption | undefined,
    authentication?: PostHandshakeAuthentication,
  ) {
    this.role = role;
    this.channel = channel;
    this.sink = sink;
    this.resumption = resumption;
    this.authentication = authentication;
    this.again = authentication === undefined ? 'never' : 'possible';
  }

  receive(code: number, raw: Uint8Array): undefined {
    const type = handshakeByCode(code);
    if (type !== undefined && this.authentication?.receive(type, raw) === true) return;
    this.authentication?.interrupted('message');
    if (type === 'key_update') this.receiveKeyUpdate(readKeyUpdate(raw));
    else if (type === 'new_session_ticket' && this.role === 'client') this.receiveTicket(raw);
    else throw new AlertError('unexpected_message', { unexpected: type ?? code });
  }

  renegotiate(): 'never' {
    return 'never';
  }

  refused(): boolean {
    return false;
  }

  allowRenegotiation(): void {}

  dataCame(): void {
    this.idleKeyUpdates = 0;
    this.authentication?.interrupted('data');
  }

  /**
   * Whoever has the write half answers all requests of a turn at once. A core that writes itself does so with its next
   * data: nobody tells it whether the peer reads, and an answer for each request could be without end.
   */
  inputDone(): void {
    if (this.channel.writer !== 'split') return;
    if (this.takeWorn()) this.sink.owes('key_update_request');
    else if (this.owesKeyUpdate) this.sink.owes('key_update');
    else return;
    this.owesKeyUpdate = false;
  }

  /** §4.6.3: once, however many were asked for until now. */
  beforeData(): void {
    if (this.takeWorn()) this.updateKeys('read_write');
    else if (this.owesKeyUpdate) this.updateKeys('write');
  }

  /**
   * §5.5: a peer that has sent as much under its keys as the suite allows is asked for others, once for those keys. One
   * that goes on is not refused: the limit guards what it says, and to end the connection would guard nothing.
   */
  private takeWorn(): boolean {
    const { readKeys } = this.channel;
    if (readKeys === undefined || readKeys.records < readKeys.recordLimit) return false;
    if (this.wornKeys === readKeys) return false;
    this.wornKeys = readKeys;
    return true;
  }

  get asks(): AnswerEvent['type'] | undefined {
    return this.authentication?.asks;
  }

  answer(event: AnswerEvent): void {
    if (this.authentication === undefined) throw new TypeError('nothing is asked after the handshake');
    this.authentication.answer(event);
  }

  requestCertificate(): RequestOutcome {
    return this.authentication?.request() ?? 'notsup';
  }

  flightLeft(): void {
    this.authentication?.flightLeft();
  }

  updateKeys(which: 'write' | 'read_write'): boolean {
    const { writer } = this.channel;
    if (!(writer instanceof WriteHalf)) return false;
    this.owesKeyUpdate = false;
    this.sink.write(sealKeyUpdate(writer, which === 'write' ? 'update_not_requested' : 'update_requested'));
    return true;
  }

  expectKeyUpdates(count: number): void {
    this.expectedKeyUpdates += count;
  }

  ticketPsk(ticketNonce: Uint8Array): Secret | undefined {
    return this.resumption?.psk(ticketNonce);
  }

  /** §4.6.1: checked whether anybody wants it or not. */
  private receiveTicket(raw: Uint8Array): void {
    const { ticket, ticketNonce, ticketLifetime, ticketAgeAdd, maxEarlyDataSize } = readNewSessionTicket(raw);
    const { resumption, sink } = this;
    if (resumption === undefined || sink.ticket === undefined) return;
    sink.ticket({
      // A copy: the ticket is kept when the record is long gone.
      identity: new Uint8Array(ticket),
      secret: resumption.psk(ticketNonce),
      hash: resumption.hashName,
      lifetime: ticketLifetime,
      ageAdd: ticketAgeAdd,
      maxEarlyDataSize,
    });
  }

  private receiveKeyUpdate(request: KeyUpdateRequest): void {
    if (request === 'update_requested') this.owesKeyUpdate = true;
    else this.countIdleKeyUpdate();
    this.channel.rekeyRead();
  }

  /** What answers a request of ours is not idle, however little the peer says otherwise. */
  private countIdleKeyUpdate(): void {
    const { writer } = this.channel;
    if (writer instanceof WriteHalf) this.expectedKeyUpdates += writer.takeRequests();
    if (this.expectedKeyUpdates > 0) {
      this.expectedKeyUpdates -= 1;
      return;
    }
    this.idleKeyUpdates += 1;
    if (this.idleKeyUpdates > maxIdleKeyUpdates) throw new AlertError('too_many_key_updates');
  }
}

/** Whether the peer asks for our update too. Throws `wrong_key_update_request`, `DecodeError`. */
export function readKeyUpdate(raw: Uint8Array): KeyUpdateRequest {
  const { requestUpdate } = decodeHandshake('key_update', raw);
  switch (requestUpdate) {
    case 0:
      return 'update_not_requested';
    case 1:
      return 'update_requested';
    default:
      throw new AlertError('wrong_key_update_request', { request_update: requestUpdate });
  }
}

/** A ticket (§4.6.1), its extensions understood. */
export interface CheckedTicket extends Omit<NewSessionTicket, 'extensions'>, NewSessionTicketExtensions {}

/** Reads a ticket. Throws `AlertError`, `DecodeError`. */
export function readNewSessionTicket(raw: Uint8Array): CheckedTicket {
  const body = decodeHandshake('new_session_ticket', raw);
  const { ticketLifetime, ticketAgeAdd, ticketNonce, ticket } = body;
  const { maxEarlyDataSize } = readExtensions(newSessionTicketColumn, body.extensions);
  return { ticketLifetime, ticketAgeAdd, ticketNonce, ticket, maxEarlyDataSize };
}
