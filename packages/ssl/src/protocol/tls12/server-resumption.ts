/**
 * A server that resumes a session (RFC 5246 §7.3, figure 2; RFC 5077 §3.1), and the ticket that it gives at the end of a
 * full handshake.
 *
 *      Client                                               Server
 *      ClientHello                  -------->                           AWAIT_SESSION: looked for outside
 *                                                      ServerHello
 *                                               [ChangeCipherSpec]      K_send
 *                                   <--------             Finished      RESUMED_WAIT_CCS
 *      [ChangeCipherSpec]                                               RESUMED_WAIT_FINISHED: K_recv
 *      [NextProtocol]                                                   RESUMED_WAIT_NEXT_PROTOCOL
 *      Finished                     -------->
 *
 * What does not fit any more is passed over, and the handshake is a full one.
 */
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { suiteById } from '../../values/registry/suites.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { ServerContext } from '../contexts.js';
import { selectConnectionIds } from '../extensions/connection-id.js';
import { hostName } from '../extensions/server-name.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import { selectSrtp } from '../extensions/use-srtp.js';
import type { Facts } from '../facts.js';
import type { MessageEvent12 } from '../handshake.js';
import type { RecordLimits } from '../hello/record-limits.js';
import { type Suite12, tls12Suite } from '../hello/suite.js';
import { serverRandom } from '../hello/version.js';
import { AlertError } from '../reasons.js';
import type { ServerSettings } from '../settings.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { HandshakeMessages } from './handshake-messages.js';
import { leave12, type Negotiated12 } from './negotiated.js';
import { answerProtocols, hearNextProtocol } from './next-protocol.js';
import type { OlderVersion } from './older-version.js';
import { hasPadding } from './record-keys.js';
import { type Previous, renegotiationKnown, unknownVerifyData } from './renegotiation.js';
import { concludeResumed, type Resuming, resumedKeys } from './resumption.js';
import type { Session12, SessionWish } from './session.js';
import type { ProvedUser } from './user.js';

/** A hello that brings a session. */
export interface AwaitSession {
  readonly state: 'awaitSession';
  readonly version: OlderVersion;
  readonly hello: MessageEvent12<'client_hello'>;
  readonly extensions: ClientHelloExtensions;
}
export interface ResumedWaitCcs extends Resuming {
  readonly state: 'resumedWaitCcs';
}
export interface ResumedWaitNextProtocol extends Resuming {
  readonly state: 'resumedWaitNextProtocol';
}
export interface ResumedWaitFinished extends Resuming {
  readonly state: 'resumedWaitFinished';
}

/** What whoever keeps sessions is asked. Throws `AlertError` for a name that is none: here, since nobody answers for `fits`. */
export function wishOf(
  { version, hello, extensions }: AwaitSession,
  config: ServerSettings,
  engine: CryptoEngine,
): SessionWish {
  const { legacySessionId, cipherSuites } = hello.body;
  const { sessionTicket } = extensions;
  const serverName = hostName(extensions.serverName);
  return {
    id: new Uint8Array(legacySessionId),
    ticket: sessionTicket?.length ? new Uint8Array(sessionTicket) : undefined,
    fits: (session) =>
      session.version === version.name &&
      session.serverName === serverName &&
      isOf(session.user, extensions.srpUser) &&
      cipherSuites.includes(session.suite) &&
      mayResume(session, suiteOf(session, version, config, engine), extensions, config),
  };
}

/** A user who names himself as another than the session's wants a handshake as that one (RFC 5054 §2.4). */
function isOf(user: ProvedUser | undefined, named: Uint8Array | undefined): boolean {
  return user?.kind !== 'srp' || named === undefined || sameBytes(user.name, named);
}

function suiteOf(
  { suite: id }: Session12,
  { name }: OlderVersion,
  { ciphers }: ServerSettings,
  engine: CryptoEngine,
): Suite12 | undefined {
  const row = ciphers.find((offered) => offered.id === id) && suiteById(id);
  return row && tls12Suite(row, engine, name);
}

function mayResume(
  { derivation, encryptThenMac, chain }: Session12,
  suite: Suite12 | undefined,
  offered: ClientHelloExtensions,
  { verify, failIfNoPeerCert }: ServerSettings,
): boolean {
  if (suite === undefined) return false;
  // RFC 7627 §5.3: a client that knows better now gets a better session. §1: who was known by a certificate may have been
  // in the middle of two handshakes with one secret.
  if (derivation === 'plain' && (offered.extendedMasterSecret === true || chain.length > 0)) return false;
  // RFC 7366 §3.1
  if (encryptThenMac !== (offered.encryptThenMac === true && hasPadding(suite.cipher))) return false;
  const { certificate, psk } = suite.keyExchange;
  const demands = verify === 'verify_peer' && failIfNoPeerCert && certificate !== undefined && !psk;
  return !demands || chain.length > 0;
}

/** What the hellos settle. */
export function resumedTerms(
  { version, hello: { body: hello, raw }, extensions }: AwaitSession,
  session: Session12,
  recordLimits: RecordLimits,
  { config, dependencies, ownConnectionId }: ServerContext,
): Negotiated12 {
  const { engine } = dependencies;
  const suite = suiteOf(session, version, config, engine);
  if (suite === undefined) throw new TypeError('a session of a suite that was not offered');
  // RFC 7627 §5.3: what protected the session before protects it no more.
  if (session.derivation === 'extended' && extensions.extendedMasterSecret !== true)
    throw new AlertError('resumption_changed_master_secret');
  const messages = new HandshakeMessages(version.transcript(suite.hash, engine));
  messages.add(raw);
  messages.forget();
  return {
    version,
    suite,
    randoms: {
      client: new Uint8Array(hello.random),
      server: serverRandom(dependencies.random(32), version.name, config.versions),
    },
    // RFC 5077 §3.4: the echo says that the session was taken, by id or by ticket.
    sessionId: new Uint8Array(hello.legacySessionId),
    serverName: session.serverName,
    recordLimits,
    // RFC 7301 §3.1: agreed anew.
    ...answerProtocols(extensions, config, undefined),
    // RFC 5764 §4.1.2: as in any handshake.
    srtp: selectSrtp(extensions.useSrtp, config.useSrtp),
    // RFC 9146 §3: likewise.
    connectionIds: version.connectionIds
      ? selectConnectionIds(extensions, config.connectionId, ownConnectionId)
      : undefined,
    masterSecret: session.derivation,
    encryptThenMac: session.encryptThenMac,
    ticket: 'none',
    messages,
    secureRenegotiation: renegotiationKnown(hello, extensions, undefined, engine),
    verifyData: unknownVerifyData(),
  };
}

/** The ServerHello is out: change_cipher_spec and Finished follow at once. */
export function finishFirst(
  negotiated: Negotiated12,
  session: Session12,
  context: ServerContext,
): ResumedWaitCcs {
  const keys = resumedKeys(negotiated, session, context);
  finishFlight(negotiated, keys, 'server', context);
  return { state: 'resumedWaitCcs', negotiated, session, keys };
}

export function receiveResumedChangeCipherSpec(
  from: ResumedWaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  context: ServerContext,
): ResumedWaitFinished {
  changeReadKeys(from.negotiated, from.keys, 'client', context);
  return { ...from, state: 'resumedWaitFinished' };
}

export function receiveResumedChangeBeforeProtocol(
  from: ResumedWaitCcs,
  event: { readonly type: 'change_cipher_spec' },
  context: ServerContext,
): ResumedWaitNextProtocol {
  return { ...receiveResumedChangeCipherSpec(from, event, context), state: 'resumedWaitNextProtocol' };
}

export function receiveResumedNextProtocol(
  from: ResumedWaitNextProtocol,
  event: MessageEvent12<'next_protocol'>,
): ResumedWaitFinished {
  return { ...from, state: 'resumedWaitFinished', negotiated: hearNextProtocol(from.negotiated, event) };
}

/** RFC 5246 §7.4.9 */
export function receiveResumedFinished(
  from: ResumedWaitFinished,
  { body }: MessageEvent12<'finished'>,
  { dependencies, channel }: ServerContext,
): { readonly state: 'connected'; readonly facts: Facts; readonly left: Previous } {
  channel.endPeerFlight();
  checkFinished(body, from.negotiated, from.keys, 'client', dependencies.engine);
  const facts = concludeResumed('server', from, undefined);
  return { state: 'connected', facts, left: leave12(from.negotiated, facts, undefined) };
}
