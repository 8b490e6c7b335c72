/**
 * A map with limits: when it is full, the oldest entries make room (contract of all of OTP's session and ticket
 * tables). Age is the time of insertion; reading an entry does not make it younger.
 */

interface TableEntry<V> {
  readonly value: V;
  /** ms on the owner's clock */
  readonly insertedAt: number;
  /** bytes */
  readonly size: number;
}

/** An entry that made room. */
export interface PushedOut<K, V> {
  readonly key: K;
  readonly value: V;
}

/** What the values of a table may take together. */
export interface BytesLimit<V> {
  readonly maxBytes: number;
  /** bytes; asked once, when the value is put in */
  readonly sizeOf: (value: V) => number;
}

export class BoundedTable<K, V> {
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #sizeOf: (value: V) => number;
  /** A `Map` iterates in order of insertion, so the first entry is the oldest. */
  readonly #entries: Map<K, TableEntry<V>> = new Map();
  #bytes = 0;
  #pushedOut = 0;

  /** @param limit largest number of entries, at least 1 */
  constructor(limit: number, { maxBytes, sizeOf }: BytesLimit<V> = unweighed) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a table of ${limit} entries`);
    this.#limit = limit;
    this.#maxBytes = maxBytes;
    this.#sizeOf = sizeOf;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What all values take; 0 in a table without such a limit. */
  get bytes(): number {
    return this.#bytes;
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

  /**
   * Puts an entry in as the youngest, in place of one with the same key. Answers those that were pushed out: itself alone
   * when it is larger than all may be.
   */
  set(key: K, value: V, now: number): readonly PushedOut<K, V>[] {
    this.delete(key);
    const size = this.#sizeOf(value);
    if (size > this.#maxBytes) {
      this.#pushedOut += 1;
      return [{ key, value }];
    }
    this.#entries.set(key, { value, insertedAt: now, size });
    this.#bytes += size;
    const gone: PushedOut<K, V>[] = [];
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limit && this.#bytes <= this.#maxBytes) break;
      this.pushOut(oldest);
      gone.push({ key: oldest, value: entry.value });
    }
    return gone;
  }

  delete(key: K): boolean {
    this.#bytes -= this.#entries.get(key)?.size ?? 0;
    return this.#entries.delete(key);
  }

  /** Like `delete`, and counted: it makes room. */
  pushOut(key: K): void {
    if (this.delete(key)) this.#pushedOut += 1;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  oldest(): { readonly key: K; readonly value: V; readonly insertedAt: number } | undefined {
    for (const [key, { value, insertedAt }] of this.#entries) return { key, value, insertedAt };
    return undefined;
  }

  /** Oldest first. Deleting while walking is allowed. */
  *entries(): Generator<readonly [key: K, value: V, insertedAt: number]> {
    for (const [key, { value, insertedAt }] of this.#entries) yield [key, value, insertedAt];
  }
}

const unweighed = { maxBytes: Number.POSITIVE_INFINITY, sizeOf: (): number => 0 };
