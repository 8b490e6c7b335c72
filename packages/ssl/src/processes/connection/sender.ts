/**
 * The sender process (OTP's `tls_sender`): the only writer of an established connection, so that a peer that does
 * not read holds up sends and never the reading.
 *
 * It owns the transport: however it ends, the transport is closed. If the receiver crashes, the sender tells the
 * peer (`internal_error`).
 */
import {
  type From,
  type GenServer,
  isOrderly,
  type MemoryUse,
  type Pid,
  type Ref,
  type Self,
} from '@actor-tls/runtime';
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Owed } from '../../protocol/sink.js';
import { bytesOf } from '../delivery/iodata.js';
import { callGuard, isDown } from '../requests.js';
import type { Transport } from '../transport/transport.js';
import { type Sending, SendQueue, type SendResult } from './send-queue.js';

/** Calls. */
export type SenderRequest =
  /** Answers when the transport has all of it. */
  | { readonly type: 'send'; readonly data: unknown }
  /** close_notify after what is queued; then no send is taken. Answers when the transport has it. */
  | { readonly type: 'close' }
  /** A fatal alert before what is queued, whose callers hear `closed`. */
  | { readonly type: 'alert'; readonly description: number }
  /** `ssl:update_keys/2`. */
  | { readonly type: 'update_keys'; readonly peerToo: boolean };

/** Casts from the receiver. */
export type SenderNotice =
  /** The handshake has begun: sends wait for its end. */
  | { readonly type: 'handshake' }
  /** The handshake is done: here is the write half. */
  | {
      readonly type: 'connection';
      readonly half: WriteHalf;
      readonly receiver: Pid<unknown>;
      readonly packet: unknown;
      readonly sendTimeout: number | 'infinity';
    }
  /** A handshake is to run again: the write half is wanted back, `WriteHalfReturned`; sends wait until it comes again. */
  | { readonly type: 'give_back' }
  /** Here it is again. */
  | { readonly type: 'write_again'; readonly half: WriteHalf }
  | { readonly type: 'packet'; readonly packet: unknown }
  /** The peer has asked for something that only the writer can send. */
  | { readonly type: 'owed'; readonly what: Owed }
  /** The transport is somebody else's from now on. */
  | { readonly type: 'released' }
  /** The transport takes nothing any more. */
  | { readonly type: 'transport_closed' }
  /** The transport has room again. */
  | { readonly type: 'drained' };

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

/** AlertDescription codes (RFC 8446 §6). */
const closeNotify = 0;
const internalError = 80;

type Phase =
  | { readonly name: 'init' }
  | { readonly name: 'handshake'; readonly waiting: { readonly from: From; readonly data: Uint8Array }[] }
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

  call(request: SenderRequest, from: From): void {
    switch (request.type) {
      case 'send':
        this.#send(request.data, from);
        return;
      case 'close':
        if (this.#phase.name === 'connection') this.#phase.queue.close(closeNotify, from);
        else from.reply({ ok: true });
        return;
      case 'alert':
        if (this.#phase.name === 'connection') this.#phase.queue.fail(request.description, from);
        else from.reply({ ok: true });
        return;
      case 'update_keys':
        this.#updateKeys(request.peerToo, from);
        return;
    }
  }

  notice(notice: SenderNotice): void {
    switch (notice.type) {
      case 'handshake':
        if (this.#phase.name === 'init') this.#phase = { name: 'handshake', waiting: [] };
        return;
      case 'connection':
        this.#begin(notice);
        return;
      case 'give_back':
        this.#giveBack();
        return;
      case 'write_again':
        if (this.#phase.name === 'connection') this.#phase.queue.takeAgain(notice.half);
        return;
      case 'packet':
        if (this.#phase.name === 'connection') this.#phase.queue.setPacket(notice.packet);
        return;
      case 'owed':
        this.#pay(notice.what);
        return;
      case 'released':
        this.#self.disown(this.transport);
        this.#close();
        return;
      case 'transport_closed':
        this.#close();
        return;
      case 'drained':
        if (this.#phase.name === 'connection') this.#phase.queue.drained();
        return;
    }
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
    if (!queue.closed && !queue.blocked) queue.close(closeNotify, deaf);
    this.#close();
  }

  #begin(notice: Extract<SenderNotice, { type: 'connection' }>): void {
    const waiting = this.#phase.name === 'handshake' ? this.#phase.waiting : [];
    if (this.#phase.name === 'closed') return;
    const queue = new SendQueue(notice.half, this.transport);
    queue.setPacket(notice.packet);
    this.#sendTimeout = notice.sendTimeout;
    this.#phase = {
      name: 'connection',
      queue,
      receiver: notice.receiver,
      monitor: this.#self.monitor(notice.receiver),
    };
    for (const { data, from } of waiting) this.#enqueue(queue, data, from);
  }

  /** After anything that may have written: before the peer can have answered, so that the receiver knows first. */
  tellRequests(): void {
    if (this.#phase.name !== 'connection') return;
    const { queue, receiver } = this.#phase;
    const count = queue.takeRequests();
    if (count > 0) this.#self.send(receiver, new KeyUpdatesAsked(count));
  }

  /** What was asked of the peer under these keys is told before the half, which counts anew where it goes. */
  #giveBack(): void {
    if (this.#phase.name !== 'connection') return;
    this.tellRequests();
    const { queue, receiver } = this.#phase;
    const half = queue.giveBack();
    if (half !== undefined) this.#self.send(receiver, new WriteHalfReturned(half));
  }

  #send(data: unknown, from: From): void {
    switch (this.#phase.name) {
      case 'init':
        from.reply({ error: 'notsup_on_transport_accept_socket' });
        return;
      case 'handshake':
        this.#phase.waiting.push({ from, data: bytesOf(data) });
        return;
      case 'connection':
        this.#enqueue(this.#phase.queue, bytesOf(data), from);
        return;
      case 'closed':
        from.reply(closed);
        return;
    }
  }

  #enqueue(queue: SendQueue, data: Uint8Array, from: From): void {
    const sending = queue.send(data, from);
    if (sending === undefined || this.#sendTimeout === 'infinity') return;
    // An idle timer may fire after the send was answered; giving up is then without effect.
    this.#self.sendAfter(this.#sendTimeout, this.#self.pid, new SendTimeout(sending));
  }

  #pay(what: Owed): void {
    if (this.#phase.name !== 'connection') return;
    const { queue } = this.#phase;
    switch (what) {
      case 'key_update':
        queue.updateKeys('update_not_requested');
        return;
      case 'no_renegotiation':
        queue.refuseRenegotiation();
        return;
    }
  }

  #updateKeys(peerToo: boolean, from: From): void {
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

  #close(): void {
    const phase = this.#phase;
    this.#phase = { name: 'closed' };
    if (phase.name === 'connection') phase.queue.drop('closed');
    if (phase.name === 'handshake') for (const { from } of phase.waiting) from.reply(closed);
  }
}

const isSenderRequest = callGuard<SenderRequest>('send', 'close', 'alert', 'update_keys');
const isSenderNotice = callGuard<SenderNotice>(
  'handshake',
  'connection',
  'give_back',
  'write_again',
  'packet',
  'owed',
  'released',
  'transport_closed',
  'drained',
);

class SendTimeout {
  readonly sending: Sending;
  constructor(sending: Sending) {
    this.sending = sending;
  }
}

const closed: SendResult = { error: 'closed' };
const deaf = { reply(): void {} };

/** Callbacks of the sender process. */
export const senderServer: GenServer<Sender, Transport> = {
  label: 'tls_sender',
  init(self, transport) {
    self.trapExit(true);
    self.own(transport, destroy);
    return { ok: new Sender(self, transport) };
  },
  handleCall(request, from, sender) {
    if (!isSenderRequest(request)) return;
    sender.call(request, from);
    sender.tellRequests();
  },
  handleCast(notice, sender) {
    if (!isSenderNotice(notice)) return;
    sender.notice(notice);
    sender.tellRequests();
  },
  handleInfo(message, sender) {
    if (isDown(message)) sender.receiverDown(message.ref, message.reason);
    else if (message instanceof SendTimeout) message.sending.giveUp('timeout');
  },
  terminate(_reason, sender) {
    sender.terminate();
  },
};

function destroy(transport: Transport): void {
  transport.destroy();
}
