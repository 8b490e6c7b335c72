/**
 * Typed questions between processes. A server writes down once what it can be asked, as an interface of functions: the
 * name is the request's `type`, the parameter its fields, the result the reply. What is asked, answered and kept for a
 * later answer is then checked against it, on both sides.
 *
 * A request is data: what it carries can be shown, counted and, one day, sent to another thread. So a function is no
 * field of one.
 */
import type { From } from './call.js';
import { CALL_TIMEOUT, Call } from './call.js';
import { type Exit, Exited } from './exit.js';
import type { CallResult, Eventually, InfoResult } from './gen-server.js';
import { DownMessage, ExitMessage, tagOf } from './messages.js';
import { outline } from './outline.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';

/** Who asks: a process's `self`, or a node for code that is no process. */
export interface Asker {
  call<R>(to: ServerRef, request: unknown, timeout?: number): Promise<R>;
  callOr<R>(
    to: ServerRef,
    request: unknown,
    timeout: number,
    otherwise: (failure: Exit) => R | Promise<R>,
  ): Promise<R>;
  cast(to: ServerRef, request: unknown): void;
  afterIo(go: () => void): void;
}

/** Who asks for an answer at once: a node. */
export interface ImmediateAsker {
  callNow<R>(to: Pid<never>, request: unknown, otherwise: (failure: Exit) => R): R | Promise<R>;
}

/** Who is asked: a pid, or a registered name. */
export type ServerRef = Pid<never> | string;

type Questions<M> = { readonly [K in keyof M]: (fields: never) => unknown };

type FieldsOf<Question> = Question extends (fields: infer Fields) => unknown
  ? { readonly [F in keyof Fields]: NoFunction<Fields[F]> }
  : never;

type NoFunction<T> = T extends (...args: never) => unknown ? never : T;

/** The request of this name, as it is sent. */
export type NamedRequest<M, K extends keyof M> = { readonly type: K } & FieldsOf<M[K]>;

/** The requests of a map by these names, all of them by default: what a server's door lets in. */
export type RequestOf<M, K extends keyof M = keyof M> = K extends string ? NamedRequest<M, K> : never;

/** What a request of this name is answered. */
export type ReplyOf<M, K extends keyof M> = M[K] extends (fields: never) => infer Reply ? Reply : never;

/** A function for each request; one that answers nothing keeps `from` and replies later. */
export type CallHandlers<M, S> = {
  readonly [K in keyof M]: (
    request: RequestOf<M, K>,
    from: From<ReplyOf<M, K>>,
    state: S,
    self: Self,
  ) => Eventually<CallResult<S, ReplyOf<M, K>>>;
};

/** A function for each message. */
export type MessageHandlers<M, S> = {
  readonly [K in keyof M]: (message: RequestOf<M, K>, state: S, self: Self) => Eventually<InfoResult<S>>;
};

/** Handlers of what the runtime itself tells; a message that only looks like one of these reaches none of them. */
export interface SystemHandlers<S> {
  readonly DOWN?: (message: DownMessage, state: S, self: Self) => Eventually<InfoResult<S>>;
  readonly EXIT?: (message: ExitMessage, state: S, self: Self) => Eventually<InfoResult<S>>;
}

/** The two ends of a map of requests. Made once per map by {@link requests}. */
export interface Requests<M> {
  /** Asks, and fails as `self.call` does. */
  ask<K extends keyof M & string>(
    asker: Pick<Asker, 'call'>,
    to: ServerRef,
    request: NamedRequest<M, K>,
    timeout?: number,
  ): Promise<ReplyOf<M, K>>;
  /**
   * Asks, and answers what `otherwise` makes of a failure. A process of that name that has died over the question, or is
   * not there, is asked once more, since its supervisor has restarted it by then; one that is too slow is not, nor is a pid.
   */
  askOr<K extends keyof M & string, O>(
    asker: Asker,
    to: ServerRef,
    request: NamedRequest<M, K>,
    otherwise: (failure: Exit) => O,
    timeout?: number,
  ): Promise<ReplyOf<M, K> | O>;
  /** Asks a pid without a time-out, as `Node.callNow` does: what it answers at once is no promise. */
  askNow<K extends keyof M & string, O>(
    asker: ImmediateAsker,
    to: Pid<never>,
    request: NamedRequest<M, K>,
    otherwise: (failure: Exit) => O,
  ): ReplyOf<M, K> | O | Promise<ReplyOf<M, K> | O>;
  /** A request that nobody waits for: no answer, no error. */
  cast<K extends keyof M & string>(
    asker: Pick<Asker, 'cast'>,
    to: ServerRef,
    request: NamedRequest<M, K>,
  ): void;

  /** The callback `handleCall`. An unknown request is its caller's mistake: that call fails, the server goes on. */
  handleCall<S>(handlers: CallHandlers<M, S>): HandleCall<S>;
  /** The callback `handleCast`. What is unknown is logged and dropped. */
  handleCast<S>(handlers: MessageHandlers<M, S>): HandleMessage<S>;
  /** The callback `handleInfo`. What is unknown is logged and dropped. */
  handleInfo<S>(handlers: MessageHandlers<M, S> & SystemHandlers<S>): HandleMessage<S>;
  /**
   * For a server whose state decides what a request means, and that looks at them with a `switch`: whether something is
   * one of its requests. The names are told as keys, so that the compiler misses one that is forgotten.
   */
  guard(names: Readonly<Record<keyof M, true>>): (request: unknown) => request is RequestOf<M>;
  /** `from` as the one who waits for the reply to this request; with {@link guard}. */
  from<K extends keyof M & string>(request: { readonly type: K }, from: From): From<ReplyOf<M, K>>;
  /** Replies to this request at once; with {@link guard}. */
  reply<K extends keyof M & string>(request: { readonly type: K }, from: From, reply: ReplyOf<M, K>): void;
}

type HandleCall<S> = (request: unknown, from: From, state: S, self: Self) => Eventually<CallResult<S>>;
type HandleMessage<S> = (message: unknown, state: S, self: Self) => Eventually<InfoResult<S>>;

/** Both ends of the requests that the interface `M` lists: `add(fields: { readonly by: number }): number` and so on. */
export function requests<M extends Questions<M>>(): Requests<M> {
  return {
    ask: (asker, to, request, timeout) => asker.call(to, request, timeout),
    askOr,
    askNow: (asker, to, request, otherwise) => asker.callNow(to, request, otherwise),
    cast: (asker, to, request) => asker.cast(to, request),
    handleCall: answerBy,
    handleCast: hearBy,
    handleInfo: hearBy,
    guard: guardOf,
    from: (_request, from) => from,
    reply: (_request, from, reply) => from.reply(reply),
  };
}

function askOr<R, O>(
  asker: Asker,
  to: ServerRef,
  request: unknown,
  otherwise: (failure: Exit) => O,
  timeout: number = CALL_TIMEOUT,
): Promise<R | O> {
  if (typeof to !== 'string') return asker.callOr<R | O>(to, request, timeout, otherwise);
  return asker.callOr<R | O>(to, request, timeout, (failure) =>
    failure.reason === 'timeout' ? otherwise(failure) : askAgain(asker, to, request, otherwise, timeout),
  );
}

/**
 * Not at once: a supervisor that starts its child again takes some steps for it. Whoever has ended meanwhile waits for
 * ever, as in any call of its own: nobody is there to hear of it.
 */
function askAgain<R, O>(
  asker: Asker,
  to: ServerRef,
  request: unknown,
  otherwise: (failure: Exit) => O,
  timeout: number,
): Promise<R | O> {
  return new Promise((resolve, reject) => {
    asker.afterIo(() => {
      try {
        resolve(asker.callOr<R | O>(to, request, timeout, otherwise));
      } catch (error) {
        if (!(error instanceof Exited)) reject(error);
      }
    });
  });
}

function answerBy<S>(handlers: object): HandleCall<S> {
  const known = tableOf<HandleCall<S>>(handlers);
  return (request, from, state, self) => {
    const handler = known.get(typeOf(request));
    if (handler !== undefined) return handler(request, from, state, self);
    if (from instanceof Call) from.fail({ unknown_request: tagOf(request) });
    return undefined;
  };
}

function hearBy<S>(handlers: object): HandleMessage<S> {
  const known = tableOf<HandleMessage<S>>(handlers);
  return (message, state, self) => {
    const handler = known.get(typeOf(message));
    if (handler !== undefined) return handler(message, state, self);
    self.node.logger.debug({ process: self.pid.id, message: outline(message) }, 'an unknown message');
    return undefined;
  };
}

/** Each function is found by the `type` of what it takes, which is what the compiler has checked at the table. */
function tableOf<Handler>(handlers: object): ReadonlyMap<unknown, Handler> {
  return new Map<unknown, Handler>(Object.entries(handlers));
}

/** A name in a table; `undefined` for what has none, or pretends to come from the runtime. */
function typeOf(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  const { type } = message;
  if (type === 'DOWN') return message instanceof DownMessage ? type : undefined;
  if (type === 'EXIT') return message instanceof ExitMessage ? type : undefined;
  return type;
}

function guardOf<R>(names: object): (request: unknown) => request is R {
  const known = new Set<unknown>(Object.keys(names));
  return (request): request is R => known.has(typeOf(request));
}
