/**
 * Client authentication after the handshake (RFC 8446 §4.2.6, §4.6.2): the server asks for a certificate as often as it
 * likes, one request at a time, and the client shows one or says that it has none. Data flows meanwhile in both
 * directions, while a chain is judged or a signature made too; only the messages of one answer stand together.
 *
 *   server:  IDLE ── request ──> REQUESTED ── Certificate ──> ANSWERED ── verdict, CertificateVerify, Finished ──> IDLE
 *                                    └────── empty Certificate ──────┘                  in any order but the messages'
 *   client:  IDLE ── CertificateRequest ──> [SIGNING ── signature ──>] LEAVING ── the answer has left ──> IDLE
 *
 * The transcript of each goes from the handshake's end over its own messages (§4.4).
 */
import type { PublicKey } from '../../values/crypto/engine.js';
import type { SignatureScheme } from '../../values/registry/schemes.js';
import { concat } from '../../values/wire/join.js';
import type { CertificateVerify } from '../../values/wire/messages/certificate-verify.js';
import { decodeHandshake, encodeHandshake, type HandshakeType } from '../../values/wire/tls13-messages.js';
import { acceptVerdict } from '../accept-verdict.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import type { Channel, Outbox } from '../channel.js';
import { answerTo, type ClientAuthentication } from '../client-authentication.js';
import type { ClientContext, ServerContext } from '../contexts.js';
import { certificateRequestColumn, readExtensions } from '../extensions/table.js';
import type { Facts } from '../facts.js';
import type { AnswerEvent } from '../handshake.js';
import { shownBy } from '../hello/choose.js';
import { askForSignature, sign } from '../own-signature.js';
import { AlertError } from '../reasons.js';
import type { WriteHalf } from '../record/write-half.js';
import type { Flight, Sink } from '../sink.js';
import type { Transcript } from '../transcript.js';
import { readCertificate, sendCertificate } from './certificate.js';
import { checkCertificateVerify, sendCertificateVerify, signedContent } from './certificate-verify.js';
import { chooseCertificate } from './choose.js';
import { sendCertificateRequest } from './encrypted-extensions.js';
import { checkVerifyData } from './finished.js';

/** bytes; chance, so that nobody who borrows the client's key can sign for a request to come (§4.3.2). */
const contextLength = 32;
/** Requests that wait for the answer to one before them. */
const maxWaitingRequests = 4;
/** Answers of a core that writes itself and is told by nobody whether the peer reads, without data between them. */
const maxIdleAnswers = 16;

/** What became of a wish to ask for a certificate. */
export type RequestOutcome =
  | 'requested'
  /** One is out that has no answer: that answer is this one's too. */
  | 'pending'
  /** The client has not offered it, or we ask nobody who he is. */
  | 'notsup';

/** What is kept of a handshake for it. */
export interface LaterAuthentication<Context> {
  /** Ends with the client's Finished. */
  readonly transcript: Transcript;
  readonly context: Context;
}

/** One side of it, as what follows the handshake uses it. */
export interface PostHandshakeAuthentication {
  /** False: the message is none of this. Throws `AlertError`, `DecodeError`. */
  receive(type: HandshakeType, raw: Uint8Array): boolean;
  /** Something else came: data, or another message. Throws `AlertError` in the middle of an answer. */
  interrupted(by: 'data' | 'message'): void;
  /** What is asked of the sink. */
  readonly asks: AnswerEvent['type'] | undefined;
  answer(event: AnswerEvent): void;
  request(): RequestOutcome;
  /** The flight that was owed has left. */
  flightLeft(): void;
}

type OutSink = Pick<Sink, 'write' | 'owes' | 'established' | 'askVerdict' | 'askSignature'>;

/** The records of a flight: its messages, and the Finished of the keys under which it leaves (§4.4.4). */
export function sealFlight(write: WriteHalf, { messages, finishedOver }: Flight): Uint8Array[] {
  if (finishedOver === undefined) return write.sealHandshake(messages);
  const { keys } = write;
  if (keys === undefined) throw new TypeError('only TLS 1.3 authenticates after the handshake');
  const verifyData = keys.trafficSecret.finishedKey().mac(finishedOver);
  return write.sealHandshake(concat([messages, encodeHandshake('finished', { verifyData })]));
}

/** Messages that are put together before they leave. */
class Gathered implements Outbox {
  readonly #messages: Uint8Array[] = [];

  addMessage(message: Uint8Array): void {
    this.#messages.push(message);
  }

  flight(finishedOver?: Uint8Array): Flight {
    return { messages: concat(this.#messages), finishedOver };
  }
}

/** Who has the write half sends. `lost`: nothing is written any more. */
function dispatch(flight: Flight, { writer }: Channel, sink: OutSink): 'left' | 'leaving' | 'lost' {
  if (writer === 'closed') return 'lost';
  if (writer === 'split') sink.owes(flight);
  else sink.write(sealFlight(writer, flight));
  return writer === 'split' ? 'leaving' : 'left';
}

// ── The server ────────────────────────────────────────────────────────────────────────────────────────────

type Asking =
  | { readonly name: 'idle' }
  | { readonly name: 'requested'; readonly context: Uint8Array; readonly transcript: Transcript }
  | Answered;

/** The client's answer has begun; it is over when all that is to come is here, and all of it is right. */
interface Answered {
  readonly name: 'answered';
  readonly transcript: Transcript;
  /** Empty: the client shows none. */
  readonly chain: readonly Uint8Array[];
  /** The verdict. */
  key: PublicKey | undefined;
  /** CertificateVerify, with the hash of what it signs. */
  proof: { readonly body: CertificateVerify; readonly over: Uint8Array } | undefined;
  peer: Authentication | undefined;
  finished: boolean;
}

const idle: Asking = { name: 'idle' };

export class CertificateRequests implements PostHandshakeAuthentication {
  readonly #kept: LaterAuthentication<ServerContext>;
  readonly #channel: Channel;
  readonly #sink: OutSink;
  #facts: Facts;
  #asking: Asking = idle;

  constructor(kept: LaterAuthentication<ServerContext>, facts: Facts, channel: Channel, sink: OutSink) {
    this.#kept = kept;
    this.#facts = facts;
    this.#channel = channel;
    this.#sink = sink;
  }

  request(): RequestOutcome {
    if (this.#asking.name !== 'idle') return 'pending';
    const { context: server, transcript: handshake } = this.#kept;
    const transcript = handshake.fork();
    const context = server.dependencies.random(contextLength);
    const out = new Gathered();
    sendCertificateRequest(server, undefined, transcript, out, context);
    if (dispatch(out.flight(), this.#channel, this.#sink) === 'lost') return 'notsup';
    this.#asking = { name: 'requested', context, transcript };
    return 'requested';
  }

  receive(type: HandshakeType, raw: Uint8Array): boolean {
    const asking = this.#asking;
    switch (asking.name) {
      case 'idle':
        return false;
      case 'requested':
        if (type !== 'certificate') return false;
        this.#receiveCertificate(asking, raw);
        return true;
      case 'answered':
        return this.#receiveProof(asking, type, raw);
    }
  }

  /** §4.4.2 */
  #receiveCertificate(
    { context, transcript }: Extract<Asking, { name: 'requested' }>,
    raw: Uint8Array,
  ): void {
    // The request asked for none of the extensions that answer in a Certificate.
    const { chain } = readCertificate(decodeHandshake('certificate', raw), [], context);
    const isEmpty = chain.length === 0;
    if (isEmpty && this.#kept.context.config.failIfNoPeerCert)
      throw new AlertError('certificate_required', 'certificate_required');
    transcript.add(raw);
    const peer = isEmpty ? unauthenticated : undefined;
    this.#asking = {
      name: 'answered',
      transcript,
      chain,
      key: undefined,
      proof: undefined,
      peer,
      finished: false,
    };
    if (!isEmpty) this.#sink.askVerdict(chain, undefined, 'signature');
  }

  #receiveProof(answered: Answered, type: HandshakeType, raw: Uint8Array): boolean {
    if (answered.finished) return false;
    const { transcript, chain, proof } = answered;
    const isProved = chain.length === 0 || proof !== undefined;
    if (type === 'certificate_verify' && !isProved) {
      answered.proof = { body: decodeHandshake('certificate_verify', raw), over: transcript.digest() };
      transcript.add(raw);
    } else if (type === 'finished' && isProved) {
      this.#checkFinished(transcript, raw);
      answered.finished = true;
    } else return false;
    this.#conclude(answered);
    return true;
  }

  /** §4.4.4: made with the keys that the client writes under now. */
  #checkFinished(transcript: Transcript, raw: Uint8Array): void {
    const { readKeys } = this.#channel;
    if (readKeys === undefined) throw new TypeError('no keys to read with');
    const { engine } = this.#kept.context.dependencies;
    checkVerifyData(decodeHandshake('finished', raw), readKeys.trafficSecret, transcript.digest(), engine);
  }

  interrupted(): void {
    const asking = this.#asking;
    if (asking.name === 'answered' && !asking.finished)
      throw new AlertError('unexpected_message', { unexpected: 'something else within an answer' });
  }

  get asks(): AnswerEvent['type'] | undefined {
    const asking = this.#asking;
    const waits = asking.name === 'answered' && asking.key === undefined && asking.peer === undefined;
    return waits ? 'verdict' : undefined;
  }

  answer(event: AnswerEvent): void {
    const asking = this.#asking;
    if (asking.name !== 'answered' || event.type !== 'verdict') throw new TypeError('no such question');
    asking.key = acceptVerdict(event.verdict);
    this.#conclude(asking);
  }

  /** §4.4.3: as soon as chain and signature are here; a client that is done is known by the chain from then on. */
  #conclude(answered: Answered): void {
    const { key, proof, chain } = answered;
    if (answered.peer === undefined && key !== undefined && proof !== undefined) {
      const { signatureAlgs } = this.#kept.context.config;
      const scheme = checkCertificateVerify(proof.body, 'client', key, signatureAlgs, proof.over);
      answered.peer = { kind: 'certificate', chain, scheme };
    }
    if (answered.peer === undefined || !answered.finished) return;
    this.#asking = idle;
    // What was proved before is not undone by showing nothing now.
    if (answered.peer.kind === 'certificate') this.#facts = { ...this.#facts, peer: answered.peer };
    this.#sink.established(this.#facts, answered.peer);
  }

  /** Nobody waits for a request to leave. */
  flightLeft(): void {}
}

// ── The client ────────────────────────────────────────────────────────────────────────────────────────────

type Answering =
  | { readonly name: 'idle' }
  | {
      readonly name: 'signing';
      readonly own: ClientAuthentication & { readonly kind: 'certificate' };
      readonly scheme: SignatureScheme;
      readonly transcript: Transcript;
      readonly out: Gathered;
    }
  | { readonly name: 'leaving' };

export class CertificateAnswers implements PostHandshakeAuthentication {
  readonly #kept: LaterAuthentication<ClientContext>;
  readonly #channel: Channel;
  readonly #sink: OutSink;
  #facts: Facts;
  #answering: Answering = { name: 'idle' };
  /** Requests that came before the answer to another had left. */
  readonly #waiting: Uint8Array[] = [];
  #idleAnswers = 0;

  constructor(kept: LaterAuthentication<ClientContext>, facts: Facts, channel: Channel, sink: OutSink) {
    this.#kept = kept;
    this.#facts = facts;
    this.#channel = channel;
    this.#sink = sink;
  }

  request(): RequestOutcome {
    return 'notsup';
  }

  receive(type: HandshakeType, raw: Uint8Array): boolean {
    if (type !== 'certificate_request') return false;
    if (this.#waiting.length >= maxWaitingRequests) throw new AlertError('too_many_certificate_requests');
    this.#waiting.push(raw);
    this.#answerNext();
    return true;
  }

  interrupted(by: 'data' | 'message'): void {
    if (by === 'data') this.#idleAnswers = 0;
  }

  get asks(): AnswerEvent['type'] | undefined {
    return this.#answering.name === 'signing' ? 'signature' : undefined;
  }

  answer(event: AnswerEvent): void {
    const answering = this.#answering;
    if (answering.name !== 'signing' || event.type !== 'signature') throw new TypeError('no such question');
    const { scheme, transcript, out, own } = answering;
    sendCertificateVerify(scheme, event.signature, transcript, out);
    this.#leave(own, transcript, out);
    this.#answerNext();
  }

  flightLeft(): void {
    if (this.#answering.name === 'leaving') this.#answering = { name: 'idle' };
    this.#answerNext();
  }

  /** One answer at a time: the next when the peer, or at least the transport, has taken the one before. */
  #answerNext(): void {
    while (this.#answering.name === 'idle') {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#answerRequest(request);
    }
  }

  /** §4.3.2, §4.4 */
  #answerRequest(raw: Uint8Array): void {
    const { context, transcript: handshake } = this.#kept;
    const { certificateRequestContext, extensions } = decodeHandshake('certificate_request', raw);
    const wishes = readExtensions(certificateRequestColumn, extensions);
    const { signatureAlgorithms } = wishes;
    if (signatureAlgorithms === undefined) throw new AlertError('missing_signature_algorithms');
    const { config, identities, sink } = context;
    const own = answerTo(chooseCertificate(identities, signatureAlgorithms, config.signatureAlgs, wishes));
    const transcript = handshake.fork();
    transcript.add(raw);
    const out = new Gathered();
    if (own.kind === 'none') throw new TypeError('asked and not asked');
    const identity = own.kind === 'certificate' ? own.identity : undefined;
    sendCertificate({ identity }, transcript, out, certificateRequestContext);
    if (own.kind === 'certificate') {
      const { scheme } = own;
      const content = signedContent('client', transcript.digest());
      if (own.identity.key === 'remote') {
        this.#answering = { name: 'signing', own, scheme, transcript, out };
        askForSignature(own, content, sink);
        return;
      }
      sendCertificateVerify(scheme, sign(own, content), transcript, out);
    }
    this.#leave(own, transcript, out);
  }

  #leave(own: ClientAuthentication, transcript: Transcript, out: Gathered): void {
    const went = dispatch(out.flight(transcript.digest()), this.#channel, this.#sink);
    this.#answering = { name: went === 'leaving' ? 'leaving' : 'idle' };
    if (went === 'left') this.#countIdle();
    if (went === 'lost' || own.kind !== 'certificate') return;
    this.#facts = { ...this.#facts, own: shownBy(own) };
    this.#sink.established(this.#facts);
  }

  #countIdle(): void {
    this.#idleAnswers += 1;
    if (this.#idleAnswers > maxIdleAnswers) throw new AlertError('too_many_certificate_requests');
  }
}
