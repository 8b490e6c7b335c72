/**
 * Supervisors whose children are each specified: `one_for_one`, `one_for_all`, `rest_for_one`. The rules are
 * those of OTP's `supervisor`: what counts as a failure, who is stopped and started with whom, and that after a
 * failed restart the supervisor looks at its mailbox before it tries again.
 */
import {
  type ChildId,
  type ChildSpec,
  checkChildSpec,
  type FullChildSpec,
  type FullSupervisorFlags,
  type Strategy,
} from './child-spec.js';
import { isOrderly, type Reason } from './exit.js';
import type { Pid } from './pid.js';
import { RestartIntensity } from './restart-intensity.js';
import type { Self } from './self.js';
import { type Child, Children } from './supervisor-children.js';
import { reportError, reportProgress } from './supervisor-report.js';
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

/** Which child did not start, and why. */
interface StartFailure {
  readonly id: ChildId;
  readonly reason: Reason;
}

/** The state of such a supervisor; one method per request or event. */
export class StaticSupervisor implements SupervisorState {
  readonly strategy: Strategy;
  readonly #self: Self;
  readonly #name: string;
  readonly #flags: FullSupervisorFlags;
  readonly #restarts: RestartIntensity;
  readonly #children: Children = new Children();

  constructor(self: Self, name: string, flags: FullSupervisorFlags) {
    this.strategy = flags.strategy;
    this.#self = self;
    this.#name = name;
    this.#flags = flags;
    this.#restarts = new RestartIntensity(flags.intensity, flags.period);
  }

  /** Starts all, in order. If one fails, those before it are stopped again, and its failure is the answer. */
  init(specs: readonly FullChildSpec[]): Promise<ErrorAnswer | undefined> {
    const children = specs.map((spec) => this.#children.add(spec));
    return this.#startAll(children).then((failure) => failure && this.#giveUpStart(failure));
  }

  exited(pid: Pid, reason: Reason): Turn | Promise<Turn> {
    const child = this.#children.runningAs(pid);
    if (child === undefined) return 'continue';
    const { spec } = child;
    if (spec.restart !== 'permanent' && isOrderly(reason)) return this.#endedForGood(child);
    reportError(this.#self, this.#name, 'child_terminated', reason, spec, pid);
    return spec.restart === 'temporary' ? this.#endedForGood(child) : this.#restart(child);
  }

  tryAgain(id: unknown): Turn | Promise<Turn> {
    const child = isChildId(id) ? this.#children.get(id) : undefined;
    return child?.state.is === 'restarting' ? this.#restart(child) : 'continue';
  }

  startChild([given]: readonly unknown[]): StartChildResult | PromiseLike<StartChildResult> {
    const checked = checkChildSpec(given, this.#flags.autoShutdown);
    if ('error' in checked) return checked;
    const spec = checked.ok;
    const known = this.#children.get(spec.id);
    if (known !== undefined) {
      const { state } = known;
      return { error: state.is === 'running' ? { already_started: state.pid } : 'already_present' };
    }
    return startProcess(this.#self, spec, [], (started) => {
      if ('error' in started) return { error: { reason: started.error, child: spec } };
      const { pid, info } = started;
      if (pid === undefined && spec.restart === 'temporary') return { ok: undefined };
      this.#note(this.#children.add(spec), pid);
      return info === undefined ? { ok: pid } : { ok: pid, info };
    });
  }

  async terminateChild(id: unknown): Promise<'ok' | ErrorAnswer> {
    const child = this.#find(id);
    if (child === undefined) return { error: 'not_found' };
    await this.#stopInReverse([child]);
    return 'ok';
  }

  restartChild(id: unknown): StartChildResult | PromiseLike<StartChildResult> {
    const child = this.#find(id);
    if (child === undefined) return { error: 'not_found' };
    if (child.state.is !== 'stopped') return { error: child.state.is };
    return startProcess(this.#self, child.spec, [], (started) => {
      if ('error' in started) return started;
      const { pid, info } = started;
      this.#note(child, pid);
      return info === undefined ? { ok: pid } : { ok: pid, info };
    });
  }

  deleteChild(id: unknown): 'ok' | ErrorAnswer {
    const child = this.#find(id);
    if (child === undefined) return { error: 'not_found' };
    if (child.state.is !== 'stopped') return { error: child.state.is };
    this.#children.remove(child.spec.id);
    return 'ok';
  }

  getChildspec(id: unknown): { ok: ChildSpec<readonly unknown[]> } | ErrorAnswer {
    const child = this.#find(id);
    return child === undefined ? { error: 'not_found' } : { ok: child.spec };
  }

  /** Youngest first, as OTP lists them. */
  whichChildren(): ChildInfo[] {
    return this.#children
      .inStartOrder()
      .reverse()
      .map(({ spec: { id, type }, state }) => ({ id, child: childOf(state), type }));
  }

  countChildren(): ChildCounts {
    const children = this.#children.inStartOrder();
    const workers = children.filter(({ spec }) => spec.type === 'worker').length;
    const active = children.filter(
      ({ state }) => state.is === 'running' && this.#self.node.isAlive(state.pid),
    ).length;
    return { specs: children.length, active, supervisors: children.length - workers, workers };
  }

  /** Stops all children, the youngest first; temporary ones are forgotten. */
  stopAll(): Promise<void> {
    return this.#stopInReverse(this.#children.inStartOrder());
  }

  /** A child's own end that asks for no restart: its specification stays, unless it is temporary. */
  #endedForGood(child: Child): Turn {
    this.#leave(child);
    if (!child.spec.significant) return 'continue';
    switch (this.#flags.autoShutdown) {
      case 'never':
        return 'continue';
      case 'any_significant':
        return 'shutdown';
      case 'all_significant': {
        const lives = ({ spec, state }: Child): boolean => spec.significant && state.is !== 'stopped';
        return this.#children.inStartOrder().some(lives) ? 'continue' : 'shutdown';
      }
    }
  }

  async #restart(child: Child): Promise<Turn> {
    const { id } = child.spec;
    if (this.#restarts.add(this.#self.node.clock.now()) === 'give_up') {
      const pid = child.state.is === 'running' ? child.state.pid : undefined;
      reportError(this.#self, this.#name, 'shutdown', 'reached_max_restart_intensity', child.spec, pid);
      this.#leave(child);
      return 'shutdown';
    }
    this.#children.stopped(id);
    const affected = this.#affectedBy(child);
    await this.#stopInReverse(affected);
    const failure = await this.#startAll(
      affected.filter((other) => this.#children.get(other.spec.id) === other),
    );
    if (failure === undefined) return 'continue';
    this.#children.restarting(failure.id);
    // First the mailbox: someone may be asking the supervisor to stop, or to stop the child.
    return { tryAgain: failure.id };
  }

  /** Who is restarted when this child is, in start order. */
  #affectedBy(child: Child): Child[] {
    switch (this.#flags.strategy) {
      case 'one_for_all':
        return this.#children.inStartOrder();
      case 'rest_for_one':
        return this.#children.startedFrom(child.spec.id);
      case 'one_for_one':
      case 'simple_one_for_one':
        return [child];
    }
  }

  async #startAll(children: readonly Child[]): Promise<StartFailure | undefined> {
    for (const child of children) {
      const use = (started: StartAnswer): StartFailure | undefined => this.#started(child, started);
      const failure = await startProcess(this.#self, child.spec, [], use);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #started(child: Child, started: StartAnswer): StartFailure | undefined {
    const { spec } = child;
    if ('error' in started) {
      reportError(this.#self, this.#name, 'start_error', started.error, spec, undefined);
      return { id: spec.id, reason: started.error };
    }
    if (started.pid === undefined && spec.restart === 'temporary') this.#children.remove(spec.id);
    else this.#note(child, started.pid);
    return undefined;
  }

  async #giveUpStart({ id, reason }: StartFailure): Promise<ErrorAnswer> {
    await this.stopAll();
    return { error: { shutdown: { failed_to_start_child: { id, reason } } } };
  }

  async #stopInReverse(children: readonly Child[]): Promise<void> {
    for (const child of [...children].reverse()) {
      const { spec, state } = child;
      if (state.is === 'running') {
        const { pid } = state;
        for (const reason of (await stopTogether(this.#self, spec, [pid])).keys())
          reportError(this.#self, this.#name, 'shutdown_error', reason, spec, pid);
      }
      this.#leave(child);
    }
  }

  #note({ spec }: Child, pid: Pid | undefined): void {
    if (pid === undefined) {
      this.#children.stopped(spec.id);
      return;
    }
    this.#children.started(spec.id, pid);
    reportProgress(this.#self, this.#name, spec, pid);
  }

  /** The child runs no longer. A temporary one's specification goes with it. */
  #leave({ spec }: Child): void {
    if (spec.restart === 'temporary') this.#children.remove(spec.id);
    else this.#children.stopped(spec.id);
  }

  #find(id: unknown): Child | undefined {
    return isChildId(id) ? this.#children.get(id) : undefined;
  }
}

function childOf(state: Child['state']): ChildInfo['child'] {
  switch (state.is) {
    case 'running':
      return state.pid;
    case 'stopped':
      return undefined;
    case 'restarting':
      return 'restarting';
  }
}

function isChildId(id: unknown): id is ChildId {
  return typeof id === 'string' || typeof id === 'number';
}
