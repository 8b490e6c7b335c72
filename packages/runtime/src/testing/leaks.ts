/** What a piece of a program leaves behind: processes, names, timers, owned resources and Node's handles. */

import { listed } from '../owned-resource.js';
import type { Pid } from '../pid.js';
import { Process } from '../process.js';
import type { Node } from '../self.js';

/** What existed at some moment. */
export interface LeakMark {
  readonly processes: ReadonlySet<Pid>;
  readonly names: ReadonlySet<string>;
  readonly timers: number;
  /** Node's open handles by type (`TCPSocketWrap`), and how many. */
  readonly handles: ReadonlyMap<string, number>;
}

/** Notes what exists on the node, and of Node's handles in the whole Node process. */
export function markLeaks(node: Node): LeakMark {
  return {
    processes: new Set(node.processes()),
    names: new Set(node.registered()),
    timers: node.timers.count,
    handles: openHandles(),
  };
}

/** What exists now and did not at the mark, a line each; none if nothing is left. */
export function leaksSince(node: Node, mark: LeakMark): string[] {
  const leaks: string[] = [];
  for (const pid of node.processes()) {
    if (mark.processes.has(pid)) continue;
    const info = node.processInfo(pid);
    leaks.push(`process ${pid} ${info?.name ?? info?.kind ?? ''}, ${info?.status}`);
    const owned = pid instanceof Process ? listed(pid.rare?.owned).length : 0;
    if (owned > 0) leaks.push(`${owned} resources owned by ${pid}`);
  }
  for (const name of node.registered()) if (!mark.names.has(name)) leaks.push(`name ${name}`);
  const timers = node.timers.count - mark.timers;
  if (timers > 0) leaks.push(`${timers} timers of the node`);
  for (const [type, count] of openHandles()) {
    const more = count - (mark.handles.get(type) ?? 0);
    if (more > 0) leaks.push(`${more} handles of Node's, ${type}`);
  }
  return leaks;
}

/** Throws, with a line for each, if anything exists that did not at the mark. */
export function expectNoLeaks(node: Node, mark: LeakMark): void {
  const leaks = leaksSince(node, mark);
  if (leaks.length === 0) return;
  const error = new Error(`left behind:\n${leaks.map((leak) => `  ${leak}`).join('\n')}`);
  Error.captureStackTrace(error, expectNoLeaks);
  throw error;
}

/** Timers and immediates of Node's come and go with the test runner's own work and say nothing. */
const fleetingTypes: readonly string[] = [
  'Timeout',
  'Immediate',
  'TickObject',
  'FSReqPromise',
  'FSReqCallback',
];

function openHandles(): Map<string, number> {
  const handles = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo())
    if (!fleetingTypes.includes(type)) handles.set(type, (handles.get(type) ?? 0) + 1);
  return handles;
}
