/**
 * A map with a limit: when it is full, the oldest entry makes room (contract of all of OTP's session and ticket
 * tables). Age is the time of insertion; reading an entry does not make it younger.
 */

interface TableEntry<V> {
  readonly value: V;
  /** ms on the owner's clock */
  readonly insertedAt: number;
}

export class BoundedTable<K, V> {
  readonly #limit: number;
  /** A `Map` iterates in order of insertion, so the first entry is the oldest. */
  readonly #entries: Map<K, TableEntry<V>> = new Map();
  #pushedOut = 0;

  /** @param limit largest number of entries, at least 1 */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a table of ${limit} entries`);
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many entries had to make room for younger ones. */
  get pushedOut(): number {
    return this.#pushedOut;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  insertedAt(key: K): number | undefined {
    return this.#entries.get(key)?.insertedAt;
  }

  /** Puts an entry in as the youngest, in place of one with the same key. Answers the entry that was pushed out. */
  set(key: K, value: V, now: number): { readonly key: K; readonly value: V } | undefined {
    this.#entries.delete(key);
    const victim = this.#entries.size >= this.#limit ? this.oldest() : undefined;
    if (victim !== undefined) {
      this.#entries.delete(victim.key);
      this.#pushedOut += 1;
    }
    this.#entries.set(key, { value, insertedAt: now });
    return victim;
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  oldest(): { readonly key: K; readonly value: V; readonly insertedAt: number } | undefined {
    for (const [key, { value, insertedAt }] of this.#entries) return { key, value, insertedAt };
    return undefined;
  }

  /** Oldest first. Deleting while walking is allowed. */
  *entries(): Generator<readonly [key: K, value: V, insertedAt: number]> {
    for (const [key, { value, insertedAt }] of this.#entries) yield [key, value, insertedAt];
  }

  /** Drops what was inserted before `time`, except what `keep` holds on to. Answers the number dropped. */
  dropInsertedBefore(time: number, keep?: (value: V) => boolean): number {
    let dropped = 0;
    for (const [key, { value, insertedAt }] of this.#entries) {
      if (insertedAt >= time) break;
      if (keep?.(value) === true) continue;
      this.#entries.delete(key);
      dropped += 1;
    }
    return dropped;
  }
}
