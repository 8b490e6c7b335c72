/**
 * What a supervisor tells the node's logger, with the labels and fields of OTP's supervisor and progress
 * reports (`supervisor(3)`; SASL's "supervisor report").
 */
import type { FullChildSpec } from './child-spec.js';
import type { Reason } from './exit.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';

/**
 * `start_error`: a child could not be started · `child_terminated`: it ended by itself and that was no normal
 * end · `shutdown_error`: it ended otherwise than asked · `shutdown`: the supervisor gives up.
 */
export type SupervisorError = 'start_error' | 'child_terminated' | 'shutdown_error' | 'shutdown';

/** Reports an error at level `error`. `pids`: the offender's process, or how many had this reason. */
export function reportError(
  self: Self,
  supervisor: string,
  context: SupervisorError,
  reason: Reason,
  spec: FullChildSpec,
  process: Pid | undefined | number,
): void {
  self.node.logger.error(
    {
      label: ['supervisor', context],
      supervisor,
      errorContext: context,
      reason,
      offender: offender(spec, process),
    },
    `supervisor ${supervisor}: ${context} of ${spec.id}`,
  );
}

/** Reports a started child, at level `debug`: OTP's progress report, which its default level hides too. */
export function reportProgress(self: Self, supervisor: string, spec: FullChildSpec, pid: Pid): void {
  self.node.logger.debug(
    { label: ['supervisor', 'progress'], supervisor, started: offender(spec, pid) },
    `supervisor ${supervisor}: started ${spec.id}`,
  );
}

/** One literal of one shape: with spreads this alone was a third of the cost of a crash and restart. */
function offender(spec: FullChildSpec, process: Pid | undefined | number): object {
  const isCount = typeof process === 'number';
  return {
    pid: isCount ? undefined : process,
    nbChildren: isCount ? process : undefined,
    id: spec.id,
    restart: spec.restart,
    significant: spec.significant,
    shutdown: spec.shutdown,
    type: spec.type,
  };
}
