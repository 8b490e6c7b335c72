/**
 * A snapshot of a node, as `observer` shows one: who supervises whom, and how each process is doing. Plain data
 * that goes through `JSON.stringify`; what processes hold in their state is left out, since it may be secret.
 */
import type { ChildId } from './child-spec.js';
import type { Node } from './node.js';
import { Process, type ProcessStatus } from './process.js';
import { SimpleSupervisor } from './supervisor-simple.js';
import type { ChildInfo, Supervising } from './supervisor-state.js';
import { StaticSupervisor } from './supervisor-static.js';

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
  /** Bytes, estimated: the process and its mailbox, not what its state holds. */
  readonly memory: number;
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

/** Takes a snapshot; nothing is asked of the processes, so a busy or stuck one is shown too. */
export function observe(node: Node): NodeSnapshot {
  const processes = node.processes().filter((pid): pid is Process => pid instanceof Process);
  const below = new Map<Process, Below[]>();
  const claimed = new Set<Process>();
  for (const process of processes) {
    const supervising = supervisorOf(process);
    if (supervising === undefined) continue;
    const children = supervising.whichChildren().reverse().map(belowSupervisor);
    for (const { process: child } of children) if (child !== undefined) claimed.add(child);
    below.set(process, children);
  }
  const roots: Process[] = [];
  for (const process of processes) {
    if (claimed.has(process)) continue;
    const { parent } = process;
    if (parent === undefined || !parent.alive) roots.push(process);
    else below.set(parent, [...(below.get(parent) ?? []), { process }]);
  }
  const tree = roots.map((process) => describe(process, undefined, below));
  return {
    node: node.name,
    at: node.clock.now(),
    processCount: processes.length,
    timers: node.timers.count,
    memory: processes.reduce((sum, process) => sum + (node.processInfo(process)?.memory ?? 0), 0),
    tree,
  };
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
export function supervisorOf(process: Process): Supervising | undefined {
  const context = process.body.context(process);
  return context instanceof StaticSupervisor || context instanceof SimpleSupervisor ? context : undefined;
}

/** A place below a process: someone there, or a child that does not run. */
interface Below {
  readonly process?: Process;
  readonly id?: ChildId;
  readonly gap?: ObservedGap['status'];
}

function belowSupervisor({ id, child }: ChildInfo): Below {
  const named = id === undefined ? {} : { id };
  if (child instanceof Process) return { ...named, process: child };
  return { ...named, gap: child === 'restarting' ? 'restarting' : 'stopped' };
}

function describe(
  process: Process,
  childId: ChildId | undefined,
  below: ReadonlyMap<Process, readonly Below[]>,
): ObservedProcess {
  const info = process.home.processInfo(process);
  const supervising = supervisorOf(process);
  const snapshot = process.getSnapshot();
  const parent = process.parent?.alive === true ? process.parent : undefined;
  return {
    pid: process.id,
    ...(process.name === undefined ? {} : { name: process.name }),
    ...(childId === undefined ? {} : { childId }),
    kind: process.body.kind,
    status: process.status,
    ...('value' in snapshot ? { state: snapshot.value } : {}),
    messageQueueLength: process.queueLength,
    ...(parent === undefined ? {} : { parent: parent.id }),
    links: (info?.links ?? []).map(String),
    monitors: (info?.monitors ?? []).map(String),
    monitoredBy: (info?.monitoredBy ?? []).map(String),
    trapExit: process.trapExit,
    reductions: process.reductions,
    memory: info?.memory ?? 0,
    ...(supervising === undefined ? {} : { strategy: supervising.strategy }),
    children: (below.get(process) ?? []).map(({ process: child, id, gap }) =>
      child === undefined ? { childId: id ?? '', status: gap ?? 'stopped' } : describe(child, id, below),
    ),
  };
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
