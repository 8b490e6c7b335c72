/**
 * TLS 1.3, server (RFC 8446 §2, §4, appendix A.2).
 *
 *                      START <-----+
 *       Recv ClientHello |         | Send HelloRetryRequest
 *                        v         |
 *                     RECVD_CH ----+         after it: START_RETRIED, from which no second retry leads
 *                        | Select parameters
 *                        v
 *                     NEGOTIATED
 *                        | Send ServerHello, K_send = handshake, EncryptedExtensions,
 *                        | [CertificateRequest]
 *                        | Certificate, with a stapled response by way of AWAIT_STAPLE
 *                     CERTIFIED
 *                        | CertificateVerify, with a remote key by way of AWAIT_SIGNATURE
 *                        | Send Finished, K_send = application
 *                        v
 *      (room: WAIT_EOED) WAIT_FLIGHT2
 *            No auth |        | Client auth
 *                    |        v
 *                    |    WAIT_CERT
 *                    |  Recv empty |  \ Recv Certificate
 *                    | Certificate |   AWAIT_VERDICT      ours: the chain is judged outside
 *                    |             |   | verdict
 *                    |             |   WAIT_CV
 *                    |             |   | Recv CertificateVerify
 *                    v             v   v
 *                     WAIT_FINISHED
 *                        | Recv Finished, K_recv = application
 *                        v
 *                     CONNECTED
 */
import type { AnyStateMachine } from 'xstate';
import type { KeyShare, PublicKey } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { versionCode } from '../../values/registry/versions.js';
import type { Secret } from '../../values/secret.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { helloRetryRequestRandom } from '../../values/wire/messages/server-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, chart, type Guard, type Table, table } from '../arrows.js';
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
import {
  type AnswerEvent,
  type Handshake,
  type HandshakeEvent,
  type MessageEvent,
  type StateNotes,
  TableHandshake,
} from '../handshake.js';
import { type CertificateChoice, chooseSuite, schemeCodes } from '../hello/choose.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ServerSettings } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkCertificateVerify, signedContent } from './certificate-verify.js';
import { chooseCertificate, chooseGroup, type GroupChoice } from './choose.js';
import { checkVerifyData } from './finished.js';
import {
  type ApplicationKeys,
  anonymous,
  applicationKeys,
  conclude,
  type HandshakeKeys,
  handshakeKeys,
  type Negotiated,
  type Peer,
  sharedSecret,
} from './negotiated.js';
import { Tls13PostHandshake } from './post-handshake.js';
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
  readonly suite: Suite;
  readonly certificate: CertificateChoice;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
  readonly status: StatusRequest | undefined;
  readonly transcript: Transcript;
}
interface RecvdCh extends Selection {
  readonly state: 'recvdCh';
  readonly extensions: ClientHelloExtensions;
  readonly group: GroupChoice;
}
interface StartRetried extends Selection {
  readonly state: 'startRetried';
  readonly group: Extract<GroupChoice, { kind: 'retry' }>;
}
/** From the ServerHello on. */
interface Underway {
  readonly negotiated: Negotiated;
  readonly keys: HandshakeKeys;
  readonly certificate: CertificateChoice;
  readonly alpn: Uint8Array | undefined;
  readonly clientAuthentication: 'requested' | 'none';
}
interface NegotiatedState extends Underway {
  readonly state: 'negotiated';
  /** What the client wants to see stapled to the certificate. */
  readonly status: StatusRequest | undefined;
}
interface AwaitStaple extends Underway {
  readonly state: 'awaitStaple';
}
/** From our Certificate on. */
interface Certified extends Underway {
  readonly state: 'certified';
}
interface AwaitSignature extends Underway {
  readonly state: 'awaitSignature';
}
/** From our Finished on. */
interface Answered extends Underway {
  readonly application: ApplicationKeys;
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
  readonly peer: Peer;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
}
export type ServerData =
  | Start
  | RecvdCh
  | StartRetried
  | NegotiatedState
  | AwaitStaple
  | Certified
  | AwaitSignature
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
const staples: Guard<NegotiatedState, undefined> = {
  name: 'staple?',
  holds: ({ certificate, status }) => status !== undefined && certificate.identity.stapling === 'ask',
};
const signsElsewhere: Guard<Certified, undefined> = {
  name: 'remote key?',
  holds: ({ certificate }) => certificate.identity.key === 'remote',
};
const asksClient: Guard<WaitFlight2, undefined> = {
  name: 'client auth?',
  holds: ({ clientAuthentication }) => clientAuthentication === 'requested',
};
const isEmpty: Guard<WaitCert, MessageEvent<'certificate'>> = {
  name: 'empty certificate?',
  holds: (_from, { body }) => body.certificateList.length === 0,
};

const { arrow, always } = arrowMaker<ServerData, HandshakeEvent, ServerContext>();

/** Exported for the tests that walk chart and table. */
export const serverArrows: readonly Arrow<ServerData, HandshakeEvent, ServerContext>[] = [
  arrow('start', 'client_hello', 'recvdCh', receiveClientHello),
  always('recvdCh', 'startRetried', sendHelloRetryRequest, needsRetry),
  always('recvdCh', 'negotiated', answerClientHello),
  arrow('startRetried', 'client_hello', 'negotiated', receiveSecondClientHello),
  always('negotiated', 'awaitStaple', askStaple, staples),
  always('negotiated', 'certified', sendPlainCertificate),
  arrow('awaitStaple', 'staple', 'certified', receiveStaple),
  always('certified', 'awaitSignature', askSignature, signsElsewhere),
  always('certified', 'waitFlight2', sign),
  arrow('awaitSignature', 'signature', 'waitFlight2', receiveSignature),
  always('waitFlight2', 'waitCert', waitForCertificate, asksClient),
  always('waitFlight2', 'waitFinished', waitForFinished),
  arrow('waitCert', 'certificate', 'waitFinished', receiveEmptyCertificate, isEmpty),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCv', receiveVerdict),
  arrow('waitCv', 'certificate_verify', 'waitFinished', receiveCertificateVerify),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
];

const serverTable: Table<ServerData, HandshakeEvent, ServerContext> = table(serverArrows, 'connected');

const otpNames: Readonly<Record<ServerData['state'], string>> = {
  start: 'start',
  recvdCh: 'start',
  startRetried: 'start',
  negotiated: 'negotiated',
  awaitStaple: 'negotiated',
  certified: 'negotiated',
  awaitSignature: 'negotiated',
  waitFlight2: 'wait_flight2',
  waitCert: 'wait_cert',
  awaitVerdict: 'wait_cert',
  waitCv: 'wait_cv',
  waitFinished: 'wait_finished',
  connected: 'connection',
};

const questions: Partial<Readonly<Record<ServerData['state'], AnswerEvent['type']>>> = {
  awaitVerdict: 'verdict',
  awaitSignature: 'signature',
  awaitStaple: 'staple',
};

const notes: StateNotes<ServerData> = {
  alerts: tls13Alerts,
  postHandshake: (channel, sink) => new Tls13PostHandshake('server', channel, sink),
  changeCipherSpec: 'dropped',
  awaiting: ({ state }) => questions[state],
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
};

/** A handshake that waits for its ClientHello. */
export function tls13Server(context: ServerContext): Handshake {
  return new TableHandshake(tls13Messages, serverTable, notes, { state: 'start' }, context);
}

let drawn: AnyStateMachine | undefined;

/** The machine as a chart, for drawing, walking and inspecting. */
export function serverChart(): AnyStateMachine {
  drawn ??= chart('tls13Server', serverArrows, 'start', 'connected', [
    'awaitVerdict',
    'awaitSignature',
    'awaitStaple',
  ]);
  return drawn;
}

// The handlers, in the RFC's order.

/** §4.1.1, §4.1.2, §9.2 */
function receiveClientHello(
  _from: Start,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  { config, identities, dependencies }: ServerContext,
): RecvdCh {
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  if (hello.legacyCompressionMethods.length !== 1 || hello.legacyCompressionMethods[0] !== 0) {
    throw new AlertError('wrong_compression');
  }
  if (extensions.preSharedKey !== undefined && extensions.pskKeyExchangeModes === undefined) {
    throw new AlertError('missing_psk_modes');
  }
  const { signatureAlgorithms, supportedGroups, keyShare } = extensions;
  if (signatureAlgorithms === undefined) throw new AlertError('missing_signature_algorithms');
  if (supportedGroups === undefined) throw new AlertError('missing_supported_groups');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  checkShares(keyShare, supportedGroups);
  const serverName = hostName(extensions.serverName);
  const { engine } = dependencies;
  const preference = config.honorCipherOrder ? 'server' : 'client';
  const suite = chooseSuite(hello.cipherSuites, config.ciphers, preference, (row) => tls13Suite(row, engine));
  const group = chooseGroup(supportedGroups, keyShare, config.supportedGroups, engine);
  const certificate = chooseCertificate(
    identities,
    signatureAlgorithms,
    config.signatureAlgs,
    extensions.certificateAuthorities,
  );
  if (certificate === undefined) {
    throw new AlertError('no_suitable_signature_algorithm', 'no_suitable_signature_algorithm');
  }
  const alpn = selectProtocol(extensions.alpn, config.alpnPreferredProtocols);
  const transcript = new Transcript(suite.hash);
  transcript.add(raw);
  const { statusRequest } = extensions;
  const status = statusRequest === 'unknown' ? undefined : statusRequest;
  return {
    state: 'recvdCh',
    hello,
    extensions,
    suite,
    group,
    certificate,
    alpn,
    serverName,
    status,
    transcript,
  };
}

/** §4.1.4 */
function sendHelloRetryRequest(from: RecvdCh, { config, channel }: ServerContext): StartRetried {
  const { hello, extensions, suite, group, certificate, alpn, serverName, status, transcript } = from;
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
  return { state: 'startRetried', hello, suite, group, certificate, alpn, serverName, status, transcript };
}

/** §4.1.3 */
function answerClientHello(from: RecvdCh, context: ServerContext): NegotiatedState {
  const { extensions, group, hello } = from;
  if (group.kind !== 'share') throw new TypeError('no share to answer');
  const share = context.dependencies.keyShare(group.group);
  const dhe = sharedSecret(share, group.keyExchange);
  const negotiated = sendServerHello(from, group.group, share, 'first', context);
  if (showsChangeCipherSpec(hello, context.config)) context.channel.addChangeCipherSpec();
  if (extensions.earlyData) context.channel.skipEarlyData(skippedEarlyData);
  return sendParameters(from, negotiated, dhe, context);
}

/** §4.1.2: the same hello but for the share we asked for. */
function receiveSecondClientHello(
  from: StartRetried,
  { body: hello, raw }: MessageEvent<'client_hello'>,
  context: ServerContext,
): NegotiatedState {
  const { group } = from.group;
  const { keyShare, earlyData } = readExtensions(clientHelloColumn, hello.extensions);
  if (earlyData || !isSameHello(from.hello, hello)) throw new AlertError('client_hello_changed');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  const [entry, ...others] = keyShare;
  if (entry === undefined || others.length > 0 || entry.group !== groupCode(group.name)) {
    throw new AlertError('wrong_group');
  }
  from.transcript.add(raw);
  const share = context.dependencies.keyShare(group);
  const dhe = sharedSecret(share, entry.keyExchange);
  const negotiated = sendServerHello(from, group, share, 'retried', context);
  return sendParameters(from, negotiated, dhe, context);
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
  { hello, suite, serverName, transcript }: Selection,
  group: Negotiated['group'],
  share: KeyShare,
  hellos: Negotiated['hellos'],
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
      preSharedKey: undefined,
    }),
  });
  // Copies: facts keep them when the hello is long gone.
  const clientRandom = new Uint8Array(hello.random);
  const sessionId = new Uint8Array(hello.legacySessionId);
  return { suite, group, clientRandom, serverRandom, sessionId, serverName, hellos };
}

/** §4.3: under handshake keys, up to the Certificate. */
function sendParameters(
  { certificate, alpn, status, transcript }: Selection,
  negotiated: Negotiated,
  dhe: Secret,
  { config, certificateAuthorities, channel }: ServerContext,
): NegotiatedState {
  const { aead } = negotiated.suite;
  const keys = handshakeKeys(negotiated.suite, transcript, dhe);
  // Ours first: after the ServerHello the client reads our alerts under them.
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.server));
  channel.installReadKeys(new Tls13ReadProtection(aead, keys.client));
  send(channel, transcript, 'encrypted_extensions', {
    extensions: writeExtensions(encryptedExtensionsColumn, { ...encryptedExtensionsColumn.none(), alpn }),
  });
  const clientAuthentication = config.verify === 'verify_peer' ? 'requested' : 'none';
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
  return { state: 'negotiated', negotiated, keys, certificate, alpn, clientAuthentication, status };
}

/** §4.4.2.1: a response that somebody has to find. */
function askStaple(from: NegotiatedState, { sink }: ServerContext): AwaitStaple {
  const { status: request, certificate, negotiated, keys, alpn, clientAuthentication } = from;
  if (request === undefined || sink.askStaple === undefined)
    throw new TypeError('nobody to ask for a response');
  sink.askStaple({ identity: certificate.identity, serverName: negotiated.serverName, request });
  return { state: 'awaitStaple', negotiated, keys, certificate, alpn, clientAuthentication };
}

function receiveStaple(
  from: AwaitStaple,
  { response }: Extract<AnswerEvent, { type: 'staple' }>,
  context: ServerContext,
): Certified {
  return sendCertificate(from, response, context);
}

function sendPlainCertificate(from: NegotiatedState, context: ServerContext): Certified {
  return sendCertificate(from, undefined, context);
}

/** §4.4.2 */
function sendCertificate(
  { negotiated, keys, certificate, alpn, clientAuthentication }: Underway,
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
  return { state: 'certified', negotiated, keys, certificate, alpn, clientAuthentication };
}

/** §4.4.3, the key elsewhere. */
function askSignature(from: Certified, { sink }: ServerContext): AwaitSignature {
  const { certificate, keys } = from;
  const content = signedContent('server', keys.transcript.digest());
  sink.askSignature(certificate.scheme.name, content, certificate.identity);
  return { ...from, state: 'awaitSignature' };
}

/** §4.4.3, the key at hand. */
function sign(from: Certified, context: ServerContext): WaitFlight2 {
  const { key } = from.certificate.identity;
  if (key === 'remote') throw new TypeError('the key is elsewhere');
  const content = signedContent('server', from.keys.transcript.digest());
  return sendFinished(from, key.sign(from.certificate.scheme.algorithm, content), context);
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: Extract<AnswerEvent, { type: 'signature' }>,
  context: ServerContext,
): WaitFlight2 {
  return sendFinished(from, signature, context);
}

/** §4.4.3, §4.4.4: the flight is complete and leaves. */
function sendFinished(
  { negotiated, keys, certificate, alpn, clientAuthentication }: Underway,
  signature: Uint8Array,
  { channel }: ServerContext,
): WaitFlight2 {
  const { transcript } = keys;
  send(channel, transcript, 'certificate_verify', { algorithm: certificate.scheme.code, signature });
  const verifyData = keys.server.finishedKey().mac(transcript.digest());
  send(channel, transcript, 'finished', { verifyData });
  const application = applicationKeys(keys);
  channel.installWriteKeys(new Tls13WriteProtection(negotiated.suite.aead, application.server));
  channel.finishFlight();
  return {
    state: 'waitFlight2',
    negotiated,
    keys,
    certificate,
    alpn,
    clientAuthentication,
    application,
  };
}

function waitForCertificate(from: WaitFlight2): WaitCert {
  return { ...from, state: 'waitCert' };
}

function waitForFinished(from: WaitFlight2): WaitFinished {
  return waitFinished(from, anonymous);
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
  return waitFinished(from, anonymous);
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

function receiveVerdict(from: AwaitVerdict, { verdict }: Extract<AnswerEvent, { type: 'verdict' }>): WaitCv {
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
  return waitFinished(from, { chain: from.chain, scheme });
}

/** Field by field: every handshake comes by here, and a spread with others behind it is slow. */
function waitFinished(
  { negotiated, keys, certificate, alpn, clientAuthentication, application }: Answered,
  peer: Peer,
): WaitFinished {
  return {
    state: 'waitFinished',
    negotiated,
    keys,
    certificate,
    alpn,
    clientAuthentication,
    application,
    peer,
  };
}

/** §4.4.4 */
function receiveFinished(
  from: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  { config, dependencies, channel }: ServerContext,
): Connected {
  const { application, certificate, keys, negotiated } = from;
  checkVerifyData(body, keys.client, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, application.client));
  return {
    state: 'connected',
    facts: conclude('server', from, application, certificate.scheme.name, config),
  };
}
