/**
 * What `@actor-tls/ssl/core` is everywhere: the protocol without processes and without I/O.
 *
 * A `Core` is one end of one connection. Bytes from the transport go into `receive`; a `Sink` is told what to write,
 * what was received and how it ended, and is asked about the peer's certificates (`askVerdict`), which `judge` answers.
 */
export type { ClientConfig, Config, ServerConfig } from '../options/config.js';
export { type Authentication, chainOf, schemeOf } from '../protocol/authentication.js';
export { Core } from '../protocol/core.js';
export type { StatusRequest } from '../protocol/extensions/status-request.js';
export type { Facts, KeptSecrets } from '../protocol/facts.js';
export type { ClientHelloEvent, HelloEvent, ServerHelloEvent } from '../protocol/handshake.js';
export type { KeyExporter } from '../protocol/key-exporter.js';
export { overDatagrams } from '../protocol/over-datagrams.js';
export type { OwnIdentity, RemoteIdentity } from '../protocol/own-identity.js';
export { type Reason, reasons } from '../protocol/reasons.js';
export { RecordError } from '../protocol/record/errors.js';
export { type Budget, TurnBudget } from '../protocol/record/turn-budget.js';
export { WriteHalf } from '../protocol/record/write-half.js';
export type {
  ClientHelloAnswer,
  ClientOptions,
  ClientSettings,
  CookieSealer,
  GivenDependencies,
  ServerHelloAnswer,
  ServerOptions,
  ServerSettings,
} from '../protocol/settings.js';
export type {
  Failure,
  Flight,
  PathMessage,
  Paths,
  PostHandshakeReply,
  Sink,
  StapleWish,
  Verdict,
} from '../protocol/sink.js';
export { StreamChannel } from '../protocol/stream-channel.js';
export { client12Chart } from '../protocol/tls12/client.js';
export { server12Chart } from '../protocol/tls12/server.js';
export {
  type ClientSessions,
  type GivenTicket,
  type OfferedSession,
  type Session12,
  type SessionWish,
  sessionOf,
} from '../protocol/tls12/session.js';
export type { FoundUser, UserWish } from '../protocol/tls12/user.js';
export { clientChart } from '../protocol/tls13/client.js';
export {
  type KeyUpdateRequest,
  sealData,
  sealKeyUpdate,
  sealNewSessionTickets,
} from '../protocol/tls13/post-handshake.js';
export { type RequestOutcome, sealFlight } from '../protocol/tls13/post-handshake-authentication.js';
export type {
  ClientResumption,
  EarlyDataTerms,
  FoundPsk,
  PreSharedKey,
  PskOffer,
  PskWish,
  ReceivedTicket,
} from '../protocol/tls13/psk.js';
export { type ExternalKey, importedIdentityFor, importPsk } from '../protocol/tls13/psk-importer.js';
export { serverChart } from '../protocol/tls13/server.js';
export type { Compressor, Compressors } from '../values/compression/compressor.js';
export type {
  CryptoEngine,
  Group,
  GroupName,
  KeyShare,
  PrivateKey,
  PublicKey,
} from '../values/crypto/engine.js';
export { nobleEngine } from '../values/crypto/noble/engine.js';
export { type Primitive, type Routes, routeEngines } from '../values/crypto/router.js';
export type { Path } from '../values/path.js';
export type { AlertDescription, KnownAlert } from '../values/registry/alerts.js';
export type { SignatureSchemeName } from '../values/registry/schemes.js';
export { type CipherSuite, suiteByName, tls13Suites } from '../values/registry/suites.js';
export { Secret } from '../values/secret.js';
export type { Identity } from '../values/x509/identity.js';
export { KeyError } from '../values/x509/key-error.js';
export { type Explanation, explain, type PeerVerdict } from '../values/x509/peer-verdict.js';
export type { PeerVerification } from '../values/x509/peer-verification.js';
export { decodePem, type PemEntry, PemError, type PemType } from '../values/x509/pem.js';
export { createTrustStore } from '../values/x509/trust-store.js';
export { verifyPeer } from '../values/x509/verify-peer.js';
export { identityFromPem } from './identity-from-pem.js';
export { judge, type PeerToJudge } from './judge.js';
export {
  type CoreClientOptions,
  type CoreServerOptions,
  clientSettings,
  serverSettings,
  type Trusting,
} from './settings-from-options.js';
