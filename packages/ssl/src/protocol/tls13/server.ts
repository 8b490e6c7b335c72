/**
 * TLS 1.3, server (RFC 8446 §2, §4, appendix A.2).
 *
 *                      START <-----+
 *       Recv ClientHello |         | Send HelloRetryRequest
 *                        v         |
 *                     RECVD_CH ----+         after it: START_RETRIED, from which no second retry leads; with a
 *                        |                   cookie START may be that too
 *                        | Select parameters
 *                        v
 *                     SELECTED               with keys that the client offers by way of AWAIT_PSK: looked up outside
 *                        | Send ServerHello, K_send = handshake, EncryptedExtensions,
 *                        | [CertificateRequest]
 *                        v
 *                     NEGOTIATED ---------------------+--------------------+
 *                        | Certificate, with a        | PSK                | PSK and 0-RTT
 *                        | stapled response by        | Send Finished,     | Send Finished,
 *                        | way of AWAIT_STAPLE        | K_send =           | K_send = application,
 *                     CERTIFIED                       | application        | K_recv = early data
 *                        | CertificateVerify, with    |                    v
 *                        | a remote key by way of     |                WAIT_EOED
 *                        | AWAIT_SIGNATURE            |                    | Recv EndOfEarlyData,
 *                        | Send Finished,             |                    | K_recv = handshake
 *                        | K_send = application       |                    |
 *                        v                            |                    |
 *                     WAIT_FLIGHT2                    |                    |
 *            No auth |        | Client auth           |                    |
 *                    |        v                       |                    |
 *                    |    WAIT_CERT                   |                    |
 *                    |  Recv empty |  \ Recv          |                    |
 *                    | Certificate |   | Certificate  |                    |
 *                    |             |   AWAIT_VERDICT  |    ours: the chain is judged outside
 *                    |             |   | verdict      |                    |
 *                    |             |   WAIT_CV        |                    |
 *                    |             |   | Recv         |                    |
 *                    |             |   | Certificate- |                    |
 *                    |             |   | Verify       |                    |
 *                    v             v   v              v                    |
 *                     WAIT_FINISHED <-----------------+--------------------+
 *                        | Recv Finished, K_recv = application
 *                        v
 *                     CONNECTED
 *
 * Over datagrams there is no WAIT_EOED (RFC 9147 §5.6): early data is read until Finished, under keys beside those of the
 * handshake.
 */
import type { AnyStateMachine } from 'xstate';
import type { MessageTable } from '../../values/wire/message-table.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { dtls13Messages, type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import { chartOf } from '../chart.js';
import { isEmptyCertificate } from '../client-authentication.js';
import type { ServerContext } from '../contexts.js';
import { selectProtocol } from '../extensions/alpn.js';
import { selectConnectionIds } from '../extensions/connection-id.js';
import { cookieCode } from '../extensions/cookie.js';
import { hostName } from '../extensions/server-name.js';
import { type ClientHelloExtensions, clientHelloColumn, readExtensions } from '../extensions/table.js';
import { selectSrtp, srtpAnswer } from '../extensions/use-srtp.js';
import type { AnswerEvent, Handshake, HandshakeEvent, MessageEvent } from '../handshake.js';
import { type CertificateChoice, chooseSuite, shownBy } from '../hello/choose.js';
import { answerRecordLimits } from '../hello/record-limits.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { showsMiddleboxes, speaksDtls } from '../hello/version.js';
import { secretLogOf } from '../key-log.js';
import { Machine } from '../machine.js';
import { wantedStaple } from '../own-identity.js';
import { askForSignature, serverSignsElsewhere, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ServerSettings } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkRequestContext, readCertificate, sendCertificate } from './certificate.js';
import { checkCertificateVerify, sendCertificateVerify, signedContent } from './certificate-verify.js';
import { checkClientHello, checkKeptParts, checkRetriedParts, checkSameHello } from './check-client-hello.js';
import {
  acceptsEarlyData,
  chooseGroup,
  chooseOwnCertificate,
  propose,
  refusesPskDheKe,
  type Selection,
  type SharedGroup,
} from './choose.js';
import { chooseCompression, compressionOffer, expandCertificate } from './compressed-certificate.js';
import { dialect13 } from './dialect.js';
import { EarlyDataAllowance, skippableEarlyData } from './early-data.js';
import { earlyEndOf, readEarlyKeys } from './early-keys.js';
import { sendCertificateRequest, sendEncryptedExtensions } from './encrypted-extensions.js';
import { checkVerifyData, sendFinished } from './finished.js';
import type { EarlySecret } from './key-schedule.js';
import {
  type ApplicationKeys,
  answerShare,
  applicationKeys,
  conclude,
  earlyKeys,
  type HandshakeKeys,
  handshakeKeys,
  logEarlyKeys,
  type Negotiated,
  remainsOf,
  resumptionOf,
  type ServerShare,
} from './negotiated.js';
import { Tls13PostHandshake } from './post-handshake.js';
import { CertificateRequests } from './post-handshake-authentication.js';
import { type FoundPsk, pskAuthentication } from './psk.js';
import { PskClaim } from './psk-claim.js';
import { rememberRetry, retryCookie } from './retry-cookie.js';
import { send } from './send.js';
import { helloRetryRequest, serverHello } from './server-hello.js';
import type {
  Answered,
  AwaitPsk,
  AwaitSignature,
  AwaitStaple,
  AwaitVerdict,
  CertificateExpanded,
  Certified,
  Connected,
  NegotiatedState,
  Proof,
  RecvdCh,
  Retried,
  Selected,
  ServerAgreement,
  ServerData,
  Start,
  StartRetried,
  WaitCert,
  WaitCv,
  WaitEoed,
  WaitFinished,
  WaitFlight2,
  WithCertificate,
  WithShare,
} from './server-states.js';

// The machine.

const hasCookie: Guard<Start, MessageEvent<'client_hello'>> = {
  name: 'cookie?',
  holds: ({ cookies }, { body }) =>
    cookies === 'taken' && body.extensions.some(({ extensionType }) => extensionType === cookieCode),
};
const mayCompress: Guard<WaitCert, MessageEvent<'compressed_certificate'>> = {
  name: 'compression offered?',
  holds: ({ agreement }) => agreement.compressions.length > 0,
};
const isEmptyInside: Guard<CertificateExpanded, undefined> = {
  name: 'empty certificate?',
  holds: ({ event }) => event.body.certificateList.length === 0,
};
const needsRetry: Guard<RecvdCh, undefined> = {
  name: 'retry?',
  holds: ({ group }) => group.kind === 'retry',
};
const offersPsk: Guard<Selected, undefined> = {
  name: 'PSK offered?',
  holds: ({ selection }) => selection.proposal.kind === 'psk',
};
const readsEarly: Guard<NegotiatedState, undefined> = {
  name: '0-RTT?',
  holds: ({ proof }) => proof.kind === 'psk' && proof.early?.end === 'message',
};
const usesPsk: Guard<NegotiatedState, undefined> = {
  name: 'using PSK?',
  holds: ({ proof }) => proof.kind === 'psk',
};
const staples: Guard<NegotiatedState, undefined> = {
  name: 'staple?',
  holds: ({ proof }) => proof.kind === 'certificate' && proof.status !== undefined,
};
const asksClient: Guard<WaitFlight2, undefined> = {
  name: 'client auth?',
  holds: ({ agreement }) => agreement.clientAuthentication === 'requested',
};

const { arrow, always } = arrowMaker<ServerData, HandshakeEvent, ServerContext>();

/** Exported for the tests that walk chart and table. */
export const serverArrows: readonly Arrow<ServerData, HandshakeEvent, ServerContext>[] = [
  arrow('start', 'client_hello', 'selected', receiveForgottenClientHello, hasCookie),
  arrow('start', 'client_hello', 'recvdCh', receiveClientHello),
  always('recvdCh', 'startRetried', sendHelloRetryRequest, needsRetry),
  always('recvdCh', 'selected', takeShare),
  arrow('startRetried', 'client_hello', 'selected', receiveSecondClientHello),
  always('selected', 'awaitPsk', askPsk, offersPsk),
  always('selected', 'negotiated', answerWithCertificate),
  arrow('awaitPsk', 'psk', 'negotiated', receivePsk),
  always('negotiated', 'waitEoed', finishAndReadEarly, readsEarly),
  always('negotiated', 'waitFinished', finishUnderPsk, usesPsk),
  always('negotiated', 'awaitStaple', askStaple, staples),
  always('negotiated', 'certified', sendPlainCertificate),
  arrow('awaitStaple', 'staple', 'certified', receiveStaple),
  always('certified', 'awaitSignature', askSignature, serverSignsElsewhere),
  always('certified', 'waitFlight2', signHere),
  arrow('awaitSignature', 'signature', 'waitFlight2', receiveSignature),
  arrow('waitEoed', 'end_of_early_data', 'waitFinished', receiveEndOfEarlyData),
  always('waitFlight2', 'waitCert', waitForCertificate, asksClient),
  always('waitFlight2', 'waitFinished', waitForFinished),
  arrow('waitCert', 'certificate', 'waitFinished', receiveEmptyCertificate, isEmptyCertificate),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('waitCert', 'compressed_certificate', 'certificateExpanded', receiveCompressed, mayCompress),
  always('certificateExpanded', 'waitFinished', takeEmptyCertificate, isEmptyInside),
  always('certificateExpanded', 'awaitVerdict', takeCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCv', receiveVerdict),
  arrow('waitCv', 'certificate_verify', 'waitFinished', receiveCertificateVerify),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
];

const otpNames: Readonly<Record<ServerData['state'], string>> = {
  start: 'start',
  recvdCh: 'start',
  startRetried: 'start',
  selected: 'start',
  awaitPsk: 'start',
  negotiated: 'negotiated',
  awaitStaple: 'negotiated',
  certified: 'negotiated',
  awaitSignature: 'negotiated',
  waitEoed: 'wait_eoed',
  waitFlight2: 'wait_flight2',
  waitCert: 'wait_cert',
  certificateExpanded: 'wait_cert',
  awaitVerdict: 'wait_cert',
  waitCv: 'wait_cv',
  waitFinished: 'wait_finished',
  connected: 'connection',
};

const machine = machineFor(tls13Messages);
const datagramMachine = machineFor(dtls13Messages);

function machineFor(messages: MessageTable<Tls13Bodies>): Machine<Tls13Bodies, ServerData, ServerContext> {
  return new Machine<Tls13Bodies, ServerData, ServerContext>({
    name: 'tls13Server',
    messages,
    arrows: serverArrows,
    initial: 'start',
    alerts: tls13Alerts,
    postHandshake(channel, sink, data) {
      if (data.state !== 'connected') throw new TypeError('not connected');
      const { facts, later, resumption } = data;
      const authentication = later && new CertificateRequests(later, facts, channel, sink);
      return new Tls13PostHandshake('server', channel, sink, resumption, authentication);
    },
    changeCipherSpec: 'dropped',
    stateName: ({ state }) => otpNames[state],
    facts: (data) => (data.state === 'connected' ? data.facts : undefined),
    earlyRead,
  });
}

/** How much early data may come now (RFC 8446 §4.2.10, RFC 9147 §5.6). */
function earlyRead(data: ServerData): EarlyDataAllowance | undefined {
  switch (data.state) {
    case 'waitEoed':
      return data.early.allowance;
    case 'waitFinished':
      return data.agreement.untilFinished;
    default:
      return undefined;
  }
}

/** A handshake that waits for its ClientHello. */
export function tls13Server(context: ServerContext): Handshake {
  const cookies = context.dependencies.cookies === undefined ? 'ignored' : 'taken';
  const family = speaksDtls(context.config.versions) ? datagramMachine : machine;
  return family.begin({ state: 'start', cookies }, context);
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function serverChart(): AnyStateMachine {
  return chartOf(machine);
}

// The handlers, in the RFC's order.

/** §4.1.1, §4.1.2, §9.2 */
function receiveClientHello(
  _from: Start,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  context: ServerContext,
): RecvdCh {
  const { config, dependencies } = context;
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  checkClientHello(hello, extensions);
  const suite = suiteFor(hello, context);
  const { supportedGroups, keyShare } = extensions;
  const group = chooseGroup(supportedGroups, keyShare, config.supportedGroups, dependencies.engine);
  const transcript = new Transcript(suite.hash);
  const selection = select(hello, raw, extensions, suite, transcript, context);
  transcript.add(raw);
  return { state: 'recvdCh', selection, transcript, group };
}

/** §4.1.1 */
function suiteFor({ cipherSuites }: ClientHello, { config, dependencies: { engine } }: ServerContext): Suite {
  const preference = config.honorCipherOrder ? 'server' : 'client';
  return chooseSuite(cipherSuites, config.ciphers, preference, (row) => tls13Suite(row, engine));
}

/** §4.1.1: what else a hello leads to. The transcript ends before it. */
function select(
  hello: ClientHello,
  raw: Uint8Array,
  extensions: ClientHelloExtensions,
  suite: Suite,
  transcript: Transcript,
  context: ServerContext,
): Selection {
  const serverName = hostName(extensions.serverName);
  const proposal = propose(extensions, raw, transcript, context);
  const alpn = selectProtocol(extensions.alpn, context.config.alpnPreferredProtocols);
  return { hello, extensions, suite, proposal, alpn, serverName };
}

/** §4.1.4. With a cookie nothing is kept of what has come, and nothing of what was said (§4.2.2). */
function sendHelloRetryRequest(
  { selection, transcript, group: choice }: RecvdCh,
  { config, dependencies: { cookies }, channel, maxEarlyData }: ServerContext,
): StartRetried {
  if (choice.kind !== 'retry') throw new TypeError('no reason to retry');
  const { hello, extensions, suite } = selection;
  const { group } = choice;
  channel.endPeerFlight();
  const cookie = cookies && retryCookie(selection, transcript, choice, cookies);
  transcript.replaceByMessageHash();
  send(
    channel,
    transcript,
    'server_hello',
    helloRetryRequest(hello, suite, group, cookie, dialect13(config)),
  );
  if (showsChangeCipherSpec(hello, config)) channel.addChangeCipherSpec();
  channel.finishFlight();
  // Nobody has looked at the ticket yet.
  if (extensions.earlyData) channel.skipEarlyData(skippableEarlyData(maxEarlyData));
  return { state: 'startRetried', kept: cookie === undefined ? { selection, transcript, group } : undefined };
}

function takeShare({ selection, transcript, group: share }: RecvdCh): Selected {
  if (share.kind !== 'share') throw new TypeError('no share to answer');
  return { state: 'selected', selection, transcript, share, hellos: 'first' };
}

/** §4.1.2: the same hello but for the share we asked for. */
function receiveSecondClientHello(
  { kept }: StartRetried,
  event: MessageEvent<'client_hello'>,
  context: ServerContext,
): Selected {
  return kept === undefined ? receiveCookie(event, context) : receiveKnownHello(kept, event, context);
}

/** §4.2.2: its first was answered elsewhere, or by somebody who has forgotten it. */
function receiveForgottenClientHello(
  _from: Start,
  event: MessageEvent<'client_hello'>,
  context: ServerContext,
): Selected {
  return receiveCookie(event, context);
}

function receiveKnownHello(
  { selection: first, transcript, group }: Retried,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  context: ServerContext,
): Selected {
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  if (extensions.earlyData) throw new AlertError('client_hello_changed');
  checkSameHello(first.hello, hello);
  const keyExchange = checkRetriedParts(extensions, group);
  const proposal =
    extensions.preSharedKey === undefined && first.proposal.kind === 'certificate'
      ? first.proposal
      : propose(extensions, raw, transcript, context);
  transcript.add(raw);
  const offered = afterRetry(extensions, first.extensions.earlyData);
  const selection: Selection = { ...first, hello, extensions: offered, proposal };
  return selected(selection, transcript, { kind: 'share', group, keyExchange });
}

/** All that is known of the first hello is in the cookie. */
function receiveCookie({ body: hello, raw }: MessageEvent<'client_hello'>, context: ServerContext): Selected {
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  if (extensions.cookie === undefined) throw new AlertError('missing_cookie');
  checkClientHello(hello, extensions);
  const { cookie } = extensions;
  const { suite, group, asked, transcript, earlyData } = rememberRetry(cookie, hello, context);
  const keyExchange = asked ? checkRetriedParts(extensions, group) : checkKeptParts(extensions, group);
  const selection = select(hello, raw, afterRetry(extensions, earlyData), suite, transcript, context);
  transcript.add(raw);
  return selected(selection, transcript, { kind: 'share', group, keyExchange });
}

/** What was offered first and withdrawn since was early data, which came before the retry. */
function afterRetry(
  extensions: ClientHelloExtensions,
  earlyData: ClientHelloExtensions['earlyData'],
): ClientHelloExtensions {
  return { ...extensions, earlyData };
}

function selected(selection: Selection, transcript: Transcript, share: SharedGroup): Selected {
  return { state: 'selected', selection, transcript, share, hellos: 'retried' };
}

/** §4.2.11: nobody but the keeper of the keys knows what the identities stand for. */
function askPsk(from: Selected, context: ServerContext): AwaitPsk {
  const { selection, transcript, share, hellos } = from;
  const { proposal: claimed, serverName, extensions } = selection;
  const { sink } = context;
  if (claimed.kind !== 'psk' || sink.askPsk === undefined) throw new TypeError('nobody to ask for a key');
  const claim = new PskClaim(from, claimed, context);
  const { identities, binders } = claimed.offered;
  const earlyData = extensions.earlyData === true && hellos === 'first';
  const isProven = (found: FoundPsk): boolean => claim.isProven(found);
  sink.askPsk({ identities, binders, hashes: claim.hashes, serverName, earlyData, isProven });
  return { state: 'awaitPsk', selection, transcript, share, hellos, claim };
}

/** §4.2.11: nothing is believed before the binder is checked. Without a key that we know it is a full handshake. */
function receivePsk(from: AwaitPsk, { found }: AnswerEvent<'psk'>, context: ServerContext): NegotiatedState {
  const { extensions } = from.selection;
  const { config, identities, sink, channel } = context;
  if (found === undefined) {
    if (identities.length === 0) throw new AlertError('unknown_psk');
    const choice = chooseOwnCertificate(identities, extensions, config);
    return answerFull(from, choice, context);
  }
  const proven = from.claim.prove(found);
  const { selection, transcript, hellos, secret } = proven;
  const { index, psk } = found;
  const { earlyData: terms } = psk;
  const early =
    terms !== undefined &&
    sink.deliverEarly !== undefined &&
    acceptsEarlyData(selection, hellos, index, terms)
      ? {
          ...earlyKeys(secret, transcript.digest()),
          allowance: new EarlyDataAllowance(terms.maxSize),
          end: earlyEndOf(channel),
        }
      : undefined;
  const proof: Proof = { kind: 'psk', authentication: pskAuthentication(psk), early };
  return answerClientHello(proven, proof, { index, secret, allowed: psk.allowedEarlyData }, context);
}

function answerWithCertificate(from: Selected, context: ServerContext): NegotiatedState {
  const { proposal } = from.selection;
  if (proposal.kind !== 'certificate') throw new TypeError('no certificate was chosen');
  return answerFull(from, proposal.choice, context);
}

function answerFull(from: WithShare, choice: CertificateChoice, context: ServerContext): NegotiatedState {
  const status = wantedStaple(from.selection.extensions.statusRequest, choice.identity, context.sink);
  return answerClientHello(from, { kind: 'certificate', choice, status }, undefined, context);
}

/** The key that is used: its place in the client's list, and what comes of it. */
interface PskChoice {
  readonly index: number;
  readonly secret: EarlySecret;
  /** Bytes of early data that the client was told it may send under it. */
  readonly allowed: number | undefined;
}

/** §4.1.3 */
function answerClientHello(
  from: WithShare,
  proof: Proof,
  psk: PskChoice | undefined,
  context: ServerContext,
): NegotiatedState {
  const { selection, transcript, share, hellos } = from;
  const { config, dependencies, channel, sink } = context;
  const own = answerShare(share, dependencies);
  const negotiated = sendServerHello(from, own, psk?.index, context);
  if (hellos === 'first') {
    if (showsChangeCipherSpec(selection.hello, config)) channel.addChangeCipherSpec();
    const skips =
      selection.extensions.earlyData && (proof.kind === 'certificate' || proof.early === undefined);
    // A ticket from before the settings were changed may have allowed more than those do now.
    if (skips) channel.skipEarlyData(skippableEarlyData(Math.max(context.maxEarlyData, psk?.allowed ?? 0)));
  }
  const log = secretLogOf(sink, negotiated.clientRandom);
  if (proof.kind === 'psk' && proof.early !== undefined) logEarlyKeys(proof.early, log);
  const keys = handshakeKeys(negotiated.suite, transcript, own.secret, psk?.secret, log);
  return sendParameters(selection, proof, negotiated, keys, context);
}

/** §D.4: the client shows by its session id that it wants one. */
function showsChangeCipherSpec(hello: ClientHello, config: ServerSettings): boolean {
  return showsMiddleboxes(config) && hello.legacySessionId.length > 0;
}

function sendServerHello(
  { selection, transcript, share: { group }, hellos }: WithShare,
  { publicKey }: ServerShare,
  preSharedKey: number | undefined,
  { config, dependencies, channel, ownConnectionId }: ServerContext,
): Negotiated {
  const { hello, suite, serverName, extensions } = selection;
  const serverRandom = dependencies.random(32);
  const dialect = dialect13(config);
  const connectionIds = selectConnectionIds(extensions, config.connectionId, ownConnectionId);
  const choice = { group, publicKey, preSharedKey, connectionIds };
  const answer = serverHello(hello, suite, serverRandom, choice, dialect);
  channel.useConnectionIds?.(connectionIds);
  send(channel, transcript, 'server_hello', answer);
  // Copies: facts keep them when the hello is long gone.
  const clientRandom = new Uint8Array(hello.random);
  const sessionId = new Uint8Array(hello.legacySessionId);
  const { version } = dialect;
  return { version, suite, group, clientRandom, serverRandom, sessionId, serverName, hellos };
}

/** RFC 6066 §3: whether the name has decided something. Nothing is said of it when a session is resumed. */
function tellsName(proof: Proof, { nameUsed }: ServerContext): boolean {
  return nameUsed && !(proof.kind === 'psk' && proof.authentication.origin === 'resumption');
}

/** §4.3: under handshake keys, up to the Certificate. */
function sendParameters(
  { alpn, extensions }: Selection,
  proof: Proof,
  negotiated: Negotiated,
  keys: HandshakeKeys,
  context: ServerContext,
): NegotiatedState {
  const { config, dependencies, channel } = context;
  const { transcript } = keys;
  const { aead } = negotiated.suite;
  const early = proof.kind === 'psk' ? proof.early : undefined;
  const { limits: recordLimits, answer } = answerRecordLimits(extensions, config, 'tls13');
  // Ours first: after the ServerHello the client reads our alerts under them.
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.server));
  const theirs = (): Tls13ReadProtection => new Tls13ReadProtection(aead, keys.client);
  if (early === undefined) channel.installReadKeys(theirs());
  else readEarlyKeys(new Tls13ReadProtection(aead, early.secret), theirs, channel);
  if (recordLimits.writing !== undefined) channel.limitWriting(recordLimits.writing);
  // A client learns of ours when it has sent its early data.
  if (recordLimits.reading !== undefined && early?.end !== 'message')
    channel.limitReading(recordLimits.reading);
  const serverName = (negotiated.serverName !== undefined && tellsName(proof, context)) || undefined;
  const srtp = selectSrtp(extensions.useSrtp, config.useSrtp);
  sendEncryptedExtensions(
    { serverName, alpn, earlyData: early && true, useSrtp: srtp && srtpAnswer(srtp), ...answer },
    transcript,
    channel,
  );
  // §4.3.2: who is known by a key is not asked for a certificate.
  const clientAuthentication =
    proof.kind === 'certificate' && config.verify === 'verify_peer' && config.postHandshakeAuth !== true
      ? 'requested'
      : 'none';
  const compressions =
    clientAuthentication === 'requested' ? compressionOffer(config, dependencies) : undefined;
  if (clientAuthentication === 'requested')
    sendCertificateRequest(context, compressions, transcript, channel);
  const earlyData = early !== undefined ? 'accepted' : extensions.earlyData ? 'rejected' : 'none';
  const tickets = refusesPskDheKe(extensions) ? 'useless' : 'welcome';
  const allowance = early?.allowance;
  const agreement: ServerAgreement = {
    negotiated,
    alpn,
    earlyData,
    early: early && remainsOf(early, config),
    allowance,
    untilFinished: early?.end === 'finished' ? allowance : undefined,
    recordLimits,
    srtp,
    clientAuthentication,
    tickets,
    laterAuthentication: extensions.postHandshakeAuth === true && config.verify === 'verify_peer',
    compression: chooseCompression(extensions.compressCertificate, config, dependencies),
    compressions: compressions ?? [],
  };
  return { state: 'negotiated', agreement, keys, proof };
}

/** §2.2, §4.2.10: our flight ends here, and the client goes on with what it sends early. */
function finishAndReadEarly({ agreement, keys, proof }: NegotiatedState, context: ServerContext): WaitEoed {
  if (proof.kind !== 'psk' || proof.early === undefined) throw new TypeError('no early data to read');
  const { authentication: peer, early } = proof;
  const application = endFlight(agreement.negotiated, keys, context);
  return { state: 'waitEoed', agreement, keys, own: peer, application, peer, early };
}

/** §4.5: from here on the client writes under handshake keys. */
function receiveEndOfEarlyData(
  from: WaitEoed,
  { raw }: MessageEvent<'end_of_early_data'>,
  { channel }: ServerContext,
): WaitFinished {
  const { agreement, keys, early, peer } = from;
  const { aead } = agreement.negotiated.suite;
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(aead, keys.client));
  const { reading } = agreement.recordLimits;
  if (reading !== undefined) channel.limitReading(reading);
  early.secret.zero();
  return waitFinished(from, peer);
}

/** §2.2: both sides are known by the key. */
function finishUnderPsk({ agreement, keys, proof }: NegotiatedState, context: ServerContext): WaitFinished {
  if (proof.kind !== 'psk') throw new TypeError('no key to be known by');
  const { authentication: peer } = proof;
  // Over datagrams the channel has made its keys of it.
  proof.early?.secret.zero();
  const application = endFlight(agreement.negotiated, keys, context);
  return { state: 'waitFinished', agreement, keys, own: peer, application, peer };
}

/** §4.4.2.1: a response that somebody has to find. */
function askStaple({ agreement, keys, proof }: NegotiatedState, { sink }: ServerContext): AwaitStaple {
  if (proof.kind !== 'certificate' || proof.status === undefined || sink.askStaple === undefined)
    throw new TypeError('nobody to ask for a response');
  const { choice: certificate, status: request } = proof;
  const { serverName } = agreement.negotiated;
  sink.askStaple({ identity: certificate.identity, serverName, request });
  return { state: 'awaitStaple', agreement, keys, certificate };
}

function receiveStaple(
  { agreement, keys, certificate }: AwaitStaple,
  { response }: AnswerEvent<'staple'>,
  { channel }: ServerContext,
): Certified {
  const { identity } = certificate;
  const { compression } = agreement;
  sendCertificate({ identity, staple: response, compression }, keys.transcript, channel);
  return { state: 'certified', agreement, keys, certificate };
}

/** §4.4.2 */
function sendPlainCertificate(
  { agreement, keys, proof }: NegotiatedState,
  { channel }: ServerContext,
): Certified {
  if (proof.kind !== 'certificate') throw new TypeError('no certificate to show');
  const { choice: certificate } = proof;
  const { identity } = certificate;
  sendCertificate({ identity, compression: agreement.compression }, keys.transcript, channel);
  return { state: 'certified', agreement, keys, certificate };
}

/** §4.4.3, the key elsewhere. */
function askSignature({ agreement, keys, certificate }: Certified, { sink }: ServerContext): AwaitSignature {
  askForSignature(certificate, toSign(keys), sink);
  return { state: 'awaitSignature', agreement, keys, certificate };
}

/** §4.4.3, the key at hand. */
function signHere(from: Certified, context: ServerContext): WaitFlight2 {
  return prove(from, sign(from.certificate, toSign(from.keys)), context);
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ServerContext,
): WaitFlight2 {
  return prove(from, signature, context);
}

function toSign({ transcript }: HandshakeKeys): Uint8Array {
  return signedContent('server', transcript.digest());
}

/** §4.4.3, §4.4.4 */
function prove(
  { agreement, keys, certificate }: WithCertificate,
  signature: Uint8Array,
  context: ServerContext,
): WaitFlight2 {
  sendCertificateVerify(certificate.scheme, signature, keys.transcript, context.channel);
  const application = endFlight(agreement.negotiated, keys, context);
  return { state: 'waitFlight2', agreement, keys, own: shownBy(certificate), application };
}

/** §4.4.4: with our Finished the flight is complete and leaves. */
function endFlight(
  { suite, clientRandom }: Negotiated,
  keys: HandshakeKeys,
  { channel, sink }: ServerContext,
): ApplicationKeys {
  sendFinished(keys.server, keys.transcript, channel);
  const application = applicationKeys(keys, secretLogOf(sink, clientRandom));
  channel.installWriteKeys(new Tls13WriteProtection(suite.aead, application.server));
  channel.finishFlight();
  return application;
}

function waitForCertificate({ agreement, keys, own, application }: WaitFlight2): WaitCert {
  return { state: 'waitCert', agreement, keys, own, application };
}

function waitForFinished(from: WaitFlight2): WaitFinished {
  return waitFinished(from, unauthenticated);
}

/** RFC 8879 §4: a Certificate like every other, but for its bytes in the transcript. */
function receiveCompressed(
  { agreement, keys, own, application }: WaitCert,
  { body, raw }: MessageEvent<'compressed_certificate'>,
  { config, dependencies }: ServerContext,
): CertificateExpanded {
  const certificate = expandCertificate(body, agreement.compressions, config, dependencies.compressors);
  const event: MessageEvent<'certificate'> = { type: 'certificate', body: certificate, raw };
  return { state: 'certificateExpanded', agreement, keys, own, application, event };
}

function takeEmptyCertificate(from: CertificateExpanded, context: ServerContext): WaitFinished {
  return receiveEmptyCertificate(from, from.event, context);
}

function takeCertificate(from: CertificateExpanded, context: ServerContext): AwaitVerdict {
  return receiveCertificate(from, from.event, context);
}

/** §4.4.2.4 */
function receiveEmptyCertificate(
  from: Answered,
  { body, raw }: MessageEvent<'certificate'>,
  { config }: ServerContext,
): WaitFinished {
  checkRequestContext(body);
  if (config.failIfNoPeerCert) throw new AlertError('certificate_required', 'certificate_required');
  from.keys.transcript.add(raw);
  return waitFinished(from, unauthenticated);
}

/** §4.4.2 */
function receiveCertificate(
  { agreement, keys, own, application }: Answered,
  { body, raw }: MessageEvent<'certificate'>,
  { sink }: ServerContext,
): AwaitVerdict {
  // The request asked for none of the extensions that answer in a Certificate.
  const { chain } = readCertificate(body, []);
  keys.transcript.add(raw);
  sink.askVerdict(chain, undefined, 'signature');
  return { state: 'awaitVerdict', agreement, keys, own, application, chain };
}

function receiveVerdict(
  { agreement, keys, own, application, chain }: AwaitVerdict,
  { verdict }: AnswerEvent<'verdict'>,
): WaitCv {
  return { state: 'waitCv', agreement, keys, own, application, chain, key: acceptVerdict(verdict) };
}

/** §4.4.3 */
function receiveCertificateVerify(
  from: WaitCv,
  { body, raw }: MessageEvent<'certificate_verify'>,
  { config }: ServerContext,
): WaitFinished {
  const { transcript } = from.keys;
  const scheme = checkCertificateVerify(body, 'client', from.key, config.signatureAlgs, transcript.digest());
  transcript.add(raw);
  return waitFinished(from, { kind: 'certificate', chain: from.chain, scheme });
}

/** Field by field: every handshake comes by here, and a spread with others behind it is slow. */
function waitFinished({ agreement, keys, own, application }: Answered, peer: Authentication): WaitFinished {
  return { state: 'waitFinished', agreement, keys, own, application, peer };
}

/** §4.4.4 */
function receiveFinished(
  from: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  context: ServerContext,
): Connected {
  const { config, dependencies, channel, sink } = context;
  const { application, agreement, keys, own } = from;
  const { aead } = agreement.negotiated.suite;
  checkVerifyData(body, keys.client, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(aead, application.client));
  return {
    state: 'connected',
    facts: conclude('server', from, application, own, config, false),
    resumption: sink.askPsk && agreement.tickets === 'welcome' ? resumptionOf(keys, application) : undefined,
    later: agreement.laterAuthentication ? { transcript: keys.transcript, context } : undefined,
  };
}
