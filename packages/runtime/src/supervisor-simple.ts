/**
 * `simple_one_for_one`: any number of children of one specification, started on demand, each known by its pid
 * alone. Made for children that come and go by the thousand: a start or a death is one entry in a map, and costs
 * no turn unless the start function is asynchronous.
 */
import type { ChildSpec, FullChildSpec, FullSupervisorFlags, Strategy } from './child-spec.js';
import { isOrderly, type Reason } from './exit.js';
import { Pid } from './pid.js';
import { RestartIntensity } from './restart-intensity.js';
import type { Self } from './self.js';
import { reportError } from './supervisor-report.js';
import { stopTogether } from './supervisor-shutdown.js';
import { type StartAnswer, startProcess } from './supervisor-start.js';
import type {
  ChildCounts,
  ChildInfo,
  ErrorAnswer,
  StartChildResult,
  SupervisorState,
  Turn,
} from './supervisor-state.js';

type Args = readonly unknown[];

const noArgs: Args = [];
const notHere: ErrorAnswer = { error: 'simple_one_for_one' };

/** The state of such a supervisor; one method per request or event. */
export class SimpleSupervisor implements SupervisorState {
  readonly strategy: Strategy;
  readonly #self: Self;
  readonly #name: string;
  readonly #flags: FullSupervisorFlags;
  readonly #spec: FullChildSpec;
  readonly #restarts: RestartIntensity;
  /** The living, with the arguments they were started with; a temporary child's will not be needed again. */
  readonly #running = new Map<Pid, Args>();
  /** Those whose restart failed and is due to be tried again, under the pid that they had last. */
  readonly #restarting = new Map<Pid, Args>();

  constructor(self: Self, name: string, flags: FullSupervisorFlags, spec: FullChildSpec) {
    this.strategy = flags.strategy;
    this.#self = self;
    this.#name = name;
    this.#flags = flags;
    this.#spec = spec;
    this.#restarts = new RestartIntensity(flags.intensity, flags.period);
  }

  exited(pid: Pid, reason: Reason): Turn | PromiseLike<Turn> {
    const args = this.#running.get(pid);
    if (args === undefined) return 'continue';
    const { restart } = this.#spec;
    if (restart === 'permanent' || !isOrderly(reason)) {
      reportError(this.#self, this.#name, 'child_terminated', reason, this.#spec, pid);
      if (restart !== 'temporary') return this.#restart(pid, args);
    }
    this.#running.delete(pid);
    return this.#endedForGood();
  }

  tryAgain(key: unknown): Turn | PromiseLike<Turn> {
    const args = key instanceof Pid ? this.#restarting.get(key) : undefined;
    return key instanceof Pid && args !== undefined ? this.#restart(key, args) : 'continue';
  }

  startChild(args: Args): StartChildResult | PromiseLike<StartChildResult> {
    return startProcess(this.#self, this.#spec, args, (started) => this.#startedFirst(started, args));
  }

  async terminateChild(id: unknown): Promise<'ok' | ErrorAnswer> {
    if (!(id instanceof Pid)) return notHere;
    if (this.#running.has(id)) {
      for (const reason of (await stopTogether(this.#self, this.#spec, [id])).keys())
        reportError(this.#self, this.#name, 'shutdown_error', reason, this.#spec, id);
      this.#running.delete(id);
      return 'ok';
    }
    if (this.#restarting.delete(id)) return 'ok';
    // As in OTP: a process that is no child of ours but lives is unknown, a dead one is as good as terminated.
    return this.#self.node.isAlive(id) ? { error: 'not_found' } : 'ok';
  }

  restartChild(): ErrorAnswer {
    return notHere;
  }

  deleteChild(): ErrorAnswer {
    return notHere;
  }

  /** The template, asked for by its id or by the pid of a child. */
  getChildspec(id: unknown): { ok: ChildSpec<readonly unknown[]> } | ErrorAnswer {
    const known =
      id instanceof Pid ? this.#running.has(id) || this.#restarting.has(id) : id === this.#spec.id;
    return known ? { ok: this.#spec } : { error: 'not_found' };
  }

  whichChildren(): ChildInfo[] {
    const { type } = this.#spec;
    const running = [...this.#running.keys()].map((child): ChildInfo => ({ id: undefined, child, type }));
    for (const _ of this.#restarting) running.push({ id: undefined, child: 'restarting', type });
    return running;
  }

  countChildren(): ChildCounts {
    const all = this.#running.size + this.#restarting.size;
    const isWorker = this.#spec.type === 'worker';
    return {
      specs: 1,
      active: this.#running.size,
      supervisors: isWorker ? 0 : all,
      workers: isWorker ? all : 0,
    };
  }

  async stopAll(): Promise<void> {
    const unexpected = await stopTogether(this.#self, this.#spec, this.#running.keys());
    this.#running.clear();
    this.#restarting.clear();
    for (const [reason, children] of unexpected)
      reportError(this.#self, this.#name, 'shutdown_error', reason, this.#spec, children);
  }

  #startedFirst(started: StartAnswer, args: Args): StartChildResult {
    if ('error' in started) return started;
    const { pid, info } = started;
    this.#store(pid, args);
    return info === undefined ? { ok: pid } : { ok: pid, info };
  }

  #restart(pid: Pid, args: Args): Turn | PromiseLike<Turn> {
    this.#running.delete(pid);
    this.#restarting.delete(pid);
    if (this.#restarts.add(this.#self.node.clock.now()) === 'give_up') {
      reportError(this.#self, this.#name, 'shutdown', 'reached_max_restart_intensity', this.#spec, pid);
      return 'shutdown';
    }
    return startProcess(this.#self, this.#spec, args, (started) => this.#startedAgain(started, pid, args));
  }

  #startedAgain(started: StartAnswer, oldPid: Pid, args: Args): Turn {
    if ('error' in started) {
      this.#restarting.set(oldPid, args);
      reportError(this.#self, this.#name, 'start_error', started.error, this.#spec, oldPid);
      return { tryAgain: oldPid };
    }
    this.#store(started.pid, args);
    return 'continue';
  }

  /**
   * A start function that says `'ignore'` leaves nothing to remember, at a restart neither. (OTP 25 then keeps a
   * child `undefined`, over which it stumbles when it stops; that is not imitated.)
   */
  #store(pid: Pid | undefined, args: Args): void {
    if (pid !== undefined) this.#running.set(pid, this.#spec.restart === 'temporary' ? noArgs : args);
  }

  #endedForGood(): Turn {
    if (!this.#spec.significant) return 'continue';
    switch (this.#flags.autoShutdown) {
      case 'never':
        return 'continue';
      case 'any_significant':
        return 'shutdown';
      case 'all_significant':
        return this.#running.size + this.#restarting.size === 0 ? 'shutdown' : 'continue';
    }
  }
}
