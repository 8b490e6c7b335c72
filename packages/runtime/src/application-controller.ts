/**
 * The process that knows a node's applications: which are loaded, starting, running. OTP's
 * `application_controller`. Applications start in their own masters, so that it can be asked meanwhile.
 */
import { loadEnv, unloadEnv } from './application-env.js';
import { ApplicationStartReport, applicationMaster } from './application-master.js';
import type { ApplicationSpec, StartType } from './application-spec.js';
import type { From } from './call.js';
import { type Reason, reasonText } from './exit.js';
import type { CallResult, GenServer, InfoResult } from './gen-server.js';
import { ExitMessage } from './messages.js';
import type { Pid } from './pid.js';
import { type Requests, requests } from './requests.js';
import type { Self } from './self.js';
import { stopTogether } from './supervisor-shutdown.js';

/** A line of `whichApplications`. */
export interface RunningApplication {
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

/** The answer of `ensureAllStarted`. */
export type AllStarted =
  | { readonly ok: readonly string[] }
  | { readonly error: { readonly application: string; readonly reason: Reason } };

/** An application is started, loaded or stopped, or why not. */
type Answer = 'ok' | { error: Reason };

/** @internal What the controller can be asked. */
export interface ControllerRequests {
  load(fields: { readonly spec: ApplicationSpec }): Answer;
  unload(fields: { readonly name: string }): Answer;
  spec(fields: { readonly name: string }): ApplicationSpec | undefined;
  start(fields: { readonly application: ApplicationSpec | string; readonly startType: StartType }): Answer;
  stop(fields: { readonly name: string }): Answer;
  which(): RunningApplication[];
}

/** @internal */
export const controllerRequests: Requests<ControllerRequests> = requests<ControllerRequests>();

/** An application with a master: starting as long as somebody waits for that. */
interface Entry {
  readonly spec: ApplicationSpec;
  readonly startType: StartType;
  readonly master: Pid;
  isRunning: boolean;
  readonly waiting: From<Answer>[];
  readonly stopping: From<Answer>[];
}

class Applications {
  readonly loaded: Map<string, ApplicationSpec> = new Map();
  /** In the order in which they were started. */
  readonly started: Map<string, Entry> = new Map();
}

/** @internal The gen-server module. */
export const controller: GenServer<Applications, undefined> = {
  label: 'application_controller',

  init(self) {
    self.trapExit(true);
    return { ok: new Applications() };
  },

  handleCall: controllerRequests.handleCall<Applications>({
    load: ({ spec }, _from, state, self) => ({ reply: load(state, spec, self), state }),
    unload: ({ name }, _from, state, self) => ({ reply: unload(state, name, self), state }),
    spec: ({ name }, _from, state) => ({ reply: state.loaded.get(name), state }),
    start: ({ application, startType }, from, state, self) =>
      start(state, application, startType, from, self),
    stop: ({ name }, from, state, self) => stop(state, name, from, self),
    which: (_request, _from, state) => ({ reply: running(state), state }),
  }),

  handleInfo(message, state, self): InfoResult<Applications> {
    if (message instanceof ApplicationStartReport) return startedOrNot(message, state);
    if (message instanceof ExitMessage) return ended(message, state, self);
    return undefined;
  },

  /** All applications are stopped, the last started first. */
  async terminate(_reason, state, self) {
    for (const { master } of [...state.started.values()].reverse())
      await stopTogether(self, { shutdown: 'infinity', restart: 'temporary' }, [master]);
  },
};

function load(state: Applications, spec: ApplicationSpec, self: Self): Answer {
  if (state.loaded.has(spec.name)) return { error: { already_loaded: spec.name } };
  state.loaded.set(spec.name, spec);
  loadEnv(self.node, spec.name, spec.env ?? {});
  for (const needed of spec.applications ?? []) load(state, needed, self);
  return 'ok';
}

function unload(state: Applications, name: string, self: Self): Answer {
  if (state.started.has(name)) return { error: { running: name } };
  if (!state.loaded.delete(name)) return { error: { not_loaded: name } };
  unloadEnv(self.node, name);
  return 'ok';
}

function start(
  state: Applications,
  application: ApplicationSpec | string,
  startType: StartType,
  from: From<Answer>,
  self: Self,
): CallResult<Applications, Answer> {
  const name = typeof application === 'string' ? application : application.name;
  if (typeof application !== 'string') {
    // What was loaded before, perhaps by a start that failed, is not what is asked for now.
    if (!state.started.has(name)) state.loaded.delete(name);
    load(state, application, self);
  }
  const spec = state.loaded.get(name);
  if (spec === undefined) return { reply: { error: { not_loaded: name } }, state };
  const known = state.started.get(name);
  if (known?.isRunning === true) return { reply: { error: { already_started: name } }, state };
  if (known !== undefined) {
    known.waiting.push(from);
    return undefined;
  }
  const missing = spec.applications?.find((needed) => state.started.get(needed.name)?.isRunning !== true);
  if (missing !== undefined) return { reply: { error: { not_started: missing.name } }, state };
  const master = self.spawnLink(applicationMaster(spec, self.pid), { label: `application ${name}` });
  state.started.set(name, { spec, startType, master, isRunning: false, waiting: [from], stopping: [] });
  return undefined;
}

/** A start function has answered. The failure of one that matters ends the controller, as in OTP. */
function startedOrNot(message: ApplicationStartReport, state: Applications): InfoResult<Applications> {
  const entry = state.started.get(message.name);
  if (entry === undefined) return undefined;
  const { failure } = message;
  for (const from of entry.waiting.splice(0))
    from.reply(failure === undefined ? 'ok' : { error: failure.reason });
  if (failure === undefined) {
    entry.isRunning = true;
    return undefined;
  }
  state.started.delete(message.name);
  if (entry.startType === 'temporary') return undefined;
  return {
    stop: { application_start_failure: { application: message.name, reason: failure.reason } },
    state,
  };
}

function stop(
  state: Applications,
  name: string,
  from: From<Answer>,
  self: Self,
): CallResult<Applications, Answer> {
  const entry = state.started.get(name);
  if (entry?.isRunning !== true) return { reply: { error: { not_started: name } }, state };
  entry.stopping.push(from);
  if (entry.stopping.length === 1) self.exitSignal(entry.master, 'shutdown');
  return undefined;
}

/** A master has ended: because it was asked to, or its application has. */
function ended({ from, reason }: ExitMessage, state: Applications, self: Self): InfoResult<Applications> {
  const entry = [...state.started.values()].find(({ master }) => master === from);
  if (entry === undefined) return undefined;
  const { name } = entry.spec;
  state.started.delete(name);
  if (entry.stopping.length > 0) {
    for (const stopper of entry.stopping) stopper.reply('ok');
    return undefined;
  }
  for (const starter of entry.waiting) starter.reply({ error: reason });
  report(self, entry, reason);
  const isFatal = entry.startType === 'permanent' || (entry.startType === 'transient' && reason !== 'normal');
  return isFatal ? { stop: { application_terminated: { application: name, reason } }, state } : undefined;
}

/** OTP's `info_exited`. */
function report(self: Self, { spec: { name }, startType }: Entry, reason: Reason): void {
  self.node.logger.warn(
    { label: ['application_controller', 'exit'], application: name, exited: reason, type: startType },
    `application ${name} (${startType}) exited: ${reasonText(reason)}`,
  );
}

function running(state: Applications): RunningApplication[] {
  return [...state.started.values()]
    .filter(({ isRunning }) => isRunning)
    .reverse()
    .map(({ spec: { name, description = '', version = '' } }) => ({ name, description, version }));
}
