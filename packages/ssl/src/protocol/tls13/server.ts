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
import type { Group, KeyShare, PublicKey } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { versionCode } from '../../values/registry/versions.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { helloRetryRequestRandom } from '../../values/wire/messages/server-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, type PskAuthentication, unauthenticated } from '../authentication.js';
import { isEmptyCertificate } from '../client-authentication.js';
import type { ServerContext } from '../contexts.js';
import { selectProtocol } from '../extensions/alpn.js';
import { cookieCode } from '../extensions/cookie.js';
import { earlyDataOffer } from '../extensions/early-data.js';
import { checkShares, keyShareOffer } from '../extensions/key-share.js';
import { preSharedKeyOffer } from '../extensions/pre-shared-key.js';
import { hostName } from '../extensions/server-name.js';
import type { StatusRequest } from '../extensions/status-request.js';
import {
  type ClientHelloExtensions,
  certificateEntryColumn,
  certificateRequestColumn,
  clientHelloColumn,
  encryptedExtensionsColumn,
  helloRetryRequestColumn,
  readAnswer,
  readExtensions,
  serverHelloColumn,
  writeExtensions,
} from '../extensions/table.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent, Handshake, HandshakeEvent, MessageEvent } from '../handshake.js';
import { type CertificateChoice, chooseSuite, schemeCodes, shownBy } from '../hello/choose.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { Machine } from '../machine.js';
import { askForSignature, serverSignsElsewhere, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ServerSettings } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkCertificateVerify, signedContent } from './certificate-verify.js';
import {
  acceptsEarlyData,
  chooseGroup,
  chooseOwnCertificate,
  type GroupChoice,
  offersUsablePsk,
} from './choose.js';
import { EarlyDataAllowance } from './early-data.js';
import { checkVerifyData } from './finished.js';
import type { EarlySecret, Resumption, TrafficSecret } from './key-schedule.js';
import {
  type ApplicationKeys,
  applicationKeys,
  conclude,
  type HandshakeKeys,
  handshakeKeys,
  type Negotiated,
  resumptionOf,
  sharedSecret,
} from './negotiated.js';
import { Tls13PostHandshake } from './post-handshake.js';
import {
  beforeBinders,
  type ClaimedPsks,
  checkBinder,
  checkBinderCount,
  earlySecretOf,
  pskAuthentication,
} from './psk.js';
import { send } from './send.js';

/** Rejected early data that is thrown away: what OpenSSL lets its clients send at most, with room for a record. */
const skippedEarlyData = 16_384 + 256;
const legacyVersion = versionCode('tlsv1.2');
const ownVersion = versionCode('tlsv1.3');
/** padding, RFC 7685: may come and go between the hellos (§4.1.2). */
const paddingCode = 21;
/** encrypted_client_hello: a client that uses it encrypts its second hello anew, whether the server knows it or not. */
const encryptedClientHelloCode = 0xfe0d;

// State data. Each state has exactly what exists then.

interface Start {
  readonly state: 'start';
}
/** What we select from the hello. */
interface Selection {
  readonly hello: ClientHello;
  readonly extensions: ClientHelloExtensions;
  readonly suite: Suite;
  readonly proposal: Proposal;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
  readonly transcript: Transcript;
}
/** How we may prove who we are: with a certificate, or first of all with a key that the client offers. */
type Proposal =
  | { readonly kind: 'certificate'; readonly choice: CertificateChoice }
  | ({ readonly kind: 'psk' } & ClaimedPsks);
interface RecvdCh extends Selection {
  readonly state: 'recvdCh';
  readonly group: GroupChoice;
}
interface StartRetried extends Selection {
  readonly state: 'startRetried';
  readonly group: Extract<GroupChoice, { kind: 'retry' }>;
}
/** The group is agreed, and its share is here. */
interface Agreed extends Selection {
  readonly group: Group;
  /** The client's share. */
  readonly keyExchange: Uint8Array;
  readonly hellos: Negotiated['hellos'];
}
interface Selected extends Agreed {
  readonly state: 'selected';
}
interface AwaitPsk extends Agreed {
  readonly state: 'awaitPsk';
  readonly claimed: ClaimedPsks;
}
/** From the ServerHello on. */
interface Underway {
  readonly negotiated: Negotiated;
  readonly keys: HandshakeKeys;
  readonly alpn: Uint8Array | undefined;
  readonly clientAuthentication: 'requested' | 'none';
  readonly earlyData: Facts['earlyData'];
}
/** What proves who we are: a certificate, or the key that both have. */
type Proof =
  | {
      readonly kind: 'certificate';
      readonly choice: CertificateChoice;
      /** What the client wants to see stapled to it. */
      readonly status: StatusRequest | undefined;
    }
  | {
      readonly kind: 'psk';
      readonly authentication: PskAuthentication;
      /** Of the early data that is accepted. */
      readonly early: EarlyRead | undefined;
    };
/** client_early_traffic_secret, and how much may come under it. */
interface EarlyRead {
  readonly secret: TrafficSecret;
  readonly allowance: EarlyDataAllowance;
}
interface NegotiatedState extends Underway {
  readonly state: 'negotiated';
  readonly proof: Proof;
}
interface WithCertificate extends Underway {
  readonly certificate: CertificateChoice;
}
interface AwaitStaple extends WithCertificate {
  readonly state: 'awaitStaple';
}
/** From our Certificate on. */
interface Certified extends WithCertificate {
  readonly state: 'certified';
}
interface AwaitSignature extends WithCertificate {
  readonly state: 'awaitSignature';
}
/** From our Finished on. */
interface Answered extends Underway {
  readonly own: Authentication;
  readonly application: ApplicationKeys;
}
interface WaitEoed extends Answered {
  readonly state: 'waitEoed';
  readonly peer: PskAuthentication;
  readonly early: EarlyRead;
}
interface WaitFlight2 extends Answered {
  readonly state: 'waitFlight2';
}
interface WaitCert extends Answered {
  readonly state: 'waitCert';
}
interface AwaitVerdict extends Answered {
  readonly state: 'awaitVerdict';
  readonly chain: readonly Uint8Array[];
}
interface WaitCv extends Answered {
  readonly state: 'waitCv';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
interface WaitFinished extends Answered {
  readonly state: 'waitFinished';
  readonly peer: Authentication;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
  /** Kept by servers that take tickets. */
  readonly resumption: Resumption | undefined;
}
export type ServerData =
  | Start
  | RecvdCh
  | StartRetried
  | Selected
  | AwaitPsk
  | NegotiatedState
  | AwaitStaple
  | Certified
  | AwaitSignature
  | WaitEoed
  | WaitFlight2
  | WaitCert
  | AwaitVerdict
  | WaitCv
  | WaitFinished
  | Connected;

// The machine.

const needsRetry: Guard<RecvdCh, undefined> = {
  name: 'retry?',
  holds: ({ group }) => group.kind === 'retry',
};
const offersPsk: Guard<Selected, undefined> = {
  name: 'PSK offered?',
  holds: ({ proposal }) => proposal.kind === 'psk',
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
  holds: ({ proof }) =>
    proof.kind === 'certificate' && proof.status !== undefined && proof.choice.identity.stapling === 'ask',
};
const asksClient: Guard<WaitFlight2, undefined> = {
  name: 'client auth?',
  holds: ({ clientAuthentication }) => clientAuthentication === 'requested',
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
  return machine.chart;
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
  if (hello.legacyCompressionMethods.length !== 1 || hello.legacyCompressionMethods[0] !== 0) {
    throw new AlertError('wrong_compression');
  }
  const { preSharedKey, signatureAlgorithms, supportedGroups, keyShare } = extensions;
  if (preSharedKey !== undefined) {
    if (extensions.pskKeyExchangeModes === undefined) throw new AlertError('missing_psk_modes');
    checkBinderCount(preSharedKey);
  } else if (signatureAlgorithms === undefined) {
    throw new AlertError('missing_signature_algorithms');
  }
  if (supportedGroups === undefined) throw new AlertError('missing_supported_groups');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  checkShares(keyShare, supportedGroups);
  const serverName = hostName(extensions.serverName);
  const { engine } = dependencies;
  const preference = config.honorCipherOrder ? 'server' : 'client';
  const suite = chooseSuite(hello.cipherSuites, config.ciphers, preference, (row) => tls13Suite(row, engine));
  const group = chooseGroup(supportedGroups, keyShare, config.supportedGroups, engine);
  const transcript = new Transcript(suite.hash);
  const proposal = propose(extensions, raw, transcript, context);
  const alpn = selectProtocol(extensions.alpn, config.alpnPreferredProtocols);
  transcript.add(raw);
  return { state: 'recvdCh', hello, extensions, suite, group, proposal, alpn, serverName, transcript };
}

/** The transcript ends before the hello. Throws when we need a certificate and have none that the client can take. */
function propose(
  extensions: ClientHelloExtensions,
  raw: Uint8Array,
  transcript: Transcript,
  { config, identities, sink }: ServerContext,
): Proposal {
  const { preSharedKey: offered } = extensions;
  if (sink.askPsk === undefined || offered === undefined || !offersUsablePsk(extensions))
    return { kind: 'certificate', choice: chooseOwnCertificate(identities, extensions, config) };
  return { kind: 'psk', offered, binderHash: transcript.digestWith(beforeBinders(raw, offered.binders)) };
}

/** §4.1.4 */
function sendHelloRetryRequest(from: RecvdCh, { config, channel }: ServerContext): StartRetried {
  const { hello, extensions, suite, group, proposal, alpn, serverName, transcript } = from;
  if (group.kind !== 'retry') throw new TypeError('no reason to retry');
  channel.endPeerFlight();
  transcript.replaceByMessageHash();
  send(channel, transcript, 'server_hello', {
    legacyVersion,
    random: helloRetryRequestRandom,
    legacySessionIdEcho: hello.legacySessionId,
    cipherSuite: suite.row.id,
    legacyCompressionMethod: 0,
    extensions: writeExtensions(helloRetryRequestColumn, {
      ...helloRetryRequestColumn.none(),
      selectedGroup: groupCode(group.group.name),
      selectedVersion: ownVersion,
    }),
  });
  if (showsChangeCipherSpec(hello, config)) channel.addChangeCipherSpec();
  channel.finishFlight();
  if (extensions.earlyData) channel.skipEarlyData(skippedEarlyData);
  return { state: 'startRetried', hello, extensions, suite, group, proposal, alpn, serverName, transcript };
}

function takeShare(from: RecvdCh): Selected {
  const { hello, extensions, suite, proposal, alpn, serverName, transcript } = from;
  if (from.group.kind !== 'share') throw new TypeError('no share to answer');
  const { group, keyExchange } = from.group;
  return {
    state: 'selected',
    hello,
    extensions,
    suite,
    proposal,
    alpn,
    serverName,
    transcript,
    group,
    keyExchange,
    hellos: 'first',
  };
}

/** §4.1.2: the same hello but for the share we asked for. */
function receiveSecondClientHello(
  from: StartRetried,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  context: ServerContext,
): Selected {
  const { group } = from.group;
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  const { keyShare, earlyData, preSharedKey } = extensions;
  if (earlyData || !isSameHello(from.hello, hello)) throw new AlertError('client_hello_changed');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  const [entry, ...others] = keyShare;
  if (entry === undefined || others.length > 0 || entry.group !== groupCode(group.name)) {
    throw new AlertError('wrong_group');
  }
  const { suite, alpn, serverName, transcript } = from;
  if (preSharedKey !== undefined) checkBinderCount(preSharedKey);
  const proposal =
    preSharedKey === undefined && from.proposal.kind === 'certificate'
      ? from.proposal
      : propose(extensions, raw, transcript, context);
  transcript.add(raw);
  const { keyExchange } = entry;
  return {
    state: 'selected',
    hello,
    // What was offered first and withdrawn since was early data, which came before the retry.
    extensions: { ...extensions, earlyData: from.extensions.earlyData },
    suite,
    proposal,
    alpn,
    serverName,
    transcript,
    group,
    keyExchange,
    hellos: 'retried',
  };
}

/** §4.2.11: nobody but the keeper of the keys knows what the identities stand for. */
function askPsk(from: Selected, { sink }: ServerContext): AwaitPsk {
  const { proposal: claimed, suite, serverName } = from;
  if (claimed.kind !== 'psk' || sink.askPsk === undefined) throw new TypeError('nobody to ask for a key');
  sink.askPsk({ identities: claimed.offered.identities, hash: suite.hash.name, serverName });
  return { ...from, state: 'awaitPsk', claimed };
}

/** §4.2.11: nothing is believed before the binder is checked. Without a key that we know it is a full handshake. */
function receivePsk(from: AwaitPsk, { found }: AnswerEvent<'psk'>, context: ServerContext): NegotiatedState {
  const { extensions, suite, claimed, transcript } = from;
  const { config, identities, dependencies, sink } = context;
  if (found === undefined) {
    const choice = chooseOwnCertificate(identities, extensions, config);
    return answerFull(from, choice, context);
  }
  const { index, psk } = found;
  if (psk.hash !== suite.hash.name) throw new TypeError('a key of another hash than was asked for');
  const secret = earlySecretOf(psk, suite.hash);
  checkBinder(claimed, found, secret, dependencies.engine);
  const { earlyData: terms } = psk;
  const early =
    terms !== undefined && sink.deliverEarly !== undefined && acceptsEarlyData(from, index, terms)
      ? {
          secret: secret.clientEarlyTraffic(transcript.digest()),
          allowance: new EarlyDataAllowance(terms.maxSize),
        }
      : undefined;
  const proof: Proof = { kind: 'psk', authentication: pskAuthentication(psk), early };
  return answerClientHello(from, proof, { index, secret }, context);
}

function answerWithCertificate(from: Selected, context: ServerContext): NegotiatedState {
  if (from.proposal.kind !== 'certificate') throw new TypeError('no certificate was chosen');
  return answerFull(from, from.proposal.choice, context);
}

function answerFull(from: Agreed, choice: CertificateChoice, context: ServerContext): NegotiatedState {
  const { statusRequest } = from.extensions;
  const status = statusRequest === 'unknown' ? undefined : statusRequest;
  return answerClientHello(from, { kind: 'certificate', choice, status }, undefined, context);
}

/** The key that is used: its place in the client's list, and what comes of it. */
interface PskChoice {
  readonly index: number;
  readonly secret: EarlySecret;
}

/** §4.1.3 */
function answerClientHello(
  from: Agreed,
  proof: Proof,
  psk: PskChoice | undefined,
  context: ServerContext,
): NegotiatedState {
  const { extensions, group, hello, hellos, keyExchange } = from;
  const { config, dependencies, channel } = context;
  const share = dependencies.keyShare(group);
  const dhe = sharedSecret(share, keyExchange);
  const negotiated = sendServerHello(from, share, psk?.index, context);
  if (hellos === 'first') {
    if (showsChangeCipherSpec(hello, config)) channel.addChangeCipherSpec();
    const skips = extensions.earlyData && (proof.kind === 'certificate' || proof.early === undefined);
    if (skips) channel.skipEarlyData(skippedEarlyData);
  }
  const keys = handshakeKeys(negotiated.suite, from.transcript, dhe, psk?.secret);
  return sendParameters(from, proof, negotiated, keys, context);
}

/** §D.4: the client shows by its session id that it wants one. */
function showsChangeCipherSpec(hello: ClientHello, config: ServerSettings): boolean {
  return config.middleboxCompMode && hello.legacySessionId.length > 0;
}

/** Extensions that may change between the hellos (§4.1.2). */
const changeable: ReadonlySet<number> = new Set([
  keyShareOffer.code,
  earlyDataOffer.code,
  cookieCode,
  preSharedKeyOffer.code,
  paddingCode,
  encryptedClientHelloCode,
]);

/** Extensions in their order too: the second hello is the first, without modification but for those above. */
function isSameHello(first: ClientHello, second: ClientHello): boolean {
  const lasting = first.extensions.filter(({ extensionType }) => !changeable.has(extensionType));
  const again = second.extensions.filter(({ extensionType }) => !changeable.has(extensionType));
  return (
    first.legacyVersion === second.legacyVersion &&
    sameBytes(first.random, second.random) &&
    sameBytes(first.legacySessionId, second.legacySessionId) &&
    first.cipherSuites.length === second.cipherSuites.length &&
    first.cipherSuites.every((suite, index) => suite === second.cipherSuites[index]) &&
    sameBytes(first.legacyCompressionMethods, second.legacyCompressionMethods) &&
    lasting.length === again.length &&
    lasting.every((extension, index) => isSameExtension(extension, again[index]))
  );
}

function isSameExtension(one: RawExtension, other: RawExtension | undefined): boolean {
  return one.extensionType === other?.extensionType && sameBytes(one.extensionData, other.extensionData);
}

function sendServerHello(
  { hello, suite, serverName, transcript, group, hellos }: Agreed,
  share: KeyShare,
  preSharedKey: number | undefined,
  { dependencies, channel }: ServerContext,
): Negotiated {
  const serverRandom = dependencies.random(32);
  send(channel, transcript, 'server_hello', {
    legacyVersion,
    random: serverRandom,
    legacySessionIdEcho: hello.legacySessionId,
    cipherSuite: suite.row.id,
    legacyCompressionMethod: 0,
    extensions: writeExtensions(serverHelloColumn, {
      keyShare: { group: groupCode(group.name), keyExchange: share.publicKey },
      selectedVersion: ownVersion,
      preSharedKey,
    }),
  });
  // Copies: facts keep them when the hello is long gone.
  const clientRandom = new Uint8Array(hello.random);
  const sessionId = new Uint8Array(hello.legacySessionId);
  return { suite, group, clientRandom, serverRandom, sessionId, serverName, hellos };
}

/** §4.3: under handshake keys, up to the Certificate. */
function sendParameters(
  { alpn, extensions, transcript }: Agreed,
  proof: Proof,
  negotiated: Negotiated,
  keys: HandshakeKeys,
  { config, certificateAuthorities, channel }: ServerContext,
): NegotiatedState {
  const { aead } = negotiated.suite;
  const early = proof.kind === 'psk' ? proof.early : undefined;
  // Ours first: after the ServerHello the client reads our alerts under them.
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.server));
  channel.installReadKeys(new Tls13ReadProtection(aead, early?.secret ?? keys.client));
  send(channel, transcript, 'encrypted_extensions', {
    extensions: writeExtensions(encryptedExtensionsColumn, {
      ...encryptedExtensionsColumn.none(),
      alpn,
      earlyData: early && true,
    }),
  });
  // §4.3.2: who is known by a key is not asked for a certificate.
  const clientAuthentication =
    proof.kind === 'certificate' && config.verify === 'verify_peer' ? 'requested' : 'none';
  if (clientAuthentication === 'requested') {
    send(channel, transcript, 'certificate_request', {
      certificateRequestContext: new Uint8Array(0),
      extensions: writeExtensions(certificateRequestColumn, {
        ...certificateRequestColumn.none(),
        signatureAlgorithms: schemeCodes(config.signatureAlgs),
        signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
        certificateAuthorities: certificateAuthorities.length > 0 ? certificateAuthorities : undefined,
      }),
    });
  }
  const earlyData = early !== undefined ? 'accepted' : extensions.earlyData ? 'rejected' : 'none';
  return { state: 'negotiated', negotiated, keys, alpn, clientAuthentication, earlyData, proof };
}

/** §2.2, §4.2.10: our flight ends here, and the client goes on with what it sends early. */
function finishAndReadEarly(from: NegotiatedState, context: ServerContext): WaitEoed {
  const { proof } = from;
  if (proof.kind !== 'psk' || proof.early === undefined) throw new TypeError('no early data to read');
  const { authentication, early } = proof;
  const { negotiated, keys, alpn, clientAuthentication, earlyData, own, application } = sendFinished(
    from,
    authentication,
    context,
  );
  return {
    state: 'waitEoed',
    negotiated,
    keys,
    alpn,
    clientAuthentication,
    earlyData,
    own,
    application,
    peer: authentication,
    early,
  };
}

/** §4.5: from here on the client writes under handshake keys. */
function receiveEndOfEarlyData(
  from: WaitEoed,
  { raw }: MessageEvent<'end_of_early_data'>,
  { channel }: ServerContext,
): WaitFinished {
  const { keys, negotiated, early, peer } = from;
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, keys.client));
  early.secret.zero();
  return waitFinished(from, peer);
}

/** §2.2: both sides are known by the key. */
function finishUnderPsk(from: NegotiatedState, context: ServerContext): WaitFinished {
  const { proof } = from;
  if (proof.kind !== 'psk') throw new TypeError('no key to be known by');
  return waitFinished(sendFinished(from, proof.authentication, context), proof.authentication);
}

/** §4.4.2.1: a response that somebody has to find. */
function askStaple(from: NegotiatedState, { sink }: ServerContext): AwaitStaple {
  const { proof, negotiated, keys, alpn, clientAuthentication, earlyData } = from;
  if (proof.kind !== 'certificate' || proof.status === undefined || sink.askStaple === undefined)
    throw new TypeError('nobody to ask for a response');
  const { choice: certificate, status: request } = proof;
  sink.askStaple({ identity: certificate.identity, serverName: negotiated.serverName, request });
  return { state: 'awaitStaple', negotiated, keys, certificate, alpn, clientAuthentication, earlyData };
}

function receiveStaple(
  from: AwaitStaple,
  { response }: AnswerEvent<'staple'>,
  context: ServerContext,
): Certified {
  return sendCertificate(from, from.certificate, response, context);
}

function sendPlainCertificate(from: NegotiatedState, context: ServerContext): Certified {
  if (from.proof.kind !== 'certificate') throw new TypeError('no certificate to show');
  return sendCertificate(from, from.proof.choice, undefined, context);
}

/** §4.4.2 */
function sendCertificate(
  { negotiated, keys, alpn, clientAuthentication, earlyData }: Underway,
  certificate: CertificateChoice,
  staple: Uint8Array | undefined,
  { channel }: ServerContext,
): Certified {
  const stapled = writeExtensions(certificateEntryColumn, { certificateStatus: staple });
  send(channel, keys.transcript, 'certificate', {
    certificateRequestContext: new Uint8Array(0),
    certificateList: certificate.identity.chain.map((certData, index) => ({
      certData,
      extensions: index === 0 ? stapled : [],
    })),
  });
  return { state: 'certified', negotiated, keys, certificate, alpn, clientAuthentication, earlyData };
}

/** §4.4.3, the key elsewhere. */
function askSignature(from: Certified, { sink }: ServerContext): AwaitSignature {
  const { certificate, keys } = from;
  askForSignature(certificate, signedContent('server', keys.transcript.digest()), sink);
  return { ...from, state: 'awaitSignature' };
}

/** §4.4.3, the key at hand. */
function signHere(from: Certified, context: ServerContext): WaitFlight2 {
  const { certificate, keys } = from;
  return prove(from, sign(certificate, signedContent('server', keys.transcript.digest())), context);
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ServerContext,
): WaitFlight2 {
  return prove(from, signature, context);
}

/** §4.4.3 */
function prove(from: WithCertificate, signature: Uint8Array, context: ServerContext): WaitFlight2 {
  const { certificate, keys } = from;
  const { code: algorithm } = certificate.scheme;
  send(context.channel, keys.transcript, 'certificate_verify', { algorithm, signature });
  const { negotiated, alpn, clientAuthentication, earlyData, own, application } = sendFinished(
    from,
    shownBy(certificate),
    context,
  );
  return {
    state: 'waitFlight2',
    negotiated,
    keys,
    alpn,
    clientAuthentication,
    earlyData,
    own,
    application,
  };
}

/** §4.4.4: the flight is complete and leaves. */
function sendFinished(
  { negotiated, keys, alpn, clientAuthentication, earlyData }: Underway,
  own: Authentication,
  { channel }: ServerContext,
): Answered {
  const { transcript } = keys;
  const verifyData = keys.server.finishedKey().mac(transcript.digest());
  send(channel, transcript, 'finished', { verifyData });
  const application = applicationKeys(keys);
  channel.installWriteKeys(new Tls13WriteProtection(negotiated.suite.aead, application.server));
  channel.finishFlight();
  return { negotiated, keys, alpn, clientAuthentication, earlyData, own, application };
}

function waitForCertificate(from: WaitFlight2): WaitCert {
  return { ...from, state: 'waitCert' };
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
  if (body.certificateRequestContext.length !== 0) throw new AlertError('wrong_certificate_context');
  if (config.failIfNoPeerCert) throw new AlertError('certificate_required', 'certificate_required');
  from.keys.transcript.add(raw);
  return waitFinished(from, unauthenticated);
}

/** §4.4.2 */
function receiveCertificate(
  from: WaitCert,
  { body, raw }: MessageEvent<'certificate'>,
  { sink }: ServerContext,
): AwaitVerdict {
  if (body.certificateRequestContext.length !== 0) throw new AlertError('wrong_certificate_context');
  // The request asked for none of the extensions that answer in a Certificate.
  for (const entry of body.certificateList) readAnswer(certificateEntryColumn, entry.extensions, []);
  from.keys.transcript.add(raw);
  // Copies: facts keep them when the record is long gone.
  const chain = body.certificateList.map(({ certData }) => new Uint8Array(certData));
  sink.askVerdict(chain, undefined);
  return { ...from, state: 'awaitVerdict', chain };
}

function receiveVerdict(from: AwaitVerdict, { verdict }: AnswerEvent<'verdict'>): WaitCv {
  return { ...from, state: 'waitCv', key: acceptVerdict(verdict) };
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
function waitFinished(
  { negotiated, keys, alpn, clientAuthentication, earlyData, own, application }: Answered,
  peer: Authentication,
): WaitFinished {
  return {
    state: 'waitFinished',
    negotiated,
    keys,
    alpn,
    clientAuthentication,
    earlyData,
    own,
    application,
    peer,
  };
}

/** §4.4.4 */
function receiveFinished(
  from: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  { config, dependencies, channel, sink }: ServerContext,
): Connected {
  const { application, keys, negotiated, own } = from;
  checkVerifyData(body, keys.client, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, application.client));
  return {
    state: 'connected',
    facts: conclude('server', from, application, own, config),
    resumption: sink.askPsk && resumptionOf(keys, application),
  };
}
