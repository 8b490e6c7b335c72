/**
 * A connection's line to its peer: the transport, and the sender process that writes to it once the handshake is done.
 *
 * What is written until then, when reading rests (contract §3, flow control), and how the line ends: close_notify, some
 * time for the peer to read it, close.
 */
import type { From, Pid, RequestOf, Self } from '@actor-tls/runtime';
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Flight } from '../../protocol/sink.js';
import type { Ok, Result } from '../../values/terms.js';
import type { ApplicationSettings } from '../environment.js';
import type { Address, Transport, TransportReceiver } from '../transport/transport.js';
import { Alarm } from './alarm.js';
import { type SenderNotice, type SenderRequests, senderNotices, senderRequests } from './sender.js';

/** What the peer is told last. After an alert of ours it gets time to read it. */
export type Goodbye = 'close_notify' | 'nothing' | { readonly alert: number };

type Goodbyes = RequestOf<SenderRequests, 'close' | 'alert'>;
type Writings = RequestOf<SenderRequests, 'close' | 'alert' | 'flight'>;

/** Who holds a line: it is told, in a turn of its process, that the goodbye is out or given up. */
export interface LineHolder {
  said(linger: boolean): unknown;
}

/** ms that close waits for the sender (contract §1.2). */
const closePatience = 5000;
/** Bytes that an idle passive connection reads ahead at most. */
const readAheadBytes = 1 << 20;
const okay: Ok = { ok: true };

export class Line {
  readonly transport: Transport;
  readonly #self: Self;
  readonly #sender: Pid<unknown>;
  readonly #settings: ApplicationSettings;
  readonly #holder: LineHolder;
  /** Written in this turn, for one write at its end. */
  #out: Uint8Array[] = [];
  /** Who has the write half; `returning`: it was asked for and is on its way back. */
  #writer: 'self' | 'sender' | 'returning' = 'self';
  /** Chunks that may still be read without anybody asking for them. */
  #credit: number;
  #paused = false;
  #peerDone = false;
  #ended = false;
  #gone = false;
  #parting: 'no' | 'talking' | 'lingering' | 'done' = 'no';
  #linger: Alarm | undefined = undefined;
  /** Callers of close, answered when the goodbye is out. */
  readonly #closers: From<Ok>[] = [];

  constructor(
    self: Self,
    transport: Transport,
    sender: Pid<unknown>,
    settings: ApplicationSettings,
    holder: LineHolder,
  ) {
    this.#self = self;
    this.transport = transport;
    this.#sender = sender;
    this.#settings = settings;
    this.#holder = holder;
    this.#credit = settings.internalActiveN;
  }

  /** The transport is no more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The peer has said close_notify: it sends nothing any more that we would read. */
  get peerDone(): boolean {
    return this.#peerDone;
  }

  /** The peer has ended its side of the transport. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing has been said yet of an end. */
  get open(): boolean {
    return this.#parting === 'no';
  }

  /** Goodbye was said and the transport closed. */
  get done(): boolean {
    return this.#parting === 'done';
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────

  write(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.#out.push(piece);
  }

  flush(): void {
    if (this.#out.length === 0) return;
    const pieces = this.#out;
    this.#out = [];
    if (!this.#gone) this.transport.write(pieces);
  }

  /** Over datagrams: behind what was written before, for another address than the peer's. */
  writeTo(pieces: readonly Uint8Array[], path: Address): void {
    this.flush();
    if (!this.#gone) this.transport.paths?.writeTo(pieces, path);
  }

  /** From here on the sender writes. */
  handOver(notice: Extract<SenderNotice, { type: 'connection' }>): void {
    this.flush();
    this.#writer = 'sender';
    this.notify(notice);
  }

  /** A handshake is to run again: asks the sender for the write half, which comes as `WriteHalfReturned`. */
  takeBack(): void {
    if (this.#writer !== 'sender') return;
    this.#writer = 'returning';
    this.notify({ type: 'give_back' });
  }

  /**
   * The write half is back: true when it is the holder's to write with. When the line has begun to end meanwhile, the
   * sender has the goodbye to say and gets it again at once.
   */
  returned(half: WriteHalf): boolean {
    if (this.open) {
      this.#writer = 'self';
      return true;
    }
    this.handOverAgain(half);
    return false;
  }

  /** The sender has a goodbye to say and keeps the write half. */
  kept(): void {
    if (this.#writer === 'returning') this.#writer = 'sender';
  }

  /** The handshake that ran again is done: the sender writes on. */
  handOverAgain(half: WriteHalf): void {
    this.flush();
    this.#writer = 'sender';
    this.notify({ type: 'write_again', half });
  }

  notify(notice: SenderNotice): void {
    senderNotices.cast(this.#self, this.#sender, notice);
  }

  /** Whether it writes itself, and not the sender. */
  get writes(): boolean {
    return this.#writer === 'self';
  }

  /** Whether the sender writes, and is not asked to stop. */
  get sends(): boolean {
    return this.#writer === 'sender';
  }

  /** Handshake messages after what was sent before; answers when the transport has them. */
  async sendFlight(flight: Flight): Promise<boolean> {
    return isSaid(await this.#ask({ type: 'flight', flight }, Infinity));
  }

  /** close_notify after all that was sent; the transport stays open. */
  async sayClose(): Promise<boolean> {
    return isSaid(await this.#ask({ type: 'close' }, Infinity));
  }

  /** Half-close. What was sent before goes out before, however slow the peer: ended too early it would be lost. */
  async endOutput(): Promise<boolean> {
    const said = await this.sayClose();
    if (said) this.transport.end();
    return said;
  }

  /** Has the sender put it out; it has not if it is gone, or does not come to it in time. */
  #ask(request: Writings, patience: number): Promise<Result<true>> {
    return senderRequests.askOr(this.#self.node, this.#sender, request, unsaid, patience);
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────

  start(receiver: TransportReceiver): void {
    this.transport.start(receiver);
  }

  /** A chunk was read that nobody had asked for. */
  readAhead(): void {
    this.#credit -= 1;
  }

  /**
   * Reads on while there is `demand`; else an idle passive connection reads ahead a little, `waiting` bytes so far.
   * `held`: nothing is read in any case, since what was read is not worked off.
   */
  regulate(demand: boolean, waiting: number, held: boolean): void {
    if (demand) this.#credit = this.#settings.internalActiveN;
    const rests = held || !(demand || (this.#credit > 0 && waiting < readAheadBytes));
    if (rests === this.#paused) return;
    this.#paused = rests;
    if (rests) this.transport.pause();
    else this.transport.resume();
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────

  /** The peer has said close_notify. */
  peerSaidClose(): void {
    this.#peerDone = true;
  }

  /** The peer has ended its side. True when the line was open until now. */
  peerEnded(): boolean {
    this.#ended = true;
    if (this.#parting === 'lingering') this.#part();
    return this.#parting === 'no';
  }

  /** The transport has closed. */
  closed(): void {
    this.#gone = true;
    this.#part();
  }

  /** Somebody waits for the goodbye. */
  closer(from: From<Ok>): void {
    this.#closers.push(from);
    if (this.#parting === 'lingering' || this.#parting === 'done') this.#answerClosers();
  }

  /**
   * Says goodbye and closes the transport, not before the peer could read what we sent. `unsaid`: what is still to be
   * written of it when the holder writes itself.
   */
  part(goodbye: Goodbye, unsaid: () => void): void {
    if (this.#parting !== 'no') return;
    if (goodbye === 'nothing' || this.#gone) {
      this.#part();
      return;
    }
    this.#parting = 'talking';
    const alert = typeof goodbye === 'object' ? goodbye.alert : undefined;
    if (this.#writer === 'self') {
      // The core has written its alert already.
      if (alert === undefined) unsaid();
      this.flush();
      this.said(alert !== undefined);
      return;
    }
    // What the peer still sends must be read: a socket closed with unread bytes is reset, and a reset takes along
    // what of ours the peer has not got yet.
    const linger = alert !== undefined || !this.#peerDone;
    const request: Goodbyes = alert === undefined ? { type: 'close' } : { type: 'alert', description: alert };
    const { node, pid } = this.#self;
    void this.#ask(request, closePatience).then((said) => {
      // What could not be said is nothing to wait for.
      node.ioTurn(pid, saidTurn, this.#holder, isSaid(said) && linger);
    });
  }

  /** Gives the bare transport away; nobody here closes it any more. */
  release(): unknown {
    this.#parting = 'done';
    this.notify({ type: 'released' });
    return this.transport.release();
  }

  /** Ends our side and waits a while (`alert_timeout`) for the peer to have read all and to end too. */
  said(linger: boolean): void {
    if (this.#parting !== 'talking') return;
    this.#answerClosers();
    // A datagram that the system has is out, and no end is ever seen.
    if (!linger || this.#gone || this.#ended || this.transport.datagrams === true) {
      this.#part();
      return;
    }
    this.#parting = 'lingering';
    this.transport.end();
    if (this.#paused) this.transport.resume();
    this.#linger = new Alarm(this.#self, 'linger', this.#settings.alertTimeout);
  }

  /** The peer had its time to read what we said last. */
  lingered(): void {
    if (this.#parting === 'lingering') this.#part();
  }

  #part(): void {
    if (this.#parting === 'done') return;
    this.#parting = 'done';
    this.#linger?.cancel();
    this.#answerClosers();
    this.notify({ type: 'transport_closed' });
    if (!this.#gone) this.transport.destroy();
  }

  #answerClosers(): void {
    for (const from of this.#closers.splice(0)) from.reply(okay);
  }
}

function unsaid(): Result<true> {
  return { error: 'closed' };
}

function isSaid(answer: Result<true>): boolean {
  return 'ok' in answer;
}

function saidTurn(holder: LineHolder, linger: boolean): unknown {
  return holder.said(linger);
}
