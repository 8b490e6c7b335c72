/**
 * OTP's `tls_client_ticket_store`: the client's tickets of TLS 1.3 with `session_tickets: 'auto'` (RFC 8446 §4.6.1), one
 * process per node.
 *
 * As OTP's, but for its faults: tickets are known by host, port and SNI; the youngest goes first; a ticket that was
 * offered is gone whatever came of it (RFC 8446 appendix C.4: no reuse), and what a process has locked is free again
 * when the process ends.
 */
import {
  type Asker,
  type Counts,
  type CountsToTell,
  type GenServer,
  type MemoryUse,
  type Node,
  type Pid,
  type Ref,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import { BoundedTable } from './bounded-table.js';
import type { Secret } from './session-cache-api.js';

export interface ClientTicketStoreOptions {
  /** `client_session_ticket_store_size` */
  readonly size: number;
  /** `client_session_ticket_lifetime`, seconds */
  readonly lifetime: number;
  /** What all contents may take, bytes; default 16 MiB. */
  readonly maxBytes?: number;
  /** Tickets of one peer; the oldest goes. A server may send any number. Default 16. */
  readonly maxPerPeer?: number;
  /** What observers are told besides: what became of tickets, which the store does not know. */
  readonly told?: () => Counts;
}

/** Whose ticket it is. */
export interface TicketPeer {
  readonly host: string;
  readonly port: number;
  /** The name that was sent; `undefined` for none. */
  readonly sni: string | undefined;
  /** By what the peer was judged: a ticket is lent to those who judge by the same. */
  readonly policy?: string;
}

export interface ClientTicket {
  /** The suite's cipher, for early data. */
  readonly cipher: string;
  /** The suite's hash. */
  readonly prf: string;
  /** ticket_lifetime, seconds */
  readonly lifetime: number;
  /** max_early_data_size, bytes; 0 without that extension */
  readonly maxEarlyData: number;
  /** NewSessionTicket, PSK and whatever else resumption wants. */
  readonly content: Secret;
}

/** A ticket on loan. */
export interface LockedTicket extends ClientTicket {
  /** Names the loan to `releaseTicket` and `dropTicket`. */
  readonly id: number;
  /** ms since it came */
  readonly age: number;
}

export interface TicketWish {
  readonly peer: TicketPeer;
  /** Hashes of the suites that will be offered. */
  readonly prfs: readonly string[];
  /** Early data that is to go with it: its suite's ciphers that will be offered, and bytes. */
  readonly earlyData?: { readonly ciphers: readonly string[]; readonly size: number };
}

export function startClientTicketStore(
  parent: Self<never> | Self | Node,
  options: ClientTicketStoreOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, clientTicketStore, options, start);
}

export function storeClientTicket(
  asker: Asker,
  store: ServerRef,
  peer: TicketPeer,
  ticket: ClientTicket,
): void {
  returning.cast(asker, store, { type: 'store_client_ticket', peer, ticket });
}

/** The youngest fitting ticket that nobody else holds, locked for `owner`; `undefined`: none fits. */
export function lockTicket(
  asker: Asker,
  store: ServerRef,
  owner: Pid<never>,
  wish: TicketWish,
): Promise<LockedTicket | undefined> {
  return borrowing.askOr(asker, store, { type: 'lock_client_ticket', owner, wish }, () => undefined);
}

/** The ticket was offered and the server has spoken: accepted or refused, it is of no further use. */
export function dropTicket(asker: Asker, store: ServerRef, id: number): void {
  returning.cast(asker, store, { type: 'drop_client_ticket', id });
}

/** The handshake ended before the ticket was sent; another may have it. */
export function releaseTicket(asker: Asker, store: ServerRef, id: number): void {
  returning.cast(asker, store, { type: 'release_client_ticket', id });
}

/** Tickets held and locked; zeros when the store is dead. */
export function clientTicketInfo(asker: Asker, store: ServerRef): Promise<ClientTicketInfo> {
  const none = { size: 0, locked: 0, pushedOut: 0, bytes: 0 };
  return borrowing.askOr(asker, store, { type: 'client_ticket_info' }, () => none);
}

export interface ClientTicketInfo {
  readonly size: number;
  readonly locked: number;
  readonly pushedOut: number;
  readonly bytes: number;
}

interface StoreRequests {
  lock_client_ticket(fields: {
    readonly owner: Pid<never>;
    readonly wish: TicketWish;
  }): LockedTicket | undefined;
  client_ticket_info(): ClientTicketInfo;
}

interface StoreNotices {
  store_client_ticket(fields: { readonly peer: TicketPeer; readonly ticket: ClientTicket }): void;
  drop_client_ticket(fields: { readonly id: number }): void;
  release_client_ticket(fields: { readonly id: number }): void;
}

interface StoreMessages {
  sweep_client_tickets(): void;
}

const borrowing = requests<StoreRequests>();
const returning = requests<StoreNotices>();
const sweeping = requests<StoreMessages>();

const clientTicketStore: GenServer<ClientTickets, ClientTicketStoreOptions> = {
  label: 'client_ticket_store',
  init(self, options) {
    self.sendAfter(options.lifetime * 1000, self.pid, { type: 'sweep_client_tickets' });
    return { ok: new ClientTickets(options, self) };
  },
  handleCall: borrowing.handleCall<ClientTickets>({
    lock_client_ticket: ({ owner, wish }, _from, tickets) => ({
      reply: tickets.lock(owner, wish),
      state: tickets,
    }),
    client_ticket_info: (_request, _from, tickets) => ({ reply: tickets.info(), state: tickets }),
  }),
  handleCast: returning.handleCast<ClientTickets>({
    store_client_ticket: ({ peer, ticket }, tickets) => tickets.store(peer, ticket),
    drop_client_ticket: ({ id }, tickets) => tickets.drop(id),
    release_client_ticket: ({ id }, tickets) => tickets.release(id),
  }),
  handleInfo: sweeping.handleInfo<ClientTickets>({
    sweep_client_tickets(_message, tickets, self) {
      tickets.sweep();
      self.sendAfter(tickets.lifetime, self.pid, { type: 'sweep_client_tickets' });
    },
    DOWN({ pid }, tickets) {
      if (pid !== undefined) tickets.ownerEnded(pid);
    },
  }),
};

interface Entry {
  readonly peer: string;
  readonly ticket: ClientTicket;
  lock: Pid<never> | undefined;
}

interface Owner {
  readonly monitor: Ref;
  readonly ids: Set<number>;
}

class ClientTickets implements CountsToTell, MemoryUse {
  /** ms */
  readonly lifetime: number;
  readonly #self: Self;
  readonly #entries: BoundedTable<number, Entry>;
  readonly #byPeer: Map<string, Set<number>> = new Map();
  readonly #owners: Map<Pid<never>, Owner> = new Map();
  readonly #maxPerPeer: number;
  readonly #told: (() => Counts) | undefined;
  #lastId = 0;

  constructor(options: ClientTicketStoreOptions, self: Self) {
    this.lifetime = options.lifetime * 1000;
    this.#self = self;
    this.#entries = new BoundedTable(options.size, {
      maxBytes: options.maxBytes ?? defaultMaxBytes,
      sizeOf: ({ ticket }) => sizeOf(ticket),
    });
    this.#maxPerPeer = options.maxPerPeer ?? defaultMaxPerPeer;
    this.#told = options.told;
  }

  /** What observers see. */
  toJSON(): object {
    return this.info();
  }

  toldCounts(): Counts {
    return { ...this.info(), ...this.#told?.() };
  }

  memoryUse(): number {
    return this.#entries.bytes;
  }

  store(peer: TicketPeer, ticket: ClientTicket): void {
    // RFC 8446 §4.6.1: a lifetime of zero means that the ticket is to be thrown away at once.
    if (ticket.lifetime <= 0) return;
    this.#lastId += 1;
    const entry: Entry = { peer: peerText(peer), ticket, lock: undefined };
    // A peer that has its share makes room itself.
    const before = this.#byPeer.get(entry.peer);
    if (before !== undefined && before.size >= this.#maxPerPeer) this.#pushOut(before.values().next().value);
    const ofPeer = this.#byPeer.get(entry.peer) ?? new Set();
    this.#byPeer.set(entry.peer, ofPeer.add(this.#lastId));
    const victims = this.#entries.set(this.#lastId, entry, this.#self.node.clock.now());
    for (const { key, value } of victims) this.#gone(key, value);
  }

  #pushOut(id: number | undefined): void {
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (id === undefined || entry === undefined) return;
    this.#entries.pushOut(id);
    this.#gone(id, entry);
  }

  lock(owner: Pid<never>, wish: TicketWish): LockedTicket | undefined {
    const now = this.#self.node.clock.now();
    const youngestFirst = [...(this.#byPeer.get(peerText(wish.peer)) ?? [])].reverse();
    for (const id of youngestFirst) {
      const entry = this.#entries.get(id);
      if (entry === undefined || (entry.lock !== undefined && entry.lock !== owner)) continue;
      const age = now - (this.#entries.insertedAt(id) ?? 0);
      if (age >= this.#lifetimeOf(entry) || !fits(entry.ticket, wish)) continue;
      entry.lock = owner;
      this.#holding(owner).ids.add(id);
      return { ...entry.ticket, id, age };
    }
    return undefined;
  }

  drop(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#gone(id, entry);
  }

  release(id: number): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#unlock(id, entry);
  }

  ownerEnded(owner: Pid<never>): void {
    for (const id of this.#owners.get(owner)?.ids ?? []) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.lock = undefined;
    }
    this.#owners.delete(owner);
  }

  sweep(): void {
    const now = this.#self.node.clock.now();
    for (const [id, entry, insertedAt] of this.#entries.entries()) {
      if (entry.lock !== undefined || now - insertedAt < this.#lifetimeOf(entry)) continue;
      this.drop(id);
    }
  }

  info(): ClientTicketInfo {
    let locked = 0;
    for (const { ids } of this.#owners.values()) locked += ids.size;
    const { size, pushedOut, bytes } = this.#entries;
    return { size, locked, pushedOut, bytes };
  }

  /** The server's lifetime and ours, whichever ends first. */
  #lifetimeOf({ ticket }: Entry): number {
    return Math.min(this.lifetime, ticket.lifetime * 1000);
  }

  #holding(owner: Pid<never>): Owner {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const holding: Owner = { monitor: this.#self.monitor(owner), ids: new Set() };
    this.#owners.set(owner, holding);
    return holding;
  }

  #gone(id: number, entry: Entry): void {
    this.#unlock(id, entry);
    const ofPeer = this.#byPeer.get(entry.peer);
    ofPeer?.delete(id);
    if (ofPeer?.size === 0) this.#byPeer.delete(entry.peer);
  }

  #unlock(id: number, entry: Entry): void {
    if (entry.lock === undefined) return;
    const holding = this.#owners.get(entry.lock);
    holding?.ids.delete(id);
    if (holding?.ids.size === 0) {
      this.#self.demonitor(holding.monitor, { flush: true });
      this.#owners.delete(entry.lock);
    }
    entry.lock = undefined;
  }
}

function fits(ticket: ClientTicket, { prfs, earlyData }: TicketWish): boolean {
  if (!prfs.includes(ticket.prf)) return false;
  return (
    earlyData === undefined ||
    (earlyData.ciphers.includes(ticket.cipher) && earlyData.size <= ticket.maxEarlyData)
  );
}

/** Certificates of servers are in it. */
const defaultMaxBytes = 1 << 24;
const defaultMaxPerPeer = 16;
/** What an entry takes besides its content. */
const entryOverhead = 512;

function sizeOf({ content }: ClientTicket): number {
  return content.expose().length + entryOverhead;
}

/** A host has no space in it. */
function peerText({ host, port, sni, policy }: TicketPeer): string {
  return `${host} ${port} ${sni ?? ''} ${policy ?? ''}`;
}
