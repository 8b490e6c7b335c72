/**
 * What a transport says enters the connection's process as turns of its own, in order. A connection that has done enough
 * for one turn rests: others run, and it works on in the next turn of the event loop; what the transport says of its end
 * meanwhile stands behind the input that waits.
 */
import type { Pid, Self } from '@actor-tls/runtime';
import type { Delivery } from '../delivery/delivery.js';
import type { Address, TransportReceiver } from '../transport/transport.js';
import type { Line } from './line.js';
import type { RunningLife } from './lives.js';
import type { SenderNotice } from './sender.js';
import type { SslSocket } from './socket.js';

/** How a transport ended: the peer ended its side, or it is gone and why. */
export type TransportEnd =
  | { readonly type: 'ended' }
  | { readonly type: 'closed'; readonly reason: string | undefined };

/** Hears a transport in turns of its process; an `Outcome` that is not `undefined` ends the process. */
export interface IntakeHolder<Outcome> {
  /** `lent`: the bytes are the transport's again when this returns. */
  chunk(chunk: Uint8Array, lent: boolean, path?: Address): Outcome | undefined;
  transportEnds(end: TransportEnd): Outcome | undefined;
  /** The rest is over: on with the input. */
  workOn(): Outcome | undefined;
}

const drained: SenderNotice = { type: 'drained' };

export class Intake<Outcome> implements TransportReceiver {
  readonly #self: Self;
  readonly #sender: Pid<unknown>;
  readonly #line: Line;
  readonly #holder: IntakeHolder<Outcome>;
  /** What stands behind the input. */
  readonly #behind: TransportEnd[] = [];
  #resting = false;

  constructor(self: Self, sender: Pid<unknown>, line: Line, holder: IntakeHolder<Outcome>) {
    this.#self = self;
    this.#sender = sender;
    this.#line = line;
    this.#holder = holder;
  }

  /** Lent bytes are copied when the process cannot look at them at once. */
  onChunk(chunk: Uint8Array, lent: boolean, path?: Address): void {
    const { node, pid } = this.#self;
    if (path !== undefined) node.ioTurn(pid, datagramTurn, this.#holder, { chunk, path });
    else if (!lent) node.ioTurn(pid, chunkTurn, this.#holder, chunk);
    else if (node.isIdle(pid)) node.ioTurn(pid, lentTurn, this.#holder, chunk);
    else node.ioTurn(pid, chunkTurn, this.#holder, new Uint8Array(chunk));
  }

  onEnd(): void {
    this.#hear({ type: 'ended' });
  }

  onDrain(): void {
    this.#self.node.cast(this.#sender, drained);
  }

  onClosed(reason: string | undefined): void {
    this.#hear({ type: 'closed', reason });
  }

  /** Others run first. */
  rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#self.node.ioTurnLater(this.#self.pid, restedTurn, this, undefined);
  }

  /** Nothing is read while an answer is awaited, in a rest, and when what follows is for whoever gets the transport. */
  regulate({ state, core }: RunningLife, { demand, size }: Delivery<SslSocket>): void {
    const leaving = state === 'downgrade';
    const held = this.#resting || core.awaiting !== undefined || (leaving && this.#line.peerDone);
    this.#line.regulate(demand || leaving, size, held);
  }

  /** In a turn of the process. */
  ends(end: TransportEnd): Outcome | undefined {
    if (!this.#resting || !this.#line.open) return this.#holder.transportEnds(end);
    this.#behind.push(end);
    return undefined;
  }

  /** In a turn of the process. */
  rested(): Outcome | undefined {
    this.#resting = false;
    let outcome = this.#holder.workOn();
    while (outcome === undefined && !this.#resting) {
      const end = this.#behind.shift();
      if (end === undefined) break;
      outcome = this.#holder.transportEnds(end);
    }
    return outcome;
  }

  #hear(end: TransportEnd): void {
    this.#self.node.ioTurn(this.#self.pid, endTurn, this, end);
  }
}

function chunkTurn(holder: IntakeHolder<unknown>, chunk: Uint8Array): unknown {
  return holder.chunk(chunk, false);
}

function datagramTurn(
  holder: IntakeHolder<unknown>,
  { chunk, path }: { readonly chunk: Uint8Array; readonly path: Address },
): unknown {
  return holder.chunk(chunk, false, path);
}

function lentTurn(holder: IntakeHolder<unknown>, chunk: Uint8Array): unknown {
  return holder.chunk(chunk, true);
}

function endTurn(intake: Intake<unknown>, end: TransportEnd): unknown {
  return intake.ends(end);
}

function restedTurn(intake: Intake<unknown>): unknown {
  return intake.rested();
}
