/**
 * The connection IDs of one datagram socket (RFC 9146 §3, RFC 9147 §9): all of one length, so that they can be read off a record without
 * knowing whose it is, and random, so that nobody finds one by trying. An ID is its holder's until that gives it back.
 */
import { TLS12_CID } from '../../protocol/record/cid-record.js';
import { CID_AT } from '../../protocol/record/dtls-layout.js';
import { bearsId, UNIFIED_ID_AT } from '../../protocol/record/dtls13-header.js';

const none: Uint8Array = new Uint8Array(0);

export class ConnectionIds<Holder extends object> {
  readonly #random: (length: number) => Uint8Array;
  #length: number;
  readonly #holders: Map<string, Holder> = new Map();
  readonly #held: Map<Holder, string[]> = new Map();

  /** `length`: bytes; 0: there are none. */
  constructor(random: (length: number) => Uint8Array, length: number) {
    this.#random = random;
    this.#length = length;
  }

  /** IDs that are given out. */
  get size(): number {
    return this.#holders.size;
  }

  /** Others from now on; those that are given out keep it as it is. */
  resize(length: number): void {
    if (this.size === 0) this.#length = length;
  }

  /** A new one. */
  issue(holder: Holder): Uint8Array {
    if (this.#length === 0) return none;
    let id = this.#random(this.#length);
    while (this.#holders.has(nameOf(id))) id = this.#random(this.#length);
    const name = nameOf(id);
    this.#holders.set(name, holder);
    this.#held.set(holder, [...(this.#held.get(holder) ?? []), name]);
    return id;
  }

  /** Whose ID the first record of a datagram bears. */
  holderOf(datagram: Uint8Array): Holder | undefined {
    const at = idAt(datagram[0]);
    if (at === undefined || this.size === 0 || datagram.length < at + this.#length) return undefined;
    return this.#holders.get(nameOf(datagram.subarray(at, at + this.#length)));
  }

  /** One is nobody's. */
  retireOne(holder: Holder, id: Uint8Array): void {
    const name = nameOf(id);
    if (this.#holders.get(name) !== holder) return;
    this.#holders.delete(name);
    this.#held.set(holder, this.#held.get(holder)?.filter((held) => held !== name) ?? []);
  }

  /** All that a holder has are nobody's. */
  retire(holder: Holder): void {
    for (const name of this.#held.get(holder) ?? []) this.#holders.delete(name);
    this.#held.delete(holder);
  }
}

/** Where a record has it that begins so; `undefined`: it has none. */
function idAt(first: number | undefined): number | undefined {
  if (first === TLS12_CID) return CID_AT;
  return bearsId(first) ? UNIFIED_ID_AT : undefined;
}

function nameOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
