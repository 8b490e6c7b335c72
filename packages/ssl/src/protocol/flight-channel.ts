/**
 * A channel over datagrams (RFC 6347 §4.2): messages are numbered, cut to what a datagram takes and put together again, and
 * a flight that nobody answers is sent again (`flight-machine.ts`). change_cipher_spec, which has no number, counts when it
 * is due; data that has overtaken the peer's Finished waits. Nothing that comes without keys is believed more than it must.
 */
import type { Path } from '../values/path.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { helloVerifyRequestCode } from '../values/wire/messages/hello-verify-request.js';
import { tls12Messages } from '../values/wire/tls12-messages.js';
import type { Channel, Inbound, Writer } from './channel.js';
import { ChannelPaths } from './channel-paths.js';
import { DoubtfulAlert } from './doubtful-alert.js';
import type { AgreedConnectionIds } from './extensions/connection-id.js';
import {
  type FlightEvent,
  type FlightState,
  firstWait,
  flightArrow,
  learnedWait,
  longestWait,
} from './flight-machine.js';
import { DtlsReadHalf, type DtlsRecord } from './record/dtls-read-half.js';
import { DtlsWriteHalf } from './record/dtls-write-half.js';
import { endsMessage, type Fragment, Fragments, fragmentsIn } from './record/fragments.js';
import type { ReadProtection, WriteProtection } from './record/protection.js';
import type { RecordLimit } from './record/record-limit.js';
import type { ReplayWindow } from './record/replay-window.js';
import { type Budget, boundless } from './record/turn-budget.js';
import { WriteHalf } from './record/write-half.js';
import { RoundTrip } from './round-trip.js';
import type { ChannelSink } from './settings.js';
import type { ChannelSettings } from './stream-channel.js';

/** Data that came before the handshake was complete. */
const earlyRecords = 16;
/** Unanswered flights before smaller datagrams are tried (§4.1.1.1). */
const patience = 2;
/** Wishes for another handshake, the only messages that may follow one (RFC 5246 §7.4.1.1). */
const helloRequest = tls12Messages.code('hello_request');
const clientHello = tls12Messages.code('client_hello');
const serverHello = tls12Messages.code('server_hello');
/** The messages of an epoch that are of the handshake which made its keys: one ends it, and NPN's may stand in front of it. */
const finished = tls12Messages.code('finished');
const nextProtocol = tls12Messages.code('next_protocol');

/** What of it another channel goes on with. */
interface HandedOver {
  readonly fragments: Fragments;
  readonly number: number;
  readonly sequence: number;
  readonly firstWait: number;
  readonly wait: number;
  readonly datagrams: readonly Uint8Array[];
  readonly discarded: number;
  readonly plain: ReplayWindow;
  /** Where the peer is. */
  readonly home: Path | undefined;
}

export class FlightChannel implements Channel {
  protected readonly sink: ChannelSink;
  private readonly budget: Budget;
  private readonly read: DtlsReadHalf;
  private readonly fragments: Fragments;
  private readonly half: DtlsWriteHalf;
  private write: Writer;
  private state: FlightState = 'preparing';
  /** Between handshakes: what may come is a wish for another, or the last flight of the one before. */
  private settled = false;
  /** The keys are proved: data under them is given out. */
  private delivers = false;
  /** In a handshake that runs again: under the keys of the one before still. */
  private again = false;
  /** The flight of the handshake before is set aside. */
  private asideSet = false;
  /** Which number the server's flight begins with: a HelloRequest that got lost had one too. */
  private awaitsHello = false;
  /** Who speaks first expects the peer's message 0; who answers goes on with the number of the hello (§4.2.2). */
  private begun = false;
  /** message_seq of our next message. */
  private number = 0;
  private firstWait: number;
  private wait: number;
  /** Until the first answer of the peer's. */
  private roundTrip: RoundTrip | undefined;
  private unanswered = 0;
  /** The peer's repeating itself has us send again once between two timers. */
  private mayRepeat = true;
  /** The peer has sent something new since our flight went out. */
  private heard = false;
  private changed = false;
  private readonly doubtful = new DoubtfulAlert();
  private early: Inbound[] = [];
  private readonly paths: ChannelPaths;

  /** `recordVersion`: of the records until one is agreed. */
  constructor(settings: ChannelSettings, recordVersion: number, sink: ChannelSink) {
    const { maxHandshakeSize, keyUpdateAt, budget = boundless, mtu, flightTimeout, now } = settings;
    this.sink = sink;
    this.budget = budget;
    this.firstWait = firstWaitOf(settings);
    this.wait = this.firstWait;
    this.roundTrip = flightTimeout === undefined && now !== undefined ? new RoundTrip(now) : undefined;
    this.read = new DtlsReadHalf(budget);
    this.fragments = new Fragments(maxHandshakeSize);
    this.half = new DtlsWriteHalf(keyUpdateAt, recordVersion, mtu);
    this.write = this.half;
    this.paths = new ChannelPaths(sink, settings, () => this.write);
  }

  // ── What comes in ───────────────────────────────────────────────────────────────────────────────────

  /** One datagram. */
  feed(datagram: Uint8Array, path?: Path): void {
    this.paths.cameFrom(path);
    this.read.feed(datagram, path);
  }

  offerConnectionId(own: Uint8Array): void {
    this.read.expectIds(own.length);
  }

  useConnectionIds(agreed: AgreedConnectionIds | undefined): void {
    if (agreed !== undefined) this.read.expectIds(agreed.own.length);
    this.paths.agree(agreed);
  }

  pathTimeUp(): void {
    this.paths.timeUp();
  }

  detach(): void {
    this.read.detach();
  }

  next(): Inbound | undefined {
    for (;;) {
      if (this.budget.spent) return undefined;
      const ready = this.takeReady();
      if (ready !== undefined) return ready;
      const record = this.read.next();
      if (record === undefined) return this.budget.spent ? undefined : this.doubtful.take();
      this.sink.trace?.('in', record.type, record.data);
      const inbound = this.take(record);
      if (inbound !== undefined) return inbound;
    }
  }

  /** There is one way on. */
  agree(_version: ProtocolVersion): Channel {
    return this;
  }

  takeChangeCipherSpec(): boolean {
    // Whole messages that came before it go first, and what is incomplete has not come yet.
    const { changed } = this;
    this.changed = false;
    return changed;
  }

  /** Who has sent the last flight keeps it, for a peer that has not got it. */
  handshakeDone(): void {
    if (this.heard) this.half.beginFlight();
    this.half.forgetFlightAside();
    this.doubtful.forget();
    this.settle();
  }

  /** The peer's wish for it, if there was one, has the number before what comes next. */
  handshakeAgain(): void {
    this.beginAgain();
    this.settled = false;
    this.again = true;
    this.awaitsHello = true;
    this.read.expectKeys();
  }

  requestHello(message: Uint8Array): void {
    this.beginAgain();
    this.addMessage(message);
    if (this.write !== 'split') {
      this.finishFlight();
      return;
    }
    this.closeFlight();
    this.sink.owes('hello_request');
    this.waitForAnswer();
  }

  handshakeRefused(): void {
    this.half.takeFlightBack();
    this.settle();
  }

  timeUp(): void {
    if (this.state !== 'waiting' || this.write === 'closed') return;
    this.unanswered += 1;
    // Our flight goes out all the same: what is believed may be a warning, behind which the handshake goes on.
    this.doubtful.timeUp();
    this.wait = Math.min(this.wait * 2, longestWait);
    if (this.unanswered % patience === 0) this.half.shrink();
    this.mayRepeat = true;
    this.go('timeout');
    this.sendAgain();
  }

  takeRest(): Uint8Array {
    this.read.clear();
    return new Uint8Array(0);
  }

  get held(): number {
    let early = 0;
    for (const inbound of this.early) early += 'data' in inbound ? inbound.data.length : 0;
    return this.read.held + this.fragments.held + this.half.held + early;
  }

  get discarded(): number {
    return this.read.discarded;
  }

  /** The peer's flight is whole: what we have sent was received. */
  endPeerFlight(): void {
    if (this.unanswered === 0) this.wait = this.firstWait;
    this.unanswered = 0;
    this.go('answered');
    this.sink.timer?.(undefined);
  }

  /** Messages of the epoch before that still wait are nobody's. */
  installReadKeys(protection: ReadProtection): void {
    this.delivers = false;
    this.again = false;
    this.half.forgetFlightAside();
    this.fragments.clear();
    this.doubtful.forget();
    this.read.install(protection);
  }

  get readKeys(): undefined {
    return undefined;
  }

  rekeyRead(): never {
    throw new TypeError('DTLS 1.2 has no key updates');
  }

  /** Records say their version, and sealed ones prove it. */
  expectRecordVersion(): void {}

  limitReading(limit: RecordLimit): void {
    this.read.limitRecords(limit);
  }

  skipEarlyData(): never {
    throw new TypeError('DTLS 1.2 has no early data');
  }

  /** Another channel goes on. */
  protected handOver(): HandedOver {
    const { fragments, number, firstWait: first, wait, read, half, paths } = this;
    const datagrams = read.handOver();
    const { discarded, come: plain } = read;
    const waits = { firstWait: first, wait };
    const common = { fragments, number, sequence: half.plainSequence, ...waits, datagrams };
    return { ...common, discarded, plain, home: paths.first };
  }

  private takeReady(): Inbound | undefined {
    const message = this.fragments.take();
    if (message !== undefined) {
      this.heard = true;
      if (message.code === serverHello) this.awaitsHello = false;
      this.doubtful.forget();
      return message;
    }
    return this.delivers ? this.early.shift() : undefined;
  }

  private take(record: DtlsRecord): Inbound | undefined {
    const { type, data, authentic } = record;
    const isCheck = type === 'return_routability_check';
    if (authentic) this.paths.heard({ ...record, isCheck });
    switch (type) {
      case 'return_routability_check':
        if (!authentic || !this.paths.message(data, record.path)) this.read.discard();
        return undefined;
      case 'handshake':
        return this.takeFragments(record);
      case 'change_cipher_spec':
        if (data.length === 1 && data[0] === 1 && !this.settled) this.changed = true;
        else this.read.discard();
        return undefined;
      case 'alert':
        return this.takeAlert(data, authentic);
      case 'application_data':
        return this.takeData({ type, data, owned: authentic }, authentic);
    }
  }

  private takeAlert(data: Uint8Array, authentic: boolean): Inbound | undefined {
    if (data.length !== 2 || (!authentic && this.state !== 'waiting')) this.read.discard();
    else if (authentic) return { type: 'alert', data, owned: true };
    else this.doubtful.heard(data);
    return undefined;
  }

  private takeData(inbound: Inbound, authentic: boolean): Inbound | undefined {
    if (this.delivers && authentic) return inbound;
    if (authentic && this.early.length < earlyRecords) this.early.push(inbound);
    else this.read.discard();
    return undefined;
  }

  private takeFragments({ data, authentic, sequence, isCopy }: DtlsRecord): Inbound | undefined {
    const found = fragmentsIn(data);
    if (found === undefined || found.length === 0) this.read.discard();
    for (const [index, fragment] of (found ?? []).entries()) {
      // A record pays for its first fragment.
      if (index > 0) this.budget.spend(0);
      if (!this.begun) this.begin(fragment, sequence);
      if (this.roundTrip !== undefined && answersHello(fragment)) this.learn(this.roundTrip, sequence);
      if (this.settled) this.takeLate(fragment, authentic);
      else this.takeFragment(fragment, isCopy);
    }
    return undefined;
  }

  private takeFragment(fragment: Fragment, isCopy: boolean): void {
    const { number, code } = fragment;
    if (this.again && code === finished) this.repeatedBefore();
    else if (this.again && code === nextProtocol) this.read.discard();
    else {
      if (this.awaitsHello && code === serverHello) this.fragments.beginAt(number);
      // A network that doubles datagrams says nothing of ours: who repeats himself numbers his records anew.
      if (number < this.fragments.next && !isCopy) this.repeated();
      else if (!this.fragments.add(fragment)) this.read.discard();
    }
  }

  /** The first answer to a hello: so long the path takes. */
  private learn(roundTrip: RoundTrip, sequence: number): void {
    this.roundTrip = undefined;
    const taken = roundTrip.answeredBy(sequence);
    if (taken === undefined) return;
    this.firstWait = learnedWait(taken);
    this.wait = this.firstWait;
  }

  /** A server: the client's hello has shown by its cookie that it is no forgery. */
  private begin({ number, code }: Fragment, sequence: number): void {
    if (code !== clientHello) return;
    this.begun = true;
    this.fragments.beginAt(number);
    this.number = number;
    this.half.beginAt(sequence);
  }

  /** After the handshake: the peer repeats its last flight, or wants another handshake. */
  private takeLate(fragment: Fragment, authentic: boolean): void {
    const { code, number } = fragment;
    const wishes = code === helloRequest || code === clientHello;
    // One that comes in pieces comes again with the last of them.
    if (authentic && code === finished && endsMessage(fragment)) {
      if (this.asideSet) this.repeatedBefore();
      else this.repeated();
      return;
    }
    if (!authentic || !wishes) {
      this.read.discard();
      return;
    }
    // Whatever number it has, and however often it comes: whoever wants it counts.
    if (number !== this.fragments.next) {
      this.fragments.clear();
      this.fragments.beginAt(number);
    }
    if (!this.fragments.add(fragment)) this.read.discard();
  }

  /** The peer has not got the last flight of the handshake before: it cannot begin this one. */
  private repeatedBefore(): void {
    if (!this.half.hasFlightAside) {
      this.read.discard();
      return;
    }
    this.half.bringFlightAside();
    this.leave();
  }

  /** The peer sends again what we had. */
  private repeated(): void {
    if (!this.mayRepeat || !this.half.hasFlight || flightArrow(this.state, 'repeated') === undefined) {
      this.read.discard();
      return;
    }
    // Authentic repetitions come once each, and need no other bound.
    const finished = this.state === 'finished';
    this.mayRepeat = finished;
    this.go('repeated');
    if (!finished) {
      this.sendAgain();
      return;
    }
    this.go('sentLast');
    this.leave();
  }

  // ── What goes out ───────────────────────────────────────────────────────────────────────────────────

  get writer(): Writer {
    return this.write;
  }

  setRecordVersion(version: number): void {
    this.half.setRecordVersion(version);
  }

  /** Numbers the message, which enters the transcript with its number. */
  addMessage(message: Uint8Array): void {
    this.begun = true;
    message[4] = this.number >> 8;
    message[5] = this.number;
    this.number += 1;
    this.sink.trace?.('out', 'handshake', message);
    this.open().addMessage(message);
  }

  addChangeCipherSpec(): void {
    this.open().addChangeCipherSpec();
  }

  finishFlight(): void {
    if (!this.half.hasFlight || this.state !== 'preparing') return;
    this.closeFlight();
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

  sendAlert(level: 1 | 2, code: number): void {
    this.sink.trace?.('out', 'alert', Uint8Array.of(level, code));
    this.sink.write(this.half.sealAlert(level, code));
    if (level === 2) this.sink.timer?.(undefined);
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
    this.sink.timer?.(undefined);
    this.paths.end();
  }

  /** The first part of a flight takes the place of the one before. */
  private open(): DtlsWriteHalf {
    if (this.fresh) this.half.beginFlight();
    this.fresh = false;
    return this.half;
  }

  /** The flight before is out. */
  private fresh = true;

  /** Nothing more belongs to it. */
  private closeFlight(): void {
    this.heard = false;
    this.mayRepeat = true;
    this.fresh = true;
    this.go('ready');
  }

  private sendAgain(): void {
    this.leave();
    this.waitForAnswer();
  }

  private waitForAnswer(): void {
    this.go('sent');
    this.sink.timer?.(this.wait);
  }

  /** The flight goes out, by whoever writes. */
  private leave(): void {
    if (this.write === 'split') this.sink.owes('last_flight');
    else if (this.write instanceof WriteHalf) {
      const from = this.half.plainSequence;
      this.sink.write(this.half.sealFlight());
      this.roundTrip?.left(from, this.half.plainSequence);
    }
  }

  /** A handshake begins or is asked for, unless it was before. */
  private beginAgain(): void {
    if (this.asideSet) return;
    this.asideSet = true;
    this.half.setFlightAside();
    this.number = 0;
    this.wait = this.firstWait;
    this.unanswered = 0;
    this.changed = false;
    this.go('again');
  }

  /** No handshake is under way. */
  private settle(): void {
    this.go('done');
    this.settled = true;
    this.delivers = true;
    this.again = false;
    this.awaitsHello = false;
    this.asideSet = false;
    this.read.settle();
    this.fragments.clear();
    this.fragments.beginAt(0);
    this.mayRepeat = true;
    this.sink.timer?.(undefined);
    this.paths.begin();
  }

  private go(event: FlightEvent): void {
    this.state = flightArrow(this.state, event) ?? this.state;
  }
}

/** What is known before anything has come. */
function firstWaitOf({ flightTimeout, roundTrip }: ChannelSettings): number {
  return flightTimeout ?? (roundTrip === undefined ? firstWait : learnedWait(roundTrip));
}

function answersHello({ code }: Fragment): boolean {
  return code === serverHello || code === helloVerifyRequestCode;
}
