/**
 * A process as xstate logic, so that any machine can `invoke` or `spawnChild` one.
 */
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import type { Reason } from './exit.js';
import { Exit } from './exit.js';
import { defaultNode, nodeOf, PROCESS_EXIT } from './node.js';
import type { Pid } from './pid.js';
import { Process } from './process.js';
import type { Spawnable, SpawnOptions } from './self.js';

/** The snapshot of an actor that stands for a process. */
export type StandInSnapshot<O> = Snapshot<O> & {
  readonly pid: Pid<unknown> | undefined;
  readonly input: unknown;
};

interface ExitEvent {
  readonly type: typeof PROCESS_EXIT;
  readonly reason: Reason;
  readonly output: unknown;
}

/**
 * Logic that runs a process: `make(input)` gives its body. Events sent to the actor become the process's
 * messages. The process is linked to the machine's own process; its end becomes the actor's: `normal` is
 * `xstate.done.actor.*` with the body's result as output, anything else `xstate.error.actor.*` with an
 * {@link Exit} as error. Leaving the invoking state sends the process an exit signal `shutdown`.
 */
export function fromProcess<I = undefined, O = unknown, M = unknown>(
  make: (input: I) => Spawnable<M>,
  options?: SpawnOptions,
): ActorLogic<StandInSnapshot<O>, EventObject, I> {
  return {
    getInitialSnapshot: (_scope, input) => ({
      status: 'active',
      output: undefined,
      error: undefined,
      pid: undefined,
      input,
    }),
    start: (snapshot, scope) => {
      const host = processAbove(scope.self);
      const node = nodeOf(scope.system) ?? defaultNode();
      // The input was ours to begin with; a restored snapshot carries it too.
      const body = make(snapshot.input as I);
      const process = node.spawnFrom(host, body, { ...options, link: host !== undefined });
      if (process instanceof Process) node.setProxy(process, scope.self, host);
    },
    transition: (snapshot, event, scope) => {
      const process = processOf(scope.self);
      if (isExit(event)) {
        const { reason, output } = event;
        if (reason === 'normal') {
          return { ...snapshot, status: 'done', output: output as O, error: undefined };
        }
        return { ...snapshot, status: 'error', output: undefined, error: Exit.of(reason) };
      }
      if (event.type === 'xstate.stop') {
        process?.signal(process.rare?.host ?? process.home.outside, 'shutdown', 'exit');
        return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
      }
      process?.deliver(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => ({ ...snapshot, pid: undefined }),
  };
}

function isExit(event: EventObject): event is ExitEvent {
  return event.type === PROCESS_EXIT && 'reason' in event;
}

/** The process whose part an actor is. */
function processAbove(actor: AnyActorRef): Process | undefined {
  let at = actor._parent;
  while (at !== undefined && !(at instanceof Process)) at = at._parent;
  return at;
}

/** The process for which an actor stands. */
function processOf(actor: AnyActorRef): Process | undefined {
  return (nodeOf(actor.system) ?? defaultNode()).standIn(actor);
}
