/**
 * OTP's `tls_server_session_ticket`, stateless: the tracker of a listener with such tickets. It numbers them and holds the sealer with its
 * keys, which live and die with the process. The tickets themselves are with the clients.
 */
import {
  type Asker,
  DownMessage,
  type GenServer,
  type Node,
  type Pid,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import type { Secret } from './session-cache-api.js';
import { TicketNonces } from './ticket-nonces.js';

/** Seals tickets under keys of its own; made above, where the cryptography is. */
export interface TicketSealer {
  seal(content: Secret): Uint8Array;
  /** `undefined` for what this sealer did not seal. */
  open(ticket: Uint8Array): Secret | undefined;
}

export interface TicketTrackerOptions {
  /** Called when the process begins, with fresh keys or those of a `stateless_tickets_seed`. */
  readonly makeSealer: () => TicketSealer;
  /** The tracker ends normally with its listener. */
  readonly listener?: Pid<never>;
}

export function startTicketTracker(
  parent: Self<never> | Self | Node,
  options: TicketTrackerOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, ticketTracker, options, start);
}

/** Nonces for so many tickets; none when the tracker is dead, and then no ticket is sent. */
export function reserveNonces(
  asker: Asker,
  tracker: ServerRef,
  amount: number,
): Promise<readonly Uint8Array[]> {
  return tracking.askOr(asker, tracker, { type: 'reserve_nonces', amount }, () => []);
}

/** The tickets for these contents, in order; none when the tracker is dead. */
export function sealTickets(
  asker: Asker,
  tracker: ServerRef,
  contents: readonly Secret[],
): Promise<readonly Uint8Array[]> {
  return tracking.askOr(asker, tracker, { type: 'seal_tickets', contents }, () => []);
}

/** What each offered ticket contains; `undefined` for those that cannot be opened. */
export function openTickets(
  asker: Asker,
  tracker: ServerRef,
  tickets: readonly Uint8Array[],
): Promise<readonly (Secret | undefined)[]> {
  return tracking.askOr(asker, tracker, { type: 'open_tickets', tickets }, () => []);
}

interface TrackerRequests {
  reserve_nonces(fields: { readonly amount: number }): readonly Uint8Array[];
  seal_tickets(fields: { readonly contents: readonly Secret[] }): readonly Uint8Array[];
  open_tickets(fields: { readonly tickets: readonly Uint8Array[] }): readonly (Secret | undefined)[];
}

const tracking = requests<TrackerRequests>();

const ticketTracker: GenServer<Tracker, TicketTrackerOptions> = {
  label: 'ticket_tracker',
  init(self, options) {
    if (options.listener !== undefined) self.monitor(options.listener);
    return { ok: new Tracker(options.makeSealer()) };
  },
  handleCall: tracking.handleCall<Tracker>({
    reserve_nonces: ({ amount }, _from, tracker) => ({ reply: tracker.reserve(amount), state: tracker }),
    seal_tickets: ({ contents }, _from, tracker) => ({
      reply: contents.map((content) => tracker.sealer.seal(content)),
      state: tracker,
    }),
    open_tickets: ({ tickets }, _from, tracker) => ({
      reply: tickets.map((ticket) => tracker.sealer.open(ticket)),
      state: tracker,
    }),
  }),
  handleInfo(message, tracker) {
    return message instanceof DownMessage ? { stop: 'normal', state: tracker } : undefined;
  },
};

class Tracker {
  readonly #sealer: TicketSealer;
  readonly #nonces: TicketNonces = new TicketNonces();

  constructor(sealer: TicketSealer) {
    this.#sealer = sealer;
  }

  get sealer(): TicketSealer {
    return this.#sealer;
  }

  reserve(amount: number): readonly Uint8Array[] {
    return Array.from({ length: amount }, () => this.#nonces.next().nonce);
  }
}
