/**
 * How children are stopped: the exit signal that their specification asks for, `kill` when the time is over, and
 * a monitor that tells the end, since a child may have unlinked itself. OTP's supervisor waits in a selective
 * receive; here the monitor's word does not pass through the mailbox, so that a full one costs nothing.
 */
import type { FullChildSpec } from './child-spec.js';
import { isOrderly, type Reason } from './exit.js';
import { DownMessage, ExitMessage } from './messages.js';
import { Monitor, type Watcher } from './monitor.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';
import { Timeout } from './timers.js';

/** The part of a specification that matters for stopping. */
type StopSpec = Pick<FullChildSpec, 'shutdown' | 'restart'>;

/** Stops one child and waits for its end. Answers the reason if that is not one to expect. */
export async function stopChild(
  self: Self,
  spec: StopSpec,
  pid: Pid,
): Promise<{ readonly unexpected: Reason } | undefined> {
  for (const unexpected of (await stopTogether(self, spec, [pid])).keys()) return { unexpected };
  return undefined;
}

/**
 * Stops many children of one specification at once, in no order: all are signalled, then all are waited for,
 * with one time limit. Answers how many ended with each unexpected reason.
 */
export async function stopTogether(
  self: Self,
  spec: StopSpec,
  pids: Iterable<Pid>,
): Promise<Map<Reason, number>> {
  const ends = new Ends(self);
  const signal = spec.shutdown === 'brutal_kill' ? 'kill' : 'shutdown';
  // The monitors first: a child that dies of another's end must not be missed.
  for (const pid of pids) ends.watch(pid);
  for (const pid of ends.waiting()) self.exitSignal(pid, signal);
  const limit = typeof spec.shutdown === 'number' ? spec.shutdown : Infinity;
  if ((await ends.all(limit)) === 'timeout') {
    for (const pid of ends.waiting()) self.exitSignal(pid, 'kill');
    await ends.all(Infinity);
  }
  const unexpected = new Map<Reason, number>();
  for (const reason of ends.reasons())
    if (!isExpected(reason, spec)) unexpected.set(reason, (unexpected.get(reason) ?? 0) + 1);
  return unexpected;
}

/** `normal` and the like are how a child that is not permanent may end; a permanent one was told `shutdown`. */
function isExpected(reason: Reason, { shutdown, restart }: StopSpec): boolean {
  if (shutdown === 'brutal_kill' ? reason === 'killed' : reason === 'shutdown') return true;
  return restart !== 'permanent' && isOrderly(reason);
}

/** The ends of a set of processes, as they come. */
class Ends implements Watcher {
  readonly #self: Self;
  readonly #waiting = new Set<Pid>();
  readonly #reasons = new Map<Pid, Reason>();
  #done: ((outcome: 'ended' | 'timeout') => void) | undefined = undefined;

  constructor(self: Self) {
    this.#self = self;
  }

  watch(pid: Pid): void {
    this.#waiting.add(pid);
    pid.acceptMonitor(new Monitor(this, pid, undefined));
  }

  waiting(): Pid[] {
    return [...this.#waiting];
  }

  /** Settles when all have ended, or after `ms` milliseconds. */
  all(ms: number): Promise<'ended' | 'timeout'> {
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) {
        resolve('ended');
        return;
      }
      const { timers } = this.#self.node;
      const limit = new TimeLimit(() => resolve('timeout'));
      if (ms !== Infinity) timers.start(limit, ms);
      this.#done = (outcome) => {
        timers.forget(limit);
        resolve(outcome);
      };
    });
  }

  /**
   * Why each ended. A child that was dead before it was watched left only its link's signal behind, which waits
   * in the supervisor's mailbox.
   */
  reasons(): Iterable<Reason> {
    if ([...this.#reasons.values()].includes('noproc'))
      for (const message of this.#self.process.mailbox?.toArray() ?? [])
        if (message instanceof ExitMessage && this.#reasons.get(message.from) === 'noproc')
          this.#reasons.set(message.from, message.reason);
    return this.#reasons.values();
  }

  /** @internal A monitor's word. */
  hear(_source: Pid | undefined, message: unknown): void {
    if (!(message instanceof DownMessage) || message.pid === undefined) return;
    this.#waiting.delete(message.pid);
    this.#reasons.set(message.pid, message.reason);
    if (this.#waiting.size === 0) this.#done?.('ended');
  }

  /** @internal Monitors are kept by their targets alone. */
  forgetMonitor(): void {}
}

class TimeLimit extends Timeout {
  readonly #over: () => void;

  constructor(over: () => void) {
    super();
    this.#over = over;
  }

  fire(): void {
    this.#over();
  }
}
