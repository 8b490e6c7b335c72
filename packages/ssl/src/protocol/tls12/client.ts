/**
 * TLS 1.2, client (RFC 5246 §7.3), full handshakes with an ephemeral key exchange and a certificate.
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
 *      Finished                     -------->
 *                                               [ChangeCipherSpec]      WAIT_CCS: K_recv
 *                                   <--------             Finished      WAIT_FINISHED
 *
 * A server that has accepted to staple may think better of it (RFC 6066 §8): then ServerKeyExchange comes in place of
 * CertificateStatus and waits for the verdict (AWAIT_VERDICT_WITH_KEYS).
 */
import type { AnyStateMachine } from 'xstate';
import type { GroupName, PublicKey } from '../../values/crypto/engine.js';
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { type Tls12Bodies, tls12Messages } from '../../values/wire/tls12-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls12Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import { chartOf } from '../chart.js';
import {
  answerTo,
  type ClientAuthentication,
  clientSignsElsewhere,
  notAsked,
  shownChain,
} from '../client-authentication.js';
import type { ClientContext } from '../contexts.js';
import { acceptProtocol } from '../extensions/alpn.js';
import { readsOurPoints } from '../extensions/ec-point-formats.js';
import { renegotiationInfo } from '../extensions/renegotiation-info.js';
import { ocspStatusType } from '../extensions/status-request.js';
import { readAnswer, serverHello12Column } from '../extensions/table.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent, Handshake, HandshakeEvent12, MessageEvent12 } from '../handshake.js';
import { shownBy } from '../hello/choose.js';
import { type ClientOffer, offeredGroups } from '../hello/client-hello.js';
import { tls12Suite } from '../hello/suite.js';
import { Machine } from '../machine.js';
import { askForSignature, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { authenticates, chooseClientCertificate12 } from './choose.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { HandshakeMessages } from './handshake-messages.js';
import type { ClientExchange } from './key-exchange/key-exchange.js';
import { signedParams } from './key-exchange/signed-params.js';
import { conclude12, deriveKeys, type Keys12, type Negotiated12, protocolVersion } from './negotiated.js';
import { Tls12PostHandshake } from './post-handshake.js';
import { send } from './send.js';
import { checkSignature12 } from './signature.js';

// State data. Each state has exactly what exists then.

interface WaitSh {
  readonly state: 'waitSh';
  readonly offer: ClientOffer;
}
/** From the ServerHello on. */
interface Underway {
  readonly negotiated: Negotiated12;
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
interface AwaitVerdictWithKeys extends WithChain {
  readonly state: 'awaitVerdictWithKeys';
  readonly keyExchange: MessageEvent12<'server_key_exchange'>;
}
interface WaitSke extends WithChain {
  readonly state: 'waitSke';
  readonly key: PublicKey;
}
/** From ServerKeyExchange on: the server has proved who it is. */
interface WithKeys extends Underway {
  readonly peer: Authentication;
  readonly exchange: ClientExchange;
}
interface WaitCrShd extends WithKeys {
  readonly state: 'waitCrShd';
}
interface WaitShd extends WithKeys {
  readonly state: 'waitShd';
  readonly own: ClientAuthentication;
}
/** From ClientKeyExchange on. */
interface WithMaster extends Underway {
  readonly peer: Authentication;
  readonly group: GroupName | undefined;
  readonly own: ClientAuthentication;
  readonly keys: Keys12;
}
interface AwaitSignature extends WithMaster {
  readonly state: 'awaitSignature';
  readonly scheme: SignatureScheme;
}
interface WaitCcs extends WithMaster {
  readonly state: 'waitCcs';
}
interface WaitFinished extends WithMaster {
  readonly state: 'waitFinished';
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
}
export type Client12Data =
  | WaitSh
  | WaitCert
  | WaitStatus
  | AwaitVerdict
  | AwaitVerdictWithKeys
  | WaitSke
  | WaitCrShd
  | WaitShd
  | AwaitSignature
  | WaitCcs
  | WaitFinished
  | Connected;

// The machine.

const mayStaple: Guard<WaitCert, MessageEvent12<'certificate'>> = {
  name: 'stapling?',
  holds: ({ stapling }) => stapling === 'accepted',
};

const { arrow } = arrowMaker<Client12Data, HandshakeEvent12, ClientContext>();

/** Exported for the tests that walk chart and table. */
export const client12Arrows: readonly Arrow<Client12Data, HandshakeEvent12, ClientContext>[] = [
  arrow('waitSh', 'server_hello', 'waitCert', receiveServerHello),
  arrow('waitCert', 'certificate', 'waitStatus', receiveCertificate, mayStaple),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificateAndAsk),
  arrow('waitStatus', 'certificate_status', 'awaitVerdict', receiveStatus),
  arrow('waitStatus', 'server_key_exchange', 'awaitVerdictWithKeys', receiveKeysInsteadOfStatus),
  arrow('awaitVerdict', 'verdict', 'waitSke', receiveVerdict),
  arrow('awaitVerdictWithKeys', 'verdict', 'waitCrShd', receiveVerdictWithKeys),
  arrow('waitSke', 'server_key_exchange', 'waitCrShd', receiveServerKeyExchange),
  arrow('waitCrShd', 'certificate_request', 'waitShd', receiveCertificateRequest),
  arrow('waitCrShd', 'server_hello_done', 'waitCcs', answerUnasked),
  arrow('waitShd', 'server_hello_done', 'awaitSignature', answerAndAsk, clientSignsElsewhere),
  arrow('waitShd', 'server_hello_done', 'waitCcs', answer),
  arrow('awaitSignature', 'signature', 'waitCcs', receiveSignature),
  arrow('waitCcs', 'change_cipher_spec', 'waitFinished', receiveChangeCipherSpec),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
];

const otpNames: Readonly<Record<Client12Data['state'], string>> = {
  waitSh: 'hello',
  waitCert: 'certify',
  waitStatus: 'wait_ocsp_stapling',
  awaitVerdict: 'certify',
  awaitVerdictWithKeys: 'certify',
  waitSke: 'certify',
  waitCrShd: 'certify',
  waitShd: 'certify',
  awaitSignature: 'certify',
  waitCcs: 'cipher',
  waitFinished: 'cipher',
  connected: 'connection',
};

const machine = new Machine<Tls12Bodies, Client12Data, ClientContext>({
  name: 'tls12Client',
  messages: tls12Messages,
  arrows: client12Arrows,
  initial: 'waitSh',
  alerts: tls12Alerts,
  postHandshake: (channel, sink) => new Tls12PostHandshake('client', channel, sink),
  changeCipherSpec: 'step',
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
});

/** A handshake whose hello was sent. */
export function tls12Client(offer: ClientOffer, context: ClientContext): Handshake {
  return machine.begin({ state: 'waitSh', offer }, context);
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function client12Chart(): AnyStateMachine {
  return chartOf(machine);
}

// The handlers, in the RFC's order.

/** RFC 5246 §7.4.1.3 */
function receiveServerHello(
  { offer }: WaitSh,
  { body, raw }: MessageEvent12<'server_hello'>,
  { config, dependencies, channel }: ClientContext,
): WaitCert {
  channel.expectRecordVersion(protocolVersion);
  const row = config.ciphers.find(({ id }) => id === body.cipherSuite);
  const suite = row && tls12Suite(row, dependencies.engine);
  if (suite === undefined) throw new AlertError('wrong_cipher_suite', { cipher: body.cipherSuite });
  if (body.legacyCompressionMethod !== 0) throw new AlertError('wrong_compression');
  const echo = body.legacySessionIdEcho;
  // We offer no session; an id is there for the middleboxes of TLS 1.3 only (RFC 8446 §D.4).
  if (echo.length > 0 && dependencies.engine.equal(echo, offer.hello.legacySessionId))
    throw new AlertError('wrong_session_id_echo');
  const extensions = readAnswer(serverHello12Column, body.extensions, [
    ...offer.hello.extensions,
    offeredRenegotiationInfo,
  ]);
  if (extensions.renegotiationInfo !== undefined && extensions.renegotiationInfo.length > 0)
    throw new AlertError('wrong_renegotiation_info');
  if (!readsOurPoints(extensions.ecPointFormats)) throw new AlertError('no_uncompressed_points');
  const messages = new HandshakeMessages(suite.hash);
  messages.add(offer.raw);
  messages.add(raw);
  const negotiated: Negotiated12 = {
    suite,
    // Copies: facts keep them when the record is long gone.
    randoms: { client: offer.hello.random, server: new Uint8Array(body.random) },
    sessionId: new Uint8Array(echo),
    serverName: offer.serverName,
    alpn: acceptProtocol(extensions.alpn, offer.extensions.alpn),
    masterSecret: extensions.extendedMasterSecret ? 'extended' : 'plain',
    messages,
  };
  return { state: 'waitCert', negotiated, stapling: extensions.statusAccepted ? 'accepted' : 'none' };
}

/** The signalling suite of our hello stands for it (RFC 5746 §3.4). */
const offeredRenegotiationInfo = { extensionType: renegotiationInfo.code, extensionData: new Uint8Array(0) };

/** RFC 5246 §7.4.2, when a CertificateStatus may follow. */
function receiveCertificate(
  { negotiated }: WaitCert,
  { body, raw }: MessageEvent12<'certificate'>,
): WaitStatus {
  if (body.certificateList.length === 0) throw new AlertError('empty_certificate_list');
  negotiated.messages.add(raw);
  const chain = body.certificateList.map((certificate) => new Uint8Array(certificate));
  return { state: 'waitStatus', negotiated, chain };
}

function receiveCertificateAndAsk(
  from: WaitCert,
  event: MessageEvent12<'certificate'>,
  { sink }: ClientContext,
): AwaitVerdict {
  const { negotiated, chain } = receiveCertificate(from, event);
  sink.askVerdict(chain, undefined);
  return { state: 'awaitVerdict', negotiated, chain };
}

/** RFC 6066 §8 */
function receiveStatus(
  { negotiated, chain }: WaitStatus,
  { body, raw }: MessageEvent12<'certificate_status'>,
  { sink }: ClientContext,
): AwaitVerdict {
  // The only type that we ask for: of another the response is something else.
  if (body.statusType !== ocspStatusType)
    throw new AlertError('malformed_message', `a certificate status of type ${body.statusType}`);
  negotiated.messages.add(raw);
  sink.askVerdict(chain, new Uint8Array(body.response));
  return { state: 'awaitVerdict', negotiated, chain };
}

function receiveKeysInsteadOfStatus(
  { negotiated, chain }: WaitStatus,
  keyExchange: MessageEvent12<'server_key_exchange'>,
  { sink }: ClientContext,
): AwaitVerdictWithKeys {
  sink.askVerdict(chain, undefined);
  return { state: 'awaitVerdictWithKeys', negotiated, chain, keyExchange };
}

function receiveVerdict({ negotiated, chain }: AwaitVerdict, { verdict }: AnswerEvent<'verdict'>): WaitSke {
  const key = acceptVerdict(verdict);
  // RFC 5246 §7.4.2: the suite names the kind of key.
  if (!authenticates(key.algorithm, negotiated.suite)) throw new AlertError('wrong_certificate_type');
  return { state: 'waitSke', negotiated, chain, key };
}

function receiveVerdictWithKeys(
  { negotiated, chain, keyExchange }: AwaitVerdictWithKeys,
  answer: AnswerEvent<'verdict'>,
  context: ClientContext,
): WaitCrShd {
  const judged = receiveVerdict({ state: 'awaitVerdict', negotiated, chain }, answer);
  return receiveServerKeyExchange(judged, keyExchange, context);
}

/** RFC 5246 §7.4.3, RFC 8422 §5.4 */
function receiveServerKeyExchange(
  { negotiated, chain, key }: WaitSke,
  { body, raw }: MessageEvent12<'server_key_exchange'>,
  { config, dependencies }: ClientContext,
): WaitCrShd {
  const { keyExchange } = negotiated.suite;
  const { exchange, params, signed } = keyExchange.read(
    body.exchangeKeys,
    offeredGroups(config),
    dependencies.engine,
  );
  const content = signedParams(params, negotiated.randoms);
  const scheme = checkSignature12(signed, key, config.signatureAlgs, content);
  negotiated.messages.add(raw);
  return { state: 'waitCrShd', negotiated, peer: { kind: 'certificate', chain, scheme }, exchange };
}

/** RFC 5246 §7.4.4 */
function receiveCertificateRequest(
  { negotiated, peer, exchange }: WaitCrShd,
  { body, raw }: MessageEvent12<'certificate_request'>,
  { config, identities }: ClientContext,
): WaitShd {
  const choice = chooseClientCertificate12(identities, body, config.signatureAlgs);
  negotiated.messages.add(raw);
  const own = answerTo(choice);
  return { state: 'waitShd', negotiated, peer, exchange, own };
}

/** RFC 5246 §7.4.5: the server's flight ends, and it does not ask who we are. */
function answerUnasked(
  { negotiated, peer, exchange }: WaitCrShd,
  event: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): WaitCcs {
  return answer({ state: 'waitShd', negotiated, peer, exchange, own: notAsked }, event, context);
}

/** Our second flight, with a key that is at hand. */
function answer(from: WaitShd, event: MessageEvent12<'server_hello_done'>, context: ClientContext): WaitCcs {
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
): WaitCcs {
  sendCertificateVerify(from.scheme, signature, from, context);
  return sendFinished(from, context);
}

/** RFC 5246 §7.4.6, §7.4.7: Certificate if it was asked for, ClientKeyExchange, and the secrets that come of it. */
function exchangeKeys(
  { negotiated, peer, exchange, own }: WaitShd,
  { raw }: MessageEvent12<'server_hello_done'>,
  context: ClientContext,
): WithMaster {
  const { dependencies, channel } = context;
  const { messages } = negotiated;
  channel.endPeerFlight();
  messages.add(raw);
  if (own.kind !== 'none') send(channel, messages, 'certificate', { certificateList: shownChain(own) });
  const { exchangeKeys, premaster } = exchange.answer(dependencies);
  send(channel, messages, 'client_key_exchange', { exchangeKeys });
  return { negotiated, peer, group: exchange.group, own, keys: deriveKeys(negotiated, premaster, context) };
}

/** RFC 5246 §7.4.8 */
function sendCertificateVerify(
  scheme: SignatureScheme,
  signature: Uint8Array,
  { negotiated }: WithMaster,
  { channel }: ClientContext,
): void {
  send(channel, negotiated.messages, 'certificate_verify', { algorithm: scheme.code, signature });
}

/** RFC 5246 §7.1, §7.4.9 */
function sendFinished(
  { negotiated, peer, group, own, keys }: WithMaster,
  { channel }: ClientContext,
): WaitCcs {
  negotiated.messages.forget();
  finishFlight(negotiated, keys, 'client', channel);
  return { state: 'waitCcs', negotiated, peer, group, own, keys };
}

function receiveChangeCipherSpec(
  { negotiated, peer, group, own, keys }: WaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  { channel }: ClientContext,
): WaitFinished {
  changeReadKeys(negotiated, keys, 'server', channel);
  return { state: 'waitFinished', negotiated, peer, group, own, keys };
}

/** RFC 5246 §7.4.9 */
function receiveFinished(
  { negotiated, peer, group, own, keys }: WaitFinished,
  { body }: MessageEvent12<'finished'>,
  { dependencies, channel }: ClientContext,
): Connected {
  channel.endPeerFlight();
  checkFinished(body, negotiated, keys, 'server', dependencies.engine);
  const shown = own.kind === 'certificate' ? shownBy(own) : unauthenticated;
  return { state: 'connected', facts: conclude12('client', { negotiated, group, keys, peer, own: shown }) };
}
