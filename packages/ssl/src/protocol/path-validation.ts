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
import type { Paths } from './sink.js';

/** What a change of addresses takes. */
export interface PathOutlet extends Omit<Paths, 'writeTo' | 'owes' | 'issue' | 'retire' | 'proved'> {
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
  /** Whom it asks now. */
  readonly asked: keyof typeof asks;
  times: number;
  /** What it has asked with. */
  cookies: readonly Uint8Array[];
}

export class PathValidation {
  private readonly outlet: PathOutlet;
  private readonly random: (length: number) => Uint8Array;
  private readonly wait: number;
  private current: Path | undefined;
  /** `impossible`: the peer does not answer checks. */
  private check: PathCheck | 'impossible' | undefined = undefined;
  /** Where the peer may be. */
  private candidate: Path | undefined = undefined;
  private probe: Probe | undefined = undefined;

  /**
   * `current`: where everything goes, if that is known. `random`: cookies that nobody can guess (RFC 9853 §4). `wait`: T, ms
   * (§5.5).
   */
  constructor(
    outlet: PathOutlet,
    current: Path | undefined,
    random: (length: number) => Uint8Array,
    wait: number,
  ) {
    this.outlet = outlet;
    this.current = current;
    this.random = random;
    this.wait = wait;
  }

  /**
   * A handshake is complete, with IDs in the records that come. A peer that does not answer checks cannot be made sure of, and
   * stays where it is (RFC 9146 §6), unless nobody is to be made sure of.
   */
  begin(check: PathCheck, answers: boolean): void {
    this.check = answers || check === 'none' ? check : 'impossible';
    this.abandon();
    this.outlet.open();
  }

  /** Nobody moves any more: there are no IDs, or nothing is written. */
  end(): void {
    this.check = undefined;
    this.abandon();
  }

  /** An authentic record, before what it holds is looked at. */
  heard({ path, newest, size, isCheck }: HeardRecord): void {
    const { current, check, candidate } = this;
    if (check === undefined || path === undefined || current === undefined) return;
    if (samePath(path, current)) {
      if (newest && !isCheck) this.abandon();
    } else if (candidate !== undefined && samePath(path, candidate)) this.allow(path, size);
    else if (newest) this.examine(path, size, check);
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
    if (probe.times < asks[probe.asked].times) this.askAgain(probe);
    else if (probe.asked === 'old') this.ask('new');
    else this.abandon();
  }

  private examine(path: Path, size: number, check: PathCheck | 'impossible'): void {
    if (check === 'none') {
      this.follow(path);
      return;
    }
    const { probe } = this;
    this.candidate = path;
    this.allow(path, size);
    // Another path while one is examined: what the old address was asked holds for this one too.
    if (check === 'impossible' || probe?.asked === 'old') return;
    this.ask(probe === undefined && check === 'enhanced' ? 'old' : 'new');
  }

  /** RFC 9853 §2 */
  private allow(path: Path, size: number): void {
    this.outlet.allow(path, amplification * size);
  }

  private ask(asked: Probe['asked']): void {
    this.probe = { asked, times: 0, cookies: [] };
    this.askAgain(this.probe);
  }

  private askAgain(probe: Probe): void {
    const cookie = this.random(cookieLength);
    probe.times += 1;
    probe.cookies = [...probe.cookies, cookie];
    const to = probe.asked === 'old' ? this.current : this.candidate;
    this.outlet.sendTo(messageOf(pathChallenge, cookie), to);
    this.outlet.timer(this.wait * asks[probe.asked].share);
  }

  private answered(type: typeof pathResponse | typeof pathDrop, cookie: Uint8Array): void {
    const { probe, candidate } = this;
    if (candidate === undefined || probe?.cookies.some((asked) => sameBytes(asked, cookie)) !== true) return;
    if (probe.asked === 'new' && type === pathResponse) this.follow(candidate);
    else if (probe.asked === 'old' && type === pathDrop) this.ask('new');
    // It is where it was, or does not want to be asked there.
    else this.abandon();
  }

  private follow(path: Path): void {
    this.current = path;
    this.rest();
    this.outlet.follow(path);
  }

  private abandon(): void {
    if (this.candidate === undefined) return;
    this.rest();
    this.outlet.forget();
  }

  private rest(): void {
    this.candidate = undefined;
    this.probe = undefined;
    this.outlet.timer(undefined);
  }
}

function messageOf(type: number, cookie: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type), cookie]);
}
