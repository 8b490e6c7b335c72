/**
 * `@actor-tls/ssl/core`: the protocol without processes and without I/O, for embedders, fuzzers and conformance shims.
 *
 * A `Core` is one end of one connection. Bytes from the transport go into `receive`; a `Sink` is told what to write,
 * what was received and how it ended. Judging certificates is the caller's part (`askVerdict`).
 */
export { Core } from './protocol/core.js';
export type { StatusRequest } from './protocol/extensions/status-request.js';
export type { Facts, KeptSecrets } from './protocol/facts.js';
export type { OwnIdentity, RemoteIdentity } from './protocol/identity.js';
export { type Reason, reasons } from './protocol/reasons.js';
export { RecordError } from './protocol/record/errors.js';
export { type Budget, TurnBudget } from './protocol/record/turn-budget.js';
export type { WriteHalf } from './protocol/record/write-half.js';
export type {
  ClientOptions,
  ClientSettings,
  GivenDependencies,
  ServerOptions,
  ServerSettings,
} from './protocol/settings.js';
export type { Failure, Sink, StapleWish, Verdict } from './protocol/sink.js';
export { clientChart } from './protocol/tls13/client.js';
export { type KeyUpdateRequest, sealData, sealKeyUpdate } from './protocol/tls13/post-handshake.js';
export { serverChart } from './protocol/tls13/server.js';
export { defaultEngine } from './values/crypto/default-engine.js';
export type {
  CryptoEngine,
  Group,
  GroupName,
  KeyShare,
  PrivateKey,
  PublicKey,
} from './values/crypto/engine.js';
export { nobleEngine } from './values/crypto/noble/engine.js';
export { nodeEngine } from './values/crypto/node/engine.js';
export { type Primitive, type Routes, routeEngines } from './values/crypto/router.js';
export type { AlertDescription, KnownAlert } from './values/registry/alerts.js';
export type { SignatureSchemeName } from './values/registry/schemes.js';
export { type CipherSuite, suiteByName, tls13Suites } from './values/registry/suites.js';
