/**
 * Which address of the peer is believed (RFC 9146 §6), and how a new one is made sure of (RFC 9853 §5), whatever the version
 * of DTLS. Sans-IO.
 *
 * A record that is authentic and newer than all before, and comes from elsewhere, may be the peer's that has moved, or a copy
 * that somebody else has sent from there. Until that is known everything leaves for the old address; what the new one may be
 * sent besides is three times what came from it. With the enhanced check the old address is asked first: as long as the peer
 * answers there, nobody has moved.
 */
import type { PathCheck } from '../values/connection-id.js';
import { type Path, samePath } from '../values/path.js';
import { concat } from '../values/wire/join.js';
import { sameBytes } from '../values/wire/same-bytes.js';
import type { Paths, Sink } from './sink.js';

/** What a change of addresses takes. */
export interface PathOutlet extends Omit<Paths, 'writeTo' | 'owes'> {
  /** A return_routability_check message leaves, protected, for there. */
  sendTo(message: Uint8Array, path: Path | undefined): void;
}

/** A record of the peer's that opened. */
export interface HeardRecord {
  readonly path: Path | undefined;
  /** Newer than all before. */
  readonly newest: boolean;
  /** Bytes */
  readonly size: number;
  /** Whether it is itself a message of a check: an answer from the old address does not say that nobody has moved. */
  readonly isCheck: boolean;
}

/** rrc_msg_type */
const pathChallenge = 0;
const pathResponse = 1;
const pathDrop = 2;
const cookieLength = 8;
/** The anti-amplification limit (RFC 9853 §2). */
const amplification = 3;

/** Whom a check asks, and how often; with the waits between it takes T at the old address, and three of them at the new. */
const asks = {
  old: { times: 2, share: 0.5 },
  new: { times: 3, share: 1 },
} as const;

/** A check that runs. */
interface Probe {
  path: Path;
  /** Whom it asks now. */
  asked: keyof typeof asks;
  times: number;
  /** What it has asked with. */
  cookies: readonly Uint8Array[];
}

export class PathValidation {
  private readonly outlet: PathOutlet;
  private readonly random: (length: number) => Uint8Array;
  private readonly wait: number;
  private check: PathCheck | undefined = undefined;
  private current: Path | undefined = undefined;
  private probe: Probe | undefined = undefined;

  /** `random`: cookies that nobody can guess (RFC 9853 §4). `wait`: T, ms (§5.5). */
  constructor(outlet: PathOutlet, random: (length: number) => Uint8Array, wait: number) {
    this.outlet = outlet;
    this.random = random;
    this.wait = wait;
  }

  /** A datagram came, of whomever: the first is from where everything goes. */
  arrived(path: Path): void {
    this.current ??= path;
  }

  /** A handshake is complete, with IDs in our records or, `undefined`, without: then nobody can move. */
  begin(check: PathCheck | undefined): void {
    this.check = check;
    if (check === undefined) this.abandon();
    else this.outlet.open();
  }

  /** An authentic record, before what it holds is looked at. */
  heard({ path, newest, size, isCheck }: HeardRecord): void {
    const { current, check, probe } = this;
    if (check === undefined || path === undefined || current === undefined) return;
    if (samePath(path, current)) {
      if (newest && !isCheck) this.abandon();
    } else if (probe !== undefined && samePath(path, probe.path))
      this.outlet.allow(path, amplification * size);
    else if (newest && check === 'none') this.follow(path);
    else if (newest) this.examine(path, size);
  }

  /** A return_routability_check message; one that cannot be read means nothing (RFC 9853 §4). */
  message(content: Uint8Array, path: Path | undefined): void {
    const [type] = content;
    const cookie = content.subarray(1);
    if (cookie.length !== cookieLength) return;
    // RFC 9853 §5.4: to where it came from. This side has moved nowhere by itself: every path that it is asked on is its own.
    if (type === pathChallenge) this.outlet.sendTo(messageOf(pathResponse, cookie), path);
    else if (type === pathResponse || type === pathDrop) this.answered(type, cookie);
  }

  timeUp(): void {
    const { probe } = this;
    if (probe === undefined) return;
    if (probe.times < asks[probe.asked].times) this.ask(probe);
    else if (probe.asked === 'old') this.askNew(probe.path);
    else this.abandon();
  }

  /** Another path while one is examined: what the old address was asked holds for this one too. */
  private examine(path: Path, size: number): void {
    const { probe } = this;
    this.outlet.allow(path, amplification * size);
    if (probe?.asked === 'old') probe.path = path;
    else if (probe?.asked === 'new' || this.check === 'basic') this.askNew(path);
    else this.ask(this.begun(path, 'old'));
  }

  private askNew(path: Path): void {
    this.ask(this.begun(path, 'new'));
  }

  private begun(path: Path, asked: Probe['asked']): Probe {
    const probe: Probe = { path, asked, times: 0, cookies: [] };
    this.probe = probe;
    return probe;
  }

  private ask(probe: Probe): void {
    const cookie = this.random(cookieLength);
    probe.times += 1;
    probe.cookies = [...probe.cookies, cookie];
    this.outlet.sendTo(messageOf(pathChallenge, cookie), probe.asked === 'old' ? this.current : probe.path);
    this.outlet.timer(this.wait * asks[probe.asked].share);
  }

  private answered(type: typeof pathResponse | typeof pathDrop, cookie: Uint8Array): void {
    const { probe } = this;
    if (probe?.cookies.some((asked) => sameBytes(asked, cookie)) !== true) return;
    const { asked, path } = probe;
    if (asked === 'new' && type === pathResponse) this.follow(path);
    else if (asked === 'old' && type === pathDrop) this.askNew(path);
    // It is where it was, or does not want to be asked there.
    else this.abandon();
  }

  private follow(path: Path): void {
    this.current = path;
    this.probe = undefined;
    this.outlet.timer(undefined);
    this.outlet.follow(path);
  }

  private abandon(): void {
    if (this.probe === undefined) return;
    this.probe = undefined;
    this.outlet.timer(undefined);
    this.outlet.forget();
  }
}

/** What a channel does for it: all but the sending is its sink's. */
export class ChannelPaths implements PathOutlet {
  private readonly sink: Pick<Sink, 'paths'>;
  readonly sendTo: PathOutlet['sendTo'];

  constructor(sink: Pick<Sink, 'paths'>, sendTo: PathOutlet['sendTo']) {
    this.sink = sink;
    this.sendTo = sendTo;
  }

  open(): void {
    this.sink.paths?.open();
  }

  follow(path: Path): void {
    this.sink.paths?.follow(path);
  }

  allow(path: Path, bytes: number): void {
    this.sink.paths?.allow(path, bytes);
  }

  forget(): void {
    this.sink.paths?.forget();
  }

  timer(ms: number | undefined): void {
    this.sink.paths?.timer(ms);
  }
}

function messageOf(type: number, cookie: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type), cookie]);
}
