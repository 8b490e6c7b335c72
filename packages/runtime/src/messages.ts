/**
 * Messages that the runtime itself sends. They are objects with a `type`, so that a process, a machine and
 * an inspector can all read them.
 */
import type { Reason } from './exit.js';
import type { Pid } from './pid.js';
import type { Ref } from './ref.js';

/** A trapped exit signal: Erlang's `{'EXIT', From, Reason}`. */
export class ExitMessage {
  readonly type: 'EXIT';
  readonly from: Pid;
  readonly reason: Reason;

  constructor(from: Pid, reason: Reason) {
    this.type = 'EXIT';
    this.from = from;
    this.reason = reason;
  }
}

/**
 * The end of a monitored process: Erlang's `{'DOWN', Ref, process, Pid | {Name, Node}, Reason}`. A monitor
 * by name reports the `name` and no `pid`.
 */
export class DownMessage {
  readonly type: 'DOWN';
  readonly ref: Ref;
  readonly pid: Pid | undefined;
  readonly name: string | undefined;
  readonly reason: Reason;

  constructor(ref: Ref, pid: Pid | undefined, name: string | undefined, reason: Reason) {
    this.type = 'DOWN';
    this.ref = ref;
    this.pid = pid;
    this.name = name;
    this.reason = reason;
  }
}

/** What a gen-server's `handleInfo` gets when the timeout of its last result passed. */
export interface TimeoutMessage {
  readonly type: 'timeout';
}

/** Everything the runtime sends unasked to a process that traps or monitors. */
export type SystemMessage = ExitMessage | DownMessage;

/** The shape of messages by convention: a literal `type` and further fields. */
export interface Message<K extends string = string> {
  readonly type: K;
  readonly [field: string]: unknown;
}

/** @internal What the runtime puts into a mailbox for a behaviour and not for a user's pattern. */
export abstract class Envelope {
  abstract readonly type: string;
}

/** @internal A `cast`. Its `type` is for inspectors and stands on the prototype: one field less to write. */
export class Cast {
  readonly request: unknown;

  constructor(request: unknown) {
    this.request = request;
  }

  get type(): '$gen_cast' {
    return '$gen_cast';
  }
}

/** @internal An I/O callback that has to wait for its process. */
export class IoTurn<T, A> extends Envelope {
  readonly type: '$io';
  readonly #run: (target: T, argument: A) => unknown;
  readonly #target: T;
  readonly #argument: A;

  constructor(run: (target: T, argument: A) => unknown, target: T, argument: A) {
    super();
    this.type = '$io';
    this.#run = run;
    this.#target = target;
    this.#argument = argument;
  }

  get argument(): A {
    return this.#argument;
  }

  /** The function's name, for inspectors. */
  get turn(): string {
    return this.#run.name;
  }

  go(): unknown {
    return this.#run(this.#target, this.#argument);
  }
}

/** @internal What inspectors are told of an I/O callback that runs at once: no message is made of it. */
export function ioEvent(run: { readonly name: string }): { readonly type: '$io'; readonly turn: string } {
  return { type: '$io', turn: run.name };
}

/** @internal A message or request in a word, for traces and errors: its text, its `type`, or what kind of value it is. */
export function tagOf(message: unknown): string {
  if (Array.isArray(message) && message.length > 0) return `[${wordFor(message[0])}, …]`;
  return wordFor(message);
}

/** Anybody may send anything: an array inside itself, an object without a constructor. */
function wordFor(message: unknown): string {
  if (typeof message === 'string') return message;
  if (typeof message !== 'object' || message === null) return String(message);
  if ('type' in message && typeof message.type === 'string') return message.type;
  const maker: unknown = message.constructor;
  return typeof maker === 'function' ? maker.name : 'Object';
}
