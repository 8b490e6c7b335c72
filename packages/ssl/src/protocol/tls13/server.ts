/**
 * TLS 1.3, server (RFC 8446 §2, §4, appendix A.2).
 *
 *                      START <-----+
 *       Recv ClientHello |         | Send HelloRetryRequest
 *                        v         |
 *                     RECVD_CH ----+         after it: START_RETRIED, from which no second retry leads
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
 */
import type { AnyStateMachine } from 'xstate';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import type { MessageChannel } from '../channel.js';
import { chartOf } from '../chart.js';
import { isEmptyCertificate } from '../client-authentication.js';
import type { ServerContext } from '../contexts.js';
import { selectProtocol } from '../extensions/alpn.js';
import { hostName } from '../extensions/server-name.js';
import { type ClientHelloExtensions, clientHelloColumn, readExtensions } from '../extensions/table.js';
import type { AnswerEvent, Handshake, HandshakeEvent, MessageEvent } from '../handshake.js';
import { type CertificateChoice, chooseSuite, shownBy } from '../hello/choose.js';
import { tls13Suite } from '../hello/suite.js';
import { Machine } from '../machine.js';
import { wantedStaple } from '../own-identity.js';
import { askForSignature, serverSignsElsewhere, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ServerSettings } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkRequestContext, readCertificate, sendCertificate } from './certificate.js';
import { checkCertificateVerify, sendCertificateVerify, signedContent } from './certificate-verify.js';
import { checkClientHello, checkSecondClientHello } from './check-client-hello.js';
import {
  acceptsEarlyData,
  chooseGroup,
  chooseOwnCertificate,
  propose,
  refusesPskDheKe,
  type Selection,
  type SharedGroup,
} from './choose.js';
import { EarlyDataAllowance, skippableEarlyData } from './early-data.js';
import { sendCertificateRequest, sendEncryptedExtensions } from './encrypted-extensions.js';
import { checkVerifyData, sendFinished } from './finished.js';
import type { EarlySecret } from './key-schedule.js';
import {
  type ApplicationKeys,
  answerShare,
  applicationKeys,
  conclude,
  type HandshakeKeys,
  handshakeKeys,
  type Negotiated,
  resumptionOf,
  type ServerShare,
} from './negotiated.js';
import { Tls13PostHandshake } from './post-handshake.js';
import { type FoundPsk, pskAuthentication } from './psk.js';
import { PskClaim } from './psk-claim.js';
import { send } from './send.js';
import { helloRetryRequest, serverHello } from './server-hello.js';
import type {
  Answered,
  AwaitPsk,
  AwaitSignature,
  AwaitStaple,
  AwaitVerdict,
  Certified,
  Connected,
  NegotiatedState,
  Proof,
  RecvdCh,
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
  holds: ({ proof }) => proof.kind === 'psk' && proof.early !== undefined,
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
  awaitVerdict: 'wait_cert',
  waitCv: 'wait_cv',
  waitFinished: 'wait_finished',
  connected: 'connection',
};

const machine = new Machine<Tls13Bodies, ServerData, ServerContext>({
  name: 'tls13Server',
  messages: tls13Messages,
  arrows: serverArrows,
  initial: 'start',
  alerts: tls13Alerts,
  postHandshake: (channel, sink, data) =>
    new Tls13PostHandshake('server', channel, sink, data.state === 'connected' ? data.resumption : undefined),
  changeCipherSpec: 'dropped',
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
  earlyRead: (data) => (data.state === 'waitEoed' ? data.early.allowance : undefined),
});

/** A handshake that waits for its ClientHello. */
export function tls13Server(context: ServerContext): Handshake {
  return machine.begin({ state: 'start' }, context);
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
  const { supportedGroups, keyShare } = extensions;
  const serverName = hostName(extensions.serverName);
  const { engine } = dependencies;
  const preference = config.honorCipherOrder ? 'server' : 'client';
  const suite = chooseSuite(hello.cipherSuites, config.ciphers, preference, (row) => tls13Suite(row, engine));
  const group = chooseGroup(supportedGroups, keyShare, config.supportedGroups, engine);
  const transcript = new Transcript(suite.hash);
  const proposal = propose(extensions, raw, transcript, context);
  const alpn = selectProtocol(extensions.alpn, config.alpnPreferredProtocols);
  transcript.add(raw);
  const selection: Selection = { hello, extensions, suite, proposal, alpn, serverName };
  return { state: 'recvdCh', selection, transcript, group };
}

/** §4.1.4 */
function sendHelloRetryRequest(
  { selection, transcript, group: choice }: RecvdCh,
  { config, channel, maxEarlyData }: ServerContext,
): StartRetried {
  if (choice.kind !== 'retry') throw new TypeError('no reason to retry');
  const { hello, extensions, suite } = selection;
  const { group } = choice;
  channel.endPeerFlight();
  transcript.replaceByMessageHash();
  send(channel, transcript, 'server_hello', helloRetryRequest(hello, suite, group));
  if (showsChangeCipherSpec(hello, config)) channel.addChangeCipherSpec();
  channel.finishFlight();
  // Nobody has looked at the ticket yet.
  if (extensions.earlyData) channel.skipEarlyData(skippableEarlyData(maxEarlyData));
  return { state: 'startRetried', selection, transcript, group };
}

function takeShare({ selection, transcript, group: share }: RecvdCh): Selected {
  if (share.kind !== 'share') throw new TypeError('no share to answer');
  return { state: 'selected', selection, transcript, share, hellos: 'first' };
}

/** §4.1.2: the same hello but for the share we asked for. */
function receiveSecondClientHello(
  { selection: first, transcript, group }: StartRetried,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  context: ServerContext,
): Selected {
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  const keyExchange = checkSecondClientHello(first.hello, hello, extensions, group);
  const proposal =
    extensions.preSharedKey === undefined && first.proposal.kind === 'certificate'
      ? first.proposal
      : propose(extensions, raw, transcript, context);
  transcript.add(raw);
  // What was offered first and withdrawn since was early data, which came before the retry.
  const offered: ClientHelloExtensions = { ...extensions, earlyData: first.extensions.earlyData };
  const selection: Selection = { ...first, hello, extensions: offered, proposal };
  const share: SharedGroup = { kind: 'share', group, keyExchange };
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
  const { config, identities, sink } = context;
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
          secret: secret.clientEarlyTraffic(transcript.digest()),
          allowance: new EarlyDataAllowance(terms.maxSize),
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
  const { config, dependencies, channel } = context;
  const own = answerShare(share, dependencies);
  const negotiated = sendServerHello(from, own, psk?.index, context);
  if (hellos === 'first') {
    if (showsChangeCipherSpec(selection.hello, config)) channel.addChangeCipherSpec();
    const skips =
      selection.extensions.earlyData && (proof.kind === 'certificate' || proof.early === undefined);
    // A ticket from before the settings were changed may have allowed more than those do now.
    if (skips) channel.skipEarlyData(skippableEarlyData(Math.max(context.maxEarlyData, psk?.allowed ?? 0)));
  }
  const keys = handshakeKeys(negotiated.suite, transcript, own.secret, psk?.secret);
  return sendParameters(selection, proof, negotiated, keys, context);
}

/** §D.4: the client shows by its session id that it wants one. */
function showsChangeCipherSpec(hello: ClientHello, config: ServerSettings): boolean {
  return config.middleboxCompMode && hello.legacySessionId.length > 0;
}

function sendServerHello(
  { selection, transcript, share: { group }, hellos }: WithShare,
  { publicKey }: ServerShare,
  preSharedKey: number | undefined,
  { dependencies, channel }: ServerContext,
): Negotiated {
  const { hello, suite, serverName } = selection;
  const serverRandom = dependencies.random(32);
  const answer = serverHello(hello, suite, serverRandom, { group, publicKey, preSharedKey });
  send(channel, transcript, 'server_hello', answer);
  // Copies: facts keep them when the hello is long gone.
  const clientRandom = new Uint8Array(hello.random);
  const sessionId = new Uint8Array(hello.legacySessionId);
  return { suite, group, clientRandom, serverRandom, sessionId, serverName, hellos };
}

/** §4.3: under handshake keys, up to the Certificate. */
function sendParameters(
  { alpn, extensions }: Selection,
  proof: Proof,
  negotiated: Negotiated,
  keys: HandshakeKeys,
  context: ServerContext,
): NegotiatedState {
  const { config, channel } = context;
  const { transcript } = keys;
  const { aead } = negotiated.suite;
  const early = proof.kind === 'psk' ? proof.early : undefined;
  // Ours first: after the ServerHello the client reads our alerts under them.
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.server));
  channel.installReadKeys(new Tls13ReadProtection(aead, early?.secret ?? keys.client));
  sendEncryptedExtensions(alpn, early && true, transcript, channel);
  // §4.3.2: who is known by a key is not asked for a certificate.
  const clientAuthentication =
    proof.kind === 'certificate' && config.verify === 'verify_peer' ? 'requested' : 'none';
  if (clientAuthentication === 'requested') sendCertificateRequest(context, transcript, channel);
  const earlyData = early !== undefined ? 'accepted' : extensions.earlyData ? 'rejected' : 'none';
  const tickets = refusesPskDheKe(extensions) ? 'useless' : 'welcome';
  const allowance = early?.allowance;
  const agreement: ServerAgreement = {
    negotiated,
    alpn,
    earlyData,
    allowance,
    clientAuthentication,
    tickets,
  };
  return { state: 'negotiated', agreement, keys, proof };
}

/** §2.2, §4.2.10: our flight ends here, and the client goes on with what it sends early. */
function finishAndReadEarly(
  { agreement, keys, proof }: NegotiatedState,
  { channel }: ServerContext,
): WaitEoed {
  if (proof.kind !== 'psk' || proof.early === undefined) throw new TypeError('no early data to read');
  const { authentication: peer, early } = proof;
  const application = endFlight(agreement.negotiated, keys, channel);
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
  early.secret.zero();
  return waitFinished(from, peer);
}

/** §2.2: both sides are known by the key. */
function finishUnderPsk(
  { agreement, keys, proof }: NegotiatedState,
  { channel }: ServerContext,
): WaitFinished {
  if (proof.kind !== 'psk') throw new TypeError('no key to be known by');
  const { authentication: peer } = proof;
  const application = endFlight(agreement.negotiated, keys, channel);
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
  sendCertificate(certificate.identity.chain, response, keys.transcript, channel);
  return { state: 'certified', agreement, keys, certificate };
}

/** §4.4.2 */
function sendPlainCertificate(
  { agreement, keys, proof }: NegotiatedState,
  { channel }: ServerContext,
): Certified {
  if (proof.kind !== 'certificate') throw new TypeError('no certificate to show');
  const { choice: certificate } = proof;
  sendCertificate(certificate.identity.chain, undefined, keys.transcript, channel);
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
  { channel }: ServerContext,
): WaitFlight2 {
  sendCertificateVerify(certificate.scheme, signature, keys.transcript, channel);
  const application = endFlight(agreement.negotiated, keys, channel);
  return { state: 'waitFlight2', agreement, keys, own: shownBy(certificate), application };
}

/** §4.4.4: with our Finished the flight is complete and leaves. */
function endFlight({ suite }: Negotiated, keys: HandshakeKeys, channel: MessageChannel): ApplicationKeys {
  sendFinished(keys.server, keys.transcript, channel);
  const application = applicationKeys(keys);
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

/** §4.4.2.4 */
function receiveEmptyCertificate(
  from: WaitCert,
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
  { agreement, keys, own, application }: WaitCert,
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
  { config, dependencies, channel, sink }: ServerContext,
): Connected {
  const { application, agreement, keys, own } = from;
  const { aead } = agreement.negotiated.suite;
  checkVerifyData(body, keys.client, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(aead, application.client));
  return {
    state: 'connected',
    facts: conclude('server', from, application, own, config),
    resumption: sink.askPsk && agreement.tickets === 'welcome' ? resumptionOf(keys, application) : undefined,
  };
}
