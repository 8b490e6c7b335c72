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
export { embeddedTicketKeyStore } from './embedded-key-store.js';
export { type MemorySessions, memorySessionCache } from './memory-session-cache.js';
export {
  type IoRedisClient,
  type NodeRedisClient,
  type RedisClient,
  type RedisScripts,
  redisScripts,
} from './redis.js';
export { type RedisStoreOptions, redisTicketKeyStore } from './redis-key-store.js';
export { redisReplayStore } from './redis-replay-store.js';
export { type RedisSessionOptions, redisSessionStore } from './redis-session-store.js';
export {
  findTickets,
  type ReservedTicket,
  reserveTickets,
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
export { type SharedSessionsOptions, sharedSessions } from './shared-sessions.js';
export type { StoreGuardInfo } from './store-guard.js';
export { StoreWrapping } from './store-wrapping.js';
export type {
  KeysAnswer,
  ReplayStore,
  SessionStore,
  StoreCall,
  StoredKeys,
  TicketKeyStore,
} from './stores.js';
export type { TicketCrypto } from './ticket-crypto.js';
export type { RingInfo, TicketPurpose } from './ticket-key-ring.js';
export type {
  RotationResult,
  TicketKeySource,
  TicketKeysInfo,
  TicketKeysOptions,
} from './ticket-keys.js';
export {
  openTickets,
  reserveNonces,
  rotateTicketKeys,
  sealTickets,
  startTicketTracker,
  type TicketTrackerOptions,
  ticketKeysInfo,
} from './ticket-sealer.js';
