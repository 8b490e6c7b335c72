/**
 * A snapshot of a node, as `observer` shows one: who supervises whom, and how each process is doing. Plain data
 * that goes through `JSON.stringify`; what processes hold in their state is left out, since it may be secret.
 */
import type { ChildId } from './child-spec.js';
import { memoryOf } from './memory.js';
import { Process, type ProcessStatus } from './process.js';
import type { Node } from './self.js';
import { SimpleSupervisor } from './supervisor-simple.js';
import type { ChildInfo, SupervisorState } from './supervisor-state.js';
import { StaticSupervisor } from './supervisor-static.js';
import { type Counts, countsOf } from './told-counts.js';

/** A process in a snapshot. Pids are text, `<0.42.0>`. */
export interface ObservedProcess {
  readonly pid: string;
  readonly name?: string;
  /** Its id in its supervisor. */
  readonly childId?: ChildId;
  /** Name of its behaviour, machine or function. */
  readonly kind: string;
  readonly status: ProcessStatus;
  /** A hosted machine's state value: `connected`, or nested states as an object. */
  readonly state?: unknown;
  readonly messageQueueLength: number;
  /** Who spawned it, if still alive: its owner in the tree unless a supervisor claims it. */
  readonly parent?: string;
  readonly links: readonly string[];
  /** What it monitors: pids, and names monitored as such. */
  readonly monitors: readonly string[];
  readonly monitoredBy: readonly string[];
  readonly trapExit: boolean;
  /** Messages handled so far. */
  readonly reductions: number;
  /** Bytes, estimated: the process, its mailbox with what the messages carry, what its state says that it holds. */
  readonly memory: number;
  /** What its state counts, if it says so: an object with a method `toldCounts()`. */
  readonly counts?: Counts;
  /** For a supervisor its strategy. */
  readonly strategy?: string;
  /** A supervisor's children in start order, then the processes it spawned otherwise. */
  readonly children: readonly ObservedChild[];
}

/** A child that does not run now: stopped, or between two attempts to restart it. */
export interface ObservedGap {
  readonly childId: ChildId;
  readonly status: 'stopped' | 'restarting';
}

export type ObservedChild = ObservedProcess | ObservedGap;

/** A node's snapshot. */
export interface NodeSnapshot {
  readonly node: string;
  /** The node's clock when it was taken, in milliseconds. */
  readonly at: number;
  readonly processCount: number;
  /** Timers that wait. */
  readonly timers: number;
  /** Bytes of all processes, estimated. */
  readonly memory: number;
  /** The processes that nobody supervises and whose parent is gone or none, each with those below it. */
  readonly tree: readonly ObservedProcess[];
}

/**
 * Takes a snapshot; nothing is asked of the processes, so a busy or stuck one is shown too. It is taken in one go,
 * some microseconds a process: of many thousands on a node that serves take one with `observeInTurns`.
 */
export function observe(node: Node): NodeSnapshot {
  const looking = look(node);
  for (;;) {
    const { done, value } = looking.next();
    if (done === true) return value;
  }
}

/**
 * Takes a snapshot a few processes at a time, between which processes run and I/O is served. Each process is shown as
 * it was when its turn came; those that start meanwhile are left out, and those that ended before their turn.
 */
export function observeInTurns(node: Node): Promise<NodeSnapshot> {
  const looking = look(node);
  return new Promise((resolve, reject) => {
    const turn = (): void => {
      try {
        const { done, value } = looking.next();
        if (done === true) resolve(value);
        else node.scheduler.afterIo(turn);
      } catch (error) {
        reject(error);
      }
    };
    turn();
  });
}

/** The tree as text, a process a line: what it is called, its pid, and what is not as usual. */
export function renderTree(snapshot: NodeSnapshot): string {
  const { node, processCount, timers, memory, tree } = snapshot;
  const lines = [
    `${node}: ${processCount} processes, ${timers} timers, about ${Math.ceil(memory / 1024)} KB`,
  ];
  const draw = (children: readonly ObservedChild[], indent: string): void => {
    for (const [index, child] of children.entries()) {
      const isLast = index === children.length - 1;
      lines.push(`${indent}${isLast ? '└─ ' : '├─ '}${lineOf(child)}`);
      if ('children' in child) draw(child.children, `${indent}${isLast ? '   ' : '│  '}`);
    }
  };
  draw(tree, '');
  return lines.join('\n');
}

/** What a process is called in a tree: its id in its supervisor, else its name, else what it is. */
export function labelOf(child: ObservedChild): string {
  if (child.childId !== undefined) return String(child.childId);
  return 'pid' in child ? (child.name ?? child.kind) : '';
}

/** A supervisor's state, if that is what the process is. */
export function supervisorOf(process: Process): SupervisorState | undefined {
  const context = process.body.context(process);
  return context instanceof StaticSupervisor || context instanceof SimpleSupervisor ? context : undefined;
}

/** Processes that are looked at, or put in their place, before others have a turn: less than a millisecond. */
const slice = 100;

/** A process as it was looked at. */
interface Sight {
  readonly draft: Draft;
  readonly parent: Process | undefined;
  /** A supervisor's children as it knows them. */
  readonly supervised: readonly ChildInfo[] | undefined;
}

type Draft = { -readonly [K in keyof ObservedProcess]: ObservedProcess[K] } & {
  readonly children: ObservedChild[];
};

/** Looks at all, then builds the tree of what was seen; pauses after each slice. */
function* look(node: Node): Generator<undefined, NodeSnapshot> {
  const at = node.clock.now();
  const processes = node.processes().filter((pid): pid is Process => pid instanceof Process);
  const sights = new Map<Process, Sight>();
  let left = slice;
  const isTime = (): boolean => {
    left = left === 0 ? slice : left - 1;
    return left === 0;
  };
  for (const process of processes) {
    if (process.alive) sights.set(process, sightOf(process));
    if (isTime()) yield;
  }
  const claimed = new Set<Process>();
  for (const sight of sights.values()) {
    placeSupervised(sight, sights, claimed);
    if (isTime()) yield;
  }
  const tree: ObservedProcess[] = [];
  let memory = 0;
  for (const [process, { draft, parent }] of sights) {
    memory += draft.memory;
    if (!claimed.has(process)) placeBelow(draft, parent === undefined ? undefined : sights.get(parent), tree);
    if (isTime()) yield;
  }
  return { node: node.name, at, processCount: sights.size, timers: node.timers.count, memory, tree };
}

function placeSupervised(
  { draft, supervised = [] }: Sight,
  sights: ReadonlyMap<Process, Sight>,
  claimed: Set<Process>,
): void {
  for (const { id, child } of supervised) {
    if (child instanceof Process) {
      const seen = sights.get(child)?.draft;
      if (seen === undefined || claimed.has(child)) continue;
      claimed.add(child);
      if (id !== undefined) seen.childId = id;
      draft.children.push(seen);
    } else draft.children.push({ childId: id ?? '', status: child === 'restarting' ? child : 'stopped' });
  }
}

function placeBelow(draft: Draft, parent: Sight | undefined, tree: ObservedProcess[]): void {
  if (parent === undefined) tree.push(draft);
  else parent.draft.children.push(draft);
}

/** Field by field: spreading what a process may lack costs more than all the rest. */
function sightOf(process: Process): Sight {
  const supervising = supervisorOf(process);
  const draft: Draft = {
    pid: process.id,
    kind: process.body.kind,
    status: process.status,
    messageQueueLength: process.queueLength,
    links: process.links().map(String),
    monitors: process.watching().map(({ name, target }) => name ?? String(target ?? '')),
    monitoredBy: process.watchers().flatMap(({ watcher }) => (watcher instanceof Process ? watcher.id : [])),
    trapExit: process.trapExit,
    reductions: process.reductions,
    memory: memoryOf(process),
    children: [],
  };
  if (supervising !== undefined) draft.strategy = supervising.strategy;
  addRare(draft, process);
  const parent = process.parent?.alive === true ? process.parent : undefined;
  return { draft, parent, supervised: supervising?.whichChildren().reverse() };
}

/** What not every process has. */
function addRare(draft: Draft, process: Process): void {
  if (process.name !== undefined) draft.name = process.name;
  if (process.parent?.alive === true) draft.parent = process.parent.id;
  // Only bodies that keep a snapshot of their own have a state with a name.
  const snapshot = process.body.snapshot?.();
  if (snapshot !== undefined && 'value' in snapshot) draft.state = snapshot.value;
  const counts = countsOf(process.body.context(process));
  if (counts !== undefined) draft.counts = counts;
}

function lineOf(child: ObservedChild): string {
  if (!('pid' in child)) return `${labelOf(child)} (${child.status})`;
  const label = labelOf(child);
  const parts = [`${label} ${child.pid}`];
  if (child.name !== undefined && child.name !== label) parts.push(`as ${child.name}`);
  if (child.strategy !== undefined) parts.push(child.strategy);
  else if (child.kind !== label && child.kind !== '') parts.push(child.kind);
  if (child.state !== undefined)
    parts.push(`in ${typeof child.state === 'string' ? child.state : JSON.stringify(child.state)}`);
  if (child.status === 'suspended') parts.push('busy');
  if (child.messageQueueLength > 0) parts.push(`${child.messageQueueLength} messages waiting`);
  return parts.join(', ');
}
