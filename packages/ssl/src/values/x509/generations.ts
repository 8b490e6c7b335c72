/**
 * A bounded map that forgets what was not asked for lately: two generations, the older of which is dropped when
 * the younger is full. Constant time, no lists, at most `2 × limit` entries.
 */
export class Generations<K, V> {
  readonly #limit: number;
  #young: Map<K, V> = new Map();
  #old: Map<K, V> = new Map();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
