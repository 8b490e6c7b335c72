/**
 * Keys that seal and open stateless tickets (RFC 8446 §4.6.1, RFC 5077 §4): previous, current and next ones. Each has a
 * time from which it seals; it does until the next one's time comes, and opens for as long as a ticket that it sealed may
 * live. Then it is overwritten. A key opens from the moment it is known: a server whose clock is ahead may seal already.
 *
 * A ticket bears the name of its key, so that one with an unknown key costs a look into a map. Wire: name (16), box.
 * What a ticket is for is part of what is authenticated: one of TLS 1.2 is none of TLS 1.3.
 *
 * Nothing here knows the time or where keys come from.
 */
import { BOX_OVERHEAD, type BoxUse, joined, openBox, sealBox } from './sealed-box.js';
import { SecretBytes } from './secret-bytes.js';
import type { TicketCrypto } from './ticket-crypto.js';

/** The version family that a ticket resumes. */
export type TicketPurpose = 'tls13' | 'tls12';

export const KEY_NAME_LENGTH = 16;
export const KEY_LENGTH = 32;

/** RFC 8446 §4.6.1: ticket<1..2^16-1>. */
const LONGEST_TICKET = 0xffff;

export interface TicketKey {
  /** 16 bytes that tell nothing */
  readonly name: Uint8Array;
  /** 32 bytes; belongs to the ring from then on */
  readonly secret: SecretBytes;
  /** ms since 1970 */
  readonly sealsFrom: number;
  /** One that only opens never seals, and opens until that time (ms since 1970). */
  readonly opensUntil?: number | undefined;
}

export interface RingOptions {
  /** How long a ticket lives, and by how much clocks may differ, together; ms. */
  readonly keepFor: number;
  /** Largest number of keys. */
  readonly limit: number;
}

/** What the ring did; for counters. */
export interface RingInfo {
  readonly keys: number;
  readonly sealed: number;
  readonly opened: number;
  /** Tickets of no key of ours. */
  readonly unknownKey: number;
  /** Tickets that bear a key's name and were not sealed by it. */
  readonly forged: number;
}

interface Entry {
  readonly id: string;
  readonly name: Uint8Array;
  readonly secret: SecretBytes;
  readonly opensUntil: number | undefined;
  sealsFrom: number;
}

export class TicketKeyRing {
  readonly #crypto: TicketCrypto;
  readonly #options: RingOptions;
  readonly #byName: Map<string, Entry> = new Map();
  /** Those that seal, by time; between two of one time their names decide, on all servers alike. */
  #sealing: Entry[] = [];
  #sealed = 0;
  #opened = 0;
  #unknownKey = 0;
  #forged = 0;

  constructor(crypto: TicketCrypto, options: RingOptions) {
    this.#crypto = crypto;
    this.#options = options;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** The ring's own box with this key's secret. */
  secretOf(name: Uint8Array): SecretBytes | undefined {
    return this.#byName.get(idOf(name))?.secret;
  }

  /**
   * Adds keys; of one that is there already the earlier time counts. What does not fit any more is left out, and wiped.
   */
  put(keys: readonly TicketKey[]): void {
    for (const key of keys) this.#putOne(key);
    this.#sealing.sort((a, b) => a.sealsFrom - b.sealsFrom || (a.id < b.id ? -1 : 1));
  }

  /** All that seal, by time, with secrets that are the ring's own. */
  sealingKeys(): readonly TicketKey[] {
    return this.#sealing;
  }

  /** `undefined` when there is no key, or the content is too long for a ticket. */
  seal(purpose: TicketPurpose, content: Uint8Array, now: number): Uint8Array | undefined {
    const entry = this.#sealing.findLast(({ sealsFrom }) => sealsFrom <= now) ?? this.#sealing[0];
    if (entry === undefined || content.length + KEY_NAME_LENGTH + BOX_OVERHEAD > LONGEST_TICKET)
      return undefined;
    this.#sealed += 1;
    const box = sealBox(this.#crypto, entry.secret.expose(), useOf(purpose, entry), content);
    return joined(entry.name, box);
  }

  open(purpose: TicketPurpose, ticket: Uint8Array): SecretBytes | undefined {
    const entry = this.#byName.get(idOf(ticket.subarray(0, KEY_NAME_LENGTH)));
    if (entry === undefined || ticket.length > LONGEST_TICKET) {
      this.#unknownKey += 1;
      return undefined;
    }
    const box = ticket.subarray(KEY_NAME_LENGTH);
    const content = openBox(this.#crypto, entry.secret.expose(), useOf(purpose, entry), box);
    if (content === undefined) this.#forged += 1;
    else this.#opened += 1;
    return content === undefined ? undefined : new SecretBytes(content);
  }

  /** Drops and overwrites the keys whose last ticket has died. */
  sweep(now: number): void {
    const dead = new Set<Entry>();
    for (const entry of this.#byName.values()) {
      if (entry.opensUntil !== undefined && entry.opensUntil <= now) dead.add(entry);
    }
    for (const [index, entry] of this.#sealing.entries()) {
      const successor = this.#sealing[index + 1];
      if (successor === undefined || successor.sealsFrom + this.#options.keepFor > now) break;
      dead.add(entry);
    }
    for (const entry of dead) this.#drop(entry);
    if (dead.size > 0) this.#sealing = this.#sealing.filter((entry) => !dead.has(entry));
  }

  /** Overwrites all keys. */
  clear(): void {
    for (const entry of this.#byName.values()) entry.secret.zero();
    this.#byName.clear();
    this.#sealing = [];
  }

  info(): RingInfo {
    return {
      keys: this.#byName.size,
      sealed: this.#sealed,
      opened: this.#opened,
      unknownKey: this.#unknownKey,
      forged: this.#forged,
    };
  }

  #putOne({ name, secret, sealsFrom, opensUntil }: TicketKey): void {
    const id = idOf(name);
    const known = this.#byName.get(id);
    if (known !== undefined) {
      known.sealsFrom = Math.min(known.sealsFrom, sealsFrom);
      if (secret !== known.secret) secret.zero();
      return;
    }
    if (this.#byName.size >= this.#options.limit) {
      secret.zero();
      return;
    }
    const entry: Entry = { id, name, secret, sealsFrom, opensUntil };
    this.#byName.set(id, entry);
    if (opensUntil === undefined) this.#sealing.push(entry);
  }

  #drop(entry: Entry): void {
    entry.secret.zero();
    this.#byName.delete(entry.id);
  }
}

function useOf(purpose: TicketPurpose, { name }: Entry): BoxUse {
  return { label: `ticket ${purpose}`, context: name };
}

function idOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}
