/** The owner of a connection: who gets its messages, and whose end is the connection's. */
import type { Pid, Ref, Self } from '@actor-tls/runtime';
import type { SslMessage } from './socket.js';

export class Owner {
  readonly #self: Self;
  #pid: Pid<SslMessage>;
  #monitor: Ref;

  constructor(self: Self, pid: Pid<SslMessage>) {
    this.#self = self;
    this.#pid = pid;
    this.#monitor = self.monitor(pid);
  }

  get pid(): Pid<SslMessage> {
    return this.#pid;
  }

  tell(message: SslMessage): void {
    this.#self.node.send(this.#pid, message);
  }

  /**
   * `controlling_process`: moves the monitor. What was delivered stays with the old owner, what follows goes to the new
   * one.
   */
  change(pid: Pid<SslMessage>): void {
    this.#self.demonitor(this.#monitor, { flush: true });
    this.#pid = pid;
    this.#monitor = this.#self.monitor(pid);
  }

  /** Whether a monitor that went off was the owner's. */
  isMonitoredBy(ref: Ref): boolean {
    return ref === this.#monitor;
  }
}
