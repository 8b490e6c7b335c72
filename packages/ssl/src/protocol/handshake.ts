/**
 * A handshake under way: a state's data, driven by the table of its machine. The core holds one until the connection
 * stands and then drops it with everything in it.
 */

import type { MessageOf, MessageTable } from '../values/wire/message-table.js';
import type { ClientHello } from '../values/wire/messages/client-hello.js';
import type { ServerHello } from '../values/wire/messages/server-hello.js';
import { type HandshakeType, type Tls13Bodies, tls13Messages } from '../values/wire/tls13-messages.js';
import type { AlertRules } from './alert-rules.js';
import type { Table } from './arrows.js';
import type { Facts } from './facts.js';
import type { PostHandshake, PostHandshakeMaker } from './post-handshake.js';
import { AlertError } from './reasons.js';
import type { Verdict } from './sink.js';
import type { EarlyDataAllowance } from './tls13/early-data.js';
import type { FoundPsk } from './tls13/psk.js';

/** A message of TLS 1.3 that came: its body, and the bytes for the transcript. */
export type MessageEvent<K extends HandshakeType = HandshakeType> = MessageOf<Tls13Bodies, K>;

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
export type AnswerEvent =
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'signature'; readonly signature: Uint8Array }
  /** `undefined`: nothing to staple. */
  | { readonly type: 'staple'; readonly response: Uint8Array | undefined }
  /** `undefined`: none of the keys is known. */
  | { readonly type: 'psk'; readonly found: FoundPsk | undefined };

/** The peer's change_cipher_spec, where a version gives it a meaning. */
export interface ChangeCipherSpecEvent {
  readonly type: 'change_cipher_spec';
}

/** Everything that a machine of one version family may be told. */
export type DialectEvent<Bodies> = MessageOf<Bodies> | HelloEvent | AnswerEvent | ChangeCipherSpecEvent;

/** What TLS 1.3's machines are told. */
export type HandshakeEvent = DialectEvent<Tls13Bodies>;

/** Decodes a message of TLS 1.3. Throws `DecodeError`. */
export function messageEvent<K extends HandshakeType>(type: K, raw: Uint8Array): MessageOf<Tls13Bodies, K> {
  return eventOf(tls13Messages, type, raw);
}

/** A handshake as the core sees it, whatever its version and role. */
export interface Handshake {
  /** A message that came. Throws `AlertError`, `DecodeError`, `RecordError`. */
  receive(code: number, raw: Uint8Array): void;
  /** The hello that the version was chosen by, decoded already. */
  deliver(event: HelloEvent): void;
  /** The peer's change_cipher_spec. Throws like `receive` where it may not stand. */
  receiveChangeCipherSpec(): void;
  /** An answer to what was asked. Throws like `receive`, and `TypeError` when it was not asked. */
  answer(event: AnswerEvent): void;
  /** The answer that is waited for: no message may be handed over before it came. */
  readonly awaiting: AnswerEvent['type'] | undefined;
  /** OTP's name of the state. */
  readonly stateName: string;
  readonly alerts: AlertRules;
  /** Once the handshake is complete. */
  readonly facts: Facts | undefined;
  /** How much data may come before that: of a server that reads it now. */
  readonly earlyRead: EarlyDataAllowance | undefined;
  /** How much may leave before that: of a client that may write it now. */
  readonly earlyWrite: EarlyDataAllowance | undefined;
  /** What follows it. */
  readonly postHandshake: PostHandshakeMaker;
}

/** What a machine must tell about its states besides its arrows. */
export interface StateNotes<Data> {
  readonly alerts: AlertRules;
  readonly postHandshake: (...made: [...Parameters<PostHandshakeMaker>, Data]) => PostHandshake;
  /** Whether the peer's change_cipher_spec is a step, or a show for middleboxes that is dropped (RFC 8446 §5). */
  readonly changeCipherSpec: 'step' | 'dropped';
  awaiting(data: Data): AnswerEvent['type'] | undefined;
  stateName(data: Data): string;
  facts(data: Data): Facts | undefined;
  /** Absent where a machine never has any. */
  earlyRead?(data: Data): EarlyDataAllowance | undefined;
  earlyWrite?(data: Data): EarlyDataAllowance | undefined;
}

const changeCipherSpec: ChangeCipherSpecEvent = { type: 'change_cipher_spec' };

export class TableHandshake<Bodies, Data extends { readonly state: string }, Context> implements Handshake {
  private data: Data;
  private readonly messages: MessageTable<Bodies>;
  private readonly table: Table<Data, DialectEvent<Bodies>, Context>;
  private readonly notes: StateNotes<Data>;
  private readonly context: Context;

  constructor(
    messages: MessageTable<Bodies>,
    table: Table<Data, DialectEvent<Bodies>, Context>,
    notes: StateNotes<Data>,
    initial: Data,
    context: Context,
  ) {
    this.data = initial;
    this.messages = messages;
    this.table = table;
    this.notes = notes;
    this.context = context;
  }

  get awaiting(): AnswerEvent['type'] | undefined {
    return this.notes.awaiting(this.data);
  }

  get stateName(): string {
    return this.notes.stateName(this.data);
  }

  get alerts(): AlertRules {
    return this.notes.alerts;
  }

  get postHandshake(): PostHandshakeMaker {
    return (channel, sink) => this.notes.postHandshake(channel, sink, this.data);
  }

  get earlyRead(): EarlyDataAllowance | undefined {
    return this.notes.earlyRead?.(this.data);
  }

  get earlyWrite(): EarlyDataAllowance | undefined {
    return this.notes.earlyWrite?.(this.data);
  }

  get facts(): Facts | undefined {
    return this.notes.facts(this.data);
  }

  receive(code: number, raw: Uint8Array): void {
    const type = this.messages.byCode(code);
    // Before decoding: a message that may not come is no better for being well made.
    if (type === undefined || !this.table.accepts(this.data.state, type)) {
      throw new AlertError('unexpected_message', { unexpected: type ?? code });
    }
    this.step(eventOf(this.messages, type, raw));
  }

  deliver(event: HelloEvent): void {
    this.step(event);
  }

  receiveChangeCipherSpec(): void {
    if (this.notes.changeCipherSpec === 'dropped') return;
    if (!this.table.accepts(this.data.state, changeCipherSpec.type))
      throw new AlertError('unexpected_change_cipher_spec');
    this.step(changeCipherSpec);
  }

  answer(event: AnswerEvent): void {
    if (this.awaiting !== event.type) throw new TypeError(`no ${event.type} was asked for`);
    this.step(event);
  }

  private step(event: DialectEvent<Bodies>): void {
    const next = this.table.step(this.data, event, this.context);
    if (next === undefined) throw new AlertError('unexpected_message', { unexpected: event.type });
    this.data = next;
  }
}

function eventOf<Bodies, K extends keyof Bodies & string>(
  messages: MessageTable<Bodies>,
  type: K,
  raw: Uint8Array,
): MessageOf<Bodies, K> {
  return { type, body: messages.decode(type, raw), raw };
}
