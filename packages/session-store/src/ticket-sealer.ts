/**
 * OTP's `tls_server_session_ticket`, stateless: the tracker of a listener with such tickets. It numbers them and holds
 * the sealer with its keys, or a ring of keys that it turns. The tickets themselves are with the clients.
 */
import {
  type Asker,
  type From,
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
import type { TicketPurpose } from './ticket-key-ring.js';
import {
  type RotationResult,
  TicketKeys,
  type TicketKeysInfo,
  type TicketKeysOptions,
} from './ticket-keys.js';
import { TicketNonces } from './ticket-nonces.js';

/** Seals tickets. A ring of keys is one; others are made above, where the cryptography is. */
export interface TicketSealer {
  /** Empty when the content is too long for a ticket. */
  seal(content: Secret, purpose?: TicketPurpose): Uint8Array;
  /** `undefined` for what this sealer did not seal for this purpose. */
  open(ticket: Uint8Array, purpose?: TicketPurpose): Secret | undefined;
}

export type TicketTrackerOptions = {
  /** The tracker ends normally with its listener. */
  readonly listener?: Pid<never>;
} & (
  | {
      /** A ring of keys. An embedded store in it outlives the process, and so do the tickets. */
      readonly keys: TicketKeysOptions;
    }
  | {
      /** Called when the process begins: a sealer with keys that live and die with it. */
      readonly makeSealer: () => TicketSealer;
    }
);

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

/**
 * The tickets for these contents, in order; none when the tracker is dead, an empty one for what is too long (a ticket has
 * 65535 bytes at most).
 */
export function sealTickets(
  asker: Asker,
  tracker: ServerRef,
  contents: readonly Secret[],
  purpose: TicketPurpose = 'tls13',
): Promise<readonly Uint8Array[]> {
  return tracking.askOr(asker, tracker, { type: 'seal_tickets', contents, purpose }, () => []);
}

/** What each offered ticket contains; `undefined` for those that cannot be opened. */
export function openTickets(
  asker: Asker,
  tracker: ServerRef,
  tickets: readonly Uint8Array[],
  purpose: TicketPurpose = 'tls13',
): Promise<readonly (Secret | undefined)[]> {
  return tracking.askOr(asker, tracker, { type: 'open_tickets', tickets, purpose }, () => []);
}

/**
 * Has the next key seal: at once, or where the store is shared as soon as all servers know it. Every ticket that lives is
 * still opened. Keys that follow from a seed change with a new `seed` only, which opens at once and seals from the first
 * period of which no key exists yet: until then tell the other servers too.
 */
export function rotateTicketKeys(asker: Asker, tracker: ServerRef, seed?: Secret): Promise<RotationResult> {
  const closed: RotationResult = { error: 'closed' };
  return tracking.askOr(asker, tracker, { type: 'rotate_ticket_keys', seed }, () => closed);
}

/** What the ring has and did; `undefined` when the tracker is dead or has a sealer of its own. */
export function ticketKeysInfo(asker: Asker, tracker: ServerRef): Promise<TicketKeysInfo | undefined> {
  return tracking.askOr(asker, tracker, { type: 'ticket_keys_info' }, () => undefined);
}

interface TrackerRequests {
  reserve_nonces(fields: { readonly amount: number }): readonly Uint8Array[];
  seal_tickets(fields: {
    readonly contents: readonly Secret[];
    readonly purpose: TicketPurpose;
  }): readonly Uint8Array[];
  open_tickets(fields: {
    readonly tickets: readonly Uint8Array[];
    readonly purpose: TicketPurpose;
  }): readonly (Secret | undefined)[];
  rotate_ticket_keys(fields: { readonly seed: Secret | undefined }): RotationResult;
  ticket_keys_info(): TicketKeysInfo | undefined;
}

interface TrackerMessages {
  refresh_ticket_keys(): void;
}

const tracking = requests<TrackerRequests>();
const refreshing = requests<TrackerMessages>();

const ticketTracker: GenServer<Tracker, TicketTrackerOptions> = {
  label: 'ticket_tracker',
  async init(self, options) {
    if (options.listener !== undefined) self.monitor(options.listener);
    if ('makeSealer' in options) return { ok: new Tracker(self, options.makeSealer()) };
    const { clock, logger } = self.node;
    const keys = self.own(new TicketKeys(options.keys, { clock, logger }), (owned) => owned.close());
    await keys.refresh();
    const tracker = new Tracker(self, keys);
    tracker.refreshLater();
    return { ok: tracker };
  },
  handleCall: tracking.handleCall<Tracker>({
    reserve_nonces: ({ amount }, _from, tracker) => ({ reply: tracker.reserve(amount), state: tracker }),
    seal_tickets: ({ contents, purpose }, _from, tracker) => ({
      reply: contents.map((content) => tracker.sealer.seal(content, purpose)),
      state: tracker,
    }),
    open_tickets: ({ tickets, purpose }, _from, tracker) => ({
      reply: tickets.map((ticket) => tracker.sealer.open(ticket, purpose)),
      state: tracker,
    }),
    rotate_ticket_keys: ({ seed }, from, tracker) => tracker.rotate(seed, from),
    ticket_keys_info: (_request, _from, tracker) => ({ reply: tracker.keys?.info(), state: tracker }),
  }),
  handleInfo: refreshing.handleInfo<Tracker>({
    refresh_ticket_keys: (_message, tracker) => tracker.refresh(),
    DOWN: (_message, tracker) => ({ stop: 'normal', state: tracker }),
  }),
};

class Tracker {
  readonly #self: Self;
  readonly #sealer: TicketSealer;
  readonly #nonces: TicketNonces = new TicketNonces();

  constructor(self: Self, sealer: TicketSealer) {
    this.#self = self;
    this.#sealer = sealer;
  }

  get sealer(): TicketSealer {
    return this.#sealer;
  }

  get keys(): TicketKeys | undefined {
    return this.#sealer instanceof TicketKeys ? this.#sealer : undefined;
  }

  reserve(amount: number): readonly Uint8Array[] {
    return Array.from({ length: amount }, () => this.#nonces.next().nonce);
  }

  /** A store may take its time: tickets are sealed and opened meanwhile. */
  refresh(): void {
    this.keys?.refresh().then(() => this.refreshLater(), this.#crash);
  }

  refreshLater(): void {
    if (this.keys === undefined || !this.#self.alive) return;
    this.#self.sendAfter(this.keys.period, this.#self.pid, { type: 'refresh_ticket_keys' });
  }

  rotate(seed: Secret | undefined, from: From<RotationResult>): void {
    if (this.keys === undefined) from.reply({ error: 'no_keys' });
    else this.keys.rotate(seed).then((result) => from.reply(result), this.#crash);
  }

  readonly #crash = (error: unknown): void => {
    this.#self.node.exit(this.#self.pid, error);
  };
}
