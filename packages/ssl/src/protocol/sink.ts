/**
 * What the sans-IO core tells its surroundings. At most 18 methods; the connection process implements it over a
 * socket, tests and fuzzers with a recorder. Every method returns at once. A question (`ask…`) is answered by
 * `core.answer…`, now or later; until then the core holds back handshake input.
 */

import type { PublicKey } from '../values/crypto/engine.js';
import type { Path } from '../values/path.js';
import type { AlertDescription } from '../values/registry/alerts.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { KeyUse } from '../values/x509/key-use.js';
import type { Authentication } from './authentication.js';
import type { StatusRequest } from './extensions/status-request.js';
import type { Facts } from './facts.js';
import type { HelloEvent } from './handshake.js';
import type { OwnIdentity } from './own-identity.js';
import type { Reason } from './reasons.js';
import type { Session12, SessionWish } from './tls12/session.js';
import type { UserWish } from './tls12/user.js';
import type { PskWish, ReceivedTicket } from './tls13/psk.js';

/** How a connection failed: who found it, which alert went or came, and the precise reason. */
export interface Failure {
  readonly by: 'self' | 'peer';
  readonly alert: AlertDescription;
  /** State of the handshake machine (OTP's snake_case) when it happened. */
  readonly state: string;
  /** Own failures only. */
  readonly reason: Reason | undefined;
  /** More about an own failure, as OTP appends it to the text (`{bad_cert, …}`), in OTP's terms. */
  readonly detail: unknown;
}

/** The answer to `askVerdict`. */
export type Verdict =
  | { readonly ok: PublicKey }
  | { readonly reject: { readonly alert: AlertDescription; readonly detail: unknown } };

/**
 * What is to be sent after the handshake even if nothing else is: an answer to a message of the peer, a wish for new
 * keys of the peer's or for another handshake, messages of a later authentication.
 */
export type PostHandshakeReply =
  | 'key_update'
  | 'key_update_request'
  | 'no_renegotiation'
  | 'last_flight'
  | 'hello_request'
  | Flight;

/** Whole handshake messages that leave with nothing between them (RFC 8446 §4.6.2). */
export interface Flight {
  /** One behind the other. */
  readonly messages: Uint8Array;
  /**
   * For the Finished that comes behind them: the Transcript-Hash of all before it. The write half alone knows with which
   * keys it leaves. `undefined`: none comes.
   */
  readonly finishedOver: Uint8Array | undefined;
}

/** What a client wants stapled to our certificate. */
export interface StapleWish {
  readonly identity: OwnIdentity;
  readonly serverName: string | undefined;
  readonly request: StatusRequest;
}

/** A message of a return routability check (RFC 9853 §4), which leaves for one path alone, before anything that waits. */
export interface PathMessage {
  readonly pathMessage: Uint8Array;
  /** `undefined`: where everything goes. */
  readonly path: Path | undefined;
}

/** Over datagrams: addresses of the peer. */
export interface Paths {
  /** Who holds the split write half has to send it. */
  owes(message: PathMessage): void;
  /** Datagrams for there, in place of where everything goes. */
  writeTo(pieces: readonly Uint8Array[], path: Path): void;
  /** The peer is where everything goes: what it has sent it can make of what it has read there alone (RFC 9147 §5.1). */
  proved?(): void;
  /** A handshake is complete after which the peer may move: it is known by its connection ID. */
  open(): void;
  /** The peer has moved: everything goes there. */
  follow(path: Path): void;
  /** It may have: so many bytes more of what is written may go there too. Another path takes the place of the one before. */
  allow(path: Path, bytes: number): void;
  /** It has not. */
  forget(): void;
  /** Another connection ID of ours for the peer, which no other record bears; empty: it gets none. */
  issue(): Uint8Array;
  /** No record comes with this one any more. */
  retire(id: Uint8Array): void;
  /** Call `core.pathTimeUp` in so many ms, in place of what was asked for before; `undefined`: never. */
  timer(ms: number | undefined): void;
}

export interface Sink {
  /** Bytes for the transport, in order; the pieces of one call leave in one write. */
  write(pieces: readonly Uint8Array[]): void;
  /** Application data, a view that is valid until the sink returns unless `owned`. */
  deliver(data: Uint8Array, owned: boolean): void;
  /**
   * The same for data that came before the handshake was complete: it may be a replay (RFC 8446 §8). Without this no
   * server accepts any.
   */
  deliverEarly?(data: Uint8Array, owned: boolean): void;
  /**
   * The handshake is complete; `facts` are final but for key updates. Again when a side has shown who it is since
   * (RFC 8446 §4.6.2): the later facts replace the former. `shown`: what a client has shown that a server asked then;
   * nothing is no failure, and leaves the facts as they were.
   */
  established(facts: Facts, shown?: Authentication): void;
  /** The peer said close_notify. */
  peerClosed(): void;
  /** The connection failed; the alert, if it is ours, was written before. Called once. */
  failed(failure: Failure): void;
  /**
   * The peer's first hello is here, whole and well formed, and nothing was chosen yet: with which options and
   * certificates does our side go on? `core.answerHello`. Absent: with those that the core was made with.
   */
  askHello?(hello: HelloEvent): void;
  /**
   * The peer's certificates, leaf first, want a judgement: `core.answerVerdict`. `staple`: the DER OCSPResponse that
   * came with the first, if we asked for it and the peer has one.
   */
  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined, use: KeyUse): void;
  /** A signature by a key that lives elsewhere: `core.answerSignature`. */
  askSignature(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): void;
  /** An OCSP response for a certificate of ours: `core.answerStaple`. Asked only of identities that say so. */
  askStaple?(wish: StapleWish): void;
  /**
   * The keys that a client offers in place of a certificate: `core.answerPsk`. Without this a server uses none and
   * keeps nothing to make tickets from.
   */
  askPsk?: ((wish: PskWish) => void) | undefined;
  /**
   * The key of a user that both sides know: `core.answerUser`. Without this a server chooses no suite with
   * PSK or SRP, and a client of whom a server has chosen one fails.
   */
  askUser?: ((wish: UserWish) => void) | undefined;
  /**
   * A client brings a session of TLS 1.2 or before: `core.answerSession`. Without this a server resumes none and gives
   * no ids.
   */
  askSession?: ((wish: SessionWish) => void) | undefined;
  /** A ticket for a session, from whoever seals (RFC 5077): `core.answerTicket`. Without this a server gives none. */
  askTicket?: ((session: Session12) => void) | undefined;
  /** A ticket for connections to come. Without this a client keeps nothing to use it with. */
  ticket?: ((ticket: ReceivedTicket) => void) | undefined;
  /**
   * Something is owed to the peer, and who holds the split write half has to send it: a KeyUpdate that answers the
   * peer's (RFC 8446 §4.6.3), that we do not renegotiate (RFC 5246 §7.2.2), over datagrams our last flight, which the peer has
   * not got (RFC 6347 §4.2.4), once for all that has come until now; that we want to renegotiate (RFC 5246 §7.4.1.1); a flight,
   * which has left when `core.flightLeft` says so.
   */
  owes(what: PostHandshakeReply): void;
  /**
   * Over datagrams: call `core.timeUp` in so many ms, in place of what was asked for before; `undefined`: never. Without
   * this what gets lost in a handshake stays lost.
   */
  timer?(ms: number | undefined): void;
  /** Over datagrams: without this the peer stays where it was, and is answered there. */
  readonly paths?: Paths | undefined;
  /**
   * A handshake is to run again, and needs the write half that was split off: `core.join`, or `core.goOnSplit` where it
   * cannot be had. `by`: who wants it. Without this none runs again on a core that was split.
   */
  askWriteHalf?(by: 'self' | 'peer'): void;
  /** The peer does not renegotiate: the connection goes on as it was, and what was joined can be split again. */
  renegotiationRefused?(): void;
  /**
   * Secrets as lines of a key log, when they come into being: once for those that do so together, key updates too. Of a
   * split write half it is called by whoever holds that. Absent unless somebody listens.
   */
  readonly keyLog?: ((lines: readonly string[], clientRandom: Uint8Array) => void) | undefined;
  /** A record or handshake message passed by, for `log_level` debug; absent unless somebody listens. */
  trace?(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void;
}
