/**
 * The process that remembers which tickets were used (RFC 8446 §8): one Bloom filter pair per listener with stateless tickets and
 * `anti_replay`. Listeners' trackers are its clients; a filter goes with its tracker.
 *
 * When it cannot say that an element is new, it says `seen`: the handshake is then a full one, which is always safe.
 * So a filter that was lost in a crash starts with two windows of refusals, from the new process on (RFC 8446 §8.2: a fresh recorder rejects as
 * long as its window overlaps its start), and so does that of a listener whose ticket keys are older than itself. Where
 * no ticket of its keys exists yet, it does not.
 *
 * Servers that open each other's tickets need one memory: a `ReplayStore`, asked about what the filter does not know.
 */
import {
  type Asker,
  type Counts,
  type CountsToTell,
  DownMessage,
  type From,
  type GenServer,
  type MemoryUse,
  type Node,
  type Pid,
  type Ref,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import {
  type AntiReplayParameters,
  type ElementHash,
  RotatingBloomFilter,
  WINDOWS_REMEMBERED,
} from './bloom-filter.js';
import { StoreGuard, type StoreGuardInfo } from './store-guard.js';
import type { ReplayStore } from './stores.js';

export interface AntiReplayOptions {
  /** Makes the two hash functions of a new filter; keyed, so that nobody outside can choose collisions. */
  readonly makeHashes: () => readonly [ElementHash, ElementHash];
  /** Largest number of filters, that is of listeners with `anti_replay`; default 1024. */
  readonly maxFilters?: number;
  /** The process ends normally with its listener. */
  readonly listener?: Pid<never>;
  /** The memory that servers share. It has the last word; without its answer everything counts as seen. */
  readonly store?: ReplayStore;
  /** ms that a call to the store may take; default 250 */
  readonly storeDeadline?: number;
  /** By how many seconds the clocks of a fleet may differ: the store remembers so much longer; default 60. */
  readonly clockTolerance?: number;
}

export function startAntiReplay(
  parent: Self<never> | Self | Node,
  options: AntiReplayOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, antiReplay, options, start);
}

/**
 * A tracker that begins makes its filter, before it seals its first ticket. False when it could not. `past`: whether
 * tickets that it can read may have been used before, somewhere else or in an earlier life; two windows of refusals
 * then begin (RFC 8446 §8.2), unless a shared store remembers them.
 */
export function openAntiReplay(
  asker: Asker,
  store: ServerRef,
  tracker: Pid<never>,
  parameters: AntiReplayParameters,
  past: 'none' | 'unknown' = 'none',
): Promise<boolean> {
  return replaying.askOr(asker, store, { type: 'open_filter', tracker, parameters, past }, () => false);
}

/** Whether an element (a PSK binder) was, or may have been, used at this tracker before. */
export function checkAntiReplay(
  asker: Asker,
  store: ServerRef,
  tracker: Pid<never>,
  parameters: AntiReplayParameters,
  element: Uint8Array,
): Promise<'new' | 'seen'> {
  const request = { type: 'check_element', tracker, parameters, element } as const;
  return replaying.askOr(asker, store, request, () => 'seen');
}

/** Filters that live, bytes they take, and what was answered; zeros when the process is dead. */
export function antiReplayInfo(asker: Asker, store: ServerRef): Promise<AntiReplayInfo> {
  const none = { filters: 0, bytes: 0, fresh: 0, seen: 0 };
  return replaying.askOr(asker, store, { type: 'anti_replay_info' }, () => none);
}

export interface AntiReplayInfo {
  readonly filters: number;
  readonly bytes: number;
  readonly fresh: number;
  readonly seen: number;
  /** How calls to the shared store went; `undefined` without one. */
  readonly store?: StoreGuardInfo;
}

interface AntiReplayRequests {
  open_filter(fields: {
    readonly tracker: Pid<never>;
    readonly parameters: AntiReplayParameters;
    readonly past: 'none' | 'unknown';
  }): boolean;
  check_element(fields: {
    readonly tracker: Pid<never>;
    readonly parameters: AntiReplayParameters;
    readonly element: Uint8Array;
  }): 'new' | 'seen';
  anti_replay_info(): AntiReplayInfo;
}

const replaying = requests<AntiReplayRequests>();

const antiReplay: GenServer<Filters, AntiReplayOptions> = {
  label: 'anti_replay',
  init(self, options) {
    const filters = new Filters(options, self);
    if (options.listener !== undefined) filters.endWith(options.listener);
    return { ok: filters };
  },
  handleCall: replaying.handleCall<Filters>({
    open_filter: ({ tracker, parameters, past }, _from, filters) => ({
      reply: filters.open(tracker, parameters, past),
      state: filters,
    }),
    check_element: ({ tracker, parameters, element }, from, filters) =>
      filters.check(tracker, parameters, element, from),
    anti_replay_info: (_request, _from, filters) => ({ reply: filters.info(), state: filters }),
  }),
  handleInfo(message, filters) {
    if (!(message instanceof DownMessage)) return undefined;
    if (filters.isListener(message.ref)) return { stop: 'normal', state: filters };
    if (message.pid !== undefined) filters.close(message.pid);
    return undefined;
  },
};

interface Filter {
  readonly bloom: RotatingBloomFilter;
  /** ms on the node's clock: until then everything counts as seen */
  readonly refuseUntil: number;
}

class Filters implements CountsToTell, MemoryUse {
  readonly #options: AntiReplayOptions;
  readonly #self: Self;
  readonly #filters: Map<Pid<never>, Filter> = new Map();
  #listener: Ref | undefined = undefined;
  readonly #guard: StoreGuard | undefined;
  /** ms on the node's clock: what was asked since then is known, whether a filter stood there or not. */
  readonly #began: number;
  #fresh = 0;
  #seen = 0;

  constructor(options: AntiReplayOptions, self: Self) {
    this.#options = options;
    this.#self = self;
    const { clock, logger } = self.node;
    this.#began = clock.now();
    if (options.store !== undefined)
      this.#guard = new StoreGuard({ store: 'replay', clock, logger, deadline: options.storeDeadline });
  }

  /** What observers see. */
  toJSON(): object {
    return this.info();
  }

  toldCounts(): Counts {
    const { filters, bytes, fresh, seen } = this.info();
    return { filters, bytes, fresh, seen };
  }

  memoryUse(): number {
    return this.info().bytes;
  }

  endWith(listener: Pid<never>): void {
    this.#listener = this.#self.monitor(listener);
  }

  isListener(ref: Ref): boolean {
    return ref === this.#listener;
  }

  /** `blindUntil`: ms on the node's clock; what was used before then is not known. */
  open(
    tracker: Pid<never>,
    parameters: AntiReplayParameters,
    past: 'none' | 'unknown',
    blindUntil: number = this.#self.node.clock.now(),
  ): boolean {
    if (this.#filters.size >= (this.#options.maxFilters ?? 1024)) return false;
    const now = this.#self.node.clock.now();
    // A shared store remembers what was before this process.
    const isBlind = past === 'unknown' && this.#options.store === undefined;
    this.#filters.set(tracker, {
      bloom: new RotatingBloomFilter(parameters, this.#options.makeHashes(), now),
      refuseUntil: isBlind ? blindUntil + remembered(parameters) : now,
    });
    this.#self.monitor(tracker);
    return true;
  }

  check(
    tracker: Pid<never>,
    parameters: AntiReplayParameters,
    element: Uint8Array,
    from: From<'new' | 'seen'>,
  ): void {
    if (this.#checkHere(tracker, parameters, element) === 'seen') this.#answer(from, 'seen');
    else if (this.#guard === undefined) this.#answer(from, 'new');
    else void this.#askStore(this.#guard, parameters, element).then((answer) => this.#answer(from, answer));
  }

  close(tracker: Pid<never>): void {
    this.#filters.delete(tracker);
  }

  info(): AntiReplayInfo {
    let bytes = 0;
    for (const { bloom } of this.#filters.values()) bytes += bloom.byteLength;
    const info = { filters: this.#filters.size, bytes, fresh: this.#fresh, seen: this.#seen };
    return this.#guard === undefined ? info : { ...info, store: this.#guard.info() };
  }

  #checkHere(tracker: Pid<never>, parameters: AntiReplayParameters, element: Uint8Array): 'new' | 'seen' {
    // A filter that was lost with the process before: nobody was let through since this one began.
    if (!this.#filters.has(tracker)) this.open(tracker, parameters, 'unknown', this.#began);
    const filter = this.#filters.get(tracker);
    const now = this.#self.node.clock.now();
    // The element is entered even while everything is refused: it is then known afterwards.
    if (filter === undefined || filter.bloom.seen(element, now) || now < filter.refuseUntil) return 'seen';
    return 'new';
  }

  /** Whoever asks goes on being answered meanwhile. */
  async #askStore(
    guard: StoreGuard,
    parameters: AntiReplayParameters,
    element: Uint8Array,
  ): Promise<'new' | 'seen'> {
    const { store, clockTolerance = 60 } = this.#options;
    const lifetime = remembered(parameters) + clockTolerance * 1000;
    const claimed = await guard.ask((call) => store?.claim(element, lifetime, call));
    return claimed?.answer === 'new' ? 'new' : 'seen';
  }

  #answer(from: From<'new' | 'seen'>, answer: 'new' | 'seen'): void {
    if (answer === 'new') this.#fresh += 1;
    else this.#seen += 1;
    from.reply(answer);
  }
}

/** ms */
function remembered({ window }: AntiReplayParameters): number {
  return WINDOWS_REMEMBERED * window * 1000;
}
