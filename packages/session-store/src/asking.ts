/**
 * How clients speak to the caches: a cache that has died is a cache that knows nothing. Its supervisor restarts it
 * empty, so a call is tried once more, and then it is a miss. No cache's end may end a handshake.
 */
import { Exit, Exited, type Pid } from '@actor-tls/runtime';

/** A process's `self` or a node. */
export interface Asker {
  call<R>(to: Pid<never> | string, request: unknown, timeout?: number): Promise<R>;
  cast(to: Pid<never> | string, request: unknown): void;
}

/** A cache by its registered name, or by pid. */
export type CacheName = Pid<never> | string;

/** Asks; `miss` when the cache is dead, overloaded beyond the timeout, or dies over the question. */
export async function askOrMiss<T>(asker: Asker, cache: CacheName, request: unknown, miss: T): Promise<T> {
  try {
    return await asker.call<T>(cache, request);
  } catch (error) {
    if (!isFailedCall(error)) throw error;
    // A pid never comes back to life, and a cache that is too slow gets no second question.
    if (typeof cache !== 'string' || error.reason === 'timeout') return miss;
  }
  try {
    return await asker.call<T>(cache, request);
  } catch (error) {
    if (!isFailedCall(error)) throw error;
    return miss;
  }
}

/** The cache's end, and not that of the caller, which must unwind. */
function isFailedCall(error: unknown): error is Exit {
  return error instanceof Exit && !(error instanceof Exited);
}
