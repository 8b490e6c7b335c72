/** Calling a start function and understanding its answer. */
import type { FullChildSpec } from './child-spec.js';
import { type Reason, reasonOf } from './exit.js';
import { Pid } from './pid.js';
import type { Self } from './self.js';
import { isThenable } from './thenable.js';

/** A start function's answer: a child (`pid` is absent after `'ignore'`), or why there is none. */
export type StartAnswer =
  | { readonly pid: Pid | undefined; readonly info: unknown }
  | { readonly error: Reason };

const noChild: StartAnswer = { pid: undefined, info: undefined };

/**
 * Starts a child and goes on with `use`: at once unless the start function gave a promise, so that a supervisor of
 * short-lived children costs no turn. Like OTP's `catch`, it makes a failure of what the function throws:
 * `{ EXIT: reason }`.
 */
export function startProcess<T>(
  self: Self,
  spec: Pick<FullChildSpec, 'start'>,
  args: readonly unknown[],
  use: (answer: StartAnswer) => T,
): T | PromiseLike<T> {
  let answer: unknown;
  try {
    answer = spec.start(self, ...args);
  } catch (thrown) {
    return use(failed(thrown));
  }
  if (!isThenable(answer)) return use(understand(answer));
  return answer.then(
    (settled) => use(understand(settled)),
    (thrown: unknown) => use(failed(thrown)),
  );
}

function understand(answer: unknown): StartAnswer {
  if (answer === 'ignore') return noChild;
  if (typeof answer === 'object' && answer !== null) {
    if ('ok' in answer && answer.ok instanceof Pid)
      return { pid: answer.ok, info: 'info' in answer ? answer.info : undefined };
    if ('error' in answer) return { error: answer.error };
  }
  return { error: answer };
}

function failed(thrown: unknown): StartAnswer {
  return { error: { EXIT: reasonOf(thrown) } };
}
