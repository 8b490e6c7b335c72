/**
 * OTP's `tls_server_session_ticket`, stateful: tickets of TLS 1.3 (RFC 8446 §4.6.1), one process per listener. What
 * goes over the wire is an identity without content; the content stays here, in a table ordered by time. A full table
 * loses its oldest ticket; a used ticket is gone; an expired one is not found.
 *
 * Identities are unique numbers, enciphered by a function passed in, so that they tell nothing.
 */
import {
  type Asker,
  type Counts,
  type CountsToTell,
  DownMessage,
  type GenServer,
  type MemoryUse,
  type Node,
  type Pid,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import { BoundedTable } from './bounded-table.js';
import type { Secret } from './session-cache-api.js';
import { TicketNonces } from './ticket-nonces.js';

export interface ServerTicketStoreOptions {
  /** `server_session_ticket_store_size` */
  readonly size: number;
  /** `server_session_ticket_lifetime`, seconds */
  readonly lifetime: number;
  /** What all contents may take, bytes; default 16 MiB. */
  readonly maxBytes?: number;
  /** Makes the function that enciphers a unique number; called when the process begins, with a fresh key. */
  readonly makeIdentities: () => (unique: bigint) => Uint8Array;
  /** The store ends normally with its listener. */
  readonly listener?: Pid<never>;
}

/** What a ticket needs before it can be made: its nonce gives its PSK (RFC 8446 §4.6.1). */
export interface ReservedTicket {
  readonly identity: Uint8Array;
  /** 8 bytes, a counter */
  readonly nonce: Uint8Array;
}

export function startServerTicketStore(
  parent: Self<never> | Self | Node,
  options: ServerTicketStoreOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, serverTicketStore, options, start);
}

/** Identities and nonces for so many tickets; none when the store is dead, and then no ticket is sent. */
export function reserveTickets(
  asker: Asker,
  store: ServerRef,
  amount: number,
): Promise<readonly ReservedTicket[]> {
  return stocking.askOr(asker, store, { type: 'reserve_tickets', amount }, () => []);
}

/** `content`: PSK and whatever else resumption wants. */
export function storeTicket(asker: Asker, store: ServerRef, identity: Uint8Array, content: Secret): void {
  depositing.cast(asker, store, { type: 'store_ticket', identity, content });
}

/** What was stored under each of these identities, where it is alive. It stays until `takeTicket`. */
export function findTickets(
  asker: Asker,
  store: ServerRef,
  identities: readonly Uint8Array[],
): Promise<readonly (Secret | undefined)[]> {
  return stocking.askOr(asker, store, { type: 'find_tickets', identities }, () => []);
}

/**
 * Uses a ticket up, after its binder was found right. Of several that found the same ticket, one gets `true`: the
 * others go on with a full handshake.
 */
export function takeTicket(asker: Asker, store: ServerRef, identity: Uint8Array): Promise<boolean> {
  return stocking.askOr(asker, store, { type: 'take_ticket', identity }, () => false);
}

/** Tickets held and what they take; zeros when the store is dead. */
export function serverTicketInfo(asker: Asker, store: ServerRef): Promise<ServerTicketInfo> {
  const none = { size: 0, bytes: 0, pushedOut: 0 };
  return stocking.askOr(asker, store, { type: 'server_ticket_info' }, () => none);
}

export interface ServerTicketInfo {
  readonly size: number;
  readonly bytes: number;
  /** Tickets that had to make room. */
  readonly pushedOut: number;
}

interface StoreRequests {
  server_ticket_info(): ServerTicketInfo;
  reserve_tickets(fields: { readonly amount: number }): readonly ReservedTicket[];
  find_tickets(fields: { readonly identities: readonly Uint8Array[] }): readonly (Secret | undefined)[];
  take_ticket(fields: { readonly identity: Uint8Array }): boolean;
}

interface StoreNotices {
  store_ticket(fields: { readonly identity: Uint8Array; readonly content: Secret }): void;
}

const stocking = requests<StoreRequests>();
const depositing = requests<StoreNotices>();

const serverTicketStore: GenServer<ServerTickets, ServerTicketStoreOptions> = {
  label: 'server_ticket_store',
  init(self, options) {
    if (options.listener !== undefined) self.monitor(options.listener);
    return { ok: new ServerTickets(options, self) };
  },
  handleCall: stocking.handleCall<ServerTickets>({
    reserve_tickets: ({ amount }, _from, tickets) => ({ reply: tickets.reserve(amount), state: tickets }),
    find_tickets: ({ identities }, _from, tickets) => ({
      reply: identities.map((identity) => tickets.find(identity)),
      state: tickets,
    }),
    server_ticket_info: (_request, _from, tickets) => ({ reply: tickets.info(), state: tickets }),
    take_ticket: ({ identity }, _from, tickets) => ({ reply: tickets.take(identity), state: tickets }),
  }),
  handleCast: depositing.handleCast<ServerTickets>({
    store_ticket: ({ identity, content }, tickets) => tickets.store(identity, content),
  }),
  handleInfo(message, tickets) {
    return message instanceof DownMessage ? { stop: 'normal', state: tickets } : undefined;
  },
};

class ServerTickets implements CountsToTell, MemoryUse {
  readonly #lifetime: number;
  readonly #self: Self;
  readonly #identityOf: (unique: bigint) => Uint8Array;
  readonly #nonces: TicketNonces = new TicketNonces();
  readonly #tickets: BoundedTable<string, Secret>;

  constructor(options: ServerTicketStoreOptions, self: Self) {
    this.#lifetime = options.lifetime * 1000;
    this.#self = self;
    this.#identityOf = options.makeIdentities();
    this.#tickets = new BoundedTable(options.size, {
      maxBytes: options.maxBytes ?? defaultMaxBytes,
      sizeOf,
    });
  }

  /** What observers see. */
  toJSON(): object {
    return this.info();
  }

  toldCounts(): Counts {
    return { ...this.info() };
  }

  memoryUse(): number {
    return this.#tickets.bytes;
  }

  info(): ServerTicketInfo {
    const { size, bytes, pushedOut } = this.#tickets;
    return { size, bytes, pushedOut };
  }

  reserve(amount: number): readonly ReservedTicket[] {
    return Array.from({ length: amount }, () => {
      const { counter, nonce } = this.#nonces.next();
      return { identity: this.#identityOf(counter), nonce };
    });
  }

  store(identity: Uint8Array, content: Secret): void {
    this.#tickets.set(keyOf(identity), content, this.#self.node.clock.now());
  }

  find(identity: Uint8Array): Secret | undefined {
    const key = keyOf(identity);
    const age = this.#self.node.clock.now() - (this.#tickets.insertedAt(key) ?? 0);
    return age < this.#lifetime ? this.#tickets.get(key) : undefined;
  }

  take(identity: Uint8Array): boolean {
    return this.#tickets.delete(keyOf(identity));
  }
}

/** Certificates of clients are in it, where they are kept. */
const defaultMaxBytes = 1 << 24;
/** What an entry takes besides its content: key, map, objects. */
const entryOverhead = 256;

function sizeOf(content: Secret): number {
  return content.expose().length + entryOverhead;
}

function keyOf(identity: Uint8Array): string {
  return Buffer.from(identity.buffer, identity.byteOffset, identity.length).toString('latin1');
}
