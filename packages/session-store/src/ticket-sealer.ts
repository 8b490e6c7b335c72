/**
 * OTP's `tls_server_session_ticket`, stateless: the tracker of a listener with such tickets. It numbers them and holds
 * the ring of keys, which it turns. The tickets themselves are with the clients.
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

export interface TicketTrackerOptions {
  /** An embedded store in it outlives the process, and so do the tickets. */
  readonly keys: TicketKeysOptions;
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

/** What the ring has and did; `undefined` when the tracker is dead. */
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
      reply: contents.map((content) => tracker.keys.seal(content, purpose)),
      state: tracker,
    }),
    open_tickets: ({ tickets, purpose }, _from, tracker) => ({
      reply: tickets.map((ticket) => tracker.keys.open(ticket, purpose)),
      state: tracker,
    }),
    rotate_ticket_keys: ({ seed }, from, tracker) => tracker.rotate(seed, from),
    ticket_keys_info: (_request, _from, tracker) => ({ reply: tracker.keys.info(), state: tracker }),
  }),
  handleInfo: refreshing.handleInfo<Tracker>({
    refresh_ticket_keys: (_message, tracker) => tracker.refresh(),
    DOWN: (_message, tracker) => ({ stop: 'normal', state: tracker }),
  }),
};

class Tracker {
  readonly #self: Self;
  readonly #keys: TicketKeys;
  readonly #nonces: TicketNonces = new TicketNonces();

  constructor(self: Self, keys: TicketKeys) {
    this.#self = self;
    this.#keys = keys;
  }

  get keys(): TicketKeys {
    return this.#keys;
  }

  reserve(amount: number): readonly Uint8Array[] {
    return Array.from({ length: amount }, () => this.#nonces.next().nonce);
  }

  /** A store may take its time: tickets are sealed and opened meanwhile. */
  refresh(): void {
    this.keys.refresh().then(() => this.refreshLater(), this.#crash);
  }

  refreshLater(): void {
    if (!this.#self.alive) return;
    this.#self.sendAfter(this.keys.period, this.#self.pid, { type: 'refresh_ticket_keys' });
  }

  rotate(seed: Secret | undefined, from: From<RotationResult>): void {
    this.keys.rotate(seed).then((result) => from.reply(result), this.#crash);
  }

  readonly #crash = (error: unknown): void => {
    this.#self.node.exit(this.#self.pid, error);
  };
}
