/**
 * The sender process (OTP's `tls_sender`): the only writer of an established connection, so that a peer that does
 * not read holds up sends and never the reading.
 *
 * It owns the transport: however it ends, the transport is closed. If the receiver crashes, the sender tells the
 * peer (`internal_error`).
 */
import {
  DownMessage,
  type From,
  type GenServer,
  isOrderly,
  type MemoryUse,
  type Pid,
  type Ref,
  type RequestOf,
  type Requests,
  requests,
  type Self,
} from '@actor-tls/runtime';
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Flight, PathMessage, PostHandshakeReply } from '../../protocol/sink.js';
import type { CheckedTicket } from '../../protocol/tls13/post-handshake.js';
import type { Transport } from '../transport/transport.js';
import { type PendingSend, SendQueue, type SendResult } from './send-queue.js';

/** Calls. */
export interface SenderRequests {
  /** Answers when the transport has all of it. */
  send(fields: { readonly data: Uint8Array }): SendResult;
  /** close_notify after what is queued; then no send is taken. Answers when the transport has it. */
  close(): SendResult;
  /** A fatal alert before what is queued, whose callers hear `closed`. */
  alert(fields: { readonly description: number }): SendResult;
  /** Handshake messages after what is queued. Answers when the transport has them. */
  flight(fields: { readonly flight: Flight }): SendResult;
  /** `ssl:update_keys/2`. */
  update_keys(fields: { readonly peerToo: boolean }): SendResult;
}

/** Casts from the receiver. */
export interface SenderNotices {
  /** The handshake has begun: sends wait for its end. */
  handshake(): void;
  /** The handshake is done: here is the write half. */
  connection(fields: {
    readonly half: WriteHalf;
    readonly receiver: Pid<unknown>;
    readonly packet: unknown;
    readonly sendTimeout: number | 'infinity';
    /** `session_tickets` follows, for which data waits, though not for long. */
    readonly tickets: 'follow' | 'none';
    readonly renegotiateAt: number;
  }): void;
  /** A handshake is to run again: the write half is wanted back, `WriteHalfReturned`; sends wait until it comes again. */
  give_back(): void;
  /** Here it is again. */
  write_again(fields: { readonly half: WriteHalf }): void;
  packet(fields: { readonly packet: unknown }): void;
  /** The peer has asked for something that only the writer can send. */
  owed(fields: { readonly what: Owed }): void;
  /** Over datagrams: leaves at once or never, for whoever waits for it asks again (RFC 9853 §5.4). */
  path_message(fields: { readonly what: PathMessage }): void;
  /** Tickets for connections to come (RFC 8446 §4.6.1). */
  session_tickets(fields: { readonly tickets: readonly CheckedTicket[] }): void;
  /** The transport is somebody else's from now on. */
  released(): void;
  /** The transport takes nothing any more. */
  transport_closed(): void;
  /** The transport has room again. */
  drained(): void;
}

export type SenderNotice = RequestOf<SenderNotices>;

/** What is paid when there is room for it, once. */
type Owed = Exclude<PostHandshakeReply, Flight>;

export const senderRequests: Requests<SenderRequests> = requests<SenderRequests>();
export const senderNotices: Requests<SenderNotices> = requests<SenderNotices>();

/** Tells the receiver how many KeyUpdates were asked of the peer, whose answers it has to expect. */
export class KeyUpdatesAsked {
  readonly count: number;
  constructor(count: number) {
    this.count = count;
  }
}

/** Gives the receiver the write half that it wanted back. */
export class WriteHalfReturned {
  readonly half: WriteHalf;
  constructor(half: WriteHalf) {
    this.half = half;
  }
}

/** Tells the receiver that the write half stays here: close_notify is said, or is to be. */
export class WriteHalfKept {}

/** Tells the receiver that so many records were sent that it is time for another handshake. */
export class RenegotiationDue {}

/** AlertDescription codes (RFC 8446 §6). */
const closeNotify = 0;
const internalError = 80;

interface PostponedSend {
  readonly from: From<SendResult>;
  readonly data: Uint8Array;
}

type Phase =
  | { readonly name: 'init' }
  | { readonly name: 'handshake'; readonly waiting: PostponedSend[] }
  | {
      readonly name: 'connection';
      readonly queue: SendQueue;
      readonly receiver: Pid<unknown>;
      readonly monitor: Ref;
    }
  | { readonly name: 'closed' };

/** State of the sender process. */
export class Sender implements MemoryUse {
  readonly transport: Transport;
  readonly #self: Self;
  #phase: Phase = { name: 'init' };
  #sendTimeout: number | 'infinity' = 'infinity';
  #patience: Ref | undefined = undefined;

  constructor(self: Self, transport: Transport) {
    this.#self = self;
    this.transport = transport;
  }

  /** What observers see. */
  toJSON(): object {
    const phase = this.#phase;
    if (phase.name !== 'connection') return { state: phase.name };
    return { state: phase.name, blocked: phase.queue.blocked, waiting: phase.queue.length };
  }

  /** Bytes that wait here or in the transport. */
  memoryUse(): number {
    const waiting = this.#phase.name === 'connection' ? this.#phase.queue.bytes : 0;
    return waiting + this.transport.backlog;
  }

  send(data: Uint8Array, from: From<SendResult>): void {
    switch (this.#phase.name) {
      case 'init':
        from.reply({ error: 'notsup_on_transport_accept_socket' });
        return;
      case 'handshake':
        this.#phase.waiting.push({ from, data });
        return;
      case 'connection':
        this.#enqueue(this.#phase.queue, data, from);
        return;
      case 'closed':
        from.reply(closed);
        return;
    }
  }

  close(from: From<SendResult>): void {
    if (this.#phase.name === 'connection') this.#phase.queue.close(closeNotify, from);
    else from.reply({ ok: true });
  }

  alert(description: number, from: From<SendResult>): void {
    if (this.#phase.name === 'connection') this.#phase.queue.fail(description, from);
    else from.reply({ ok: true });
  }

  flight(flight: Flight, from: From<SendResult>): void {
    if (this.#phase.name === 'connection') this.#phase.queue.flight(flight, from);
    else from.reply(closed);
  }

  handshake(): void {
    if (this.#phase.name === 'init') this.#phase = { name: 'handshake', waiting: [] };
  }

  takeAgain(half: WriteHalf): void {
    if (this.#phase.name === 'connection') this.#phase.queue.takeAgain(half);
  }

  packet(packet: unknown): void {
    if (this.#phase.name === 'connection') this.#phase.queue.setPacket(packet);
  }

  released(): void {
    this.#self.disown(this.transport);
    this.transportClosed();
  }

  transportClosed(): void {
    const phase = this.#phase;
    this.#phase = { name: 'closed' };
    if (phase.name === 'connection') phase.queue.drop('closed');
    if (phase.name === 'handshake') for (const { from } of phase.waiting) from.reply(closed);
  }

  drained(): void {
    if (this.#phase.name === 'connection') this.#phase.queue.drained();
  }

  /** The receiver has ended. */
  receiverDown(ref: Ref, reason: unknown): void {
    const phase = this.#phase;
    if (phase.name !== 'connection' || phase.monitor !== ref) return;
    if (isOrderly(reason)) return;
    phase.queue.fail(internalError, deaf);
  }

  /** The process ends in order: whoever shut us down has not said goodbye to the peer yet. */
  terminate(): void {
    if (this.#phase.name !== 'connection') return;
    const { queue } = this.#phase;
    queue.hurry();
    if (!queue.closed && !queue.blocked) queue.close(closeNotify, deaf);
    this.transportClosed();
  }

  begin(notice: RequestOf<SenderNotices, 'connection'>): void {
    const waiting = this.#phase.name === 'handshake' ? this.#phase.waiting : [];
    if (this.#phase.name === 'closed') return;
    const afterIo = (go: () => void): void =>
      this.#self.node.afterIo(() => {
        go();
        this.tellRequests();
      });
    const queue = new SendQueue(notice.half, this.transport, afterIo, notice.renegotiateAt);
    queue.setPacket(notice.packet);
    if (notice.tickets === 'follow') {
      queue.holdForTickets();
      this.#patience = this.#self.sendAfter(ticketPatience, this.#self.pid, new TicketsLate());
    }
    this.#sendTimeout = notice.sendTimeout;
    this.#phase = {
      name: 'connection',
      queue,
      receiver: notice.receiver,
      monitor: this.#self.monitor(notice.receiver),
    };
    for (const { data, from } of waiting) this.#enqueue(queue, data, from);
  }

  /** After each message: sends that waited for others behind them leave when there are none. */
  settle(): void {
    if (this.#phase.name === 'connection' && this.#self.messageQueueLength === 0) this.#phase.queue.flush();
    this.tellRequests();
  }

  /** After anything that may have written: before the peer can have answered, so that the receiver knows first. */
  tellRequests(): void {
    if (this.#phase.name !== 'connection') return;
    const { queue, receiver } = this.#phase;
    const count = queue.takeRequests();
    if (count > 0) this.#self.send(receiver, new KeyUpdatesAsked(count));
    if (queue.takeRenegotiationDue()) this.#self.send(receiver, new RenegotiationDue());
  }

  /** What was asked of the peer under these keys is told before the half, which counts anew where it goes. */
  giveBack(): void {
    if (this.#phase.name !== 'connection') return;
    this.tellRequests();
    const { queue, receiver } = this.#phase;
    const half = queue.giveBack();
    if (half !== undefined) this.#self.send(receiver, new WriteHalfReturned(half));
    else if (queue.closed) this.#self.send(receiver, new WriteHalfKept());
  }

  #enqueue(queue: SendQueue, data: Uint8Array, from: From<SendResult>): void {
    const sending = queue.send(data, from, this.#self.messageQueueLength > 0);
    if (sending === undefined || this.#sendTimeout === 'infinity') return;
    // A timer that went on would keep the data until it fires.
    const self = this.#self;
    const timer = self.sendAfter(this.#sendTimeout, self.pid, new SendTimeout(sending));
    sending.whenAnswered(() => self.cancelTimer(timer));
  }

  pay(what: Owed): void {
    if (this.#phase.name !== 'connection') return;
    const { queue } = this.#phase;
    switch (what) {
      case 'key_update':
        queue.updateKeys('update_not_requested');
        return;
      case 'key_update_request':
        queue.updateKeys('update_requested');
        return;
      case 'no_renegotiation':
        queue.refuseRenegotiation();
        return;
      case 'last_flight':
        queue.sendFlightAgain();
        return;
      case 'hello_request':
        if (queue.closed) this.#self.send(this.#phase.receiver, new WriteHalfKept());
        else queue.requestHello();
        return;
    }
  }

  sendPathMessage(message: PathMessage): void {
    if (this.#phase.name === 'connection') this.#phase.queue.sendPathMessage(message);
  }

  /** Whoever makes the tickets takes too long. */
  ticketsLate(): void {
    if (this.#phase.name === 'connection') this.#phase.queue.release();
  }

  sendTickets(tickets: readonly CheckedTicket[]): void {
    if (this.#phase.name !== 'connection') return;
    if (this.#patience !== undefined) this.#self.cancelTimer(this.#patience);
    this.#phase.queue.sendTickets(tickets);
  }

  updateKeys(peerToo: boolean, from: From<SendResult>): void {
    switch (this.#phase.name) {
      case 'connection':
        if (this.#phase.queue.closed) break;
        if (!this.#phase.queue.updatesKeys) {
          from.reply({ error: 'notsup' });
          return;
        }
        this.#phase.queue.updateKeys(peerToo ? 'update_requested' : 'update_not_requested');
        from.reply({ ok: true });
        return;
      case 'init':
        from.reply({ error: 'notsup_on_transport_accept_socket' });
        return;
      case 'handshake':
      case 'closed':
        break;
    }
    from.reply(closed);
  }
}

/** ms that data waits for tickets that are to go first; they come within microseconds unless their process is busy. */
const ticketPatience = 100;

class TicketsLate {}

class SendTimeout {
  readonly sending: PendingSend;
  constructor(sending: PendingSend) {
    this.sending = sending;
  }
}

const closed: SendResult = { error: 'closed' };
const deaf = { reply(): void {} };

const answer = senderRequests.handleCall<Sender>({
  send: ({ data }, from, sender) => sender.send(data, from),
  close: (_request, from, sender) => sender.close(from),
  alert: ({ description }, from, sender) => sender.alert(description, from),
  flight: ({ flight }, from, sender) => sender.flight(flight, from),
  update_keys: ({ peerToo }, from, sender) => sender.updateKeys(peerToo, from),
});

const hear = senderNotices.handleCast<Sender>({
  handshake: (_notice, sender) => sender.handshake(),
  connection: (notice, sender) => sender.begin(notice),
  give_back: (_notice, sender) => sender.giveBack(),
  write_again: ({ half }, sender) => sender.takeAgain(half),
  packet: ({ packet }, sender) => sender.packet(packet),
  owed: ({ what }, sender) => sender.pay(what),
  path_message: ({ what }, sender) => sender.sendPathMessage(what),
  session_tickets: ({ tickets }, sender) => sender.sendTickets(tickets),
  released: (_notice, sender) => sender.released(),
  transport_closed: (_notice, sender) => sender.transportClosed(),
  drained: (_notice, sender) => sender.drained(),
});

/** Callbacks of the sender process. */
export const senderServer: GenServer<Sender, Transport> = {
  label: 'tls_sender',
  init(self, transport) {
    self.trapExit(true);
    self.own(transport, destroy);
    return { ok: new Sender(self, transport) };
  },
  handleCall(request, from, sender, self) {
    void answer(request, from, sender, self);
    sender.settle();
  },
  handleCast(notice, sender, self) {
    void hear(notice, sender, self);
    sender.settle();
  },
  handleInfo(message, sender) {
    if (message instanceof DownMessage) sender.receiverDown(message.ref, message.reason);
    else if (message instanceof SendTimeout) message.sending.giveUp('timeout');
    else if (message instanceof TicketsLate) sender.ticketsLate();
    sender.settle();
  },
  terminate(_reason, sender) {
    sender.terminate();
  },
};

function destroy(transport: Transport): void {
  transport.destroy();
}
