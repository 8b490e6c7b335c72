/**
 * TLS 1.3, client (RFC 8446 §2, §4, appendix A.1).
 *
 *                    START <----+
 *     Send ClientHello |        | Recv HelloRetryRequest
 *                      v        |
 *      /            WAIT_SH ----+
 *      |               | Recv ServerHello: K_recv = handshake
 *      |               v
 *      |            WAIT_EE
 *      |               | Recv EncryptedExtensions
 *   Can send           |        (Using PSK: WAIT_FINISHED, room for it)
 *   early data         v
 *   (room)          WAIT_CERT_CR
 *      |   Recv CertificateRequest |  \ Recv Certificate
 *      |                WAIT_CERT  |   |
 *      |          Recv Certificate v   v
 *      |               AWAIT_VERDICT         ours: the chain is judged outside
 *      |               | verdict
 *      |               v
 *      |            WAIT_CV
 *      |               | Recv CertificateVerify
 *      |               v
 *      |            WAIT_FINISHED
 *      |               | Recv Finished: K_recv = application
 *      |               | [Send Certificate [+ CertificateVerify]], with a remote key by way of AWAIT_SIGNATURE
 *      |               | Send Finished: K_send = application
 *      v               v
 *                   CONNECTED
 *
 * The first hello is sent before the version is known (`hello/`), so this machine starts in WAIT_SH. `start` is
 * OTP's name for waiting after a HelloRetryRequest; a second one has no arrow (§4.1.4).
 */
import type { AnyStateMachine } from 'xstate';
import type { PublicKey } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { isHelloRetryRequest, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, chart, type Guard, type Table, table } from '../arrows.js';
import type { MessageChannel } from '../channel.js';
import type { ClientContext } from '../contexts.js';
import { acceptProtocol } from '../extensions/alpn.js';
import {
  certificateEntryColumn,
  certificateRequestColumn,
  encryptedExtensionsColumn,
  helloRetryRequestColumn,
  readAnswer,
  readExtensions,
  serverHelloColumn,
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
import { secondOffer, type Tls13Offer } from '../hello/client-hello.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { confirmDialect } from '../hello/version.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ClientSettings, Dependencies } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkCertificateVerify, signedContent } from './certificate-verify.js';
import { chooseCertificate } from './choose.js';
import { checkVerifyData } from './finished.js';
import {
  type ApplicationKeys,
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

// State data. Each state has exactly what exists then.

interface WaitSh {
  readonly state: 'waitSh';
  readonly offer: Tls13Offer;
}
interface Start {
  readonly state: 'start';
  /** The second one. */
  readonly offer: Tls13Offer;
  readonly suite: Suite;
  readonly transcript: Transcript;
}
/** From the ServerHello on. */
interface Underway {
  readonly offer: Tls13Offer;
  readonly negotiated: Negotiated;
  readonly keys: HandshakeKeys;
}
interface WaitEe extends Underway {
  readonly state: 'waitEe';
}
/** From EncryptedExtensions on. */
interface WithExtensions extends Underway {
  readonly alpn: Uint8Array | undefined;
}
interface WaitCertCr extends WithExtensions {
  readonly state: 'waitCertCr';
}
/** What the server wants to see of us. */
type OwnAuthentication =
  | { readonly kind: 'none' }
  /** Asked for, and nothing fits. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'certificate'; readonly identity: OwnIdentity; readonly scheme: SignatureScheme };
interface WithRequest extends WithExtensions {
  readonly own: OwnAuthentication;
}
interface WaitCert extends WithRequest {
  readonly state: 'waitCert';
}
interface AwaitVerdict extends WithRequest {
  readonly state: 'awaitVerdict';
  readonly chain: readonly Uint8Array[];
}
interface WaitCv extends WithRequest {
  readonly state: 'waitCv';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
interface WaitFinished extends WithRequest {
  readonly state: 'waitFinished';
  readonly peer: Peer;
}
interface AwaitSignature extends WithRequest {
  readonly state: 'awaitSignature';
  readonly peer: Peer;
  readonly application: ApplicationKeys;
  readonly scheme: SignatureScheme;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
}
export type ClientData =
  | WaitSh
  | Start
  | WaitEe
  | WaitCertCr
  | WaitCert
  | AwaitVerdict
  | WaitCv
  | WaitFinished
  | AwaitSignature
  | Connected;

// The machine.

const isRetry: Guard<WaitSh | Start, MessageEvent<'server_hello'>> = {
  name: 'retry?',
  holds: (_from, event) => isHelloRetryRequest(event.body),
};
const isAnswer: Guard<WaitSh | Start, MessageEvent<'server_hello'>> = {
  name: 'no retry?',
  holds: (_from, event) => !isHelloRetryRequest(event.body),
};
const signsElsewhere: Guard<WaitFinished, MessageEvent<'finished'>> = {
  name: 'remote key?',
  holds: ({ own }) => own.kind === 'certificate' && own.identity.key === 'remote',
};

const { arrow } = arrowMaker<ClientData, HandshakeEvent, ClientContext>();

/** Exported for the tests that walk chart and table. */
export const clientArrows: readonly Arrow<ClientData, HandshakeEvent, ClientContext>[] = [
  arrow('waitSh', 'server_hello', 'start', retry, isRetry),
  arrow('waitSh', 'server_hello', 'waitEe', receiveServerHello, isAnswer),
  arrow('start', 'server_hello', 'waitEe', receiveServerHelloAfterRetry, isAnswer),
  arrow('waitEe', 'encrypted_extensions', 'waitCertCr', receiveEncryptedExtensions),
  arrow('waitCertCr', 'certificate_request', 'waitCert', receiveCertificateRequest),
  arrow('waitCertCr', 'certificate', 'awaitVerdict', receiveCertificateUnasked),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCv', receiveVerdict),
  arrow('waitCv', 'certificate_verify', 'waitFinished', receiveCertificateVerify),
  arrow('waitFinished', 'finished', 'awaitSignature', receiveFinishedAndAsk, signsElsewhere),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
  arrow('awaitSignature', 'signature', 'connected', receiveSignature),
];

const clientTable: Table<ClientData, HandshakeEvent, ClientContext> = table(clientArrows, 'connected');

const otpNames: Readonly<Record<ClientData['state'], string>> = {
  waitSh: 'wait_sh',
  start: 'start',
  waitEe: 'wait_ee',
  waitCertCr: 'wait_cert_cr',
  waitCert: 'wait_cert',
  awaitVerdict: 'wait_cert',
  waitCv: 'wait_cv',
  waitFinished: 'wait_finished',
  awaitSignature: 'wait_finished',
  connected: 'connection',
};

const notes: StateNotes<ClientData> = {
  alerts: tls13Alerts,
  postHandshake: (channel, sink) => new Tls13PostHandshake('client', channel, sink),
  changeCipherSpec: 'dropped',
  awaiting: ({ state }) =>
    state === 'awaitVerdict' ? 'verdict' : state === 'awaitSignature' ? 'signature' : undefined,
  // OTP judges a chain in the state that took the Certificate.
  stateName: (data) =>
    data.state === 'awaitVerdict' && data.own.kind === 'none' ? otpNames.waitCertCr : otpNames[data.state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
};

/** A handshake whose first hello was sent. */
export function tls13Client(offer: Tls13Offer, context: ClientContext): Handshake {
  return new TableHandshake(tls13Messages, clientTable, notes, { state: 'waitSh', offer }, context);
}

let drawn: AnyStateMachine | undefined;

/** The machine as a chart, for drawing, walking and inspecting. */
export function clientChart(): AnyStateMachine {
  drawn ??= chart('tls13Client', clientArrows, 'waitSh', 'connected', ['awaitVerdict', 'awaitSignature']);
  return drawn;
}

// The handlers, in the RFC's order.

/** §4.1.4 */
function retry(
  { offer }: WaitSh,
  { body, raw }: MessageEvent<'server_hello'>,
  { config, dependencies, channel }: ClientContext,
): Start {
  channel.endPeerFlight();
  const suite = checkServerHello(body, offer, config, dependencies);
  const extensions = readAnswer(helloRetryRequestColumn, body.extensions, offer.hello.extensions);
  const { selectedGroup, cookie } = extensions;
  if (selectedGroup === undefined && cookie === undefined) throw new AlertError('useless_retry');
  const group = config.supportedGroups.find((name) => groupCode(name) === selectedGroup);
  if (selectedGroup !== undefined) {
    if (group === undefined || !offer.extensions.supportedGroups?.includes(selectedGroup)) {
      throw new AlertError('wrong_group', { group: selectedGroup });
    }
    if (group === offer.group.name) throw new AlertError('retry_for_known_share');
  }
  const transcript = new Transcript(suite.hash);
  transcript.add(offer.raw);
  transcript.replaceByMessageHash();
  transcript.add(raw);
  const second = secondOffer(
    offer,
    group === undefined ? undefined : dependencies.engine.group(group),
    cookie,
    dependencies,
  );
  transcript.add(second.raw);
  // §D.4: the second flight begins here.
  if (config.middleboxCompMode) channel.addChangeCipherSpec();
  channel.addMessage(second.raw);
  channel.finishFlight();
  return { state: 'start', offer: second, suite, transcript };
}

/** §4.1.3 */
function receiveServerHello(
  { offer }: WaitSh,
  { body, raw }: MessageEvent<'server_hello'>,
  context: ClientContext,
): WaitEe {
  const { config, dependencies, channel } = context;
  const suite = checkServerHello(body, offer, config, dependencies);
  const transcript = new Transcript(suite.hash);
  transcript.add(offer.raw);
  transcript.add(raw);
  const next = agree(offer, suite, transcript, body, 'first');
  // §D.4: leaves in front of whatever we send next, be it the second flight or an alert.
  if (config.middleboxCompMode) channel.addChangeCipherSpec();
  installKeys(suite, next, channel);
  return next;
}

/** §4.1.4: version and suite must be those of the HelloRetryRequest. */
function receiveServerHelloAfterRetry(
  { offer, suite, transcript }: Start,
  { body, raw }: MessageEvent<'server_hello'>,
  { config, dependencies, channel }: ClientContext,
): WaitEe {
  confirmDialect(body, config.versions, 'tls13');
  if (checkServerHello(body, offer, config, dependencies).row !== suite.row) {
    throw new AlertError('cipher_suite_changed');
  }
  transcript.add(raw);
  const next = agree(offer, suite, transcript, body, 'retried');
  installKeys(suite, next, channel);
  return next;
}

/** Handshake keys; ours first, since from its ServerHello on the server reads our alerts under them. */
function installKeys({ aead }: Suite, { keys }: WaitEe, channel: MessageChannel): void {
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.client));
  channel.installReadKeys(new Tls13ReadProtection(aead, keys.server));
}

/** What ServerHello and HelloRetryRequest have in common (§4.1.3, §4.1.4); answers the suite. */
function checkServerHello(
  body: ServerHello,
  offer: Tls13Offer,
  config: ClientSettings,
  dependencies: Dependencies,
): Suite {
  if (body.legacyVersion !== 0x0303) throw new AlertError('wrong_legacy_version');
  if (!sameBytes(body.legacySessionIdEcho, offer.hello.legacySessionId)) {
    throw new AlertError('wrong_session_id_echo');
  }
  const row = config.ciphers.find(({ id }) => id === body.cipherSuite);
  const suite = row === undefined ? undefined : tls13Suite(row, dependencies.engine);
  if (suite === undefined) throw new AlertError('wrong_cipher_suite', { cipher: body.cipherSuite });
  if (body.legacyCompressionMethod !== 0) throw new AlertError('wrong_compression');
  return suite;
}

/** §4.2.8: the server's share, and the secrets that come of it. */
function agree(
  offer: Tls13Offer,
  suite: Suite,
  transcript: Transcript,
  body: ServerHello,
  hellos: Negotiated['hellos'],
): WaitEe {
  const { keyShare } = readAnswer(serverHelloColumn, body.extensions, offer.hello.extensions);
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  if (keyShare.group !== groupCode(offer.group.name)) throw new AlertError('wrong_group');
  const negotiated: Negotiated = {
    suite,
    group: offer.group,
    clientRandom: offer.hello.random,
    serverRandom: body.random,
    sessionId: offer.hello.legacySessionId,
    serverName: offer.serverName,
    hellos,
  };
  const keys = handshakeKeys(suite, transcript, sharedSecret(offer.share, keyShare.keyExchange));
  return { state: 'waitEe', offer, negotiated, keys };
}

/** §4.3.1 */
function receiveEncryptedExtensions(
  { offer, negotiated, keys }: WaitEe,
  { body, raw }: MessageEvent<'encrypted_extensions'>,
): WaitCertCr {
  const extensions = readAnswer(encryptedExtensionsColumn, body.extensions, offer.hello.extensions);
  const alpn = acceptProtocol(extensions.alpn, offer.extensions.alpn);
  keys.transcript.add(raw);
  return { state: 'waitCertCr', offer, negotiated, keys, alpn };
}

/** §4.3.2 */
function receiveCertificateRequest(
  { offer, negotiated, keys, alpn }: WaitCertCr,
  { body, raw }: MessageEvent<'certificate_request'>,
  { config, identities }: ClientContext,
): WaitCert {
  if (body.certificateRequestContext.length !== 0) throw new AlertError('wrong_certificate_context');
  const extensions = readExtensions(certificateRequestColumn, body.extensions);
  const { certificateAuthorities, signatureAlgorithms } = extensions;
  if (signatureAlgorithms === undefined) throw new AlertError('missing_signature_algorithms');
  const choice = chooseCertificate(
    identities,
    signatureAlgorithms,
    config.signatureAlgs,
    certificateAuthorities,
  );
  const own: OwnAuthentication =
    choice === undefined ? { kind: 'empty' } : { kind: 'certificate', ...choice };
  keys.transcript.add(raw);
  return { state: 'waitCert', offer, negotiated, keys, alpn, own };
}

/** §4.4.2 */
function receiveCertificateUnasked(
  { offer, negotiated, keys, alpn }: WaitCertCr,
  event: MessageEvent<'certificate'>,
  context: ClientContext,
): AwaitVerdict {
  const own: OwnAuthentication = { kind: 'none' };
  return receiveCertificate({ state: 'waitCert', offer, negotiated, keys, alpn, own }, event, context);
}

function receiveCertificate(
  { offer, negotiated, keys, alpn, own }: WaitCert,
  { body, raw }: MessageEvent<'certificate'>,
  { sink }: ClientContext,
): AwaitVerdict {
  if (body.certificateRequestContext.length !== 0) throw new AlertError('wrong_certificate_context');
  if (body.certificateList.length === 0) throw new AlertError('empty_certificate_list');
  const entries = body.certificateList.map((entry) =>
    readAnswer(certificateEntryColumn, entry.extensions, offer.hello.extensions),
  );
  keys.transcript.add(raw);
  // Copies: facts keep them when the record is long gone.
  const chain = body.certificateList.map(({ certData }) => new Uint8Array(certData));
  const staple = entries[0]?.certificateStatus;
  sink.askVerdict(chain, staple && new Uint8Array(staple));
  return { state: 'awaitVerdict', offer, negotiated, keys, alpn, own, chain };
}

function receiveVerdict(
  { offer, negotiated, keys, alpn, own, chain }: AwaitVerdict,
  { verdict }: Extract<AnswerEvent, { type: 'verdict' }>,
): WaitCv {
  const key = acceptVerdict(verdict);
  return { state: 'waitCv', offer, negotiated, keys, alpn, own, chain, key };
}

/** §4.4.3 */
function receiveCertificateVerify(
  { offer, negotiated, keys, alpn, own, chain, key }: WaitCv,
  { body, raw }: MessageEvent<'certificate_verify'>,
  { config }: ClientContext,
): WaitFinished {
  const { transcript } = keys;
  const scheme = checkCertificateVerify(body, 'server', key, config.signatureAlgs, transcript.digest());
  transcript.add(raw);
  return { state: 'waitFinished', offer, negotiated, keys, alpn, own, peer: { chain, scheme } };
}

/** §4.4.4, then our second flight with a key that is at hand. */
function receiveFinished(
  from: WaitFinished,
  event: MessageEvent<'finished'>,
  context: ClientContext,
): Connected {
  const { keys, own } = from;
  const application = checkFinished(from, event, context);
  if (own.kind !== 'none') sendCertificate(own, keys.transcript, context);
  if (own.kind === 'certificate' && own.identity.key !== 'remote') {
    const content = signedContent('client', keys.transcript.digest());
    sendCertificateVerify(own.scheme, own.identity.key.sign(own.scheme.algorithm, content), keys, context);
  }
  return finish(from, application, context);
}

/** §4.4.4, then our Certificate, whose signature comes from elsewhere. */
function receiveFinishedAndAsk(
  from: WaitFinished,
  event: MessageEvent<'finished'>,
  context: ClientContext,
): AwaitSignature {
  const { offer, negotiated, keys, alpn, own, peer } = from;
  if (own.kind !== 'certificate') throw new TypeError('nothing to sign');
  const application = checkFinished(from, event, context);
  sendCertificate(own, keys.transcript, context);
  const { identity, scheme } = own;
  context.sink.askSignature(scheme.name, signedContent('client', keys.transcript.digest()), identity);
  return { state: 'awaitSignature', offer, negotiated, keys, alpn, own, peer, application, scheme };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: Extract<AnswerEvent, { type: 'signature' }>,
  context: ClientContext,
): Connected {
  sendCertificateVerify(from.scheme, signature, from.keys, context);
  return finish(from, from.application, context);
}

function checkFinished(
  { keys, negotiated }: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  { dependencies, channel }: ClientContext,
): ApplicationKeys {
  checkVerifyData(body, keys.server, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  const application = applicationKeys(keys);
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, application.server));
  return application;
}

function sendCertificate(
  own: Exclude<OwnAuthentication, { kind: 'none' }>,
  transcript: Transcript,
  { channel }: ClientContext,
): void {
  const chain = own.kind === 'certificate' ? own.identity.chain : [];
  send(channel, transcript, 'certificate', {
    certificateRequestContext: new Uint8Array(0),
    certificateList: chain.map((certData) => ({ certData, extensions: [] })),
  });
}

function sendCertificateVerify(
  scheme: SignatureScheme,
  signature: Uint8Array,
  { transcript }: HandshakeKeys,
  { channel }: ClientContext,
): void {
  send(channel, transcript, 'certificate_verify', { algorithm: scheme.code, signature });
}

function finish(
  finished: WaitFinished | AwaitSignature,
  application: ApplicationKeys,
  { config, channel }: ClientContext,
): Connected {
  const { keys, negotiated, own } = finished;
  const verifyData = keys.client.finishedKey().mac(keys.transcript.digest());
  send(channel, keys.transcript, 'finished', { verifyData });
  channel.installWriteKeys(new Tls13WriteProtection(negotiated.suite.aead, application.client));
  channel.finishFlight();
  const ownScheme = own.kind === 'certificate' ? own.scheme.name : undefined;
  return { state: 'connected', facts: conclude('client', finished, application, ownScheme, config) };
}
