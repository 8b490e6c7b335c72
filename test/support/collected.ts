/** What the garbage collector takes and what it leaves. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Names of what is still held by something, after the collector has had its chances. */
export async function stillHeld(
  watched: readonly (readonly [name: string, object: WeakRef<object>])[],
): Promise<readonly string[]> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no collector');
  const held = (): readonly string[] =>
    watched.filter(([, object]) => object.deref() !== undefined).map(([name]) => name);
  for (let i = 0; i < 20 && held().length > 0; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  return held();
}
