/**
 * A handshake as the core sees it, whatever its version and role, and what it is told. The core holds one until the
 * connection stands and then drops it with everything in it.
 */

import type { MessageOf, MessageTable } from '../values/wire/message-table.js';
import type { ClientHello } from '../values/wire/messages/client-hello.js';
import type { ServerHello } from '../values/wire/messages/server-hello.js';
import type { Tls12Bodies } from '../values/wire/tls12-messages.js';
import type { HandshakeType, Tls13Bodies } from '../values/wire/tls13-messages.js';
import type { AlertRules } from './alert-rules.js';
import type { Facts } from './facts.js';
import type { PostHandshakeMaker } from './post-handshake.js';
import type { Verdict } from './sink.js';
import type { GivenTicket, Session12 } from './tls12/session.js';
import type { FoundUser } from './tls12/user.js';
import type { EarlyDataAllowance } from './tls13/early-data.js';
import type { FoundPsk } from './tls13/psk.js';

/** A message of TLS 1.3 that came: its body, and the bytes for the transcript. */
export type MessageEvent<K extends HandshakeType = HandshakeType> = MessageOf<Tls13Bodies, K>;

/** One of TLS 1.2. */
export type MessageEvent12<K extends keyof Tls12Bodies> = MessageOf<Tls12Bodies, K>;

/** A ClientHello as it came. */
export interface ClientHelloEvent {
  readonly type: 'client_hello';
  readonly body: ClientHello;
  readonly raw: Uint8Array;
}

/** A ServerHello or HelloRetryRequest as it came. */
export interface ServerHelloEvent {
  readonly type: 'server_hello';
  readonly body: ServerHello;
  readonly raw: Uint8Array;
}

/** The hellos, which have one shape in all versions: the version is chosen by them. */
export type HelloEvent = ClientHelloEvent | ServerHelloEvent;

/** An answer to a question the sink was asked. */
export type AnswerEvent<K extends AnyAnswer['type'] = AnyAnswer['type']> = Extract<
  AnyAnswer,
  { readonly type: K }
>;

type AnyAnswer =
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'signature'; readonly signature: Uint8Array }
  /** `undefined`: nothing to staple. */
  | { readonly type: 'staple'; readonly response: Uint8Array | undefined }
  /** `undefined`: none of the keys is known. */
  | { readonly type: 'psk'; readonly found: FoundPsk | undefined }
  /** `undefined`: it is not known, or not taken. */
  | { readonly type: 'session'; readonly session: Session12 | undefined }
  /** `undefined`: nobody could seal. */
  | { readonly type: 'ticket'; readonly ticket: GivenTicket | undefined }
  /** `undefined`: none is known, and that may be told. */
  | { readonly type: 'user'; readonly user: FoundUser | undefined };

/** The peer's change_cipher_spec, where a version gives it a meaning. */
export interface ChangeCipherSpecEvent {
  readonly type: 'change_cipher_spec';
}

/** Everything that a machine of one version family may be told. */
export type DialectEvent<Bodies> = MessageOf<Bodies> | HelloEvent | AnswerEvent | ChangeCipherSpecEvent;

/** What TLS 1.3's machines are told. */
export type HandshakeEvent = DialectEvent<Tls13Bodies>;
/** What TLS 1.2's are. */
export type HandshakeEvent12 = DialectEvent<Tls12Bodies>;

/** A handshake under way. */
export interface Handshake {
  /** A message that came. Throws `AlertError`, `DecodeError`, `RecordError`. */
  receive(code: number, raw: Uint8Array): void;
  /** The hello that the version was chosen by, decoded already. */
  deliver(event: HelloEvent): void;
  /** The peer's change_cipher_spec. Throws like `receive` where it may not stand. */
  receiveChangeCipherSpec(): void;
  /** Whether the peer's change_cipher_spec is the next step. */
  readonly awaitsChangeCipherSpec: boolean;
  /** An answer to what was asked. Throws like `receive`, and `TypeError` when it was not asked. */
  answer(event: AnswerEvent): void;
  /** The answer that is waited for: no message may be handed over before it came. */
  readonly awaiting: AnswerEvent['type'] | undefined;
  /** OTP's name of the state. */
  readonly stateName: string;
  readonly alerts: AlertRules;
  /** What a HelloRequest is that comes now (RFC 5246 §7.4.1.1). */
  readonly helloRequests: 'ignored' | 'refused';
  /** The peer has not answered yet: it may still say that it does not renegotiate. */
  readonly unanswered: boolean;
  /** Once the handshake is complete. */
  readonly facts: Facts | undefined;
  /** How much data may come before that: of a server that reads it now. */
  readonly earlyRead: EarlyDataAllowance | undefined;
  /** How much may leave before that: of a client that may write it now. */
  readonly earlyWrite: EarlyDataAllowance | undefined;
  /** What follows it. */
  readonly postHandshake: PostHandshakeMaker;
}

/** Decodes a message of a version family. Throws `DecodeError`. */
export function eventOf<Bodies, K extends keyof Bodies & string>(
  messages: MessageTable<Bodies>,
  type: K,
  raw: Uint8Array,
): MessageOf<Bodies, K> {
  return { type, body: messages.decode(type, raw), raw };
}
