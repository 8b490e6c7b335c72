/**
 * What xstate's inspectors are told of processes. xstate tells them of the actors that it starts itself; processes
 * are started by the node, and an inspector that comes late is introduced to who lives already.
 */
import type { ActorRefLike, AnyActorRef, EventObject, InspectionEvent } from 'xstate';
import type { Logger } from './logger.js';
import type { Process } from './process.js';
import type { RootlessInspectionEvent, System, SystemDoor } from './xstate-internals.js';

export class Inspection {
  readonly #door: SystemDoor;
  readonly #rootId: string;
  readonly #logger: Logger;
  readonly #living: () => readonly Process[];
  #inspectors = 0;

  /** `rootId`: the root actor's session. `living`: the processes, oldest first. */
  constructor(door: SystemDoor, rootId: string, logger: Logger, living: () => readonly Process[]) {
    this.#door = door;
    this.#rootId = rootId;
    this.#logger = logger;
    this.#living = living;
    door.wrapInspect((attach, observer) => this.#attach(attach, observer));
  }

  /** Somebody looks on. Ask before making an event. */
  get on(): boolean {
    return this.#inspectors > 0;
  }

  tell(event: RootlessInspectionEvent): void {
    this.#door.tellInspectors(event);
  }

  started(process: Process): void {
    this.tell({ type: '@xstate.actor', actorRef: process });
  }

  /** A message, before it is delivered. */
  sent(source: Process | undefined, to: Process, message: unknown): void {
    this.tell({ type: '@xstate.event', sourceRef: source, actorRef: to, event: asEvent(message) });
  }

  /** The process after a message. */
  changed(process: Process, message: unknown): void {
    const event = asEvent(message);
    this.tell({ type: '@xstate.snapshot', actorRef: process, event, snapshot: process.getSnapshot() });
  }

  #attach(
    attach: System['inspect'],
    observer: Parameters<System['inspect']>[0],
  ): ReturnType<System['inspect']> {
    // xstate calls inspectors in the middle of transitions: one that throws would break the machine it watches.
    const guarded = (event: InspectionEvent): void => {
      try {
        if (typeof observer === 'function') observer(event);
        else observer.next?.(event);
      } catch (error) {
        this.#logger.error({ err: error }, 'an inspector threw');
      }
    };
    const subscription = attach(guarded);
    this.#inspectors += 1;
    for (const process of this.#living()) this.#introduce(guarded, process);
    let attached = true;
    return {
      unsubscribe: () => {
        if (attached) this.#inspectors -= 1;
        attached = false;
        subscription.unsubscribe();
      },
    };
  }

  #introduce(inspector: (event: InspectionEvent) => void, actor: ActorRefLike): void {
    inspector({ type: '@xstate.actor', actorRef: actor, rootId: this.#rootId });
    const snapshot: unknown = actor.getSnapshot();
    if (typeof snapshot !== 'object' || snapshot === null || !('children' in snapshot)) return;
    for (const child of Object.values(snapshot.children ?? {})) {
      if (typeof child === 'object' && child !== null && isActor(child)) this.#introduce(inspector, child);
    }
  }
}

export function isActor(value: object): value is AnyActorRef {
  return 'sessionId' in value && 'getSnapshot' in value;
}

/** A message as an inspector wants it. */
export function asEvent(message: unknown): EventObject {
  if (isEventObject(message)) return message;
  const wrapped = { type: 'message', message };
  return wrapped;
}

function isEventObject(message: unknown): message is EventObject {
  return (
    typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string'
  );
}
