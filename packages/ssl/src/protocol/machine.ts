/**
 * A handshake machine, whatever its version and role: its arrows, and what must be told about its states besides. Made
 * once, when its file is loaded; every handshake begins in it with data of its own.
 */
import type { MessageTable } from '../values/wire/message-table.js';
import type { AlertRules } from './alert-rules.js';
import { type Arrow, type Table, table } from './arrows.js';
import type { Facts } from './facts.js';
import {
  type AnswerEvent,
  type ChangeCipherSpecEvent,
  type DialectEvent,
  eventOf,
  type Handshake,
  type HelloEvent,
} from './handshake.js';
import type { PostHandshake, PostHandshakeMaker } from './post-handshake.js';
import { AlertError } from './reasons.js';
import type { EarlyDataAllowance } from './tls13/early-data.js';

/** What a machine is made of. */
export interface MachineParts<Bodies, Data extends { readonly state: string }, Context> {
  /** As it is called where it is drawn. */
  readonly name: string;
  /** The messages of its version family. */
  readonly messages: MessageTable<Bodies>;
  readonly arrows: readonly Arrow<Data, DialectEvent<Bodies>, Context>[];
  readonly initial: Data['state'];
  readonly alerts: AlertRules;
  readonly postHandshake: (...made: [...Parameters<PostHandshakeMaker>, Data, Context]) => PostHandshake;
  /** Whether the peer's change_cipher_spec is a step, or a show for middleboxes that is dropped (RFC 8446 §5). */
  readonly changeCipherSpec: 'step' | 'dropped';
  /** Whether a HelloRequest is passed over: by clients of TLS 1.2 (RFC 5246 §7.4.1.1). */
  readonly helloRequests?: 'ignored';
  /** OTP's name of the state. */
  stateName(data: Data): string;
  facts(data: Data): Facts | undefined;
  /** Absent where a machine never has any. */
  earlyRead?(data: Data): EarlyDataAllowance | undefined;
  earlyWrite?(data: Data): EarlyDataAllowance | undefined;
}

/** The state that ends every handshake. */
const final = 'connected';
const changeCipherSpec: ChangeCipherSpecEvent = { type: 'change_cipher_spec' };
const answers: readonly AnswerEvent['type'][] = [
  ...(['verdict', 'signature', 'staple', 'psk', 'user', 'session', 'ticket'] as const),
];

export class Machine<Bodies, Data extends { readonly state: string }, Context> {
  readonly parts: MachineParts<Bodies, Data, Context>;
  readonly table: Table<Data, DialectEvent<Bodies>, Context>;
  /** The answer that a state waits for: the one that an arrow leads out of it on. */
  private readonly questions: ReadonlyMap<Data['state'], AnswerEvent['type']>;

  /** Throws `TypeError` when a state has no way out. */
  constructor(parts: MachineParts<Bodies, Data, Context>) {
    this.parts = parts;
    this.table = table(parts.arrows, final);
    const questions = new Map<Data['state'], AnswerEvent['type']>();
    for (const { from, on } of parts.arrows) {
      const answer = answers.find((type) => type === on);
      if (answer !== undefined) questions.set(from, answer);
    }
    this.questions = questions;
  }

  /** A handshake in its first state. */
  begin(initial: Data, context: Context): Handshake {
    return new MachineHandshake(this, initial, context);
  }

  /** The answer that is waited for in a state. */
  awaiting(state: Data['state']): AnswerEvent['type'] | undefined {
    return this.questions.get(state);
  }

  /** The state that ends every handshake. */
  get final(): string {
    return final;
  }

  /** The states that wait for an answer of our own side. */
  get asking(): readonly Data['state'][] {
    return [...this.questions.keys()];
  }
}

/** A handshake under way: a state's data, driven by the table of its machine. */
class MachineHandshake<Bodies, Data extends { readonly state: string }, Context> implements Handshake {
  private data: Data;
  private readonly machine: Machine<Bodies, Data, Context>;
  private readonly context: Context;

  constructor(machine: Machine<Bodies, Data, Context>, initial: Data, context: Context) {
    this.data = initial;
    this.machine = machine;
    this.context = context;
  }

  get awaiting(): AnswerEvent['type'] | undefined {
    return this.machine.awaiting(this.data.state);
  }

  get stateName(): string {
    return this.machine.parts.stateName(this.data);
  }

  get awaitsChangeCipherSpec(): boolean {
    const { parts, table } = this.machine;
    return parts.changeCipherSpec === 'step' && table.accepts(this.data.state, changeCipherSpec.type);
  }

  get alerts(): AlertRules {
    return this.machine.parts.alerts;
  }

  get helloRequests(): 'ignored' | 'refused' {
    return this.machine.parts.helloRequests ?? 'refused';
  }

  get unanswered(): boolean {
    return this.data.state === this.machine.parts.initial;
  }

  get postHandshake(): PostHandshakeMaker {
    return (channel, sink) => this.machine.parts.postHandshake(channel, sink, this.data, this.context);
  }

  get earlyRead(): EarlyDataAllowance | undefined {
    return this.machine.parts.earlyRead?.(this.data);
  }

  get earlyWrite(): EarlyDataAllowance | undefined {
    return this.machine.parts.earlyWrite?.(this.data);
  }

  get facts(): Facts | undefined {
    return this.machine.parts.facts(this.data);
  }

  receive(code: number, raw: Uint8Array): void {
    const { parts, table } = this.machine;
    const type = parts.messages.byCode(code);
    // Before decoding: a message that may not come is no better for being well made.
    if (type === undefined || !table.accepts(this.data.state, type)) {
      throw new AlertError('unexpected_message', { unexpected: type ?? code });
    }
    this.step(eventOf(parts.messages, type, raw));
  }

  deliver(event: HelloEvent): void {
    this.step(event);
  }

  receiveChangeCipherSpec(): void {
    const { parts, table } = this.machine;
    if (parts.changeCipherSpec === 'dropped') return;
    if (!table.accepts(this.data.state, changeCipherSpec.type))
      throw new AlertError('unexpected_change_cipher_spec');
    this.step(changeCipherSpec);
  }

  answer(event: AnswerEvent): void {
    if (this.awaiting !== event.type) throw new TypeError(`no ${event.type} was asked for`);
    this.step(event);
  }

  private step(event: DialectEvent<Bodies>): void {
    const next = this.machine.table.step(this.data, event, this.context);
    if (next === undefined) throw new AlertError('unexpected_message', { unexpected: event.type });
    this.data = next;
  }
}
