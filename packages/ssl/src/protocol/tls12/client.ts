/**
 * TLS 1.2, 1.1 and 1.0, client (RFC 5246 §7.3), full handshakes with every key exchange of `key-exchange/table.ts`;
 * abbreviated ones in `client-resumption.ts`.
 *
 *      Client                                               Server
 *      ClientHello                  -------->
 *                                                      ServerHello      WAIT_SH
 *                                                      Certificate      WAIT_CERT, AWAIT_VERDICT: judged outside
 *                                              [CertificateStatus]      WAIT_STATUS, before the verdict
 *                                                ServerKeyExchange      WAIT_SKE
 *                                             [CertificateRequest]      WAIT_CR_SHD
 *                                   <--------      ServerHelloDone      WAIT_SHD
 *      [Certificate]
 *      ClientKeyExchange
 *      [CertificateVerify]                                              with a remote key by way of AWAIT_SIGNATURE
 *      [ChangeCipherSpec]: K_send
 *      [NextProtocol]                                                   `next-protocol.ts`
 *      Finished                     -------->
 *                                               [NewSessionTicket]      WAIT_TICKET (RFC 5077)
 *                                               [ChangeCipherSpec]      WAIT_CCS: K_recv
 *                                   <--------             Finished      WAIT_FINISHED
 *
 * A server that has accepted to staple may think better of it (RFC 6066 §8): then ServerKeyExchange comes in place of
 * CertificateStatus and waits for the verdict (AWAIT_VERDICT_WITH_KEYS).
 */
import type { AnyStateMachine } from 'xstate';
import type { GroupName, PublicKey } from '../../values/crypto/engine.js';
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { type CipherSuite, suiteById } from '../../values/registry/suites.js';
import { encodeAll } from '../../values/wire/codec.js';
import { concat } from '../../values/wire/join.js';
import { pskName } from '../../values/wire/messages/tls12/key-exchange.js';
import { Reader } from '../../values/wire/reader.js';
import type { Tls12Bodies } from '../../values/wire/tls12-messages.js';
import { defaultMinKeySize } from '../../values/x509/key-strength.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls12Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import type { Authentication } from '../authentication.js';
import { chartOf } from '../chart.js';
import {
  answerTo,
  type ClientAuthentication,
  clientSignsElsewhere,
  notAsked,
  shownChain,
} from '../client-authentication.js';
import type { ClientContext } from '../contexts.js';
import { acceptConnectionIds } from '../extensions/connection-id.js';
import { readsOurPoints } from '../extensions/ec-point-formats.js';
import { renegotiationInfo } from '../extensions/renegotiation-info.js';
import { ocspStatusType } from '../extensions/status-request.js';
import { readAnswer, serverHello12Column } from '../extensions/table.js';
import { acceptSrtp } from '../extensions/use-srtp.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent, Handshake, HandshakeEvent12, MessageEvent12 } from '../handshake.js';
import { shownBy } from '../hello/choose.js';
import { type ClientOffer, offerAgain, offeredGroups, offerWithCookie } from '../hello/client-hello.js';
import { acceptRecordLimits, limitRecords } from '../hello/record-limits.js';
import { tls12Suite } from '../hello/suite.js';
import type { MachineParts } from '../machine.js';
import { askForSignature, sign } from '../own-signature.js';
import type { PostHandshake } from '../post-handshake.js';
import { AlertError } from '../reasons.js';
import type { Dependencies } from '../settings.js';
import { authenticates, chooseClientCertificate12, useOf } from './choose.js';
import {
  isTaken,
  isTakenWithTicket,
  type ResumedWaitCcs,
  type ResumedWaitFinished,
  type ResumedWaitTicket,
  receiveResumedChangeCipherSpec,
  receiveResumedFinished,
  receiveResumedTicket,
  resume,
} from './client-resumption.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { HandshakeMessages } from './handshake-messages.js';
import type { ClientAgreement } from './key-exchange/key-exchange.js';
import { withPsk } from './key-exchange/psk.js';
import { signedParams } from './key-exchange/signed-params.js';
import { keyExchanges } from './key-exchange/table.js';
import { OlderMachines } from './machines.js';
import { conclude12, deriveKeys, type Keys12, leave12, type Negotiated12 } from './negotiated.js';
import { acceptProtocols } from './next-protocol.js';
import { type OlderVersion, olderVersion } from './older-version.js';
import { ClientPostHandshake } from './post-handshake.js';
import { hasPadding } from './record-keys.js';
import {
  checkMasterSecret,
  checkPeer,
  checkServerInfo,
  checkUser,
  clientInfo,
  type Previous,
  unknownVerifyData,
} from './renegotiation.js';
import { givenTicket } from './resumption.js';
import { send } from './send.js';
import type { GivenTicket } from './session.js';
import { checkSignature12, signedBy } from './signature.js';
import { type ProvedUser, provedBy } from './user.js';

// State data. Each state has exactly what exists then.

interface WaitSh {
  readonly state: 'waitSh';
  readonly version: OlderVersion;
  readonly offer: ClientOffer;
}
/** From the ServerHello on. */
interface Underway {
  readonly negotiated: Negotiated12;
  readonly means: {
    /** client_version of our hello (RFC 5246 §7.4.7.1). */
    readonly clientVersion: number;
    /** Who we are to the server, where the suite is SRP. */
    readonly user: ProvedUser | undefined;
  };
}
interface WaitCert extends Underway {
  readonly state: 'waitCert';
  /** Whether the server may staple an OCSP response. */
  readonly stapling: 'accepted' | 'none';
}
/** From the Certificate on. */
interface WithChain extends Underway {
  readonly chain: readonly Uint8Array[];
}
interface WaitStatus extends WithChain {
  readonly state: 'waitStatus';
}
interface AwaitVerdict extends WithChain {
  readonly state: 'awaitVerdict';
}
/** A message that came in place of the status waits for the verdict. */
interface AwaitVerdictWithKeys extends WithChain {
  readonly state: 'awaitVerdictWithKeys';
  readonly keyExchange: MessageEvent12<'server_key_exchange'>;
}
interface AwaitVerdictWithRequest extends WithChain {
  readonly state: 'awaitVerdictWithRequest';
  readonly request: MessageEvent12<'certificate_request'>;
}
interface AwaitVerdictWithDone extends WithChain {
  readonly state: 'awaitVerdictWithDone';
  readonly done: MessageEvent12<'server_hello_done'>;
}
/** From the verdict on, or from the ServerHello of a server that shows no certificate. */
interface WaitSke extends Underway {
  readonly state: 'waitSke';
  /** What the server has shown. */
  readonly shown: { readonly chain: readonly Uint8Array[]; readonly key: PublicKey } | undefined;
}
/** From the server's part of the key exchange on. */
interface WithKeys extends Underway {
  readonly peer: Authentication;
  /** `undefined`: there is nothing but the key that both had before. */
  readonly agreement: ClientAgreement | undefined;
  /** What the server says to choose an identity by (RFC 4279 §5.2). */
  readonly hint: Uint8Array | undefined;
}
interface WaitCrShd extends WithKeys {
  readonly state: 'waitCrShd';
}
interface WaitShd extends WithKeys {
  readonly state: 'waitShd';
  readonly own: ClientAuthentication;
}
interface AwaitUser extends WithKeys {
  readonly state: 'awaitUser';
}
/** From ClientKeyExchange on. */
interface WithMaster extends Underway {
  readonly peer: Authentication;
  readonly user: ProvedUser | undefined;
  readonly group: GroupName | undefined;
  readonly own: ClientAuthentication;
  readonly keys: Keys12;
}
interface AwaitSignature extends WithMaster {
  readonly state: 'awaitSignature';
  readonly scheme: SignatureScheme;
}
interface FlightSent extends WithMaster {
  readonly state: 'flightSent';
}
interface WaitTicket extends WithMaster {
  readonly state: 'waitTicket';
}
/** From the server's ticket on, if it gives one. */
interface Ticketed extends WithMaster {
  readonly ticket: GivenTicket | undefined;
}
interface WaitCcs extends Ticketed {
  readonly state: 'waitCcs';
}
interface WaitFinished extends Ticketed {
  readonly state: 'waitFinished';
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
  readonly left: Previous;
}
export type Client12Data =
  | WaitSh
  | WaitCert
  | WaitStatus
  | AwaitVerdict
  | AwaitVerdictWithKeys
  | AwaitVerdictWithRequest
  | AwaitVerdictWithDone
  | WaitSke
  | WaitCrShd
  | WaitShd
  | AwaitUser
  | AwaitSignature
  | FlightSent
  | WaitTicket
  | WaitCcs
  | ResumedWaitTicket
  | ResumedWaitCcs
  | ResumedWaitFinished
  | WaitFinished
  | Connected;

// The machine.

/** Whether the ServerHello's suite has the server show a certificate. */
const showsCertificate: Guard<WaitSh, MessageEvent12<'server_hello'>> = {
  name: 'certificate?',
  holds: (_from, { body }) => shows(suiteById(body.cipherSuite)),
};
const mayStaple: Guard<WaitCert, MessageEvent12<'certificate'>> = {
  name: 'stapling?',
  holds: ({ stapling }) => stapling === 'accepted',
};
/** The server says nothing of its keys: they stand in its certificate. */
const isUnannounced: Guard<Underway, unknown> = {
  name: 'key in the certificate?',
  holds: ({ negotiated }) => negotiated.suite.keyExchange.agreement?.announced === false,
};
/** And neither does it give a hint. */
const isStatic: Guard<Underway, unknown> = {
  name: 'key in the certificate alone?',
  holds: (from) => isUnannounced.holds(from, undefined) && !from.negotiated.suite.keyExchange.psk,
};
/** With a key that both had before there may be nothing to say (RFC 4279 §2). */
const saysNothing: Guard<WaitSke, MessageEvent12<'server_hello_done'>> = {
  name: 'no hint?',
  holds: ({ negotiated }) => negotiated.suite.keyExchange.agreement?.announced !== true,
};
const sharesKey: Guard<Underway, unknown> = {
  name: 'PSK?',
  holds: ({ negotiated }) => negotiated.suite.keyExchange.psk,
};
/** RFC 5246 §7.4.4: who is not known cannot ask. */
const mayAsk: Guard<WaitCrShd, MessageEvent12<'certificate_request'>> = {
  name: 'certificate?',
  holds: ({ negotiated }) => {
    const { certificate, psk } = negotiated.suite.keyExchange;
    return certificate !== undefined && !psk;
  },
};

const isResumed: Guard<WaitSh, MessageEvent12<'server_hello'>> = {
  name: 'resumed?',
  holds: ({ offer }, event) => isTaken(offer, event),
};
const isResumedWithTicket: Guard<WaitSh, MessageEvent12<'server_hello'>> = {
  name: 'resumed, and a ticket?',
  holds: ({ offer }, event) => isTakenWithTicket(offer, event),
};
const getsTicket: Guard<FlightSent, undefined> = {
  name: 'ticket?',
  holds: ({ negotiated }) => negotiated.ticket === 'promised',
};

const { arrow, always } = arrowMaker<Client12Data, HandshakeEvent12, ClientContext>();

/** Exported for the tests that walk chart and table. */
export const client12Arrows: readonly Arrow<Client12Data, HandshakeEvent12, ClientContext>[] = [
  arrow('waitSh', 'server_hello', 'resumedWaitTicket', resumeAndWaitForTicket, isResumedWithTicket),
  arrow('waitSh', 'server_hello', 'resumedWaitCcs', resumeAtOnce, isResumed),
  arrow('resumedWaitTicket', 'new_session_ticket', 'resumedWaitCcs', receiveResumedTicket),
  arrow('resumedWaitCcs', 'change_cipher_spec', 'resumedWaitFinished', receiveResumedChangeCipherSpec),
  arrow('resumedWaitFinished', 'finished', 'connected', receiveResumedFinished),
  arrow('waitSh', 'server_hello', 'waitCert', receiveServerHello, showsCertificate),
  arrow('waitSh', 'server_hello', 'waitSke', receiveServerHelloWithoutCertificate),
  arrow('waitCert', 'certificate', 'waitStatus', receiveCertificate, mayStaple),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificateAndAsk),
  arrow('waitStatus', 'certificate_status', 'awaitVerdict', receiveStatus),
  arrow('waitStatus', 'server_key_exchange', 'awaitVerdictWithKeys', receiveKeysInsteadOfStatus),
  arrow(
    'waitStatus',
    'certificate_request',
    'awaitVerdictWithRequest',
    receiveRequestInsteadOfStatus,
    isStatic,
  ),
  arrow('waitStatus', 'server_hello_done', 'awaitVerdictWithDone', receiveDoneInsteadOfStatus, isUnannounced),
  arrow('awaitVerdict', 'verdict', 'waitCrShd', receiveVerdictOnKeys, isStatic),
  arrow('awaitVerdict', 'verdict', 'waitSke', receiveVerdict),
  arrow('awaitVerdictWithKeys', 'verdict', 'waitCrShd', receiveVerdictWithKeys),
  arrow('awaitVerdictWithRequest', 'verdict', 'waitShd', receiveVerdictWithRequest),
  arrow('awaitVerdictWithDone', 'verdict', 'awaitUser', receiveVerdictWithDoneAndAsk, sharesKey),
  arrow('awaitVerdictWithDone', 'verdict', 'flightSent', receiveVerdictWithDone),
  arrow('waitSke', 'server_key_exchange', 'waitCrShd', receiveServerKeyExchange),
  arrow('waitSke', 'server_hello_done', 'awaitUser', askUserWithoutHint, saysNothing),
  arrow('waitCrShd', 'certificate_request', 'waitShd', receiveCertificateRequest, mayAsk),
  arrow('waitCrShd', 'server_hello_done', 'awaitUser', askUser, sharesKey),
  arrow('waitCrShd', 'server_hello_done', 'flightSent', answerUnasked),
  arrow('awaitUser', 'user', 'flightSent', receiveUser),
  arrow('waitShd', 'server_hello_done', 'awaitSignature', answerAndAsk, clientSignsElsewhere),
  arrow('waitShd', 'server_hello_done', 'flightSent', answer),
  arrow('awaitSignature', 'signature', 'flightSent', receiveSignature),
  always('flightSent', 'waitTicket', waitForTicket, getsTicket),
  always('flightSent', 'waitCcs', goOnWithoutTicket),
  arrow('waitTicket', 'new_session_ticket', 'waitCcs', receiveTicket),
  arrow('waitCcs', 'change_cipher_spec', 'waitFinished', receiveChangeCipherSpec),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
];

function shows(row: CipherSuite | undefined): boolean {
  return row === undefined || keyExchanges[row.keyExchange]?.certificate !== undefined;
}

const otpNames: Readonly<Record<Client12Data['state'], string>> = {
  waitSh: 'hello',
  waitCert: 'certify',
  waitStatus: 'wait_ocsp_stapling',
  awaitVerdict: 'certify',
  awaitVerdictWithKeys: 'certify',
  awaitVerdictWithRequest: 'certify',
  awaitVerdictWithDone: 'certify',
  awaitUser: 'certify',
  waitSke: 'certify',
  waitCrShd: 'certify',
  waitShd: 'certify',
  awaitSignature: 'certify',
  flightSent: 'cipher',
  waitTicket: 'cipher',
  waitCcs: 'cipher',
  resumedWaitTicket: 'abbreviated',
  resumedWaitCcs: 'abbreviated',
  resumedWaitFinished: 'abbreviated',
  waitFinished: 'cipher',
  connected: 'connection',
};

const machines = new OlderMachines<Client12Data, ClientContext>('Client', {
  arrows: client12Arrows,
  initial: 'waitSh',
  alerts: tls12Alerts,
  changeCipherSpec: 'step',
  helloRequests: 'ignored',
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
  postHandshake,
});

/** A handshake whose hello was sent. */
export function tls12Client(
  name: OlderVersion['name'],
  offer: ClientOffer,
  context: ClientContext,
): Handshake {
  const version = olderVersion(name);
  return machines.of(version).begin({ state: 'waitSh', version, offer }, context);
}

function postHandshake(
  ...[channel, sink, data, context]: Parameters<
    MachineParts<Tls12Bodies, Client12Data, ClientContext>['postHandshake']
  >
): PostHandshake {
  if (data.state !== 'connected') throw new TypeError('not connected yet');
  const { config } = context;
  return new ClientPostHandshake(
    channel,
    sink,
    { previous: data.left, config },
    new BeginningAgain({ ...context, previous: data.left }),
  );
}

/** RFC 5246 §7.4.1.1, RFC 5746 §3.5: another hello, under the keys of before. */
class BeginningAgain {
  private readonly context: ClientContext;
  private offer: ClientOffer | undefined = undefined;

  constructor(context: ClientContext) {
    this.context = context;
  }

  begin(previous: Previous): Handshake {
    const { config, dependencies, greeting } = this.context;
    return this.greet(offerAgain(config, dependencies, greeting, previous, clientInfo(previous)), previous);
  }

  withCookie(previous: Previous, cookie: Uint8Array): Handshake {
    if (this.offer === undefined) throw new TypeError('no hello was sent');
    return this.greet(offerWithCookie(this.offer, cookie), previous);
  }

  private greet(offer: ClientOffer, previous: Previous): Handshake {
    const { channel } = this.context;
    this.offer = offer;
    channel.addMessage(offer.raw);
    channel.finishFlight();
    return tls12Client(previous.version.name, offer, this.context);
  }
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function client12Chart(): AnyStateMachine {
  return chartOf(machines.of(olderVersion('tlsv1.2')));
}

// The handlers, in the RFC's order.

/** What the ServerHello settles. */
interface Settled extends Underway {
  readonly stapling: 'accepted' | 'none';
}

function receiveServerHello(
  from: WaitSh,
  event: MessageEvent12<'server_hello'>,
  context: ClientContext,
): WaitCert {
  return { state: 'waitCert', ...settle(from, event, context) };
}

function resumeAtOnce(
  from: WaitSh,
  event: MessageEvent12<'server_hello'>,
  context: ClientContext,
): ResumedWaitCcs {
  const { negotiated } = settle(from, event, context);
  return { state: 'resumedWaitCcs', ...resume(negotiated, from.offer, context), ticket: undefined };
}

function resumeAndWaitForTicket(
  from: WaitSh,
  event: MessageEvent12<'server_hello'>,
  context: ClientContext,
): ResumedWaitTicket {
  const { negotiated } = settle(from, event, context);
  return { state: 'resumedWaitTicket', ...resume(negotiated, from.offer, context) };
}

/** RFC 5246 §7.4.2, RFC 4279 §2: some servers show nothing. */
function receiveServerHelloWithoutCertificate(
  from: WaitSh,
  event: MessageEvent12<'server_hello'>,
  context: ClientContext,
): WaitSke {
  const { negotiated, means, stapling } = settle(from, event, context);
  checkPeer([], context.previous, context.config);
  // RFC 6066 §8: there is nothing that a response could be for.
  if (stapling === 'accepted') throw new AlertError('unsolicited_extension');
  return { state: 'waitSke', negotiated, means, shown: undefined };
}

/** RFC 5246 §7.4.1.3 */
function settle(
  { version, offer }: WaitSh,
  { body, raw }: MessageEvent12<'server_hello'>,
  { config, dependencies, channel, previous }: ClientContext,
): Settled {
  // A first handshake has chosen its version by this very message.
  if (body.legacyVersion !== version.code) throw new AlertError('renegotiation_changes_terms');
  channel.setRecordVersion(version.code);
  channel.expectRecordVersion(version.code);
  const row = config.ciphers.find(({ id }) => id === body.cipherSuite);
  const suite = row && tls12Suite(row, dependencies.engine, version.name);
  if (suite === undefined) throw new AlertError('wrong_cipher_suite', { cipher: body.cipherSuite });
  if (body.legacyCompressionMethod !== 0) throw new AlertError('wrong_compression');
  const echo = body.legacySessionIdEcho;
  // With no session behind it an id is there for the middleboxes of TLS 1.3 only (RFC 8446 §D.4).
  if (
    offer.session === undefined &&
    echo.length > 0 &&
    dependencies.engine.equal(echo, offer.hello.legacySessionId)
  )
    throw new AlertError('wrong_session_id_echo');
  const extensions = readAnswer(serverHello12Column, body.extensions, [
    ...offer.hello.extensions,
    offeredRenegotiationInfo,
  ]);
  const secureRenegotiation = checkServerInfo(extensions.renegotiationInfo, previous, dependencies.engine);
  if (!readsOurPoints(extensions.ecPointFormats)) throw new AlertError('no_uncompressed_points');
  const encryptThenMac = extensions.encryptThenMac === true;
  if (encryptThenMac && !hasPadding(suite.cipher)) throw new AlertError('wrong_encrypt_then_mac');
  const recordLimits = acceptRecordLimits(offer.extensions, extensions, 'tls12');
  limitRecords(recordLimits, channel);
  const connectionIds = acceptConnectionIds(
    extensions,
    offer.extensions,
    config.connectionId,
    version.connectionIds,
  );
  channel.useConnectionIds?.(connectionIds);
  const messages = new HandshakeMessages(version.transcript(suite.hash, dependencies.engine));
  messages.add(offer.raw);
  messages.add(raw);
  const negotiated: Negotiated12 = {
    version,
    suite,
    // Copies: facts keep them when the record is long gone.
    randoms: { client: offer.hello.random, server: new Uint8Array(body.random) },
    sessionId: new Uint8Array(echo),
    serverName: offer.serverName,
    ...acceptProtocols(extensions, offer.extensions, config, previous),
    srtp: acceptSrtp(extensions.useSrtp, offer.extensions.useSrtp),
    connectionIds,
    recordLimits,
    masterSecret: checkMasterSecret(extensions.extendedMasterSecret ? 'extended' : 'plain', previous),
    encryptThenMac,
    ticket: extensions.sessionTicketPromised ? 'promised' : 'none',
    messages,
    secureRenegotiation,
    verifyData: unknownVerifyData(),
  };
  const user: ProvedUser | undefined =
    suite.keyExchange.agreement?.user === 'srp' && config.srpIdentity !== undefined
      ? { kind: 'srp', name: config.srpIdentity.username }
      : undefined;
  return {
    negotiated,
    means: { clientVersion: offer.hello.legacyVersion, user },
    stapling: extensions.statusAccepted ? 'accepted' : 'none',
  };
}

/** The signalling suite of our hello stands for it (RFC 5746 §3.4). */
const offeredRenegotiationInfo = { extensionType: renegotiationInfo.code, extensionData: new Uint8Array(0) };

/** RFC 5246 §7.4.2, when a CertificateStatus may follow. */
function receiveCertificate(
  { negotiated, means }: WaitCert,
  { body, raw }: MessageEvent12<'certificate'>,
): WaitStatus {
  if (body.certificateList.length === 0) throw new AlertError('empty_certificate_list');
  negotiated.messages.add(raw);
  const chain = body.certificateList.map((certificate) => new Uint8Array(certificate));
  return { state: 'waitStatus', negotiated, means, chain };
}

function receiveCertificateAndAsk(
  from: WaitCert,
  event: MessageEvent12<'certificate'>,
  context: ClientContext,
): AwaitVerdict {
  return askVerdict(receiveCertificate(from, event), undefined, context);
}

function askVerdict(
  from: WithChain,
  staple: Uint8Array | undefined,
  { sink, previous, config }: ClientContext,
): AwaitVerdict {
  const { certificate } = from.negotiated.suite.keyExchange;
  checkPeer(from.chain, previous, config);
  if (certificate === undefined) throw new TypeError('no certificate belongs here');
  sink.askVerdict(from.chain, staple, useOf(certificate));
  return { ...from, state: 'awaitVerdict' };
}

/** RFC 6066 §8 */
function receiveStatus(
  from: WaitStatus,
  { body, raw }: MessageEvent12<'certificate_status'>,
  context: ClientContext,
): AwaitVerdict {
  // The only type that we ask for: of another the response is something else.
  if (body.statusType !== ocspStatusType)
    throw new AlertError('malformed_message', `a certificate status of type ${body.statusType}`);
  from.negotiated.messages.add(raw);
  return askVerdict(from, new Uint8Array(body.response), context);
}

function receiveKeysInsteadOfStatus(
  from: WaitStatus,
  keyExchange: MessageEvent12<'server_key_exchange'>,
  context: ClientContext,
): AwaitVerdictWithKeys {
  return { ...askVerdict(from, undefined, context), state: 'awaitVerdictWithKeys', keyExchange };
}

function receiveRequestInsteadOfStatus(
  from: WaitStatus,
  request: MessageEvent12<'certificate_request'>,
  context: ClientContext,
): AwaitVerdictWithRequest {
  return { ...askVerdict(from, undefined, context), state: 'awaitVerdictWithRequest', request };
}

function receiveDoneInsteadOfStatus(
  from: WaitStatus,
  done: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): AwaitVerdictWithDone {
  return { ...askVerdict(from, undefined, context), state: 'awaitVerdictWithDone', done };
}

function receiveVerdict(
  { negotiated, means, chain }: WithChain,
  { verdict }: AnswerEvent<'verdict'>,
): WaitSke {
  const key = acceptVerdict(verdict);
  // RFC 5246 §7.4.2: the suite names the kind of key.
  const { certificate } = negotiated.suite.keyExchange;
  if (certificate === undefined || !authenticates(key.algorithm, certificate))
    throw new AlertError('wrong_certificate_type');
  return { state: 'waitSke', negotiated, means, shown: { chain, key } };
}

/** RFC 5246 §7.4.3: the certificate has all that there is to know. */
function receiveVerdictOnKeys(
  from: WithChain,
  answered: AnswerEvent<'verdict'>,
  context: ClientContext,
): WaitCrShd {
  return withKeys(receiveVerdict(from, answered), new Reader(new Uint8Array(0)), context);
}

function receiveVerdictWithKeys(
  from: AwaitVerdictWithKeys,
  answered: AnswerEvent<'verdict'>,
  context: ClientContext,
): WaitCrShd {
  return receiveServerKeyExchange(receiveVerdict(from, answered), from.keyExchange, context);
}

function receiveVerdictWithRequest(
  from: AwaitVerdictWithRequest,
  answered: AnswerEvent<'verdict'>,
  context: ClientContext,
): WaitShd {
  return receiveCertificateRequest(receiveVerdictOnKeys(from, answered, context), from.request, context);
}

function receiveVerdictWithDone(
  from: AwaitVerdictWithDone,
  answered: AnswerEvent<'verdict'>,
  context: ClientContext,
): FlightSent {
  return answerUnasked(receiveVerdictOnKeys(from, answered, context), from.done, context);
}

function receiveVerdictWithDoneAndAsk(
  from: AwaitVerdictWithDone,
  answered: AnswerEvent<'verdict'>,
  context: ClientContext,
): AwaitUser {
  return askUserWithoutHint(receiveVerdict(from, answered), from.done, context);
}

/** RFC 5246 §7.4.3, RFC 8422 §5.4, RFC 4279 §2, RFC 5054 §2.5.3 */
function receiveServerKeyExchange(
  from: WaitSke,
  { body, raw }: MessageEvent12<'server_key_exchange'>,
  context: ClientContext,
): WaitCrShd {
  const { negotiated, shown } = from;
  const { version, suite, randoms, messages } = negotiated;
  const reader = new Reader(body.exchangeKeys);
  const hint = suite.keyExchange.psk ? new Uint8Array(pskName.decode(reader).name) : undefined;
  const next = withKeys(from, reader, context);
  if (!suite.keyExchange.signed) {
    reader.end();
    messages.add(raw);
    return { ...next, hint };
  }
  if (shown === undefined) throw new TypeError('nobody to have signed');
  const params = body.exchangeKeys.subarray(0, body.exchangeKeys.length - reader.remaining);
  const signed = version.digitallySigned.decode(reader);
  reader.end();
  const content = signedParams(params, randoms);
  const scheme = checkSignature12(signed, shown.key, context.config.signatureAlgs, content);
  messages.add(raw);
  return { ...next, peer: { kind: 'certificate', chain: shown.chain, scheme } };
}

/** The server's part is read, as far as there is one. */
function withKeys(
  { negotiated, means, shown }: WaitSke,
  reader: Reader,
  { config, dependencies }: ClientContext,
): WaitCrShd {
  const agreement = negotiated.suite.keyExchange.agreement?.read(reader, {
    offered: offeredGroups(config),
    engine: dependencies.engine,
    peer: shown?.key,
    minKeySize: config.minKeySize ?? defaultMinKeySize,
    srp: config.srpIdentity,
    clientVersion: means.clientVersion,
  });
  // A key proves itself by what it agrees on or deciphers: the Finished tells.
  const peer: Authentication =
    shown !== undefined
      ? { kind: 'certificate', chain: shown.chain, scheme: undefined }
      : provedBy(means.user);
  return { state: 'waitCrShd', negotiated, means, peer, agreement, hint: undefined };
}

/** RFC 5246 §7.4.4 */
function receiveCertificateRequest(
  from: WaitCrShd,
  { body, raw }: MessageEvent12<'certificate_request'>,
  { config, identities }: ClientContext,
): WaitShd {
  const choice = chooseClientCertificate12(identities, body, config.signatureAlgs);
  from.negotiated.messages.add(raw);
  return { ...from, state: 'waitShd', own: answerTo(choice) };
}

/** RFC 5246 §7.4.5: the server's flight ends, and it does not ask who we are. */
function answerUnasked(
  from: WaitCrShd,
  event: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): FlightSent {
  return answer({ ...from, state: 'waitShd', own: notAsked }, event, context);
}

function askUserWithoutHint(
  from: WaitSke,
  event: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): AwaitUser {
  return askUser(withKeys(from, new Reader(new Uint8Array(0)), context), event, context);
}

/** RFC 4279 §2: the flight ends; who are we to this server, and with which key? */
function askUser(
  { ...from }: WaitCrShd,
  { raw }: MessageEvent12<'server_hello_done'>,
  { sink, channel }: ClientContext,
): AwaitUser {
  channel.endPeerFlight();
  from.negotiated.messages.add(raw);
  if (sink.askUser === undefined) throw new AlertError('unknown_user');
  sink.askUser({ kind: 'psk', identity: undefined, hint: from.hint });
  return { ...from, state: 'awaitUser' };
}

function receiveUser(
  { negotiated, means, peer, agreement }: AwaitUser,
  { user: found }: AnswerEvent<'user'>,
  context: ClientContext,
): FlightSent {
  if (found?.kind !== 'psk') throw new AlertError('unknown_user');
  const { dependencies, channel } = context;
  const answered = agreement?.answer(dependencies);
  const name = encodeAll(pskName, { name: found.identity });
  const exchangeKeys = concat([name, answered?.keys ?? new Uint8Array(0)]);
  send(channel, negotiated, 'client_key_exchange', { exchangeKeys });
  const keys = deriveKeys(negotiated, withPsk(answered?.secret, found.key), context);
  const user: ProvedUser = { kind: 'psk', name: found.identity };
  const proved = peer.kind === 'none' ? provedBy(user) : peer;
  const group = agreement?.group;
  return sendFinished({ negotiated, means, peer: proved, user, group, own: notAsked, keys }, context);
}

/** Our second flight, with a key that is at hand. */
function answer(
  from: WaitShd,
  event: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): FlightSent {
  const answered = exchangeKeys(from, event, context);
  const { own, negotiated } = answered;
  if (own.kind === 'certificate')
    sendCertificateVerify(own.scheme, sign(own, negotiated.messages.bytes()), answered, context);
  return sendFinished(answered, context);
}

/** Our second flight up to the signature that comes from elsewhere. */
function answerAndAsk(
  from: WaitShd,
  event: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): AwaitSignature {
  const answered = exchangeKeys(from, event, context);
  const { own, negotiated } = answered;
  if (own.kind !== 'certificate') throw new TypeError('nothing to sign');
  askForSignature(own, negotiated.messages.bytes(), context.sink);
  return { state: 'awaitSignature', ...answered, scheme: own.scheme };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ClientContext,
): FlightSent {
  sendCertificateVerify(from.scheme, signature, from, context);
  return sendFinished(from, context);
}

/** RFC 5246 §7.4.6, §7.4.7: Certificate if it was asked for, ClientKeyExchange, and the secrets that come of it. */
function exchangeKeys(
  { negotiated, means, peer, agreement, own }: WaitShd,
  { raw }: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): WithMaster {
  const { dependencies, channel } = context;
  const { messages } = negotiated;
  if (agreement === undefined) throw new TypeError('nothing to agree on');
  channel.endPeerFlight();
  messages.add(raw);
  if (own.kind !== 'none') send(channel, negotiated, 'certificate', { certificateList: shownChain(own) });
  const { keys: exchangeKeys, secret } = agreement.answer(dependencies);
  send(channel, negotiated, 'client_key_exchange', { exchangeKeys });
  const keys = deriveKeys(negotiated, secret, context);
  return { negotiated, means, peer, user: means.user, group: agreement.group, own, keys };
}

/** RFC 5246 §7.4.8 */
function sendCertificateVerify(
  scheme: SignatureScheme,
  signature: Uint8Array,
  { negotiated }: WithMaster,
  { channel }: ClientContext,
): void {
  send(channel, negotiated, 'certificate_verify', signedBy(scheme, signature, negotiated.version));
}

/** RFC 5246 §7.1, §7.4.9 */
function sendFinished(from: WithMaster, context: ClientContext): FlightSent {
  const { negotiated, keys } = from;
  negotiated.messages.forget();
  finishFlight(negotiated, keys, 'client', context);
  return { ...from, state: 'flightSent' };
}

function waitForTicket(from: FlightSent): WaitTicket {
  return { ...from, state: 'waitTicket' };
}

function goOnWithoutTicket(from: FlightSent): WaitCcs {
  return { ...from, state: 'waitCcs', ticket: undefined };
}

/** RFC 5077 §3.3 */
function receiveTicket(from: WaitTicket, event: MessageEvent12<'new_session_ticket'>): WaitCcs {
  from.negotiated.messages.add(event.raw);
  return { ...from, state: 'waitCcs', ticket: givenTicket(event) };
}

function receiveChangeCipherSpec(
  from: WaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  context: ClientContext,
): WaitFinished {
  changeReadKeys(from.negotiated, from.keys, 'server', context);
  return { ...from, state: 'waitFinished' };
}

/** RFC 5246 §7.4.9 */
function receiveFinished(
  { negotiated, peer, user, group, own, keys, ticket }: WaitFinished,
  { body }: MessageEvent12<'finished'>,
  { dependencies, channel, config, previous }: ClientContext,
): Connected {
  checkUser(user, previous, config);
  channel.endPeerFlight();
  checkFinished(body, negotiated, keys, 'server', dependencies.engine);
  const shown = own.kind === 'certificate' ? shownBy(own) : provedBy(user);
  const facts = conclude12('client', {
    negotiated: named(negotiated, ticket, dependencies),
    ...{ group, keys, peer, own: shown, user, ticket },
  });
  return { state: 'connected', facts, left: leave12(negotiated, facts, previous) };
}

/** RFC 5077 §3.4: a session that the server has given no id, for the ticket has all, gets one of ours. */
function named(
  negotiated: Negotiated12,
  ticket: GivenTicket | undefined,
  { random }: Dependencies,
): Negotiated12 {
  const isNameless = ticket !== undefined && negotiated.sessionId.length === 0;
  return isNameless ? { ...negotiated, sessionId: random(32) } : negotiated;
}
