/**
 * TLS 1.2, server (RFC 5246 §7.3), full handshakes with an ephemeral key exchange and a certificate.
 *
 *      Client                                               Server
 *      ClientHello                  -------->                           START
 *                                                      ServerHello      NEGOTIATED
 *                                                      Certificate
 *                                              [CertificateStatus]      with a stapled response by way of AWAIT_STAPLE
 *                                                ServerKeyExchange      CERTIFIED, with a remote key by way of
 *                                                                       AWAIT_SIGNATURE
 *                                             [CertificateRequest]
 *                                   <--------      ServerHelloDone      WAIT_FLIGHT2
 *      [Certificate]                                                    WAIT_CERT, AWAIT_VERDICT: judged outside
 *      ClientKeyExchange                                                WAIT_CKE, WAIT_CKE_OF_SHOWN
 *      [CertificateVerify]                                              WAIT_CV
 *      [ChangeCipherSpec]                                               WAIT_CCS: K_recv
 *      Finished                     -------->                           WAIT_FINISHED
 *                                               [ChangeCipherSpec]      K_send
 *                                   <--------             Finished
 */
import type { AnyStateMachine } from 'xstate';
import type { Group, GroupName, PublicKey } from '../../values/crypto/engine.js';
import { renegotiationScsv } from '../../values/registry/suites.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { type Tls12Bodies, tls12Messages } from '../../values/wire/tls12-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { tls12Alerts } from '../alert-rules.js';
import { type Arrow, arrowMaker, type Guard } from '../arrows.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import { chartOf } from '../chart.js';
import { isEmptyCertificate } from '../client-authentication.js';
import type { ServerContext } from '../contexts.js';
import { selectProtocol } from '../extensions/alpn.js';
import { ownPointFormats, readsOurPoints } from '../extensions/ec-point-formats.js';
import { hostName } from '../extensions/server-name.js';
import { ocspStatusType, type StatusRequest } from '../extensions/status-request.js';
import {
  type ClientHelloExtensions,
  clientHelloColumn,
  readExtensions,
  serverHello12Column,
  writeExtensions,
} from '../extensions/table.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent, Handshake, HandshakeEvent12, MessageEvent12 } from '../handshake.js';
import { type CertificateChoice, schemeCodes, shownBy } from '../hello/choose.js';
import { serverRandom } from '../hello/version.js';
import { Machine } from '../machine.js';
import { wantedStaple } from '../own-identity.js';
import { askForSignature, serverSignsElsewhere, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import { chooseTls12 } from './choose.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { HandshakeMessages } from './handshake-messages.js';
import type { ServerExchange } from './key-exchange/key-exchange.js';
import { encodeSignedParams, signedParams } from './key-exchange/signed-params.js';
import { conclude12, deriveKeys, type Keys12, type Negotiated12, protocolVersion } from './negotiated.js';
import { Tls12PostHandshake } from './post-handshake.js';
import { send } from './send.js';
import { checkSignature12 } from './signature.js';

/** ClientCertificateType (RFC 5246 §7.4.4, RFC 8422 §5.5): rsa_sign and ecdsa_sign, which covers EdDSA. */
const certificateTypes = [1, 64];

// State data. Each state has exactly what exists then.

interface Start {
  readonly state: 'start';
}
/** From the ServerHello on. */
interface Underway {
  readonly negotiated: Negotiated12;
  readonly certificate: CertificateChoice;
}
/** Until our ephemeral keys are made. */
interface Agreed extends Underway {
  readonly group: Group;
}
interface Negotiated extends Agreed {
  readonly state: 'negotiated';
  /** What the client wants to see stapled; we have accepted to try. */
  readonly status: StatusRequest | undefined;
}
interface AwaitStaple extends Agreed {
  readonly state: 'awaitStaple';
}
/** From our Certificate on, with our part of the key exchange. */
interface Answered extends Underway {
  readonly exchange: ServerExchange;
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
/** Of one that has, and has yet to prove that it is its own. */
interface WaitCkeOfShown extends Answered {
  readonly state: 'waitCkeOfShown';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
/** From ClientKeyExchange on. */
interface WithMaster extends Underway {
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
interface WaitFinished extends WithMaster {
  readonly state: 'waitFinished';
  readonly peer: Authentication;
}
interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
}
export type Server12Data =
  | Start
  | Negotiated
  | AwaitStaple
  | Certified
  | AwaitSignature
  | WaitFlight2
  | WaitCert
  | AwaitVerdict
  | WaitCke
  | WaitCkeOfShown
  | WaitCv
  | WaitCcs
  | WaitFinished
  | Connected;

// The machine.

const staples: Guard<Negotiated, undefined> = {
  name: 'staple?',
  holds: ({ status }) => status !== undefined,
};
const asksClient: Guard<WaitFlight2, undefined> = {
  name: 'client auth?',
  holds: ({ clientAuthentication }) => clientAuthentication === 'requested',
};
const { arrow, always } = arrowMaker<Server12Data, HandshakeEvent12, ServerContext>();

/** Exported for the tests that walk chart and table. */
export const server12Arrows: readonly Arrow<Server12Data, HandshakeEvent12, ServerContext>[] = [
  arrow('start', 'client_hello', 'negotiated', receiveClientHello),
  always('negotiated', 'awaitStaple', askStaple, staples),
  always('negotiated', 'certified', sendPlainCertificate),
  arrow('awaitStaple', 'staple', 'certified', receiveStaple),
  always('certified', 'awaitSignature', askSignature, serverSignsElsewhere),
  always('certified', 'waitFlight2', signKeys),
  arrow('awaitSignature', 'signature', 'waitFlight2', receiveSignature),
  always('waitFlight2', 'waitCert', waitForCertificate, asksClient),
  always('waitFlight2', 'waitCke', waitForKeys),
  arrow('waitCert', 'certificate', 'waitCke', receiveEmptyCertificate, isEmptyCertificate),
  arrow('waitCert', 'certificate', 'awaitVerdict', receiveCertificate),
  arrow('awaitVerdict', 'verdict', 'waitCkeOfShown', receiveVerdict),
  arrow('waitCke', 'client_key_exchange', 'waitCcs', receiveClientKeyExchange),
  arrow('waitCkeOfShown', 'client_key_exchange', 'waitCv', receiveClientKeyExchangeOfShown),
  arrow('waitCv', 'certificate_verify', 'waitCcs', receiveCertificateVerify),
  arrow('waitCcs', 'change_cipher_spec', 'waitFinished', receiveChangeCipherSpec),
  arrow('waitFinished', 'finished', 'connected', receiveFinished),
];

const otpNames: Readonly<Record<Server12Data['state'], string>> = {
  start: 'hello',
  negotiated: 'hello',
  awaitStaple: 'hello',
  certified: 'hello',
  awaitSignature: 'hello',
  waitFlight2: 'certify',
  waitCert: 'certify',
  awaitVerdict: 'certify',
  waitCke: 'certify',
  waitCkeOfShown: 'certify',
  waitCv: 'wait_cert_verify',
  waitCcs: 'cipher',
  waitFinished: 'cipher',
  connected: 'connection',
};

const machine = new Machine<Tls12Bodies, Server12Data, ServerContext>({
  name: 'tls12Server',
  messages: tls12Messages,
  arrows: server12Arrows,
  initial: 'start',
  alerts: tls12Alerts,
  postHandshake: (channel, sink) => new Tls12PostHandshake('server', channel, sink),
  changeCipherSpec: 'step',
  stateName: ({ state }) => otpNames[state],
  facts: (data) => (data.state === 'connected' ? data.facts : undefined),
});

/** A handshake that waits for its ClientHello. */
export function tls12Server(context: ServerContext): Handshake {
  return machine.begin({ state: 'start' }, context);
}

/** The machine as a chart, for drawing, walking and inspecting. */
export function server12Chart(): AnyStateMachine {
  return chartOf(machine);
}

// The handlers, in the RFC's order.

/** RFC 5246 §7.4.1.2, §7.4.1.3 */
function receiveClientHello(
  _from: Start,
  { body: hello, raw }: MessageEvent12<'client_hello'>,
  { config, identities, dependencies, sink, channel }: ServerContext,
): Negotiated {
  const { engine } = dependencies;
  const extensions = readExtensions(clientHelloColumn, hello.extensions);
  if (!hello.legacyCompressionMethods.includes(0)) throw new AlertError('wrong_compression');
  if (!readsOurPoints(extensions.ecPointFormats)) throw new AlertError('no_uncompressed_points');
  if (extensions.renegotiationInfo !== undefined && extensions.renegotiationInfo.length > 0)
    throw new AlertError('wrong_renegotiation_info');
  const serverName = hostName(extensions.serverName);
  const { suite, group, certificate } = chooseTls12(
    hello.cipherSuites,
    extensions,
    config,
    identities,
    engine,
  );
  const alpn = selectProtocol(extensions.alpn, config.alpnPreferredProtocols);
  const status = wantedStaple(extensions.statusRequest, certificate.identity, sink);
  const messages = new HandshakeMessages(suite.hash);
  messages.add(raw);
  const negotiated: Negotiated12 = {
    suite,
    randoms: {
      // A copy: facts keep it when the hello is long gone.
      client: new Uint8Array(hello.random),
      server: serverRandom(dependencies.random(32), 'tls12', config.versions),
    },
    sessionId: new Uint8Array(0),
    serverName,
    alpn,
    masterSecret: extensions.extendedMasterSecret ? 'extended' : 'plain',
    messages,
  };
  channel.endPeerFlight();
  channel.expectRecordVersion(protocolVersion);
  send(channel, messages, 'server_hello', {
    legacyVersion: protocolVersion,
    random: negotiated.randoms.server,
    legacySessionIdEcho: negotiated.sessionId,
    cipherSuite: suite.row.id,
    legacyCompressionMethod: 0,
    extensions: writeExtensions(serverHello12Column, answers(hello, extensions, negotiated, status)),
  });
  return { state: 'negotiated', negotiated, group, certificate, status };
}

/** What the ServerHello says to the client's extensions. */
function answers(
  hello: ClientHello,
  offered: ClientHelloExtensions,
  { alpn }: Negotiated12,
  status: StatusRequest | undefined,
): ReturnType<typeof serverHello12Column.none> {
  const knowsRenegotiation =
    offered.renegotiationInfo !== undefined || hello.cipherSuites.includes(renegotiationScsv);
  return {
    serverName: undefined,
    extendedMasterSecret: offered.extendedMasterSecret,
    renegotiationInfo: knowsRenegotiation ? new Uint8Array(0) : undefined,
    ecPointFormats: offered.ecPointFormats && ownPointFormats,
    supportedGroups: undefined,
    alpn,
    statusAccepted: status && true,
  };
}

/** RFC 6066 §8: a response that somebody has to find. */
function askStaple(from: Negotiated, context: ServerContext): AwaitStaple {
  const { status: request, certificate, negotiated, group } = from;
  const { sink } = context;
  if (request === undefined || sink.askStaple === undefined)
    throw new TypeError('nobody to ask for a response');
  sendCertificate(from, context);
  sink.askStaple({ identity: certificate.identity, serverName: negotiated.serverName, request });
  return { state: 'awaitStaple', negotiated, group, certificate };
}

function receiveStaple(
  from: AwaitStaple,
  { response }: AnswerEvent<'staple'>,
  context: ServerContext,
): Certified {
  if (response !== undefined)
    send(context.channel, from.negotiated.messages, 'certificate_status', {
      statusType: ocspStatusType,
      response,
    });
  return certified(from, context);
}

function sendPlainCertificate(from: Negotiated, context: ServerContext): Certified {
  sendCertificate(from, context);
  return certified(from, context);
}

/** Our part of the key exchange is made. */
function certified({ negotiated, group, certificate }: Agreed, { dependencies }: ServerContext): Certified {
  const exchange = negotiated.suite.keyExchange.serve(group, dependencies);
  return { state: 'certified', negotiated, certificate, exchange };
}

/** RFC 5246 §7.4.2 */
function sendCertificate({ negotiated, certificate }: Negotiated, { channel }: ServerContext): void {
  send(channel, negotiated.messages, 'certificate', { certificateList: certificate.identity.chain });
}

/** RFC 5246 §7.4.3, with a key that is at hand. */
function signKeys(from: Certified, context: ServerContext): WaitFlight2 {
  return sendServerKeyExchange(from, sign(from.certificate, toSign(from)), context);
}

function askSignature(from: Certified, { sink }: ServerContext): AwaitSignature {
  askForSignature(from.certificate, toSign(from), sink);
  return { ...from, state: 'awaitSignature' };
}

function receiveSignature(
  from: AwaitSignature,
  { signature }: AnswerEvent<'signature'>,
  context: ServerContext,
): WaitFlight2 {
  return sendServerKeyExchange(from, signature, context);
}

function toSign({ exchange, negotiated }: Certified): Uint8Array {
  return signedParams(exchange.params, negotiated.randoms);
}

/** ServerKeyExchange, CertificateRequest if we want to know who the client is, ServerHelloDone. */
function sendServerKeyExchange(
  { negotiated, certificate, exchange }: Answered,
  signature: Uint8Array,
  { config, certificateAuthorities, channel }: ServerContext,
): WaitFlight2 {
  const { messages } = negotiated;
  const signed = { algorithm: certificate.scheme.code, signature };
  send(channel, messages, 'server_key_exchange', {
    exchangeKeys: encodeSignedParams(exchange.params, signed),
  });
  const clientAuthentication = config.verify === 'verify_peer' ? 'requested' : 'none';
  if (clientAuthentication === 'requested')
    send(channel, messages, 'certificate_request', {
      certificateTypes,
      supportedSignatureAlgorithms: schemeCodes(config.signatureAlgs),
      certificateAuthorities,
    });
  send(channel, messages, 'server_hello_done', true);
  channel.finishFlight();
  return { state: 'waitFlight2', negotiated, certificate, exchange, clientAuthentication };
}

function waitForCertificate({ negotiated, certificate, exchange }: WaitFlight2): WaitCert {
  return { state: 'waitCert', negotiated, certificate, exchange };
}

/** Nobody will sign the messages. */
function waitForKeys({ negotiated, certificate, exchange }: WaitFlight2): WaitCke {
  negotiated.messages.forget();
  return { state: 'waitCke', negotiated, certificate, exchange };
}

/** RFC 5246 §7.4.6 */
function receiveEmptyCertificate(
  { negotiated, certificate, exchange }: WaitCert,
  { raw }: MessageEvent12<'certificate'>,
  { config }: ServerContext,
): WaitCke {
  if (config.failIfNoPeerCert)
    throw new AlertError('certificate_required', 'no_peer_certificate', 'handshake_failure');
  negotiated.messages.add(raw);
  negotiated.messages.forget();
  return { state: 'waitCke', negotiated, certificate, exchange };
}

/** RFC 5246 §7.4.6 */
function receiveCertificate(
  { negotiated, certificate, exchange }: WaitCert,
  { body, raw }: MessageEvent12<'certificate'>,
  { sink }: ServerContext,
): AwaitVerdict {
  negotiated.messages.add(raw);
  // Copies: facts keep them when the record is long gone.
  const chain = body.certificateList.map((der) => new Uint8Array(der));
  sink.askVerdict(chain, undefined);
  return { state: 'awaitVerdict', negotiated, certificate, exchange, chain };
}

function receiveVerdict(
  { negotiated, certificate, exchange, chain }: AwaitVerdict,
  { verdict }: AnswerEvent<'verdict'>,
): WaitCkeOfShown {
  const key = acceptVerdict(verdict);
  return { state: 'waitCkeOfShown', negotiated, certificate, exchange, chain, key };
}

/** RFC 5246 §7.4.7 */
function receiveClientKeyExchange(
  from: WaitCke,
  event: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WaitCcs {
  return { state: 'waitCcs', ...withMaster(from, event, context), peer: unauthenticated };
}

function receiveClientKeyExchangeOfShown(
  from: WaitCkeOfShown,
  event: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WaitCv {
  return { state: 'waitCv', ...withMaster(from, event, context), chain: from.chain, key: from.key };
}

function withMaster(
  { negotiated, certificate, exchange }: Answered,
  { body, raw }: MessageEvent12<'client_key_exchange'>,
  context: ServerContext,
): WithMaster {
  const premaster = exchange.premaster(body.exchangeKeys);
  negotiated.messages.add(raw);
  return { negotiated, group: exchange.group, certificate, keys: deriveKeys(negotiated, premaster, context) };
}

/** RFC 5246 §7.4.8 */
function receiveCertificateVerify(
  { negotiated, group, certificate, keys, chain, key }: WaitCv,
  { body, raw }: MessageEvent12<'certificate_verify'>,
  { config }: ServerContext,
): WaitCcs {
  const { messages } = negotiated;
  const scheme = checkSignature12(body, key, config.signatureAlgs, messages.bytes());
  messages.add(raw);
  messages.forget();
  return {
    state: 'waitCcs',
    negotiated,
    group,
    certificate,
    keys,
    peer: { kind: 'certificate', chain, scheme },
  };
}

function receiveChangeCipherSpec(
  { negotiated, group, certificate, keys, peer }: WaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  { channel }: ServerContext,
): WaitFinished {
  changeReadKeys(negotiated, keys, 'client', channel);
  return { state: 'waitFinished', negotiated, group, certificate, keys, peer };
}

/** RFC 5246 §7.4.9: the client's Finished, then ours. */
function receiveFinished(
  { negotiated, group, certificate, keys, peer }: WaitFinished,
  { body, raw }: MessageEvent12<'finished'>,
  { dependencies, channel }: ServerContext,
): Connected {
  channel.endPeerFlight();
  checkFinished(body, negotiated, keys, 'client', dependencies.engine);
  negotiated.messages.add(raw);
  finishFlight(negotiated, keys, 'server', channel);
  const own = shownBy(certificate);
  return { state: 'connected', facts: conclude12('server', { negotiated, group, keys, peer, own }) };
}
