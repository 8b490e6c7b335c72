/**
 * A handshake under way: a state's data, driven by the table of its machine. The core holds one until the connection
 * stands and then drops it with everything in it.
 */
import {
  decodeHandshake,
  type HandshakeBodies,
  type HandshakeType,
  handshakeByCode,
} from '../values/wire/handshake.js';
import type { Table } from './arrows.js';
import type { Facts } from './facts.js';
import { AlertError } from './reasons.js';
import type { Verdict } from './sink.js';

/** A handshake message that came: its body, and the bytes for the transcript. */
export type MessageEvent<K extends HandshakeType = HandshakeType> = {
  readonly [P in K]: { readonly type: P; readonly body: HandshakeBodies[P]; readonly raw: Uint8Array };
}[K];

/** An answer to a question the sink was asked. */
export type AnswerEvent =
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'signature'; readonly signature: Uint8Array }
  /** `undefined`: nothing to staple. */
  | { readonly type: 'staple'; readonly response: Uint8Array | undefined };

export type HandshakeEvent = MessageEvent | AnswerEvent;

/** Decodes a message. Throws `DecodeError`. */
export function messageEvent<K extends HandshakeType>(type: K, raw: Uint8Array): MessageEvent<K> {
  return { type, body: decodeHandshake(type, raw), raw };
}

/** A handshake as the core sees it, whatever its version and role. */
export interface Handshake {
  /** A message that came. Throws `AlertError`, `DecodeError`, `RecordError`. */
  receive(code: number, raw: Uint8Array): void;
  /** A message that is decoded already: the hello that the version was chosen by. */
  deliver(event: MessageEvent): void;
  /** An answer to what was asked. Throws like `receive`, and `TypeError` when it was not asked. */
  answer(event: AnswerEvent): void;
  /** The answer that is waited for: no message may be handed over before it came. */
  readonly awaiting: AnswerEvent['type'] | undefined;
  /** OTP's name of the state. */
  readonly stateName: string;
  /** Once the handshake is complete. */
  readonly facts: Facts | undefined;
}

/** What a machine must tell about its states besides its arrows. */
export interface StateNotes<Data> {
  awaiting(data: Data): AnswerEvent['type'] | undefined;
  stateName(data: Data): string;
  facts(data: Data): Facts | undefined;
}

export class TableHandshake<Data extends { readonly state: string }, Context> implements Handshake {
  private data: Data;
  private readonly table: Table<Data, HandshakeEvent, Context>;
  private readonly notes: StateNotes<Data>;
  private readonly context: Context;

  constructor(
    table: Table<Data, HandshakeEvent, Context>,
    notes: StateNotes<Data>,
    initial: Data,
    context: Context,
  ) {
    this.data = initial;
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

  get facts(): Facts | undefined {
    return this.notes.facts(this.data);
  }

  receive(code: number, raw: Uint8Array): void {
    const type = handshakeByCode(code);
    // Before decoding: a message that may not come is no better for being well made.
    if (type === undefined || !this.table.accepts(this.data.state, type)) {
      throw new AlertError('unexpected_message', { unexpected: type ?? code });
    }
    this.step(messageEvent(type, raw));
  }

  deliver(event: MessageEvent): void {
    this.step(event);
  }

  answer(event: AnswerEvent): void {
    if (this.awaiting !== event.type) throw new TypeError(`no ${event.type} was asked for`);
    this.step(event);
  }

  private step(event: HandshakeEvent): void {
    const next = this.table.step(this.data, event, this.context);
    if (next === undefined) throw new AlertError('unexpected_message', { unexpected: event.type });
    this.data = next;
  }
}
