/**
 * The process at the top of a running application. It starts the top supervisor, shares its fate, and stops it
 * when the controller asks, which it does by an exit signal. OTP's `application_master`.
 */
import type { ApplicationSpec } from './application-spec.js';
import { type Reason, reasonOf, reasonText } from './exit.js';
import { ExitMessage } from './messages.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';
import { startProcess } from './supervisor-start.js';

/** The master's word to the controller when the start function has answered. */
export class ApplicationStartReport {
  readonly type = 'application_started';
  readonly name: string;
  /** Undefined when it runs. */
  readonly failure: { readonly reason: Reason } | undefined;

  constructor(name: string, failure: { readonly reason: Reason } | undefined) {
    this.name = name;
    this.failure = failure;
  }
}

/** The body of an application's master; spawned linked to the controller. */
export function applicationMaster(
  spec: ApplicationSpec,
  controller: Pid<unknown>,
): (self: Self) => Promise<void> {
  return async (self) => {
    self.trapExit(true);
    const started = await startTop(self, spec);
    if ('error' in started) {
      self.send(controller, new ApplicationStartReport(spec.name, { reason: started.error }));
      return;
    }
    const top = started.pid;
    self.send(controller, new ApplicationStartReport(spec.name, undefined));
    const reason = await endOf(self, spec, top, controller);
    await cleanUp(self, spec);
    self.exit(reason);
  };
}

/** A library application has no top process. */
async function startTop(
  self: Self,
  spec: ApplicationSpec,
): Promise<{ pid: Pid | undefined } | { error: Reason }> {
  const { start } = spec;
  if (start === undefined) return { pid: undefined };
  return startProcess(self, { start: () => Reflect.apply(start, spec, [self]) }, [], (started) => {
    if ('error' in started) return started;
    return started.pid === undefined ? { error: { bad_return: 'ignore' } } : { pid: started.pid };
  });
}

/** Waits for the top process's end or the controller's word to stop; then nothing of the application runs. */
async function endOf(
  self: Self,
  spec: ApplicationSpec,
  top: Pid | undefined,
  controller: Pid<unknown>,
): Promise<Reason> {
  const isEnd = (message: unknown): message is ExitMessage =>
    message instanceof ExitMessage && (message.from === top || message.from === controller);
  const end = await self.receive(isEnd);
  if (end.from === top) {
    await prepareStop(self, spec);
    return end.reason;
  }
  await prepareStop(self, spec);
  if (top !== undefined) {
    self.exitSignal(top, 'shutdown');
    await self.receive((message: unknown) => message instanceof ExitMessage && message.from === top);
  }
  // A stop that was asked for is a normal end; the end of the controller is not.
  return end.reason === 'shutdown' ? 'normal' : end.reason;
}

async function prepareStop(self: Self, spec: ApplicationSpec): Promise<void> {
  try {
    await spec.prepStop?.(self);
  } catch (error) {
    report(self, spec, 'prepStop', error);
  }
}

async function cleanUp(self: Self, spec: ApplicationSpec): Promise<void> {
  try {
    await spec.stop?.();
  } catch (error) {
    report(self, spec, 'stop', error);
  }
}

/** What these two throw is reported and changes nothing, as in OTP. */
function report(self: Self, { name }: ApplicationSpec, callback: string, error: unknown): void {
  const reason = reasonOf(error);
  self.node.logger.error(
    { label: ['application', 'shutdown_error'], application: name, callback, reason },
    `application ${name}: ${callback} failed: ${reasonText(reason)}`,
  );
}
