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

/**
 * Stops children of one specification, in no order: all are signalled, then all are waited for, with one time limit.
 * Answers how many ended with each unexpected reason.
 */
export function stopTogether(
  self: Self,
  spec: StopSpec,
  pids: Iterable<Pid>,
): Promise<ReadonlyMap<Reason, number>> {
  return new Promise((resolve) => new Ends(self, spec, resolve).begin(pids));
}

/** `normal` and the like are how a child that is not permanent may end; a permanent one was told `shutdown`. */
function isExpected(reason: Reason, { shutdown, restart }: StopSpec): boolean {
  if (shutdown === 'brutal_kill' ? reason === 'killed' : reason === 'shutdown') return true;
  return restart !== 'permanent' && isOrderly(reason);
}

/** The ends of a set of processes, as they come. */
class Ends extends Timeout implements Watcher {
  readonly #self: Self;
  readonly #spec: StopSpec;
  readonly #waiting = new Set<Pid>();
  readonly #reasons = new Map<Pid, Reason>();
  /** Called once, when all have ended. */
  readonly #done: (unexpected: ReadonlyMap<Reason, number>) => void;

  constructor(self: Self, spec: StopSpec, done: (unexpected: ReadonlyMap<Reason, number>) => void) {
    super();
    this.#self = self;
    this.#spec = spec;
    this.#done = done;
  }

  begin(pids: Iterable<Pid>): void {
    const { shutdown } = this.#spec;
    for (const pid of pids) this.#waiting.add(pid);
    if (this.#waiting.size === 0) this.#done(new Map());
    // The monitors first: a child that dies of another's end must not be missed.
    for (const pid of [...this.#waiting]) pid.acceptMonitor(new Monitor(this, pid, undefined));
    if (this.#waiting.size === 0) return;
    if (typeof shutdown === 'number') this.#self.node.timers.start(this, shutdown);
    this.#signal(shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
  }

  /** The time is over. */
  fire(): void {
    if (this.#self.alive) this.#signal('kill');
  }

  #signal(reason: 'shutdown' | 'kill'): void {
    for (const pid of [...this.#waiting]) this.#self.exitSignal(pid, reason);
  }

  #unexpected(): ReadonlyMap<Reason, number> {
    const unexpected = new Map<Reason, number>();
    for (const reason of this.#whyEnded())
      if (!isExpected(reason, this.#spec)) unexpected.set(reason, (unexpected.get(reason) ?? 0) + 1);
    return unexpected;
  }
  /**
   * Why each ended. A child that was dead before it was watched left only its link's signal behind, which waits
   * in the supervisor's mailbox.
   */
  #whyEnded(): Iterable<Reason> {
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
    if (this.#waiting.size > 0) return;
    this.#self.node.timers.forget(this);
    this.#done(this.#unexpected());
  }

  /** @internal Monitors are kept by their targets alone. */
  forgetMonitor(): void {}
}
