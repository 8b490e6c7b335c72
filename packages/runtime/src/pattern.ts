/** What `receive` waits for: patterns and what they accept. */
import type { Message } from './messages.js';

/** For `receive`: give up after so many milliseconds; 0 takes only what is there. */
export interface ReceiveOptions {
  readonly after: number;
}

/** The messages of `M` whose `type` is `K`. */
export type OfType<M, K extends string> = unknown extends M ? Message<K> : Extract<M, { readonly type: K }>;

/** A selective pattern: the message's `type`, a predicate, or fields that must be the same. */
export type Pattern = string | ((message: never) => boolean) | Readonly<Record<string, unknown>>;

/** @internal Says whether a message is the one that is waited for. */
export type Matcher = (message: unknown) => boolean;

/** @internal */
export function isReceiveOptions(pattern: Pattern | ReceiveOptions): pattern is ReceiveOptions {
  return typeof pattern === 'object' && !('type' in pattern) && 'after' in pattern;
}

function isPredicate(pattern: object): pattern is Matcher {
  return typeof pattern === 'function';
}

/** @internal What a pattern accepts. */
export function matcherOf(pattern: Pattern | ReceiveOptions): Matcher {
  if (typeof pattern === 'string') {
    return (message) =>
      typeof message === 'object' && message !== null && 'type' in message && message.type === pattern;
  }
  if (isPredicate(pattern)) return pattern;
  const fields = Object.entries(pattern);
  return (message) =>
    typeof message === 'object' &&
    message !== null &&
    fields.every(([field, value]) => Reflect.get(message, field) === value);
}
