/** Functions of the user's that a handshake waits for: what they throw is felt by the connection that asks, and told in words. */
import type { Result } from '../values/terms.js';

/** What `question` answers; an error is what was thrown. Never rejects. */
export async function asked<T>(question: () => T | Promise<T>): Promise<Result<T>> {
  try {
    return { ok: await question() };
  } catch (error) {
    return { error: wordsOf(error) };
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'thrown';
}
