/**
 * A channel of DTLS 1.3 (RFC 9147): messages are numbered from the first hello to the last KeyUpdate, and go out again until an
 * ACK names their records, or what the peer sends shows that it has them (§5.8.1, §7). It begins when the version is agreed,
 * where `hello-channel.ts` leaves off.
 *
 * Who receives part of a flight and not the rest says so after a quarter of the time that the peer waits (§7.1); what has no
 * answer but an ACK has it at once. Nothing that comes without keys is believed more than it must.
 */
import type { Path } from '../values/path.js';
import type { Channel, Inbound, Writer } from './channel.js';
import { ChannelPaths } from './channel-paths.js';
import { ConnectionIdExchange, type ConnectionIdHost } from './connection-id-exchange.js';
import { DoubtfulAlert } from './doubtful-alert.js';
import type { AgreedConnectionIds } from './extensions/connection-id.js';
import { longestWait } from './flight-machine.js';
import { AlertError } from './reasons.js';
import { decodeAck, mostNumbers, type RecordNumber } from './record/ack.js';
import { streamForm } from './record/datagram-form.js';
import { Dtls13ReadKeys } from './record/dtls13-keys.js';
import { Dtls13ReadHalf, type Dtls13Record } from './record/dtls13-read-half.js';
import { Dtls13WriteHalf } from './record/dtls13-write-half.js';
import { EarlyWriter, earlyEpoch } from './record/early-epoch.js';
import { RecordError } from './record/errors.js';
import { type Fragment, type Fragments, fragmentsIn } from './record/fragments.js';
import type { EpochKeys, ReadProtection, WriteProtection } from './record/protection.js';
import type { RecordLimit } from './record/record-limit.js';
import type { ReplayWindow } from './record/replay-window.js';
import { Tls13ReadProtection } from './record/tls13-protection.js';
import { type Budget, boundless } from './record/turn-budget.js';
import { WriteHalf } from './record/write-half.js';
import type { ChannelSink } from './settings.js';
import type { ChannelSettings } from './stream-channel.js';

/** Unanswered flights before smaller datagrams are tried (§4.4). */
const patience = 2;
/** How often a message is repeated after the handshake, which has a deadline of its own: then the peer is gone. */
const mostRepetitions = 12;
/** Bytes of ours that a peer may leave without an ACK after the handshake: with more, none of its messages is taken. */
const mostUnacknowledged = 65_536;
/** §6.1: of the handshake's keys, and of the first application keys. */
const handshakeEpoch = 2;
const applicationEpoch = 3;
/** §8: that a peer may come to. */
const lastEpoch = 0xffff;

/** What was done and came until the version was agreed. */
export interface Beginnings {
  readonly settings: ChannelSettings;
  readonly sink: ChannelSink;
  /** Where the peer's next message belongs. */
  readonly fragments: Fragments;
  /** message_seq of our next message, and the number of our next record without keys. */
  readonly number: number;
  readonly sequence: number;
  /** ms: how long a flight waits for its answer at first, and how long the next one does. */
  readonly firstWait: number;
  readonly wait: number;
  /** Datagrams that nobody has looked at. */
  readonly datagrams: readonly Uint8Array[];
  readonly discarded: number;
  /** The peer's records without keys that have come. */
  readonly plain: ReplayWindow;
  /** Where the peer is. */
  readonly home: Path | undefined;
  /** A client's, of the early data that it has offered. */
  readonly earlyWriter: EarlyWriter | undefined;
}

export class Flight13Channel implements Channel {
  private readonly sink: ChannelSink;
  private readonly budget: Budget;
  private readonly read: Dtls13ReadHalf;
  private readonly fragments: Fragments;
  private readonly half: Dtls13WriteHalf;
  private readonly discardedBefore: number;
  private write: Writer;
  private readonly firstWait: number;
  private wait: number;
  private unanswered = 0;
  /** The peer's repeating itself has us send again once between two timers. */
  private mayRepeat = true;
  /** Part of the flight that is being made was added. */
  private fresh = false;
  private done = false;
  /** The write half has no numbers left. */
  private exhausted = false;
  /** The handshake is over on this side, and the peer has not shown to have what ended it. */
  private lastUnanswered = false;
  /** What the timer is for. */
  private timing: 'answer' | 'ack' | undefined = undefined;
  /** Records of the flight that comes in, the newest last. */
  private received: RecordNumber[] = [];
  /** ms: what the timer has left for an answer when the ACK before it has left. */
  private answerLeft: number | undefined = undefined;
  private readonly doubtful = new DoubtfulAlert();
  private readonly paths: ChannelPaths;
  /** Of a connection that has some. */
  private ids: ConnectionIdExchange | undefined = undefined;
  earlyWriter: EarlyWriter | undefined;
  /** The peer has shown that it is where it says. */
  private proved = false;
  private readonly mtu: number | undefined;

  constructor(beginnings: Beginnings) {
    const { settings, sink, fragments, number, sequence, firstWait, wait } = beginnings;
    const { datagrams, discarded, home, plain, earlyWriter } = beginnings;
    const { budget = boundless, keyUpdateAt, mtu } = settings;
    this.sink = sink;
    this.earlyWriter = earlyWriter;
    this.mtu = mtu;
    this.budget = budget;
    this.firstWait = firstWait;
    this.wait = wait;
    this.fragments = fragments;
    this.discardedBefore = discarded;
    this.read = new Dtls13ReadHalf(budget, plain);
    this.half = new Dtls13WriteHalf(keyUpdateAt, mtu, number, sequence);
    this.half.onSent = () => this.awaitAcks();
    this.half.onExhausted = () => this.exhaust();
    this.write = this.half;
    this.paths = new ChannelPaths(sink, settings, () => this.write, home);
    for (const datagram of datagrams) this.read.feed(datagram);
  }

  // ── What comes in ───────────────────────────────────────────────────────────────────────────────────

  /** One datagram. */
  feed(datagram: Uint8Array, path?: Path): void {
    this.paths.cameFrom(path);
    this.read.feed(datagram, path);
  }

  useConnectionIds(agreed: AgreedConnectionIds | undefined): void {
    this.paths.agree(agreed);
    if (agreed === undefined) return;
    const { own, peer } = agreed;
    this.half.useId(peer);
    this.read.expectIds(own.length === 0 ? [] : [own]);
    this.ids = new ConnectionIdExchange(this.idHost(), agreed);
    this.paths.onMoved = () => this.ids?.moved();
  }

  pathTimeUp(): void {
    this.paths.timeUp();
  }

  detach(): void {
    this.read.detach();
  }

  next(): Inbound | undefined {
    for (;;) {
      if (this.exhausted) throw new RecordError('sequence_number_overflow');
      if (this.budget.spent) return undefined;
      const message = this.fragments.take();
      if (message !== undefined) {
        this.doubtful.forget();
        if (this.done && this.ids?.receive(message.code, streamForm(message.raw)) === true) continue;
        return { ...message, raw: streamForm(message.raw) };
      }
      const record = this.read.next();
      if (record === undefined) return this.budget.spent ? undefined : this.doubtful.take();
      this.sink.trace?.('in', record.type, record.data);
      const inbound = this.take(record);
      if (inbound !== undefined) return inbound;
    }
  }

  takeChangeCipherSpec(): boolean {
    return false;
  }

  /** A client's last flight stays until it was acknowledged; a server acknowledges it, as nothing else does. */
  handshakeDone(): void {
    this.done = true;
    this.lastUnanswered = this.half.hasFlight;
    this.read.settle();
    this.doubtful.forget();
    this.mayRepeat = true;
    if (this.timing === 'ack') this.setTimer(undefined);
    this.sendAck();
    this.paths.begin();
  }

  timeUp(): void {
    const { timing } = this;
    this.timing = undefined;
    if (this.write === 'closed') return;
    if (timing === 'ack') this.ackTime();
    else if (timing === 'answer') this.repeat();
  }

  takeRest(): Uint8Array {
    this.read.clear();
    return new Uint8Array(0);
  }

  get held(): number {
    return this.read.held + this.fragments.held + this.half.held;
  }

  get discarded(): number {
    return this.discardedBefore + this.read.discarded;
  }

  /** The peer's flight is whole: what we have sent was received. */
  endPeerFlight(): void {
    this.answered();
  }

  /** A message of the epoch before that waits has no place there any more (RFC 8446 §5.1); without keys it is anybody's. */
  installReadKeys(protection: ReadProtection): void {
    const keys = keysOf(protection);
    if (this.read.epoch === 0) this.answered();
    this.enterEpoch(keys);
  }

  /** §8: KeyUpdate is the last message of its epoch. */
  rekeyRead(): void {
    const { keys } = this.read;
    if (keys === undefined) throw new TypeError('no keys to update');
    if (this.read.epoch >= lastEpoch) throw new AlertError('too_many_key_updates');
    this.enterEpoch(keys.next());
  }

  get readKeys(): EpochKeys | undefined {
    return this.read.keys;
  }

  expectRecordVersion(): void {}

  limitReading(limit: RecordLimit): void {
    this.read.limitRecords(limit);
  }

  /** Records of epoch 1 have a place of their own: without its keys they are passed over unopened. */
  skipEarlyData(): void {}

  readEarlyWith(protection: ReadProtection): void {
    this.read.installEarly(keysOf(protection));
  }

  private enterEpoch(keys: Dtls13ReadKeys): void {
    if (this.fragments.held > 0 && this.read.epoch > 0) throw new RecordError('excess_handshake_data');
    this.fragments.clear();
    this.read.install(keys);
  }

  private take(record: Dtls13Record): Inbound | undefined {
    const { type, data, epoch, newest, id } = record;
    const isCheck = type === 'return_routability_check';
    if (epoch > 0) this.paths.heard({ ...record, isCheck });
    if (newest && id !== undefined && this.done) this.ids?.heard(id);
    if (epoch >= handshakeEpoch) this.proveAddress();
    switch (type) {
      case 'return_routability_check':
        if (!this.done || !this.paths.message(data, record.path)) this.read.discard();
        return undefined;
      case 'handshake':
        this.takeFragments(record);
        return undefined;
      case 'ack':
        this.takeAck(record);
        return undefined;
      case 'alert':
        return this.takeAlert(data, epoch);
      case 'application_data':
        if (epoch === earlyEpoch || (this.done && epoch >= applicationEpoch))
          return { type, data, owned: true };
        this.read.discard();
        return undefined;
      case 'change_cipher_spec':
        this.read.discard();
        return undefined;
    }
  }

  /** Those keys were made of our hello; those of early data were not. */
  private proveAddress(): void {
    if (this.proved) return;
    this.proved = true;
    this.sink.paths?.proved?.();
  }

  private takeAlert(data: Uint8Array, epoch: number): Inbound | undefined {
    if (data.length !== 2 || (epoch === 0 && this.timing === undefined)) this.read.discard();
    else if (epoch > 0) return { type: 'alert', data, owned: true };
    else this.doubtful.heard(data);
    return undefined;
  }

  private takeFragments({ data, epoch, sequence, isCopy }: Dtls13Record): void {
    const found = fragmentsIn(data);
    if (found === undefined || found.length === 0) {
      this.read.discard();
      return;
    }
    let taken = true;
    let news = false;
    for (const [index, fragment] of found.entries()) {
      // A record pays for its first fragment.
      if (index > 0) this.budget.spend(0);
      if (fragment.number < this.fragments.next) continue;
      news = true;
      taken = this.takeFragment(fragment, epoch) && taken;
    }
    // Who repeats himself numbers his records anew.
    if (!taken || (isCopy && !news)) {
      this.read.discard();
      return;
    }
    this.noteReceived({ epoch, sequence }, news);
  }

  /** False: too far ahead, too much, unlike what came before, or we wait for ACKs: and so it is not acknowledged (§7). */
  private takeFragment(fragment: Fragment, epoch: number): boolean {
    if (epoch !== this.read.epoch) {
      if (epoch > 0) throw new RecordError('excess_handshake_data');
      return false;
    }
    // What is answered is kept until the peer has it: one that only asks would have us keep answer upon answer.
    if (this.done && this.half.held > mostUnacknowledged) return false;
    // An empty piece of a message says nothing, and is as good as taken.
    return (fragment.bytes.length === 0 && fragment.length > 0) || this.fragments.add(fragment);
  }

  private noteReceived(record: RecordNumber, news: boolean): void {
    if (!news && this.half.hasFlight && !this.fresh && (!this.done || this.repeatsHandshake(record))) {
      this.peerRepeats();
      return;
    }
    // §7.1: part of the peer's next flight acknowledges ours; without keys it is not known to be the peer's.
    if (news && !this.done && record.epoch > 0) this.answered();
    this.remember(record);
    if (this.done || this.timing === undefined) this.ackSoon();
  }

  /** A client's last flight is answered by nothing but an ACK, and so is lost for a server that repeats its own. */
  private repeatsHandshake({ epoch }: RecordNumber): boolean {
    return this.lastUnanswered && epoch < applicationEpoch;
  }

  /** §7: as many as one ACK holds. */
  private remember(record: RecordNumber): void {
    if (this.received.length >= mostNumbers) this.received.shift();
    this.received.push(record);
  }

  /** §5.8.1: the peer sends again what we had, so it has perhaps not got ours. */
  private peerRepeats(): void {
    if (!this.mayRepeat) {
      this.read.discard();
      return;
    }
    this.mayRepeat = false;
    this.sendAgain();
  }

  /** §7.2. Without keys anybody can have sent it, who would have us keep quiet. */
  private takeAck({ data, epoch }: Dtls13Record): void {
    if (epoch === 0) {
      this.read.discard();
      return;
    }
    const numbers = decodeAck(data);
    if (epoch < applicationEpoch && numbers.some((number) => number.epoch > epoch))
      throw new RecordError('wrong_ack');
    if (!this.half.acknowledge(numbers)) return;
    this.unanswered = 0;
    if (!this.half.hasFlight) {
      this.answered();
      this.ids?.acknowledged();
    }
    // What is left was lost: the peer has waited for it.
    else if (this.timing === 'answer') this.sendAgain();
    if (this.half.hasPostponed) this.leave();
  }

  // ── What goes out ───────────────────────────────────────────────────────────────────────────────────

  get writer(): Writer {
    return this.write;
  }

  setRecordVersion(): void {}

  /** In TLS's form. The first part of a flight takes the place of the one before. */
  addMessage(message: Uint8Array): void {
    if (!this.fresh) this.answered();
    this.fresh = true;
    this.sink.trace?.('out', 'handshake', message);
    this.half.addMessage(message);
  }

  addChangeCipherSpec(): never {
    throw new TypeError('DTLS 1.3 has no change_cipher_spec');
  }

  /** It acknowledges what the peer has sent before. */
  finishFlight(): void {
    if (!this.fresh) return;
    this.fresh = false;
    this.mayRepeat = true;
    this.received = [];
    this.sendAgain();
  }

  installWriteKeys(protection: WriteProtection): void {
    this.half.install(protection);
  }

  limitWriting(limit: RecordLimit): void {
    this.half.limitRecords(limit);
  }

  dropWriteKeys(): never {
    throw new TypeError('an epoch does not come back');
  }

  writeEarlyWith(protection: WriteProtection | undefined): void {
    this.earlyWriter = protection && new EarlyWriter(protection, this.mtu);
  }

  sendAlert(level: 1 | 2, code: number): void {
    this.sink.trace?.('out', 'alert', Uint8Array.of(level, code));
    this.sink.write(this.half.sealAlert(level, code));
    if (level === 2) this.setTimer(undefined);
  }

  split(): WriteHalf {
    if (!(this.write instanceof WriteHalf)) throw new TypeError('the write half is not here');
    this.write = 'split';
    return this.half;
  }

  join(half: WriteHalf): void {
    if (this.write !== 'split' || half !== this.half) throw new TypeError('not split');
    this.write = half;
  }

  closeWrite(): void {
    this.write = 'closed';
    this.setTimer(undefined);
    this.paths.end();
  }

  private idHost(): ConnectionIdHost {
    const { half, read, sink } = this;
    return {
      issue: () => sink.paths?.issue() ?? new Uint8Array(0),
      retire: (id) => sink.paths?.retire(id),
      expect: (ids) => read.expectIds(ids),
      use: (id) => half.useId(id),
      send: (message) => {
        sink.trace?.('out', 'handshake', message);
        half.sendWithNext(message);
        this.leave();
      },
      get busy() {
        return half.hasFlight;
      },
    };
  }

  /** The peer has our flight. */
  private answered(): void {
    if (this.unanswered === 0) this.wait = this.firstWait;
    this.unanswered = 0;
    if (!this.fresh) this.half.forgetFlight();
    this.lastUnanswered = false;
    if (this.done && this.timing === 'ack') this.answerLeft = undefined;
    else this.setTimer(undefined);
  }

  /** Nothing came in time. */
  private repeat(): void {
    this.unanswered += 1;
    // Ours goes out all the same: what is believed may be a warning, behind which the handshake goes on.
    this.doubtful.timeUp();
    if (!this.half.hasFlight || (this.done && this.unanswered > mostRepetitions)) return;
    this.wait = Math.min(this.wait * 2, longestWait);
    if (this.unanswered % patience === 0) this.half.shrink();
    this.mayRepeat = true;
    this.sendAgain();
  }

  private sendAgain(): void {
    this.half.repeatWithNext();
    this.leave();
    this.setTimer('answer');
  }

  /** Whoever holds the half is no place to fail: the core looks for input when the timer rings. */
  private exhaust(): void {
    this.exhausted = true;
    this.setTimer(undefined);
    this.sink.timer?.(0);
  }

  /** After the handshake: a message has left that wants an ACK. */
  private awaitAcks(): void {
    if (this.write === 'closed' || this.timing === 'answer') return;
    // A peer that was given up may be back.
    if (this.unanswered > mostRepetitions) {
      this.unanswered = 0;
      this.wait = this.firstWait;
    }
    if (this.timing === 'ack') this.answerLeft ??= this.wait;
    else this.setTimer('answer');
  }

  /** §7.1: what else comes meanwhile is acknowledged with it, or by our next flight. */
  private ackSoon(): void {
    if (this.timing === 'ack') return;
    const left = this.timing === 'answer' ? (this.answerLeft ?? this.wait) : undefined;
    this.setTimer('ack');
    this.answerLeft = left;
  }

  private ackTime(): void {
    const left = this.answerLeft;
    this.sendAck();
    if (left === undefined || !this.half.hasFlight) return;
    this.setTimer('answer');
    this.answerLeft = Math.max(left - this.ackDelay, 1);
    this.sink.timer?.(this.answerLeft);
  }

  private sendAck(): void {
    if (this.received.length === 0) return;
    // All that is remembered, again and again: an ACK may get lost too.
    this.half.acknowledgeWithNext([...this.received]);
    this.leave();
  }

  /** What is due goes out, by whoever writes. */
  private leave(): void {
    if (this.write === 'split') this.sink.owes('last_flight');
    else if (this.write instanceof WriteHalf) {
      const pieces = this.half.sealFlight();
      if (pieces.length > 0) this.sink.write(pieces);
    }
  }

  private setTimer(timing: 'answer' | 'ack' | undefined): void {
    this.timing = timing;
    this.answerLeft = undefined;
    if (timing === undefined) this.sink.timer?.(undefined);
    else this.sink.timer?.(timing === 'ack' ? this.ackDelay : this.wait);
  }

  private get ackDelay(): number {
    return this.wait / 4;
  }
}

function keysOf(protection: ReadProtection): Dtls13ReadKeys {
  if (!(protection instanceof Tls13ReadProtection)) throw new TypeError('keys of another version');
  return new Dtls13ReadKeys(protection);
}
