/**
 * TLS 1.2, 1.1 and 1.0, server (RFC 5246 §7.3), full handshakes with every key exchange of `key-exchange/table.ts`;
 * abbreviated ones in `server-resumption.ts`.
 *
 *      Client                                               Server
 *      ClientHello                  -------->                           START
 *                                                                       NEGOTIATED, with SRP by way of AWAIT_USER
 *                                                      ServerHello      INTRODUCED, with a stapled response by way of
 *                                                                       AWAIT_STAPLE
 *                                                    [Certificate]
 *                                              [CertificateStatus]
 *                                              [ServerKeyExchange]      CERTIFIED, with a remote key by way of
 *                                                                       AWAIT_SIGNATURE
 *                                             [CertificateRequest]
 *                                   <--------      ServerHelloDone      WAIT_FLIGHT2
 *      [Certificate]                                                    WAIT_CERT, AWAIT_VERDICT: judged outside
 *      ClientKeyExchange                                                WAIT_CKE, WAIT_CKE_OF_SHOWN, with PSK by way
 *                                                                       of AWAIT_KEY
 *      [CertificateVerify]                                              WAIT_CV
 *      [ChangeCipherSpec]                                               WAIT_CCS: K_recv
 *      [NextProtocol]                                                   WAIT_NEXT_PROTOCOL, `next-protocol.ts`
 *      Finished                     -------->                           WAIT_FINISHED
 *                                               [NewSessionTicket]      by way of AWAIT_TICKET (RFC 5077)
 *                                               [ChangeCipherSpec]      K_send
 *                                   <--------             Finished
 */
import type { AnyStateMachine } from 'xstate';
import type { DhGroup, GroupName, PublicKey } from '../../values/crypto/engine.js';
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { Secret } from '../../values/secret.js';
import { encodeAll } from '../../values/wire/codec.js';
import { concat } from '../../values/wire/join.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { pskName } from '../../values/wire/messages/tls12/key-exchange.js';
import { Reader } from '../../values/wire/reader.js';
import type { Tls12Bodies } from '../../values/wire/tls12-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls12Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, chainOf } from '../authentication.js';
import { chartOf } from '../chart.js';
import { isEmptyCertificate } from '../client-authentication.js';
import type { ServerContext } from '../contexts.js';
import { connectionIdAnswer, selectConnectionIds } from '../extensions/connection-id.js';
import { ownPointFormats, readsOurPoints } from '../extensions/ec-point-formats.js';
import { hostName } from '../extensions/server-name.js';
import { bringsTicket } from '../extensions/session-ticket.js';
import { ocspStatusType, type StatusRequest } from '../extensions/status-request.js';
import {
  type ClientHelloExtensions,
  clientHelloColumn,
  readExtensions,
  type ServerHello12Extensions,
  serverHello12Column,
  writeExtensions,
} from '../extensions/table.js';
import { selectSrtp, srtpAnswer } from '../extensions/use-srtp.js';
import type { Facts } from '../facts.js';
import type {
  AnswerEvent,
  ClientHelloEvent,
  Handshake,
  HandshakeEvent12,
  MessageEvent12,
} from '../handshake.js';
import { type CertificateChoice, schemeCodes } from '../hello/choose.js';
import { answerRecordLimits, limitRecords } from '../hello/record-limits.js';
import { chooseVersion, serverRandom } from '../hello/version.js';
import type { MachineParts } from '../machine.js';
import { type OwnIdentity, wantedStaple } from '../own-identity.js';
import { askForSignature, sign } from '../own-signature.js';
import type { PostHandshake } from '../post-handshake.js';
import { AlertError } from '../reasons.js';
import { chooseTls12 } from './choose.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { HandshakeMessages } from './handshake-messages.js';
import type { ServerAgreement } from './key-exchange/key-exchange.js';
import { withPsk } from './key-exchange/psk.js';
import { signedParams } from './key-exchange/signed-params.js';
import type { SrpCredentials } from './key-exchange/srp.js';
import { OlderMachines } from './machines.js';
import { conclude12, deriveKeys, type Keys12, leave12, type Negotiated12 } from './negotiated.js';
import { answerProtocols, hearNextProtocol } from './next-protocol.js';
import { type OlderVersion, olderVersion } from './older-version.js';
import { ServerPostHandshake } from './post-handshake.js';
import { hasPadding } from './record-keys.js';
import {
  checkMasterSecret,
  checkPeer,
  checkUser,
  type Previous,
  renegotiationKnown,
  serverInfo,
  unknownVerifyData,
} from './renegotiation.js';
import { send } from './send.js';
import {
  type AwaitSession,
  finishFirst,
  type ResumedWaitCcs,
  type ResumedWaitFinished,
  type ResumedWaitNextProtocol,
  receiveResumedChangeBeforeProtocol,
  receiveResumedChangeCipherSpec,
  receiveResumedFinished,
  receiveResumedNextProtocol,
  resumedTerms,
  wishOf,
} from './server-resumption.js';
import type { Session12 } from './session.js';
import { checkSignature12, signedBy } from './signature.js';
import { type ProvedUser, provedBy } from './user.js';

/** ClientCertificateType (RFC 5246 §7.4.4, RFC 8422 §5.5): rsa_sign and ecdsa_sign, which covers EdDSA. */
const certificateTypes = [1, 64];

// State data. Each state has exactly what exists then.

interface Start {
  readonly state: 'start';
  readonly version: OlderVersion;
  /** Whether anybody keeps sessions. */
  readonly sessions: 'kept' | 'none';
}
/** From the ClientHello on. */
interface Underway {
  readonly negotiated: Negotiated12;
  /** Ours, where the suite has us show one. */
  readonly identity: OwnIdentity | undefined;
  /** Where we sign. */
  readonly scheme: SignatureScheme | undefined;
}
/** Until our part of the secret is made. */
interface Agreed extends Underway {
  readonly group: DhGroup | undefined;
  readonly clientVersion: number;
  /** What the client wants to see stapled, if it can be. */
  readonly status: StatusRequest | undefined;
  /** For the ServerHello. */
  readonly answers: Answers12;
}
interface Negotiated extends Agreed {
  readonly state: 'negotiated';
  /** The user that the hello names, where the suite is SRP. */
  readonly username: Uint8Array | undefined;
}
interface AwaitUser extends Agreed {
  readonly state: 'awaitUser';
  readonly username: Uint8Array;
}
/** Who the other is said to be is known. */
interface WithUser extends Agreed {
  readonly srp: SrpCredentials | undefined;
  readonly user: ProvedUser | undefined;
}
interface Introduced extends WithUser {
  readonly state: 'introduced';
}
interface AwaitStaple extends WithUser {
  readonly state: 'awaitStaple';
}
/** From our Certificate on, with our part of the key exchange. */
interface Answered extends Underway {
  /** `undefined`: there is nothing but the key that both had before. */
  readonly agreement: ServerAgreement | undefined;
  readonly user: ProvedUser | undefined;
}
interface Certified extends Answered {
  readonly state: 'certified';
}
interface AwaitSignature extends Answered {
  readonly state: 'awaitSignature';
}
interface WaitFlight2 extends Answered {
  readonly state: 'waitFlight2';
  readonly clientAuthentication: 'requested' | 'none';
}
interface WaitCert extends Answered {
  readonly state: 'waitCert';
}
interface AwaitVerdict extends Answered {
  readonly state: 'awaitVerdict';
  readonly chain: readonly Uint8Array[];
}
/** Of a client that has shown no certificate. */
interface WaitCke extends Answered {
  readonly state: 'waitCke';
}
/** Its key that both sides have is asked for. */
interface AwaitKey extends Answered {
  readonly state: 'awaitKey';
  /** What the agreement has given. */
  readonly other: Secret | undefined;
}
/** Of one that has, and has yet to prove that it is its own. */
interface WaitCkeOfShown extends Answered {
  readonly state: 'waitCkeOfShown';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
/** From ClientKeyExchange on. */
interface WithMaster extends Underway {
  readonly user: ProvedUser | undefined;
  readonly group: GroupName | undefined;
  readonly keys: Keys12;
}
interface WaitCv extends WithMaster {
  readonly state: 'waitCv';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
interface WaitCcs extends WithMaster {
  readonly state: 'waitCcs';
  readonly peer: Authentication;
}
interface WaitNextProtocol extends WithMaster {
  readonly state: 'waitNextProtocol';
  readonly peer: Authentication;
}
interface WaitFinished extends WithMaster {
  readonly state: 'waitFinished';
  readonly peer: Authentication;
}
interface AwaitTicket extends WithMaster {
  readonly state: 'awaitTicket';
  readonly peer: Authentication;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
  readonly left: Previous;
}
export type Server12Data =
  | Start
  | Negotiated
  | AwaitUser
  | Introduced
  | AwaitStaple
  | Certified
  | AwaitSignature
  | WaitFlight2
  | WaitCert
  | AwaitVerdict
  | WaitCke
  | AwaitKey
  | WaitCkeOfShown
  | WaitCv
  | WaitCcs
  | WaitNextProtocol
  | WaitFinished
  | AwaitTicket
  | AwaitSession
  | ResumedWaitCcs
  | ResumedWaitNextProtocol
  | ResumedWaitFinished
  | Connected;

// The machine.

const bringsSession: Guard<Start, MessageEvent12<'client_hello'>> = {
  name: 'session?',
  holds: ({ sessions }, { body }) =>
    sessions === 'kept' && (body.legacySessionId.length > 0 || bringsTicket(body.extensions)),
};
const isKnown: Guard<AwaitSession, AnswerEvent<'session'>> = {
  name: 'found?',
  holds: (_from, { session }) => session !== undefined,
};
const givesTicket: Guard<WaitFinished, unknown> = {
  name: 'ticket?',
  holds: ({ negotiated }) => negotiated.ticket === 'promised',
};
/** The client says which protocol it has chosen of those that we have advertised. */
const namesProtocol: Guard<{ readonly negotiated: Negotiated12 }, unknown> = {
  name: 'NPN?',
  holds: ({ negotiated }) => negotiated.nextProtocol === 'due',
};
const isOfUser: Guard<Negotiated, undefined> = {
  name: 'SRP?',
  holds: ({ username }) => username !== undefined,
};
const staples: Guard<Introduced, undefined> = {
  name: 'staple?',
  holds: ({ status }) => status !== undefined,
};
const signsElsewhere: Guard<Certified, undefined> = {
  name: 'remote key?',
  holds: ({ identity, scheme }) => scheme !== undefined && identity?.key === 'remote',
};
const sharesKey: Guard<WaitCke, MessageEvent12<'client_key_exchange'>> = {
  name: 'PSK?',
  holds: ({ negotiated }) => negotiated.suite.keyExchange.psk,
};
const asksClient: Guard<WaitFlight2, undefined> = {
  name: 'client auth?',
  holds: ({ clientAuthentication }) => clientAuthentication === 'requested',
};
const { arrow, always } = arrowMaker<Server12Data, HandshakeEvent12, ServerContext>();

/** Exported for the tests that walk chart and table. */
export const server12Arrows: readonly Arrow<Server12Data, HandshakeEvent12, ServerContext>[] = [
  arrow('start', 'client_hello', 'awaitSession', askSession, bringsSession),
  arrow('start', 'client_hello', 'negotiated', receiveClientHello),
  arrow('awaitSession', 'session', 'resumedWaitCcs', resumeSession, isKnown),
  arrow('awaitSession', 'session', 'negotiated', goOnWithoutSession),
  arrow(
    'resumedWaitCcs',
    'change_cipher_spec',
    'resumedWaitNextProtocol',
    receiveResumedChangeBeforeProtocol,
    namesProtocol,
  ),
  arrow('resumedWaitCcs', 'change_cipher_spec', 'resumedWaitFinished', receiveResumedChangeCipherSpec),
  arrow('resumedWaitNextProtocol', 'next_protocol', 'resumedWaitFinished', receiveResumedNextProtocol),
  arrow('resumedWaitFinished', 'finished', 'connected', receiveResumedFinished),
  always('negotiated', 'awaitUser', askUser, isOfUser),
  always('negotiated', 'introduced', goOnWithoutUser),
  arrow('awaitUser', 'user', 'introduced', receiveUser),
  always('introduced', 'awaitStaple', askStaple, staples),
  always('introduced', 'certified', goOnWithoutStaple),
  arrow('awaitStaple', 'staple', 'certified', receiveStaple),
  always('certified', 'awaitSignature', askSignature, signsElsewhere),
  always('certified', 'waitFlight2', signKeys),
  arrow('awaitSignature', 'signature', 'waitFlight2', receiveSignature),
  always('waitFlight2', 'waitCert', waitForCertificate, asksClient),
  always('waitFlight2', 'waitCke', waitForKeys),
  arrow('waitCert', 'certificate', 'waitCke', receiveEmptyCertificate, isEmptyCertificate),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCkeOfShown', receiveVerdict),
  arrow('waitCke', 'client_key_exchange', 'awaitKey', receiveClientKeyExchangeAndAsk, sharesKey),
  arrow('waitCke', 'client_key_exchange', 'waitCcs', receiveClientKeyExchange),
  arrow('awaitKey', 'user', 'waitCcs', receiveKey),
  arrow('waitCkeOfShown', 'client_key_exchange', 'waitCv', receiveClientKeyExchangeOfShown),
  arrow('waitCv', 'certificate_verify', 'waitCcs', receiveCertificateVerify),
  arrow('waitCcs', 'change_cipher_spec', 'waitNextProtocol', receiveChangeBeforeProtocol, namesProtocol),
  arrow('waitCcs', 'change_cipher_spec', 'waitFinished', receiveChangeCipherSpec),
  arrow('waitNextProtocol', 'next_protocol', 'waitFinished', receiveNextProtocol),
  arrow('waitFinished', 'finished', 'awaitTicket', receiveFinishedAndAsk, givesTicket),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
  arrow('awaitTicket', 'ticket', 'connected', receiveTicket),
];

const otpNames: Readonly<Record<Server12Data['state'], string>> = {
  start: 'hello',
  awaitSession: 'hello',
  resumedWaitCcs: 'abbreviated',
  resumedWaitNextProtocol: 'abbreviated',
  resumedWaitFinished: 'abbreviated',
  negotiated: 'hello',
  awaitUser: 'hello',
  introduced: 'hello',
  awaitStaple: 'hello',
  certified: 'hello',
  awaitSignature: 'hello',
  waitFlight2: 'certify',
  waitCert: 'certify',
  awaitVerdict: 'certify',
  waitCke: 'certify',
  awaitKey: 'certify',
  waitCkeOfShown: 'certify',
  waitCv: 'wait_cert_verify',
  waitCcs: 'cipher',
  waitNextProtocol: 'cipher',
  waitFinished: 'cipher',
  awaitTicket: 'cipher',
  connected: 'connection',
};

const machines = new OlderMachines<Server12Data, ServerContext>('Server', {
  arrows: server12Arrows,
  initial: 'start',
  alerts: tls12Alerts,
  changeCipherSpec: 'step',
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
  postHandshake,
});

/** A handshake that waits for its ClientHello. */
export function tls12Server(name: OlderVersion['name'], context: ServerContext): Handshake {
  const version = olderVersion(name);
  // A handshake that follows another is a full one.
  const kept = context.sink.askSession !== undefined && context.previous === undefined;
  const sessions = kept ? 'kept' : 'none';
  return machines.of(version).begin({ state: 'start', version, sessions }, context);
}

function postHandshake(
  ...[channel, sink, data, context]: Parameters<
    MachineParts<Tls12Bodies, Server12Data, ServerContext>['postHandshake']
  >
): PostHandshake {
  if (data.state !== 'connected') throw new TypeError('not connected yet');
  const { config } = context;
  const clientsMay = config.clientRenegotiation !== false;
  return new ServerPostHandshake(
    channel,
    sink,
    { previous: data.left, config },
    clientsMay,
    (hello, previous) => beginAgain(hello, previous, context),
  );
}

/** RFC 5746 §3.7: another hello, under the keys of before, and in the version of the connection. */
function beginAgain(hello: ClientHelloEvent, previous: Previous, context: ServerContext): Handshake {
  chooseVersion(hello.body, [previous.version.name]);
  const handshake = tls12Server(previous.version.name, { ...context, previous });
  handshake.deliver(hello);
  return handshake;
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function server12Chart(): AnyStateMachine {
  return chartOf(machines.of(olderVersion('tlsv1.2')));
}

// The handlers, in the RFC's order.

/** RFC 5246 §7.4.1.2: somebody may know the session that the hello brings. */
function askSession(
  { version }: Start,
  hello: MessageEvent12<'client_hello'>,
  { config, dependencies, sink }: ServerContext,
): AwaitSession {
  if (sink.askSession === undefined) throw new TypeError('nobody to ask for a session');
  const from: AwaitSession = { state: 'awaitSession', version, hello, extensions: extensionsOf(hello.body) };
  sink.askSession(wishOf(from, config, dependencies.engine));
  return from;
}

function goOnWithoutSession(
  { version, hello }: AwaitSession,
  _event: AnswerEvent<'session'>,
  context: ServerContext,
): Negotiated {
  return receiveClientHello({ state: 'start', version, sessions: 'kept' }, hello, context);
}

function resumeSession(
  from: AwaitSession,
  { session }: AnswerEvent<'session'>,
  context: ServerContext,
): ResumedWaitCcs {
  if (session === undefined) throw new TypeError('no session was found');
  const { limits: recordLimits, answer } = answerRecordLimits(from.extensions, context.config, 'tls12');
  const negotiated = resumedTerms(from, session, recordLimits, context);
  takeTerms(negotiated, context.channel);
  // RFC 6066 §3
  const answers = answersTo(from.extensions, negotiated, answer, { ...context, nameUsed: false });
  sendServerHello(negotiated, { ...answers, statusAccepted: undefined }, context.channel);
  return finishFirst(negotiated, session, context);
}

function extensionsOf(hello: ClientHello): ClientHelloExtensions {
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  if (!hello.legacyCompressionMethods.includes(0)) throw new AlertError('wrong_compression');
  if (!readsOurPoints(extensions.ecPointFormats)) throw new AlertError('no_uncompressed_points');
  return extensions;
}

/** RFC 5246 §7.4.1.2, §7.4.1.3 */
function receiveClientHello(
  { version }: Start,
  { body: hello, raw }: MessageEvent12<'client_hello'>,
  context: ServerContext,
): Negotiated {
  const { config, identities, dependencies, sink, previous } = context;
  const { engine } = dependencies;
  const extensions = extensionsOf(hello);
  const secureRenegotiation = renegotiationKnown(hello, extensions, previous, engine);
  const serverName = hostName(extensions.serverName);
  // What was chosen by the name stays.
  if (previous !== undefined && serverName !== previous.facts.serverName)
    throw new AlertError('renegotiation_changes_terms', { server_name: serverName });
  const knowsUsers = sink.askUser !== undefined;
  const chooser = { version, config, identities, engine, knowsUsers };
  const { suite, group, identity, scheme } = chooseTls12(hello.cipherSuites, extensions, chooser);
  const status = identity && wantedStaple(extensions.statusRequest, identity, sink);
  const { limits: recordLimits, answer } = answerRecordLimits(extensions, config, 'tls12');
  // As with ids: what a connection leaves is of its first handshake.
  const asksTicket = extensions.sessionTicket !== undefined && previous === undefined;
  const ticket = asksTicket && sink.askTicket !== undefined ? 'promised' : 'none';
  const messages = new HandshakeMessages(version.transcript(suite.hash, engine));
  messages.add(raw);
  const negotiated: Negotiated12 = {
    version,
    suite,
    randoms: {
      // A copy: facts keep it when the hello is long gone.
      client: new Uint8Array(hello.random),
      server: serverRandom(dependencies.random(32), version.name, config.versions),
    },
    sessionId: newSessionId(ticket, context),
    serverName,
    ...answerProtocols(extensions, config, previous),
    srtp: selectSrtp(extensions.useSrtp, config.useSrtp),
    connectionIds: version.connectionIds
      ? selectConnectionIds(extensions, config.connectionId, context.ownConnectionId)
      : undefined,
    recordLimits,
    masterSecret: checkMasterSecret(extensions.extendedMasterSecret ? 'extended' : 'plain', previous),
    encryptThenMac: extensions.encryptThenMac === true && hasPadding(suite.cipher),
    ticket,
    messages,
    secureRenegotiation,
    verifyData: unknownVerifyData(),
  };
  takeTerms(negotiated, context.channel);
  const answers = answersTo(extensions, negotiated, answer, context);
  const clientVersion = hello.legacyVersion;
  const isSrp = suite.keyExchange.agreement?.user === 'srp';
  const username = isSrp && extensions.srpUser ? new Uint8Array(extensions.srpUser) : undefined;
  return {
    state: 'negotiated',
    ...{ negotiated, group, identity, scheme, status, answers, clientVersion, username },
  };
}

/** bytes, RFC 5246 §7.4.1.2 */
const sessionIdLength = 32;

/** Random, for nobody is to guess one; none beside a ticket (RFC 5077 §3.4), and none that nobody will keep. */
function newSessionId(
  ticket: Negotiated12['ticket'],
  { sink, dependencies, previous }: Pick<ServerContext, 'sink' | 'dependencies' | 'previous'>,
): Uint8Array {
  const kept = ticket === 'none' && previous === undefined && sink.askSession !== undefined;
  return kept ? dependencies.random(sessionIdLength) : new Uint8Array(0);
}

/** The channel goes by what was agreed on, with the ServerHello already. */
function takeTerms(
  { version, recordLimits, connectionIds }: Negotiated12,
  channel: ServerContext['channel'],
): void {
  channel.endPeerFlight();
  channel.useConnectionIds?.(connectionIds);
  channel.setRecordVersion(version.code);
  channel.expectRecordVersion(version.code);
  limitRecords(recordLimits, channel);
}

/** RFC 5246 §7.4.1.3 */
function sendServerHello(
  negotiated: Negotiated12,
  extensions: ServerHello12Extensions,
  channel: ServerContext['channel'],
): void {
  const { version, suite, randoms, sessionId } = negotiated;
  send(channel, negotiated, 'server_hello', {
    legacyVersion: version.code,
    random: randoms.server,
    legacySessionIdEcho: sessionId,
    cipherSuite: suite.row.id,
    legacyCompressionMethod: 0,
    extensions: writeExtensions(serverHello12Column, extensions),
  });
}

/** What the ServerHello says to the client's extensions: to its wish for a staple when it is known whether there is one. */
type Answers12 = Omit<ServerHello12Extensions, 'statusAccepted'>;

function answersTo(
  offered: ClientHelloExtensions,
  negotiated: Negotiated12,
  limits: ReturnType<typeof answerRecordLimits>['answer'],
  { config, nameUsed, previous }: ServerContext,
): Answers12 {
  const { suite, alpn, nextProtocol, srtp, connectionIds, encryptThenMac } = negotiated;
  const { serverName, ticket, secureRenegotiation } = negotiated;
  return {
    serverName: nameUsed && serverName !== undefined ? true : undefined,
    encryptThenMac: encryptThenMac || undefined,
    extendedMasterSecret: offered.extendedMasterSecret,
    renegotiationInfo: serverInfo(previous, secureRenegotiation),
    // RFC 8422 §5.2: where the suite is one of curves.
    ecPointFormats:
      suite.keyExchange.agreement?.curve === true ? offered.ecPointFormats && ownPointFormats : undefined,
    supportedGroups: undefined,
    // It was agreed on once.
    alpn: previous === undefined ? alpn : undefined,
    useSrtp: srtp && srtpAnswer(srtp),
    ...connectionIdAnswer(connectionIds),
    sessionTicketPromised: ticket === 'promised' || undefined,
    nextProtocols: nextProtocol === 'due' ? config.nextProtocolsAdvertised : undefined,
    ...limits,
  };
}

/** RFC 5054 §2.5.1.2: whom the hello names; who does not know says nothing of it (§2.5.1.3). */
function askUser({ username, ...from }: Negotiated, { sink }: ServerContext): AwaitUser {
  if (username === undefined || sink.askUser === undefined) throw new TypeError('nobody to ask for a user');
  sink.askUser({ kind: 'srp', username });
  return { ...from, state: 'awaitUser', username };
}

function receiveUser({ username, ...from }: AwaitUser, { user }: AnswerEvent<'user'>): Introduced {
  if (user?.kind !== 'srp') throw new AlertError('unknown_user');
  return { ...from, state: 'introduced', srp: user.credentials, user: { kind: 'srp', name: username } };
}

function goOnWithoutUser({ username: _none, ...from }: Negotiated): Introduced {
  return { ...from, state: 'introduced', srp: undefined, user: undefined };
}

/** RFC 6066 §8: a response that somebody has to find, before we say whether there is one. */
function askStaple(from: Introduced, { sink }: ServerContext): AwaitStaple {
  const { status: request, identity, negotiated } = from;
  if (request === undefined || identity === undefined || sink.askStaple === undefined)
    throw new TypeError('nobody to ask for a response');
  sink.askStaple({ identity, serverName: negotiated.serverName, request });
  return { ...from, state: 'awaitStaple' };
}

function receiveStaple(
  from: AwaitStaple,
  { response }: AnswerEvent<'staple'>,
  context: ServerContext,
): Certified {
  return showOurselves(from, response, context);
}

function goOnWithoutStaple(from: Introduced, context: ServerContext): Certified {
  return showOurselves(from, undefined, context);
}

/** RFC 5246 §7.4.1.3, §7.4.2, RFC 6066 §8 */
function showOurselves(
  from: Introduced | AwaitStaple,
  response: Uint8Array | undefined,
  context: ServerContext,
): Certified {
  const { negotiated, identity, answers } = from;
  const { channel } = context;
  sendServerHello(negotiated, { ...answers, statusAccepted: response && true }, channel);
  if (identity !== undefined) send(channel, negotiated, 'certificate', { certificateList: identity.chain });
  if (response !== undefined)
    send(channel, negotiated, 'certificate_status', { statusType: ocspStatusType, response });
  return certified(from, context);
}

/** Our part of the key exchange is made. */
function certified(
  { negotiated, group, identity, scheme, srp, user, clientVersion }: WithUser,
  { dhParams, dependencies }: ServerContext,
): Certified {
  const means = { group, identity, dhParams, srp, clientVersion, dependencies };
  const agreement = negotiated.suite.keyExchange.agreement?.serve(means);
  return { state: 'certified', negotiated, identity, scheme, agreement, user };
}

/** RFC 5246 §7.4.3, with a key that is at hand, or without a signature. */
function signKeys(from: Certified, context: ServerContext): WaitFlight2 {
  const choice = signer(from);
  return sendServerKeyExchange(from, choice && sign(choice, toSign(from)), context);
}

function askSignature(from: Certified, { sink }: ServerContext): AwaitSignature {
  const choice = signer(from);
  if (choice === undefined) throw new TypeError('nothing to sign');
  askForSignature(choice, toSign(from), sink);
  return { ...from, state: 'awaitSignature' };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ServerContext,
): WaitFlight2 {
  return sendServerKeyExchange(from, signature, context);
}

function signer({ identity, scheme }: Underway): CertificateChoice | undefined {
  return identity && scheme && { identity, scheme };
}

function toSign({ agreement, negotiated }: Certified): Uint8Array {
  return signedParams(agreement?.params ?? new Uint8Array(0), negotiated.randoms);
}

/** ServerKeyExchange, CertificateRequest if we want to know who the client is, ServerHelloDone. */
function sendServerKeyExchange(
  from: Answered,
  signature: Uint8Array | undefined,
  { config, certificateAuthorities, pskHint, channel }: ServerContext,
): WaitFlight2 {
  const { negotiated, identity, scheme, agreement, user } = from;
  const { version, suite } = negotiated;
  const { psk } = suite.keyExchange;
  const hint = psk && pskHint;
  // RFC 4279 §2: without a hint and without parameters there is nothing to say.
  if (hint || suite.keyExchange.agreement?.announced === true)
    send(channel, negotiated, 'server_key_exchange', {
      exchangeKeys: concat([
        psk ? encodeAll(pskName, { name: hint || new Uint8Array(0) }) : new Uint8Array(0),
        agreement?.params ?? new Uint8Array(0),
        scheme && signature
          ? encodeAll(version.digitallySigned, signedBy(scheme, signature, version))
          : new Uint8Array(0),
      ]),
    });
  // RFC 5246 §7.4.4: who is not known cannot ask. RFC 4279 §2: with a key that both had nobody does.
  const asks = config.verify === 'verify_peer' && identity !== undefined && !psk;
  const clientAuthentication = asks ? 'requested' : 'none';
  if (clientAuthentication === 'requested')
    send(channel, negotiated, 'certificate_request', {
      certificateTypes,
      supportedSignatureAlgorithms: schemeCodes(config.signatureAlgs),
      certificateAuthorities,
    });
  send(channel, negotiated, 'server_hello_done', true);
  channel.finishFlight();
  return { state: 'waitFlight2', negotiated, identity, scheme, agreement, user, clientAuthentication };
}

function waitForCertificate({ clientAuthentication: _asked, ...from }: WaitFlight2): WaitCert {
  return { ...from, state: 'waitCert' };
}

/** Nobody will sign the messages. */
function waitForKeys({ clientAuthentication: _not, ...from }: WaitFlight2): WaitCke {
  from.negotiated.messages.forget();
  return { ...from, state: 'waitCke' };
}

/** RFC 5246 §7.4.6 */
function receiveEmptyCertificate(
  from: WaitCert,
  { raw }: MessageEvent12<'certificate'>,
  { config }: ServerContext,
): WaitCke {
  const { negotiated } = from;
  if (config.failIfNoPeerCert)
    throw new AlertError('certificate_required', 'no_peer_certificate', 'handshake_failure');
  negotiated.messages.add(raw);
  negotiated.messages.forget();
  return { ...from, state: 'waitCke' };
}

/** RFC 5246 §7.4.6 */
function receiveCertificate(
  from: WaitCert,
  { body, raw }: MessageEvent12<'certificate'>,
  { sink }: ServerContext,
): AwaitVerdict {
  from.negotiated.messages.add(raw);
  // Copies: facts keep them when the record is long gone.
  const chain = body.certificateList.map((der) => new Uint8Array(der));
  sink.askVerdict(chain, undefined, 'signature');
  return { ...from, state: 'awaitVerdict', chain };
}

function receiveVerdict(from: AwaitVerdict, { verdict }: AnswerEvent<'verdict'>): WaitCkeOfShown {
  return { ...from, state: 'waitCkeOfShown', key: acceptVerdict(verdict) };
}

/** RFC 5246 §7.4.7 */
function receiveClientKeyExchange(
  from: WaitCke,
  event: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WaitCcs {
  return { state: 'waitCcs', ...withMaster(from, event, context), peer: provedBy(from.user) };
}

/** RFC 4279 §2: the client says whose key it is, and what the agreement takes. */
function receiveClientKeyExchangeAndAsk(
  from: WaitCke,
  { body, raw }: MessageEvent12<'client_key_exchange'>,
  { sink }: ServerContext,
): AwaitKey {
  const reader = new Reader(body.exchangeKeys);
  const name = new Uint8Array(pskName.decode(reader).name);
  const other = from.agreement?.secret(reader);
  reader.end();
  from.negotiated.messages.add(raw);
  if (sink.askUser === undefined) throw new TypeError('nobody to ask for a key');
  sink.askUser({ kind: 'psk', identity: name, hint: undefined });
  return { ...from, state: 'awaitKey', user: { kind: 'psk', name }, other };
}

function receiveKey(
  { negotiated, identity, scheme, agreement, user, other }: AwaitKey,
  { user: found }: AnswerEvent<'user'>,
  context: ServerContext,
): WaitCcs {
  if (found?.kind !== 'psk') throw new AlertError('unknown_user');
  const keys = deriveKeys(negotiated, withPsk(other, found.key), context);
  const group = agreement?.group;
  return { state: 'waitCcs', negotiated, identity, scheme, user, group, keys, peer: provedBy(user) };
}

function receiveClientKeyExchangeOfShown(
  from: WaitCkeOfShown,
  event: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WaitCv {
  return { state: 'waitCv', ...withMaster(from, event, context), chain: from.chain, key: from.key };
}

function withMaster(
  { negotiated, identity, scheme, agreement, user }: Answered,
  { body, raw }: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WithMaster {
  const reader = new Reader(body.exchangeKeys);
  if (agreement === undefined) throw new TypeError('nothing was agreed on');
  const premaster = agreement.secret(reader);
  reader.end();
  negotiated.messages.add(raw);
  const keys = deriveKeys(negotiated, premaster, context);
  return { negotiated, identity, scheme, user, group: agreement.group, keys };
}

/** RFC 5246 §7.4.8 */
function receiveCertificateVerify(
  { chain, key, ...from }: WaitCv,
  { body, raw }: MessageEvent12<'certificate_verify'>,
  { config }: ServerContext,
): WaitCcs {
  const { messages } = from.negotiated;
  const scheme = checkSignature12(body, key, config.signatureAlgs, messages.bytes());
  messages.add(raw);
  messages.forget();
  return { ...from, state: 'waitCcs', peer: { kind: 'certificate', chain, scheme } };
}

function receiveChangeCipherSpec(
  from: WaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  context: ServerContext,
): WaitFinished {
  changeReadKeys(from.negotiated, from.keys, 'client', context);
  return { ...from, state: 'waitFinished' };
}

function receiveChangeBeforeProtocol(
  from: WaitCcs,
  event: { readonly type: 'change_cipher_spec' },
  context: ServerContext,
): WaitNextProtocol {
  return { ...receiveChangeCipherSpec(from, event, context), state: 'waitNextProtocol' };
}

function receiveNextProtocol(from: WaitNextProtocol, event: MessageEvent12<'next_protocol'>): WaitFinished {
  return { ...from, state: 'waitFinished', negotiated: hearNextProtocol(from.negotiated, event) };
}

/** RFC 5246 §7.4.9 */
function acceptFinished(
  { negotiated, keys, peer, user }: WaitFinished,
  { body, raw }: MessageEvent12<'finished'>,
  { channel, dependencies, config, previous }: ServerContext,
): void {
  channel.endPeerFlight();
  checkPeer(chainOf(peer), previous, config);
  checkUser(user, previous, config);
  checkFinished(body, negotiated, keys, 'client', dependencies.engine);
  negotiated.messages.add(raw);
}

/** The client's Finished, then ours. */
function receiveFinished(
  from: WaitFinished,
  event: MessageEvent12<'finished'>,
  context: ServerContext,
): Connected {
  acceptFinished(from, event, context);
  return finish(from, context);
}

/** RFC 5077 §3.3: a ticket goes between the two, and somebody has to seal it. */
function receiveFinishedAndAsk(
  from: WaitFinished,
  event: MessageEvent12<'finished'>,
  context: ServerContext,
): AwaitTicket {
  const { sink } = context;
  if (sink.askTicket === undefined) throw new TypeError('nobody to ask for a ticket');
  acceptFinished(from, event, context);
  sink.askTicket(sessionUnder(from));
  return { ...from, state: 'awaitTicket' };
}

function sessionUnder({ negotiated, group, user, peer, keys }: WaitFinished): Session12 {
  const { version, suite, masterSecret, encryptThenMac, serverName } = negotiated;
  return {
    version: version.name,
    suite: suite.row.id,
    masterSecret: new Secret(keys.master.expose().slice()),
    derivation: masterSecret,
    ...{ encryptThenMac, serverName, group, user, chain: chainOf(peer) },
  };
}

/** Without one it is empty: the server has thought better of it. */
function receiveTicket(
  from: AwaitTicket,
  { ticket: given }: AnswerEvent<'ticket'>,
  context: ServerContext,
): Connected {
  const { ticket, lifetimeHint: ticketLifetimeHint } = given ?? {
    ticket: new Uint8Array(0),
    lifetimeHint: 0,
  };
  send(context.channel, from.negotiated, 'new_session_ticket', { ticketLifetimeHint, ticket });
  return finish(from, context);
}

function finish(
  { negotiated, group, identity, scheme, keys, peer, user }: WaitFinished | AwaitTicket,
  context: ServerContext,
): Connected {
  finishFlight(negotiated, keys, 'server', context);
  const { previous } = context;
  const own: Authentication =
    identity === undefined
      ? provedBy(user)
      : { kind: 'certificate', chain: identity.chain, scheme: scheme?.name };
  const facts = conclude12('server', { negotiated, group, keys, peer, own, user });
  return { state: 'connected', facts, left: leave12(negotiated, facts, previous) };
}
