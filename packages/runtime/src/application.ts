/**
 * Applications, `application(3)`: supervision trees that are started and stopped by name, after the ones they
 * need, with settings of their own.
 *
 * The end of an application that was started `permanent`, and the abnormal end of a `transient` one, stop all
 * others on the node, the last started first, and the controller with them. OTP then halts the machine's node;
 * here the node itself lives on, and the next start begins with a new controller.
 */
import {
  type AllStarted,
  controller,
  controllerRequests,
  type RunningApplication,
} from './application-controller.js';
import { nodeIn, type OnNode } from './application-env.js';
import type { ApplicationSpec, StartType } from './application-spec.js';
import type { Reason } from './exit.js';
import { startGenServer } from './gen-server.js';
import type { Pid } from './pid.js';

export type { AllStarted, RunningApplication } from './application-controller.js';

const controllerName = 'application_controller';

/** Makes an application and those it needs known to the node, with their settings. `application:load/1`. */
export async function loadApplication(on: OnNode, spec: ApplicationSpec): Promise<'ok' | { error: Reason }> {
  return controllerRequests.ask(nodeIn(on), await controllerOf(on), { type: 'load', spec }, forEver);
}

/** Forgets an application that does not run, settings included. `application:unload/1`. */
export async function unloadApplication(on: OnNode, name: string): Promise<'ok' | { error: Reason }> {
  return controllerRequests.ask(nodeIn(on), await controllerOf(on), { type: 'unload', name }, forEver);
}

/**
 * Starts an application; a specification is loaded first if need be. Those it needs must run already. Errors:
 * `{ already_started: name }`, `{ not_started: needed }`, `{ not_loaded: name }`, or why its start function failed.
 * When it ends later: `temporary` (the default) is only reported; `transient` counts if the reason is not
 * `normal`, `permanent` always, and then all applications are stopped. `application:start/1,2`.
 */
export async function startApplication(
  on: OnNode,
  application: ApplicationSpec | string,
  type: StartType = 'temporary',
): Promise<'ok' | { error: Reason }> {
  return controllerRequests.ask(
    nodeIn(on),
    await controllerOf(on),
    { type: 'start', application, startType: type },
    forEver,
  );
}

/**
 * Starts an application and all that it needs and that do not run, in order. Answers which were started; if one
 * fails, those are stopped again and the error is `{ application, reason }`. `application:ensure_all_started/1,2`.
 */
export async function ensureAllStarted(
  on: OnNode,
  application: ApplicationSpec | string,
  type: StartType = 'temporary',
): Promise<AllStarted> {
  const started: string[] = [];
  const failure = await startWithNeeds(on, application, type, started);
  if (failure === undefined) return { ok: started };
  for (const name of [...started].reverse()) await stopApplication(on, name);
  return { error: failure };
}

/** Stops an application, its top supervisor first. Error: `{ not_started: name }`. `application:stop/1`. */
export async function stopApplication(on: OnNode, name: string): Promise<'ok' | { error: Reason }> {
  return controllerRequests.ask(nodeIn(on), await controllerOf(on), { type: 'stop', name }, forEver);
}

/** The running applications, the last started first. `application:which_applications/0`. */
export async function whichApplications(on: OnNode): Promise<RunningApplication[]> {
  return controllerRequests.ask(nodeIn(on), await controllerOf(on), { type: 'which' }, forEver);
}

async function startWithNeeds(
  on: OnNode,
  application: ApplicationSpec | string,
  type: StartType,
  started: string[],
): Promise<{ readonly application: string; readonly reason: Reason } | undefined> {
  const name = typeof application === 'string' ? application : application.name;
  if ((await whichApplications(on)).some((running) => running.name === name)) return undefined;
  const spec =
    typeof application === 'string'
      ? await controllerRequests.ask(nodeIn(on), await controllerOf(on), { type: 'spec', name }, forEver)
      : application;
  if (spec === undefined) return { application: name, reason: { not_loaded: name } };
  for (const needed of spec.applications ?? []) {
    const failure = await startWithNeeds(on, needed, type, started);
    if (failure !== undefined) return failure;
  }
  const answer = await startApplication(on, spec, type);
  if (answer === 'ok') started.push(name);
  else if (!isAlreadyStarted(answer.error)) return { application: name, reason: answer.error };
  return undefined;
}

/** Somebody else may have started it meanwhile. */
function isAlreadyStarted(reason: Reason): boolean {
  return typeof reason === 'object' && reason !== null && 'already_started' in reason;
}

/** A start may take as long as it takes. */
const forEver = Number.POSITIVE_INFINITY;

/** The node's controller, which is started when it is first needed. */
async function controllerOf(on: OnNode): Promise<Pid> {
  const node = nodeIn(on);
  const running = node.whereis(controllerName);
  if (running !== undefined) return running;
  const started = await startGenServer(node, controller, undefined, { name: controllerName });
  if (typeof started === 'object' && 'ok' in started) return started.ok;
  throw new Error('the application controller did not start');
}
