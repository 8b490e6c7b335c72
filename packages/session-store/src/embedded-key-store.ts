/** The ticket keys of one server, in this thread: they outlive the process that uses them, not the program. */
import type { KeysAnswer, StoredKeys, TicketKeyStore } from './stores.js';

/** For one listener each: a second one would hear of a rotation late. */
export function embeddedTicketKeyStore(): TicketKeyStore {
  return new EmbeddedTicketKeyStore();
}

class EmbeddedTicketKeyStore implements TicketKeyStore {
  readonly spread = 0;
  #keys: StoredKeys | undefined = undefined;

  read(known: string | undefined): Promise<KeysAnswer> {
    const isKnown = this.#keys !== undefined && this.#keys.tag === known;
    return Promise.resolve({ keys: isKnown ? 'unchanged' : this.#keys });
  }

  replace(expected: string | undefined, keys: StoredKeys): Promise<KeysAnswer> {
    if (this.#keys?.tag !== expected) return Promise.resolve({ keys: this.#keys });
    this.#keys?.bytes.fill(0);
    this.#keys = keys;
    return Promise.resolve({ keys: 'unchanged' });
  }
}
