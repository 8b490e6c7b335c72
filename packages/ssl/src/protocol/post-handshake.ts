/**
 * What a version family does once the handshake is complete. The phase `connection` of the core holds one and asks
 * nobody for a version.
 */
import type { Secret } from '../values/secret.js';
import type { AlertRules } from './alert-rules.js';
import type { Channel } from './channel.js';
import type { AnswerEvent, Handshake } from './handshake.js';
import type { Sink } from './sink.js';
import type { RequestOutcome } from './tls13/post-handshake-authentication.js';

/** Begins a handshake on a connection that has had one, when the core writes itself. Throws `AlertError`. */
export type HandshakeAgain = () => Handshake;

/**
 * What comes of our wish: a handshake begins, or the peer was asked to begin; there is one under way; the peer cannot be bound
 * to the one before; the version has none.
 */
export type RenegotiationAnswer = HandshakeAgain | 'asked' | 'busy' | 'rejected' | 'never';

export interface PostHandshake {
  readonly role: 'client' | 'server';
  readonly alerts: AlertRules;
  /** Whether another handshake may follow on this connection: then what it needs has to be kept. */
  readonly again: 'never' | 'possible';
  /**
   * A handshake message of the peer, which may begin a handshake again. Throws `AlertError` for one that may not come,
   * `DecodeError`.
   */
  receive(code: number, raw: Uint8Array): HandshakeAgain | undefined;
  /** We want to renegotiate. */
  renegotiate(): RenegotiationAnswer;
  /** The peer does not want to; true when it was asked. */
  refused(): boolean;
  /** A client may begin a handshake that nobody has asked for, once (contract §13.2). */
  allowRenegotiation(): void;
  /**
   * Over datagrams: a client has begun again, and a server wants its cookie back first. None needs one under protection, but
   * OTP's asks.
   */
  takeCookie?(cookie: Uint8Array): Handshake;
  /** The peer sent data: what it did without any is forgiven. */
  dataCame(): void;
  /** Input was worked off: what the peer has asked for goes out or is asked for, once, however often it asked. */
  inputDone(): void;
  /** Data is to be written by this core. */
  beforeData(): void;
  /** New keys for what we write, and with `read_write` for the peer too; false: this version has none. */
  updateKeys(which: 'write' | 'read_write'): boolean;
  /** The key that goes with a ticket of ours, by its nonce; `undefined` when nothing was kept to make it from. */
  ticketPsk(ticketNonce: Uint8Array): Secret | undefined;
  /** What the sink was asked and has not answered; input goes on meanwhile. */
  readonly asks: AnswerEvent['type'] | undefined;
  /** An answer of the sink. Throws `AlertError` where it ends the connection. */
  answer(event: AnswerEvent): void;
  /** A server wants to see the client's certificate (RFC 8446 §4.6.2). */
  requestCertificate(): RequestOutcome;
  /** A flight that the sink was told of has left. */
  flightLeft(): void;
  /** The holder of the split write half has asked the peer for KeyUpdates: those are no idle work. */
  expectKeyUpdates(count: number): void;
}

/** Made when the handshake is complete. */
export type PostHandshakeMaker = (
  channel: Channel,
  sink: Pick<
    Sink,
    'write' | 'owes' | 'ticket' | 'established' | 'askVerdict' | 'askSignature' | 'askWriteHalf'
  >,
) => PostHandshake;
