/** Requests to our processes are objects with a `type`; a process checks it once, at its door. */
import { type DownMessage, Ref } from '@actor-tls/runtime';

interface Tagged {
  readonly type: string;
}

/** A predicate for one process's requests: their types are listed once, and the compiler checks that all are there. */
export function callGuard<Request extends Tagged>(
  ...types: readonly Request['type'][]
): (request: unknown) => request is Request {
  const known = new Set<string>(types);
  return (request): request is Request =>
    typeof request === 'object' &&
    request !== null &&
    'type' in request &&
    typeof request.type === 'string' &&
    known.has(request.type);
}

/** The end of a monitored process. */
export function isDown(message: unknown): message is DownMessage {
  return isMessage(message, 'DOWN') && 'ref' in message && message.ref instanceof Ref;
}

/** An object with this `type`. */
export function isMessage<Type extends string>(
  message: unknown,
  type: Type,
): message is { readonly type: Type } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === type;
}
