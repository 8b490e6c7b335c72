import { type PendingCall, Pid, type TargetedMonitor } from './pid.js';

/** The address of nobody: stands for code outside of any process. */
export class OutsidePid extends Pid<never> {
  readonly node: string;
  readonly serial = 0;

  constructor(node: string) {
    super();
    this.node = node;
  }

  deliver(): void {}

  signal(): void {}

  acceptLink(): boolean {
    return false;
  }

  dropLink(): void {}

  acceptMonitor(monitor: TargetedMonitor): void {
    monitor.fire('noproc');
  }

  dropMonitor(): void {}

  request(call: PendingCall): void {
    call.fail('noproc');
  }
}
