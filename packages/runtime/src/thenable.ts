/** Whether a callback's result is a promise. Tested only on objects, so a plain result costs one comparison. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
