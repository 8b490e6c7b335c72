/**
 * Child specifications and supervisor flags, `supervisor(3)`: their types, defaults and checks, in the order
 * and with the reasons of OTP's `supervisor:check_childspecs/2`.
 */
import type { Reason } from './exit.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';

/** What a child is called in its supervisor; unique there. (OTP allows any term, we what a `Map` can tell apart.) */
export type ChildId = string | number;

/** `permanent`: always restarted; `transient`: only after an abnormal exit; `temporary`: never. */
export type Restart = 'permanent' | 'transient' | 'temporary';

/**
 * How a child is stopped: `brutal_kill` at once; else the exit signal `shutdown`, and `kill` if it has not
 * ended within so many milliseconds (`infinity`: never).
 */
export type Shutdown = 'brutal_kill' | 'infinity' | number;

/** What a start function answers: a process linked to the supervisor, none wanted, or why there is none. */
export type ChildStart =
  | { readonly ok: Pid; readonly info?: unknown }
  | { readonly error: Reason }
  | 'ignore';

/**
 * How one child is started, restarted and stopped. `Args` are what `startChild` adds for each child of a
 * `simple_one_for_one` supervisor; elsewhere there are none.
 */
export interface ChildSpec<Args extends readonly unknown[] = readonly []> {
  readonly id: ChildId;
  /**
   * Starts the child, linked to `self`, the supervisor: `(self) => ({ ok: self.spawnLink(body) })`, or
   * `(self) => startGenServer(self, module, args)`. A promise is awaited: the supervisor does nothing else
   * meanwhile. What it throws is the failure's reason, as `{ EXIT: reason }`.
   *
   * A method, so that specifications of different `Args` can stand in one list.
   */
  start(self: Self, ...args: Args): ChildStart | PromiseLike<ChildStart>;
  /** Default `permanent`. */
  readonly restart?: Restart;
  /** Default 5000 for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default `worker`. */
  readonly type?: 'worker' | 'supervisor';
  /** Whether its ending by itself counts for `autoShutdown`; not for permanent children. Default false. */
  readonly significant?: boolean;
}

/** A child specification with every default filled in, as `getChildspec` answers it. */
export type FullChildSpec = Required<ChildSpec<readonly unknown[]>>;

/** Which children follow when one is restarted; see `supervisor(3)`, "Supervision Principles". */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one';

/** Whether the supervisor ends, with `shutdown`, when significant children have ended by themselves. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/** OTP's `SupFlags`. */
export interface SupervisorFlags {
  /** Default `one_for_one`. */
  readonly strategy?: Strategy;
  /** Restarts allowed in `period`. Default 1. */
  readonly intensity?: number;
  /** In seconds, more than 0. Default 5. */
  readonly period?: number;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}

/** Flags with every default filled in. */
export type FullSupervisorFlags = Required<SupervisorFlags>;

/** The flags with their defaults, or the reason why they are none: `{ invalid_intensity: -1 }`. */
export function checkFlags(flags: SupervisorFlags): { ok: FullSupervisorFlags } | { error: Reason } {
  const { strategy = 'one_for_one', intensity = 1, period = 5, autoShutdown = 'never' } = flags;
  if (!strategies.includes(strategy)) return { error: { invalid_strategy: strategy } };
  if (!Number.isSafeInteger(intensity) || intensity < 0) return { error: { invalid_intensity: intensity } };
  if (!Number.isSafeInteger(period) || period <= 0) return { error: { invalid_period: period } };
  if (!autoShutdowns.includes(autoShutdown)) return { error: { invalid_auto_shutdown: autoShutdown } };
  return { ok: { strategy, intensity, period, autoShutdown } };
}

/** The specification with its defaults, or the reason why it is none: `'missing_start'`, `{ invalid_shutdown: -1 }`. */
export function checkChildSpec(
  given: unknown,
  autoShutdown: AutoShutdown | undefined,
): { ok: FullChildSpec } | { error: Reason } {
  if (!isObject(given)) return { error: { invalid_child_spec: given } };
  const spec = given;
  const { id, restart = 'permanent', type = 'worker', significant = false } = spec;
  const { shutdown = type === 'supervisor' ? 'infinity' : 5000 } = spec;
  if (id === undefined) return { error: 'missing_id' };
  if (spec.start === undefined) return { error: 'missing_start' };
  if (typeof spec.start !== 'function') return { error: { invalid_mfa: spec.start } };
  if (!restarts.includes(restart)) return { error: { invalid_restart_type: restart } };
  if (significant && autoShutdown === 'never')
    return { error: { bad_combination: { auto_shutdown: 'never', significant } } };
  if (significant && restart === 'permanent') return { error: { bad_combination: { restart, significant } } };
  if (typeof significant !== 'boolean') return { error: { invalid_significant: significant } };
  if (type !== 'worker' && type !== 'supervisor') return { error: { invalid_child_type: type } };
  if (!isShutdown(shutdown)) return { error: { invalid_shutdown: shutdown } };
  return { ok: { id, start: spec.start, restart, shutdown, type, significant } };
}

/** `supervisor:check_childspecs/1,2`: `'ok'`, or why these can't be the children of one supervisor. */
export function checkChildSpecs(
  specs: readonly ChildSpec<readonly unknown[]>[],
  autoShutdown?: AutoShutdown,
): 'ok' | { error: Reason } {
  const checked = checkStartSpecs(specs, autoShutdown);
  return 'ok' in checked ? 'ok' : checked;
}

/** All specifications with their defaults, in order, or the first fault: of one, or `{ duplicate_child_name: id }`. */
export function checkStartSpecs(
  specs: readonly ChildSpec<readonly unknown[]>[],
  autoShutdown: AutoShutdown | undefined,
): { ok: FullChildSpec[] } | { error: Reason } {
  const full: FullChildSpec[] = [];
  const ids = new Set<ChildId>();
  for (const spec of specs) {
    const checked = checkChildSpec(spec, autoShutdown);
    if ('error' in checked) return checked;
    if (ids.has(checked.ok.id)) return { error: { duplicate_child_name: checked.ok.id } };
    ids.add(checked.ok.id);
    full.push(checked.ok);
  }
  return { ok: full };
}

const strategies: readonly unknown[] = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];
const autoShutdowns: readonly unknown[] = ['never', 'any_significant', 'all_significant'];
const restarts: readonly unknown[] = ['permanent', 'transient', 'temporary'];

/** Callers in JavaScript may give anything; each field is checked before it is used. */
function isObject(given: unknown): given is ChildSpec<readonly unknown[]> {
  return typeof given === 'object' && given !== null;
}

function isShutdown(value: unknown): boolean {
  if (value === 'infinity' || value === 'brutal_kill') return true;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
