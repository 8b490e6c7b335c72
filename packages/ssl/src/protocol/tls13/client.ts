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
 *      |               |------------------------+ Using PSK
 *   Can send           v                        |
 *   early data      WAIT_CERT_CR                |
 *      |   Recv CertificateRequest |  \ Recv Certificate
 *      |                WAIT_CERT  |   |        |
 *      |          Recv Certificate v   v        |
 *      |               AWAIT_VERDICT            |   ours: the chain is judged outside
 *      |               | verdict                |
 *      |               v                        |
 *      |            WAIT_CV                     |
 *      |               | Recv CertificateVerify |
 *      |               v                        |
 *      |            WAIT_FINISHED <-------------+
 *      |               | Recv Finished: K_recv = application
 *      \               | [Send EndOfEarlyData: K_send = handshake]
 *      |               | [Send Certificate [+ CertificateVerify]], with a remote key by way of AWAIT_SIGNATURE
 *      |               | Send Finished: K_send = application
 *                      v
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
import { type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, type PskAuthentication, unauthenticated } from '../authentication.js';
import type { MessageChannel } from '../channel.js';
import {
  answerTo,
  type ClientAuthentication,
  clientSignsElsewhere,
  notAsked,
} from '../client-authentication.js';
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
import type { AnswerEvent, Handshake, HandshakeEvent, MessageEvent } from '../handshake.js';
import { shownBy } from '../hello/choose.js';
import { secondOffer, type Tls13Offer } from '../hello/client-hello.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { confirmDialect } from '../hello/version.js';
import { Machine } from '../machine.js';
import { askForSignature, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import type { ClientSettings, Dependencies } from '../settings.js';
import { Transcript } from '../transcript.js';
import { checkCertificateVerify, signedContent } from './certificate-verify.js';
import { chooseCertificate, sameProtocol } from './choose.js';
import type { EarlyDataAllowance } from './early-data.js';
import { checkVerifyData } from './finished.js';
import type { Resumption } from './key-schedule.js';
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
import { pskAuthentication } from './psk.js';
import { allowanceOf, type EarlyOffer, type OfferedPsk } from './psk-offer.js';
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
  readonly selected: SelectedProof;
}
/** How the server has chosen to be known: as its first certificate will say, or by a key of ours. */
type SelectedProof =
  | { readonly kind: 'certificate' }
  | { readonly kind: 'psk'; readonly index: number; readonly authentication: PskAuthentication };
/** From EncryptedExtensions on. */
interface WithExtensions extends Underway {
  readonly alpn: Uint8Array | undefined;
  readonly earlyData: Facts['earlyData'];
}
interface WaitCertCr extends WithExtensions {
  readonly state: 'waitCertCr';
}
interface WithRequest extends WithExtensions {
  readonly own: ClientAuthentication;
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
  readonly peer: Authentication;
}
interface AwaitSignature extends WithRequest {
  readonly state: 'awaitSignature';
  readonly peer: Authentication;
  readonly application: ApplicationKeys;
  readonly scheme: SignatureScheme;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
  /** Kept by clients that take tickets. */
  readonly resumption: Resumption | undefined;
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
const usesPsk: Guard<WaitEe, MessageEvent<'encrypted_extensions'>> = {
  name: 'using PSK?',
  holds: ({ selected }) => selected.kind === 'psk',
};

const { arrow } = arrowMaker<ClientData, HandshakeEvent, ClientContext>();

/** Exported for the tests that walk chart and table. */
export const clientArrows: readonly Arrow<ClientData, HandshakeEvent, ClientContext>[] = [
  arrow('waitSh', 'server_hello', 'start', retry, isRetry),
  arrow('waitSh', 'server_hello', 'waitEe', receiveServerHello, isAnswer),
  arrow('start', 'server_hello', 'waitEe', receiveServerHelloAfterRetry, isAnswer),
  arrow('waitEe', 'encrypted_extensions', 'waitFinished', receiveEncryptedExtensionsUnderPsk, usesPsk),
  arrow('waitEe', 'encrypted_extensions', 'waitCertCr', receiveEncryptedExtensions),
  arrow('waitCertCr', 'certificate_request', 'waitCert', receiveCertificateRequest),
  arrow('waitCertCr', 'certificate', 'awaitVerdict', receiveCertificateUnasked),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCv', receiveVerdict),
  arrow('waitCv', 'certificate_verify', 'waitFinished', receiveCertificateVerify),
  arrow('waitFinished', 'finished', 'awaitSignature', receiveFinishedAndAsk, clientSignsElsewhere),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
  arrow('awaitSignature', 'signature', 'connected', receiveSignature),
];

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

const machine = new Machine<Tls13Bodies, ClientData, ClientContext>({
  name: 'tls13Client',
  messages: tls13Messages,
  arrows: clientArrows,
  initial: 'waitSh',
  alerts: tls13Alerts,
  postHandshake: (channel, sink, data) =>
    new Tls13PostHandshake('client', channel, sink, data.state === 'connected' ? data.resumption : undefined),
  changeCipherSpec: 'dropped',
  // OTP judges a chain in the state that took the Certificate.
  stateName: (data) =>
    data.state === 'awaitVerdict' && data.own.kind === 'none' ? otpNames.waitCertCr : otpNames[data.state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
  earlyWrite,
});

/** Until the server refuses it or its Finished ends it (§4.5). */
function earlyWrite(data: ClientData): EarlyDataAllowance | undefined {
  switch (data.state) {
    case 'waitSh':
    case 'waitEe':
      return allowanceOf(data.offer.early);
    case 'waitFinished':
      return data.earlyData === 'accepted' ? allowanceOf(data.offer.early) : undefined;
    default:
      return undefined;
  }
}

/** A handshake whose first hello was sent. */
export function tls13Client(offer: Tls13Offer, context: ClientContext): Handshake {
  return machine.begin({ state: 'waitSh', offer }, context);
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function clientChart(): AnyStateMachine {
  return machine.chart;
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
    transcript,
    dependencies,
  );
  transcript.add(second.raw);
  // §D.4: the second flight begins here, unless early data was it.
  if (offer.early.kind === 'offered') withdraw(offer.early, channel);
  else if (config.middleboxCompMode) channel.addChangeCipherSpec();
  channel.addMessage(second.raw);
  channel.finishFlight();
  return { state: 'start', offer: second, suite, transcript };
}

/** §4.1.4, §4.2.10: the server throws away what was sent early, and the second hello goes in the clear. */
function withdraw({ secret }: Extract<EarlyOffer, { kind: 'offered' }>, channel: MessageChannel): void {
  channel.dropWriteKeys();
  secret.zero();
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
  if (config.middleboxCompMode && offer.early.kind === 'none') channel.addChangeCipherSpec();
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

/**
 * Handshake keys; ours first, since from its ServerHello on the server reads our alerts under them. While it may still
 * accept early data we go on under the keys of that (§4.2.10).
 */
function installKeys({ aead }: Suite, { keys, offer }: WaitEe, channel: MessageChannel): void {
  if (offer.early.kind !== 'offered') channel.installWriteKeys(new Tls13WriteProtection(aead, keys.client));
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
  const { keyShare, preSharedKey } = readAnswer(serverHelloColumn, body.extensions, offer.hello.extensions);
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  if (keyShare.group !== groupCode(offer.group.name)) throw new AlertError('wrong_group');
  const psk = preSharedKey === undefined ? undefined : selectedPsk(offer, preSharedKey, suite);
  const negotiated: Negotiated = {
    suite,
    group: offer.group,
    clientRandom: offer.hello.random,
    serverRandom: body.random,
    sessionId: offer.hello.legacySessionId,
    serverName: offer.serverName,
    hellos,
  };
  const dhe = sharedSecret(offer.share, keyShare.keyExchange);
  const keys = handshakeKeys(suite, transcript, dhe, psk?.early);
  const selected: SelectedProof =
    psk === undefined || preSharedKey === undefined
      ? { kind: 'certificate' }
      : { kind: 'psk', index: preSharedKey, authentication: pskAuthentication(psk.offer) };
  return { state: 'waitEe', offer, negotiated, keys, selected };
}

/** §4.2.11: one of ours, with the suite's hash. */
function selectedPsk({ psks }: Tls13Offer, index: number, suite: Suite): OfferedPsk {
  const psk = psks[index];
  if (psk === undefined || psk.hash.name !== suite.hash.name)
    throw new AlertError('wrong_psk_selection', { selected_identity: index });
  return psk;
}

/** §4.3.1 */
function receiveEncryptedExtensions(
  from: WaitEe,
  event: MessageEvent<'encrypted_extensions'>,
  { channel }: ClientContext,
): WaitCertCr {
  return { state: 'waitCertCr', ...withExtensions(from, event, channel) };
}

/** §2.2: the key has proved both sides, and no certificate comes. */
function receiveEncryptedExtensionsUnderPsk(
  from: WaitEe,
  event: MessageEvent<'encrypted_extensions'>,
  { channel }: ClientContext,
): WaitFinished {
  if (from.selected.kind !== 'psk') throw new TypeError('no key was selected');
  const { authentication: peer } = from.selected;
  return { state: 'waitFinished', ...withExtensions(from, event, channel), own: notAsked, peer };
}

function withExtensions(
  from: WaitEe,
  { body, raw }: MessageEvent<'encrypted_extensions'>,
  channel: MessageChannel,
): WithExtensions {
  const { offer, negotiated, keys } = from;
  const extensions = readAnswer(encryptedExtensionsColumn, body.extensions, offer.hello.extensions);
  const alpn = acceptProtocol(extensions.alpn, offer.extensions.alpn);
  keys.transcript.add(raw);
  const earlyData = answeredEarlyData(from, extensions.earlyData, alpn, channel);
  return { offer, negotiated, keys, alpn, earlyData };
}

/** §4.2.10: the server reads on under the early keys, or has thrown away what came under them. */
function answeredEarlyData(
  { offer: { early }, negotiated, selected, keys }: WaitEe,
  accepted: true | undefined,
  alpn: Uint8Array | undefined,
  channel: MessageChannel,
): Facts['earlyData'] {
  if (early.kind !== 'offered') return early.kind === 'none' ? 'none' : 'rejected';
  if (accepted === undefined) {
    channel.installWriteKeys(new Tls13WriteProtection(negotiated.suite.aead, keys.client));
    early.secret.zero();
    return 'rejected';
  }
  const { terms } = early;
  if (selected.kind !== 'psk' || selected.index !== 0 || negotiated.suite.row.id !== terms.suite.id)
    throw new AlertError('wrong_early_data_answer');
  if (!sameProtocol(terms.alpn, alpn)) throw new AlertError('wrong_early_data_answer', 'alpn');
  return 'accepted';
}

/** §4.3.2 */
function receiveCertificateRequest(
  { offer, negotiated, keys, alpn, earlyData }: WaitCertCr,
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
  const own = answerTo(choice);
  keys.transcript.add(raw);
  return { state: 'waitCert', offer, negotiated, keys, alpn, earlyData, own };
}

/** §4.4.2 */
function receiveCertificateUnasked(
  { offer, negotiated, keys, alpn, earlyData }: WaitCertCr,
  event: MessageEvent<'certificate'>,
  context: ClientContext,
): AwaitVerdict {
  const asked: WaitCert = { state: 'waitCert', offer, negotiated, keys, alpn, earlyData, own: notAsked };
  return receiveCertificate(asked, event, context);
}

function receiveCertificate(
  { offer, negotiated, keys, alpn, earlyData, own }: WaitCert,
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
  return { state: 'awaitVerdict', offer, negotiated, keys, alpn, earlyData, own, chain };
}

function receiveVerdict(
  { offer, negotiated, keys, alpn, earlyData, own, chain }: AwaitVerdict,
  { verdict }: AnswerEvent<'verdict'>,
): WaitCv {
  const key = acceptVerdict(verdict);
  return { state: 'waitCv', offer, negotiated, keys, alpn, earlyData, own, chain, key };
}

/** §4.4.3 */
function receiveCertificateVerify(
  { offer, negotiated, keys, alpn, earlyData, own, chain, key }: WaitCv,
  { body, raw }: MessageEvent<'certificate_verify'>,
  { config }: ClientContext,
): WaitFinished {
  const { transcript } = keys;
  const scheme = checkCertificateVerify(body, 'server', key, config.signatureAlgs, transcript.digest());
  transcript.add(raw);
  const peer: Authentication = { kind: 'certificate', chain, scheme };
  return { state: 'waitFinished', offer, negotiated, keys, alpn, earlyData, own, peer };
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
  if (own.kind === 'certificate') {
    const content = signedContent('client', keys.transcript.digest());
    sendCertificateVerify(own.scheme, sign(own, content), keys, context);
  }
  return finish(from, application, context);
}

/** §4.4.4, then our Certificate, whose signature comes from elsewhere. */
function receiveFinishedAndAsk(
  from: WaitFinished,
  event: MessageEvent<'finished'>,
  context: ClientContext,
): AwaitSignature {
  const { offer, negotiated, keys, alpn, earlyData, own, peer } = from;
  if (own.kind !== 'certificate') throw new TypeError('nothing to sign');
  const application = checkFinished(from, event, context);
  sendCertificate(own, keys.transcript, context);
  const { scheme } = own;
  askForSignature(own, signedContent('client', keys.transcript.digest()), context.sink);
  return {
    state: 'awaitSignature',
    offer,
    negotiated,
    keys,
    alpn,
    earlyData,
    own,
    peer,
    application,
    scheme,
  };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ClientContext,
): Connected {
  sendCertificateVerify(from.scheme, signature, from.keys, context);
  return finish(from, from.application, context);
}

function checkFinished(
  { keys, negotiated, earlyData, offer }: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  { dependencies, channel }: ClientContext,
): ApplicationKeys {
  checkVerifyData(body, keys.server, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  const application = applicationKeys(keys);
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, application.server));
  if (earlyData === 'accepted') endEarlyData(offer.early, negotiated.suite, keys, channel);
  return application;
}

/** §4.5: the last message under the early keys. */
function endEarlyData(
  early: EarlyOffer,
  { aead }: Suite,
  keys: HandshakeKeys,
  channel: MessageChannel,
): void {
  send(channel, keys.transcript, 'end_of_early_data', true);
  channel.installWriteKeys(new Tls13WriteProtection(aead, keys.client));
  if (early.kind === 'offered') early.secret.zero();
}

function sendCertificate(
  own: Exclude<ClientAuthentication, { kind: 'none' }>,
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
  { config, channel, sink }: ClientContext,
): Connected {
  const { keys, negotiated, own, peer } = finished;
  const verifyData = keys.client.finishedKey().mac(keys.transcript.digest());
  send(channel, keys.transcript, 'finished', { verifyData });
  channel.installWriteKeys(new Tls13WriteProtection(negotiated.suite.aead, application.client));
  channel.finishFlight();
  const shown = own.kind === 'certificate' ? shownBy(own) : peer.kind === 'psk' ? peer : unauthenticated;
  return {
    state: 'connected',
    facts: conclude('client', finished, application, shown, config),
    resumption: sink.ticket && resumptionOf(keys, application),
  };
}
