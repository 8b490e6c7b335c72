/**
 * The report of a process that failed, in the manner of OTP's crash reports.
 */

import type { Reason } from './exit.js';
import { Crash, isOrderly, reasonText } from './exit.js';
import type { Logger } from './logger.js';
import { outline } from './outline.js';
import type { Process } from './process.js';

/** The fields of a crash report. None of them is a name that loggers write themselves (`LogFields`). */
export type CrashReport = {
  readonly process: string;
  readonly registeredName: string | undefined;
  readonly kind: string;
  readonly parent: string | undefined;
  readonly reason: Reason;
  /** Made when it is read. */
  readonly stack: string | undefined;
  /** The outline of what the process was working on: its types and sizes, nothing that was in it. */
  readonly lastMessage: unknown;
  readonly messageQueueLength: number;
  readonly reductions: number;
};

/** Reports the end of a process, unless it is an orderly one. */
export function crashReport(logger: Logger, process: Process, reason: Reason, lastMessage: unknown): void {
  if (isOrderly(reason)) return;
  const report: CrashReport = {
    process: process.id,
    registeredName: process.name,
    kind: process.body.kind,
    parent: process.parent?.id,
    reason,
    get stack() {
      return reason instanceof Crash ? reason.stack : undefined;
    },
    lastMessage: outline(lastMessage),
    messageQueueLength: process.queueLength,
    reductions: process.reductions,
  };
  logger.error(report, `process ${process.name ?? process.id} crashed: ${reasonText(reason)}`);
}
