/**
 * CRLs by place (the URI they come from) and by issuer, bounded by number and by bytes; the oldest place goes
 * first.
 *
 * OTP keys a URI by its path alone. Here the whole URI is the key and the path is a second chance, so that a CRL
 * put in for one host is found for its mirror as in OTP, yet two authorities that both serve `/ca.crl` do not
 * overwrite each other.
 */
import type { CrlDescription } from './crl-cache-api.js';

/** A CRL with what is known of it. */
export interface KnownCrl {
  readonly der: Uint8Array;
  readonly description: CrlDescription;
}

export interface TableLimits {
  /** Places and single CRLs. */
  readonly maxEntries: number;
  /** bytes of DER */
  readonly maxBytes: number;
}

interface Entry {
  readonly key: string;
  readonly path: string | undefined;
  readonly crls: readonly KnownCrl[];
  readonly bytes: number;
}

export class CrlTable {
  readonly #limits: TableLimits;
  /** In order of insertion, so that the first is the oldest. */
  readonly #entries: Map<string, Entry> = new Map();
  readonly #byPath: Map<string, Set<Entry>> = new Map();
  readonly #byIssuer: Map<string, Set<KnownCrl>> = new Map();
  #bytes = 0;
  #pushedOut = 0;

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get pushedOut(): number {
    return this.#pushedOut;
  }

  /** What stands at a normalised URI, in place of what stood there. False when it alone is over the limit. */
  putAt(uri: string, crls: readonly KnownCrl[]): boolean {
    return this.#put(uri, pathOf(uri), crls);
  }

  /** CRLs that belong to no place; each is known by its own bytes. */
  putLoose(crls: readonly KnownCrl[]): boolean {
    return crls.map((crl) => this.#put(looseKey(crl.der), undefined, [crl])).every((fits) => fits);
  }

  /** By URI, else by its path alone. */
  at(uri: string): readonly KnownCrl[] | undefined {
    const exact = this.exactlyAt(uri);
    if (exact !== undefined) return exact;
    const path = pathOf(uri);
    if (path === undefined) return undefined;
    for (const entry of this.#byPath.get(path) ?? []) return entry.crls;
    return undefined;
  }

  exactlyAt(uri: string): readonly KnownCrl[] | undefined {
    return this.#entries.get(uri)?.crls;
  }

  issuedBy(issuer: string): readonly KnownCrl[] {
    return [...(this.#byIssuer.get(issuer) ?? [])];
  }

  deleteExactlyAt(uri: string): boolean {
    const entry = this.#entries.get(uri);
    if (entry !== undefined) this.#remove(entry);
    return entry !== undefined;
  }

  /** By URI, else all with its path (OTP's reading). Answers whether there was one. */
  deleteAt(uri: string): boolean {
    if (this.deleteExactlyAt(uri)) return true;
    const path = pathOf(uri);
    const entries = path === undefined ? [] : [...(this.#byPath.get(path) ?? [])];
    for (const entry of entries) this.#remove(entry);
    return entries.length > 0;
  }

  deleteLoose(ders: readonly Uint8Array[]): void {
    for (const der of ders) {
      const entry = this.#entries.get(looseKey(der));
      if (entry !== undefined) this.#remove(entry);
    }
  }

  #put(key: string, path: string | undefined, crls: readonly KnownCrl[]): boolean {
    const earlier = this.#entries.get(key);
    if (earlier !== undefined) this.#remove(earlier);
    const bytes = crls.reduce((sum, { der }) => sum + der.length, 0);
    if (bytes > this.#limits.maxBytes) return false;
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size < this.#limits.maxEntries && this.#bytes + bytes <= this.#limits.maxBytes) break;
      this.#remove(oldest);
      this.#pushedOut += 1;
    }
    const entry: Entry = { key, path, crls, bytes };
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    if (path !== undefined) add(this.#byPath, path, entry);
    for (const crl of crls) add(this.#byIssuer, crl.description.issuer, crl);
    return true;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#bytes -= entry.bytes;
    if (entry.path !== undefined) drop(this.#byPath, entry.path, entry);
    for (const crl of entry.crls) drop(this.#byIssuer, crl.description.issuer, crl);
  }
}

/**
 * An http or https URI in one spelling (scheme and host in lower case, no default port, no fragment), or
 * `undefined` when it is not one: other schemes are not fetched and not keyed.
 */
export function normalizedUri(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  url.hash = '';
  return url.href;
}

function pathOf(uri: string): string | undefined {
  const { pathname } = new URL(uri);
  return pathname === '/' ? undefined : pathname;
}

/** The bytes themselves as a key: exact, and needs no hash from below. */
function looseKey(der: Uint8Array): string {
  return `der:${Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1')}`;
}

function add<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}

function drop<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const set = index.get(key);
  set?.delete(value);
  if (set?.size === 0) index.delete(key);
}
