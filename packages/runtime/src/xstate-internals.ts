/**
 * Everything that touches members which xstate has but does not export. Found in 5.0 to 5.33; the contract
 * test beside this file fails when a release moves them.
 */
import type { AnyActorRef, EventObject, InspectionEvent } from 'xstate';

/** xstate's actor system. Its name is not exported, the type is. */
export type System = AnyActorRef['system'];

/** An inspection event before the system adds its `rootId`. */
export type RootlessInspectionEvent = InspectionEvent extends infer E
  ? E extends InspectionEvent
    ? Omit<E, 'rootId'>
    : never
  : never;

interface SystemInternals {
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void;
  _sendInspectionEvent(event: object): void;
  _set(key: string, actor: AnyActorRef): void;
  _unregister(actor: AnyActorRef): void;
}

interface ActorInternals {
  _stop(): void;
}

const SYSTEM_MEMBERS = ['_relay', '_sendInspectionEvent', '_set', '_unregister'] as const;

function isSystemInternals(system: object): system is SystemInternals {
  return SYSTEM_MEMBERS.every((member) => typeof Reflect.get(system, member) === 'function');
}

function hasStop(actor: object): actor is ActorInternals {
  return typeof Reflect.get(actor, '_stop') === 'function';
}

/** The parts of an actor system that the runtime works with. */
export class SystemDoor {
  readonly #internals: SystemInternals;
  readonly #system: System;

  /** Throws when this xstate is not one that we know. */
  constructor(system: System) {
    if (!isSystemInternals(system)) throw new Error('this version of xstate is not supported');
    this.#internals = system;
    this.#system = system;
  }

  /** Sends as one actor to another; a plain actor runs before this returns. */
  relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void {
    this.#internals._relay(source, target, event);
  }

  /** Tells the inspectors. */
  tellInspectors(event: RootlessInspectionEvent): void {
    this.#internals._sendInspectionEvent(event);
  }

  /** Keys the actor, so that `system.get(key)` finds it. Throws when the key is taken. */
  setKey(key: string, actor: AnyActorRef): void {
    this.#internals._set(key, actor);
  }

  /** Frees the actor's key. */
  dropKey(actor: AnyActorRef): void {
    this.#internals._unregister(actor);
  }

  /** Puts our scheduler in place of the built-in one, whose `cancelAll` scans every timer of the system. */
  replaceScheduler(scheduler: System['scheduler']): void {
    this.#system.scheduler = scheduler;
  }

  /** Has `around` called for each new inspector, with xstate's own way to attach it. */
  wrapInspect(
    around: (
      attach: System['inspect'],
      observer: Parameters<System['inspect']>[0],
    ) => ReturnType<System['inspect']>,
  ): void {
    const attach = this.#system.inspect;
    this.#system.inspect = (observer) => around(attach, observer);
  }
}

/** Stops a child actor; `actor.stop()` throws on one. */
export function stopActor(actor: AnyActorRef): void {
  if (hasStop(actor)) actor._stop();
}
