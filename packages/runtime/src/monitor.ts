/**
 * Monitors: one-way watches that tell of a process's end once.
 */

import type { Reason } from './exit.js';
import { DownMessage } from './messages.js';
import type { Pid, TargetedMonitor } from './pid.js';
import { Ref } from './ref.js';

/** What a monitor needs of its watcher. */
export interface Watcher {
  /** A message that tells of `source`. */
  hear(source: Pid | undefined, message: unknown): void;
  forgetMonitor(monitor: Monitor): void;
}

/**
 * A monitor; it is also the reference that its owner was given. It stands in two lists, the watcher's and
 * the target's, so that either end can go in constant time.
 */
export class Monitor extends Ref implements TargetedMonitor {
  readonly watcher: Watcher;
  readonly target: Pid | undefined;
  /** The name that was monitored, when it was one. */
  readonly name: string | undefined;
  /** Set until it has fired or was removed. */
  active = true;
  /** @internal */ earlierOfTarget: TargetedMonitor | undefined = undefined;
  /** @internal */ laterOfTarget: TargetedMonitor | undefined = undefined;
  /** @internal */ earlierOfWatcher: Monitor | undefined = undefined;
  /** @internal */ laterOfWatcher: Monitor | undefined = undefined;

  constructor(watcher: Watcher, target: Pid | undefined, name: string | undefined) {
    super();
    this.watcher = watcher;
    this.target = target;
    this.name = name;
  }

  /** Tells the watcher, once. */
  fire(reason: Reason): void {
    if (!this.active) return;
    this.active = false;
    this.watcher.forgetMonitor(this);
    const pid = this.name === undefined ? this.target : undefined;
    this.watcher.hear(this.target, new DownMessage(this, pid, this.name, reason));
  }
}
