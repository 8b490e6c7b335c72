/**
 * xstate's scheduler on our timers: `after`, `raise` and `sendTo` with a delay, kept per source.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import type { Timers } from './timers.js';
import { Timeout } from './timers.js';
import type { System, SystemDoor } from './xstate-internals.js';

class DelayedEvent extends Timeout {
  readonly #owner: DelayedEvents;
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly event: EventObject;
  readonly id: string;

  constructor(
    owner: DelayedEvents,
    source: AnyActorRef,
    target: AnyActorRef,
    event: EventObject,
    id: string,
  ) {
    super();
    this.#owner = owner;
    this.source = source;
    this.target = target;
    this.event = event;
    this.id = id;
  }

  fire(): void {
    this.#owner.due(this);
  }
}

/** The delayed events of a node's actor system. */
export class DelayedEvents {
  readonly #timers: Timers;
  readonly #door: SystemDoor;
  readonly #bySource = new Map<AnyActorRef, Map<string, DelayedEvent>>();

  constructor(timers: Timers, door: SystemDoor) {
    this.#timers = timers;
    this.#door = door;
  }

  /** Events that wait. */
  get count(): number {
    let count = 0;
    for (const events of this.#bySource.values()) count += events.size;
    return count;
  }

  /** The object that takes the place of `system.scheduler`. */
  asScheduler(): System['scheduler'] {
    return {
      schedule: (source, target, event, delay, id) => this.#schedule(source, target, event, delay, id),
      cancel: (source, id) => this.#cancel(source, id),
      cancelAll: (source) => this.cancelAll(source),
    };
  }

  cancelAll(source: AnyActorRef): void {
    const events = this.#bySource.get(source);
    if (events === undefined) return;
    this.#bySource.delete(source);
    for (const event of events.values()) this.#timers.forget(event);
  }

  /** @internal */
  due(event: DelayedEvent): void {
    this.#remove(event.source, event.id);
    this.#door.relay(event.source, event.target, event.event);
  }

  #schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void {
    let events = this.#bySource.get(source);
    if (events === undefined) {
      events = new Map();
      this.#bySource.set(source, events);
    }
    const delayed = new DelayedEvent(this, source, target, event, id ?? `#${events.size}.${event.type}`);
    const earlier = events.get(delayed.id);
    if (earlier !== undefined) this.#timers.forget(earlier);
    events.set(delayed.id, delayed);
    this.#timers.start(delayed, delay);
  }

  #cancel(source: AnyActorRef, id: string): void {
    const event = this.#bySource.get(source)?.get(id);
    if (event === undefined) return;
    this.#timers.forget(event);
    this.#remove(source, id);
  }

  #remove(source: AnyActorRef, id: string): void {
    const events = this.#bySource.get(source);
    events?.delete(id);
    if (events?.size === 0) this.#bySource.delete(source);
  }
}
