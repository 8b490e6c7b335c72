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
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { isHelloRetryRequest, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls13Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, type PskAuthentication, unauthenticated } from '../authentication.js';
import type { MessageChannel } from '../channel.js';
import { chartOf } from '../chart.js';
import {
  answerTo,
  type ClientAuthentication,
  clientSignsElsewhere,
  notAsked,
  shownIdentity,
} from '../client-authentication.js';
import type { ClientContext } from '../contexts.js';
import { acceptProtocol } from '../extensions/alpn.js';
import { acceptConnectionIds } from '../extensions/connection-id.js';
import {
  certificateRequestColumn,
  encryptedExtensionsColumn,
  helloRetryRequestColumn,
  readAnswer,
  readExtensions,
  serverHelloColumn,
} from '../extensions/table.js';
import { acceptSrtp } from '../extensions/use-srtp.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent, Handshake, HandshakeEvent, MessageEvent } from '../handshake.js';
import { shownBy } from '../hello/choose.js';
import { secondOffer, shareOf, type Tls13Offer } from '../hello/client-hello.js';
import { acceptRecordLimits, limitRecords } from '../hello/record-limits.js';
import type { Suite } from '../hello/suite.js';
import { confirmDialect, showsMiddleboxes } from '../hello/version.js';
import { secretLogOf } from '../key-log.js';
import { Machine } from '../machine.js';
import { askForSignature, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../record/tls13-protection.js';
import { Transcript } from '../transcript.js';
import { checkRequestContext, readCertificate, sendCertificate } from './certificate.js';
import { checkCertificateVerify, sendCertificateVerify, signedContent } from './certificate-verify.js';
import { chooseCertificate, sameProtocol } from './choose.js';
import { type CompressionChoice, chooseCompression, expandCertificate } from './compressed-certificate.js';
import { dialect13 } from './dialect.js';
import type { EarlyDataAllowance } from './early-data.js';
import { closeEarlyKeys, earlyEndOf, keepEarlyKeys, withdrawEarlyKeys } from './early-keys.js';
import { checkVerifyData, sendFinished } from './finished.js';
import type { Resumption } from './key-schedule.js';
import {
  type Agreement,
  type ApplicationKeys,
  applicationKeys,
  conclude,
  type HandshakeKeys,
  handshakeKeys,
  type Negotiated,
  remainsOf,
  resumptionOf,
  sharedSecret,
} from './negotiated.js';
import { Tls13PostHandshake } from './post-handshake.js';
import { CertificateAnswers, type LaterAuthentication } from './post-handshake-authentication.js';
import { pskAuthentication } from './psk.js';
import { allowanceOf, type EarlyOffer, type OfferedPsk } from './psk-offer.js';
import { send } from './send.js';
import { checkServerHello, retriedGroup } from './server-hello.js';

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
interface WaitEe {
  readonly state: 'waitEe';
  readonly offer: Tls13Offer;
  readonly negotiated: Negotiated;
  readonly keys: HandshakeKeys;
  readonly selected: SelectedProof;
}
/** How the server has chosen to be known: as its first certificate will say, or by a key of ours. */
type SelectedProof =
  | { readonly kind: 'certificate' }
  | { readonly kind: 'psk'; readonly index: number; readonly authentication: PskAuthentication };
/** From EncryptedExtensions on. */
interface ClientAgreement extends Agreement {
  readonly offer: Tls13Offer;
}
interface WaitCertCr {
  readonly state: 'waitCertCr';
  readonly agreement: ClientAgreement;
  readonly keys: HandshakeKeys;
}
interface WithRequest {
  readonly agreement: ClientAgreement;
  readonly keys: HandshakeKeys;
  readonly own: ClientAuthentication;
  /** How the server can read our certificate. */
  readonly compression: CompressionChoice | undefined;
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
  /** Of clients that may be asked later who they are. */
  readonly later: LaterAuthentication<ClientContext> | undefined;
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
const mayCompress: Guard<{ readonly agreement: ClientAgreement }, MessageEvent<'compressed_certificate'>> = {
  name: 'compression offered?',
  holds: ({ agreement }) => agreement.offer.extensions.compressCertificate !== undefined,
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
  arrow('waitCertCr', 'compressed_certificate', 'awaitVerdict', receiveCompressedUnasked, mayCompress),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('waitCert', 'compressed_certificate', 'awaitVerdict', receiveCompressed, mayCompress),
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
  postHandshake(channel, sink, data) {
    if (data.state !== 'connected') throw new TypeError('not connected');
    const { facts, later, resumption } = data;
    const authentication = later && new CertificateAnswers(later, facts, channel, sink);
    return new Tls13PostHandshake('client', channel, sink, resumption, authentication);
  },
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
      return data.agreement.earlyData === 'accepted' ? allowanceOf(data.agreement.offer.early) : undefined;
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
  return chartOf(machine);
}

// The handlers, in the RFC's order.

/** §4.1.4 */
function retry(
  { offer }: WaitSh,
  { body, raw }: MessageEvent<'server_hello'>,
  { config, dependencies, channel }: ClientContext,
): Start {
  channel.endPeerFlight();
  const { engine } = dependencies;
  const suite = checkServerHello(body, offer, config, engine);
  const extensions = readAnswer(helloRetryRequestColumn, body.extensions, offer.hello.extensions);
  const group = retriedGroup(extensions, offer, config);
  const transcript = new Transcript(suite.hash);
  transcript.add(offer.raw);
  transcript.replaceByMessageHash();
  transcript.add(raw);
  const second = secondOffer(
    offer,
    group === undefined ? undefined : engine.group(group),
    extensions.cookie,
    transcript,
    dependencies,
  );
  transcript.add(second.raw);
  // §D.4: the second flight begins here, unless early data was it.
  if (offer.early.kind === 'offered') withdraw(offer.early, channel);
  else if (showsMiddleboxes(config)) channel.addChangeCipherSpec();
  channel.addMessage(second.raw);
  channel.finishFlight();
  return { state: 'start', offer: second, suite, transcript };
}

/** §4.1.4, §4.2.10: the server throws away what was sent early, and the second hello goes in the clear. */
function withdraw({ secret }: Extract<EarlyOffer, { kind: 'offered' }>, channel: MessageChannel): void {
  withdrawEarlyKeys(channel);
  secret.zero();
}

/** §4.1.3 */
function receiveServerHello(
  { offer }: WaitSh,
  { body, raw }: MessageEvent<'server_hello'>,
  context: ClientContext,
): WaitEe {
  const { config, dependencies, channel } = context;
  const suite = checkServerHello(body, offer, config, dependencies.engine);
  const transcript = new Transcript(suite.hash);
  transcript.add(offer.raw);
  transcript.add(raw);
  const next = agree(offer, suite, transcript, body, 'first', context);
  // §D.4: leaves in front of whatever we send next, be it the second flight or an alert.
  if (showsMiddleboxes(config) && offer.early.kind === 'none') channel.addChangeCipherSpec();
  installKeys(suite, next, channel);
  return next;
}

/** §4.1.4: version and suite must be those of the HelloRetryRequest. */
function receiveServerHelloAfterRetry(
  { offer, suite, transcript }: Start,
  { body, raw }: MessageEvent<'server_hello'>,
  context: ClientContext,
): WaitEe {
  const { config, dependencies, channel } = context;
  confirmDialect(body, config.versions, 'tls13');
  if (checkServerHello(body, offer, config, dependencies.engine).row !== suite.row) {
    throw new AlertError('cipher_suite_changed');
  }
  transcript.add(raw);
  const next = agree(offer, suite, transcript, body, 'retried', context);
  installKeys(suite, next, channel);
  return next;
}

/**
 * Handshake keys; ours first, since from its ServerHello on the server reads our alerts under them. While it may still
 * accept early data we go on under the keys of that (§4.2.10).
 */
function installKeys({ aead }: Suite, { keys, offer }: WaitEe, channel: MessageChannel): void {
  const ours = (): Tls13WriteProtection => new Tls13WriteProtection(aead, keys.client);
  if (offer.early.kind === 'offered') keepEarlyKeys(ours, channel);
  else channel.installWriteKeys(ours());
  channel.installReadKeys(new Tls13ReadProtection(aead, keys.server));
}

/** §4.2.8: the server's share, and the secrets that come of it. */
function agree(
  offer: Tls13Offer,
  suite: Suite,
  transcript: Transcript,
  body: ServerHello,
  hellos: Negotiated['hellos'],
  { config, channel, sink }: ClientContext,
): WaitEe {
  const answer = readAnswer(serverHelloColumn, body.extensions, offer.hello.extensions);
  const { keyShare, preSharedKey } = answer;
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  const own = shareOf(offer, keyShare.group);
  if (own === undefined) throw new AlertError('wrong_group');
  const psk = preSharedKey === undefined ? undefined : selectedPsk(offer, preSharedKey, suite);
  const negotiated: Negotiated = {
    version: dialect13(config).version,
    suite,
    group: own.group,
    clientRandom: offer.hello.random,
    // A copy: facts keep it when the record is long gone.
    serverRandom: new Uint8Array(body.random),
    sessionId: offer.hello.legacySessionId,
    serverName: offer.serverName,
    hellos,
  };
  channel.useConnectionIds?.(acceptConnectionIds(answer, offer.extensions, config.connectionId, true));
  const dhe = sharedSecret(own.share, keyShare.keyExchange);
  const log = secretLogOf(sink, negotiated.clientRandom);
  const keys = handshakeKeys(suite, transcript, dhe, psk?.early, log);
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
  context: ClientContext,
): WaitCertCr {
  return { state: 'waitCertCr', agreement: agreementOf(from, event, context), keys: from.keys };
}

/** §2.2: the key has proved both sides, and no certificate comes. */
function receiveEncryptedExtensionsUnderPsk(
  from: WaitEe,
  event: MessageEvent<'encrypted_extensions'>,
  context: ClientContext,
): WaitFinished {
  if (from.selected.kind !== 'psk') throw new TypeError('no key was selected');
  const { authentication: peer } = from.selected;
  const agreement = agreementOf(from, event, context);
  return {
    state: 'waitFinished',
    agreement,
    keys: from.keys,
    own: notAsked,
    compression: undefined,
    peer,
  };
}

function agreementOf(
  from: WaitEe,
  { body, raw }: MessageEvent<'encrypted_extensions'>,
  { channel, config }: ClientContext,
): ClientAgreement {
  const { offer, negotiated, keys } = from;
  const extensions = readAnswer(encryptedExtensionsColumn, body.extensions, offer.hello.extensions);
  const alpn = acceptProtocol(extensions.alpn, offer.extensions.alpn);
  keys.transcript.add(raw);
  const recordLimits = acceptRecordLimits(offer.extensions, extensions, 'tls13');
  limitRecords(recordLimits, channel);
  const earlyData = answeredEarlyData(from, extensions.earlyData, alpn, channel);
  const accepted = earlyData === 'accepted' && offer.early.kind === 'offered';
  const early = accepted ? remainsOf(offer.early, config) : undefined;
  const allowance = earlyData === 'accepted' ? allowanceOf(offer.early) : undefined;
  const srtp = acceptSrtp(extensions.useSrtp, offer.extensions.useSrtp);
  return { negotiated, alpn, earlyData, early, allowance, recordLimits, srtp, offer };
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
    closeEarlyKeys(() => new Tls13WriteProtection(negotiated.suite.aead, keys.client), channel);
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
  { agreement, keys }: WaitCertCr,
  { body, raw }: MessageEvent<'certificate_request'>,
  { config, identities, dependencies }: ClientContext,
): WaitCert {
  checkRequestContext(body);
  const extensions = readExtensions(certificateRequestColumn, body.extensions);
  const { signatureAlgorithms } = extensions;
  if (signatureAlgorithms === undefined) throw new AlertError('missing_signature_algorithms');
  const choice = chooseCertificate(identities, signatureAlgorithms, config.signatureAlgs, extensions);
  const compression = chooseCompression(extensions.compressCertificate, config, dependencies);
  keys.transcript.add(raw);
  return { state: 'waitCert', agreement, keys, own: answerTo(choice), compression };
}

/** §4.4.2 */
function receiveCertificateUnasked(
  { agreement, keys }: WaitCertCr,
  event: MessageEvent<'certificate'>,
  context: ClientContext,
): AwaitVerdict {
  return receiveCertificate(unasked(agreement, keys), event, context);
}

/** RFC 8879 §4 */
function receiveCompressedUnasked(
  { agreement, keys }: WaitCertCr,
  event: MessageEvent<'compressed_certificate'>,
  context: ClientContext,
): AwaitVerdict {
  return receiveCompressed(unasked(agreement, keys), event, context);
}

function unasked(agreement: ClientAgreement, keys: HandshakeKeys): WaitCert {
  return { state: 'waitCert', agreement, keys, own: notAsked, compression: undefined };
}

/** RFC 8879 §4: from here on a Certificate like every other, but for its bytes in the transcript. */
function receiveCompressed(
  from: WaitCert,
  { body, raw }: MessageEvent<'compressed_certificate'>,
  context: ClientContext,
): AwaitVerdict {
  const { config, dependencies } = context;
  const offered = from.agreement.offer.extensions.compressCertificate ?? [];
  const certificate = expandCertificate(body, offered, config, dependencies.compressors);
  return receiveCertificate(from, { type: 'certificate', body: certificate, raw }, context);
}

function receiveCertificate(
  { agreement, keys, own, compression }: WaitCert,
  { body, raw }: MessageEvent<'certificate'>,
  { sink }: ClientContext,
): AwaitVerdict {
  const { chain, staple } = readCertificate(body, agreement.offer.hello.extensions);
  if (chain.length === 0) throw new AlertError('empty_certificate_list');
  keys.transcript.add(raw);
  sink.askVerdict(chain, staple, 'signature');
  return { state: 'awaitVerdict', agreement, keys, own, compression, chain };
}

function receiveVerdict(
  { agreement, keys, own, compression, chain }: AwaitVerdict,
  { verdict }: AnswerEvent<'verdict'>,
): WaitCv {
  return { state: 'waitCv', agreement, keys, own, compression, chain, key: acceptVerdict(verdict) };
}

/** §4.4.3 */
function receiveCertificateVerify(
  { agreement, keys, own, compression, chain, key }: WaitCv,
  { body, raw }: MessageEvent<'certificate_verify'>,
  { config }: ClientContext,
): WaitFinished {
  const { transcript } = keys;
  const scheme = checkCertificateVerify(body, 'server', key, config.signatureAlgs, transcript.digest());
  transcript.add(raw);
  const peer: Authentication = { kind: 'certificate', chain, scheme };
  return { state: 'waitFinished', agreement, keys, own, compression, peer };
}

/** §4.4.4, then our second flight with a key that is at hand. */
function receiveFinished(
  from: WaitFinished,
  event: MessageEvent<'finished'>,
  context: ClientContext,
): Connected {
  const { keys, own, compression } = from;
  const { channel } = context;
  const { transcript } = keys;
  const application = checkFinished(from, event, context);
  if (own.kind !== 'none')
    sendCertificate({ identity: shownIdentity(own), compression }, transcript, channel);
  if (own.kind === 'certificate') {
    const signature = sign(own, signedContent('client', transcript.digest()));
    sendCertificateVerify(own.scheme, signature, transcript, channel);
  }
  return finish(from, application, context);
}

/** §4.4.4, then our Certificate, whose signature comes from elsewhere. */
function receiveFinishedAndAsk(
  from: WaitFinished,
  event: MessageEvent<'finished'>,
  context: ClientContext,
): AwaitSignature {
  const { agreement, keys, own, compression, peer } = from;
  if (own.kind !== 'certificate') throw new TypeError('nothing to sign');
  const { transcript } = keys;
  const application = checkFinished(from, event, context);
  sendCertificate({ identity: own.identity, compression }, transcript, context.channel);
  askForSignature(own, signedContent('client', transcript.digest()), context.sink);
  return {
    state: 'awaitSignature',
    agreement,
    keys,
    own,
    compression,
    peer,
    application,
    scheme: own.scheme,
  };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ClientContext,
): Connected {
  sendCertificateVerify(from.scheme, signature, from.keys.transcript, context.channel);
  return finish(from, from.application, context);
}

function checkFinished(
  { agreement, keys }: WaitFinished,
  { body, raw }: MessageEvent<'finished'>,
  { dependencies, channel, sink }: ClientContext,
): ApplicationKeys {
  const { negotiated, earlyData, offer } = agreement;
  checkVerifyData(body, keys.server, keys.transcript.digest(), dependencies.engine);
  keys.transcript.add(raw);
  const application = applicationKeys(keys, secretLogOf(sink, negotiated.clientRandom));
  channel.installReadKeys(new Tls13ReadProtection(negotiated.suite.aead, application.server));
  if (earlyData === 'accepted') endEarlyData(offer.early, negotiated.suite, keys, channel);
  return application;
}

/** §4.5: the last message under the early keys; over datagrams there is none, on the wire and in the transcript (RFC 9147 §5.6). */
function endEarlyData(
  early: EarlyOffer,
  { aead }: Suite,
  keys: HandshakeKeys,
  channel: MessageChannel,
): void {
  if (earlyEndOf(channel) === 'message') send(channel, keys.transcript, 'end_of_early_data', true);
  closeEarlyKeys(() => new Tls13WriteProtection(aead, keys.client), channel);
  if (early.kind === 'offered') early.secret.zero();
}

function finish(
  finished: WaitFinished | AwaitSignature,
  application: ApplicationKeys,
  context: ClientContext,
): Connected {
  const { config, channel, sink } = context;
  const { agreement, keys, own, peer } = finished;
  const { aead } = agreement.negotiated.suite;
  sendFinished(keys.client, keys.transcript, channel);
  channel.installWriteKeys(new Tls13WriteProtection(aead, application.client));
  channel.finishFlight();
  const shown = own.kind === 'certificate' ? shownBy(own) : peer.kind === 'psk' ? peer : unauthenticated;
  return {
    state: 'connected',
    facts: conclude('client', finished, application, shown, config, own.kind !== 'none'),
    resumption: sink.ticket && resumptionOf(keys, application),
    later: agreement.offer.extensions.postHandshakeAuth && { transcript: keys.transcript, context },
  };
}
