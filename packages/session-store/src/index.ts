/**
 * Sessions, tickets and anti-replay filters, each in a process of its own with a bounded table. All of it may be
 * lost at any time: what is not found costs a full handshake and nothing else.
 */
export {
  type AntiReplayInfo,
  type AntiReplayOptions,
  antiReplayInfo,
  checkAntiReplay,
  openAntiReplay,
  startAntiReplay,
} from './anti-replay.js';
export {
  type AntiReplayParameters,
  antiReplayPresets,
  type ElementHash,
  RotatingBloomFilter,
} from './bloom-filter.js';
export { BoundedTable } from './bounded-table.js';
export {
  type ClientTicket,
  type ClientTicketInfo,
  type ClientTicketStoreOptions,
  clientTicketInfo,
  dropTicket,
  type LockedTicket,
  lockTicket,
  releaseTicket,
  startClientTicketStore,
  storeClientTicket,
  type TicketPeer,
  type TicketWish,
} from './client-ticket-store.js';
export { type MemorySessions, memorySessionCache } from './memory-session-cache.js';
export {
  type FoundTicket,
  findTicket,
  type ReservedTicket,
  reserveTickets,
  type ServerTicket,
  type ServerTicketInfo,
  type ServerTicketStoreOptions,
  serverTicketInfo,
  startServerTicketStore,
  storeTicket,
  takeTicket,
} from './server-ticket-store.js';
export {
  invalidateSession,
  lookupSession,
  type OpenBackend,
  registerSession,
  type SessionBackend,
  type SessionCacheInfo,
  type SessionCacheOptions,
  selectSessions,
  sessionBackend,
  sessionCacheInfo,
  startSessionCache,
} from './session-cache.js';
export type { Secret, SessionCacheApi, SessionKey, StoredSession } from './session-cache-api.js';
export {
  openTickets,
  reserveNonces,
  sealTickets,
  startTicketTracker,
  type TicketSealer,
  type TicketTrackerOptions,
} from './ticket-sealer.js';
