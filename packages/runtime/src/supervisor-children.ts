/**
 * The children of a supervisor in start order: by id, and by pid so that a death finds its child at once,
 * however many there are.
 */
import type { ChildId, FullChildSpec } from './child-spec.js';
import type { Pid } from './pid.js';

/** What a child is doing: running; not running; or due to be tried again after a failed restart. */
export type ChildState =
  | { readonly is: 'running'; readonly pid: Pid }
  | { readonly is: 'stopped' }
  | { readonly is: 'restarting' };

/** One child: its specification and what became of it. */
export interface Child {
  readonly spec: FullChildSpec;
  readonly state: ChildState;
}

interface Entry {
  readonly spec: FullChildSpec;
  state: ChildState;
}

const stopped: ChildState = { is: 'stopped' };
const restarting: ChildState = { is: 'restarting' };

/** Up to so many children a death finds its child by looking at each. */
const FEW = 8;

/** A table of children. Children handed out show their later states too. */
export class Children {
  /** A `Map` keeps the order of insertion, which is the start order. */
  readonly #byId = new Map<ChildId, Entry>();
  /** Made when there are more than a few: each of thousands of small supervisors would keep one. */
  #byPid: Map<Pid, Entry> | undefined = undefined;

  /** Adds a child at the end, stopped as yet. Its id must be free. */
  add(spec: FullChildSpec): Child {
    const entry: Entry = { spec, state: stopped };
    this.#byId.set(spec.id, entry);
    return entry;
  }

  get(id: ChildId): Child | undefined {
    return this.#byId.get(id);
  }

  /** The child that runs as this process. */
  runningAs(pid: Pid): Child | undefined {
    if (this.#byPid !== undefined) return this.#byPid.get(pid);
    for (const entry of this.#byId.values()) if (runsAs(entry, pid)) return entry;
    return undefined;
  }

  started(id: ChildId, pid: Pid): void {
    const entry = this.#leave(id);
    if (entry === undefined) return;
    entry.state = { is: 'running', pid };
    if (this.#byPid === undefined && this.#byId.size > FEW) this.#byPid = tableOf(this.#byId.values());
    else this.#byPid?.set(pid, entry);
  }

  stopped(id: ChildId): void {
    const entry = this.#leave(id);
    if (entry !== undefined) entry.state = stopped;
  }

  restarting(id: ChildId): void {
    const entry = this.#leave(id);
    if (entry !== undefined) entry.state = restarting;
  }

  remove(id: ChildId): void {
    this.#leave(id);
    this.#byId.delete(id);
  }

  /** All children, in start order. */
  inStartOrder(): Child[] {
    return [...this.#byId.values()];
  }

  /** The child of this id and all that were started after it, in start order. */
  startedFrom(id: ChildId): Child[] {
    const children = this.inStartOrder();
    return children.slice(children.findIndex((child) => child.spec.id === id));
  }

  #leave(id: ChildId): Entry | undefined {
    const entry = this.#byId.get(id);
    if (entry?.state.is === 'running') this.#byPid?.delete(entry.state.pid);
    return entry;
  }
}

function runsAs({ state }: Entry, pid: Pid): boolean {
  return state.is === 'running' && state.pid === pid;
}

function tableOf(entries: Iterable<Entry>): Map<Pid, Entry> {
  const table = new Map<Pid, Entry>();
  for (const entry of entries) if (entry.state.is === 'running') table.set(entry.state.pid, entry);
  return table;
}
