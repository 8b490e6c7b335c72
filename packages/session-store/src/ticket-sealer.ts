/**
 * The tracker of a listener with stateless tickets (contract §6.2): it numbers them and holds the sealer with its
 * keys, which live and die with the process. The tickets themselves are with the clients.
 */
import {
  type DownMessage,
  type GenServer,
  type Node,
  type Pid,
  type Self,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import { type Asker, askOrMiss, type CacheName } from './asking.js';
import { messagesOf } from './messages.js';
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
  tracker: CacheName,
  amount: number,
): Promise<readonly Uint8Array[]> {
  return askOrMiss<readonly Uint8Array[]>(
    asker,
    tracker,
    { type: 'reserve_nonces', amount } satisfies Request,
    [],
  );
}

/** The tickets for these contents, in order; none when the tracker is dead. */
export function sealTickets(
  asker: Asker,
  tracker: CacheName,
  contents: readonly Secret[],
): Promise<readonly Uint8Array[]> {
  return askOrMiss<readonly Uint8Array[]>(
    asker,
    tracker,
    { type: 'seal_tickets', contents } satisfies Request,
    [],
  );
}

/** What each offered ticket contains; `undefined` for those that cannot be opened. */
export function openTickets(
  asker: Asker,
  tracker: CacheName,
  tickets: readonly Uint8Array[],
): Promise<readonly (Secret | undefined)[]> {
  const request: Request = { type: 'open_tickets', tickets };
  return askOrMiss<readonly (Secret | undefined)[]>(asker, tracker, request, []);
}

type Request =
  | { readonly type: 'reserve_nonces'; readonly amount: number }
  | { readonly type: 'seal_tickets'; readonly contents: readonly Secret[] }
  | { readonly type: 'open_tickets'; readonly tickets: readonly Uint8Array[] };

const isDown: (message: unknown) => message is DownMessage = messagesOf<DownMessage>('DOWN');
const isRequest: (message: unknown) => message is Request = messagesOf<Request>(
  'reserve_nonces',
  'seal_tickets',
  'open_tickets',
);

const ticketTracker: GenServer<Tracker, TicketTrackerOptions> = {
  label: 'ticket_tracker',
  init(self, options) {
    if (options.listener !== undefined) self.monitor(options.listener);
    return { ok: new Tracker(options.makeSealer()) };
  },
  handleCall(request, _from, tracker) {
    if (!isRequest(request)) throw new TypeError('not a request to a ticket tracker');
    switch (request.type) {
      case 'reserve_nonces':
        return { reply: tracker.reserve(request.amount), state: tracker };
      case 'seal_tickets':
        return { reply: request.contents.map((content) => tracker.sealer.seal(content)), state: tracker };
      case 'open_tickets':
        return { reply: request.tickets.map((ticket) => tracker.sealer.open(ticket)), state: tracker };
    }
  },
  handleInfo(message, tracker) {
    return isDown(message) ? { stop: 'normal', state: tracker } : undefined;
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
