/** What a process owns: closed when it ends, as Erlang closes ports. */

/** A list, since a process owns one resource or two: with a map and a function for each, an idle one kept 700 bytes. */
export interface OwnedResource {
  readonly resource: unknown;
  /** What was owned before. */
  earlier: OwnedResource | undefined;
  close(): void;
}

export class Owned<T> implements OwnedResource {
  readonly resource: T;
  readonly #close: (resource: T) => void;
  earlier: OwnedResource | undefined;

  constructor(resource: T, close: (resource: T) => void, earlier: OwnedResource | undefined) {
    this.resource = resource;
    this.#close = close;
    this.earlier = earlier;
  }

  close(): void {
    this.#close(this.resource);
  }
}

/** The list without a resource; the same list when it is not there. */
export function without(latest: OwnedResource | undefined, resource: unknown): OwnedResource | undefined {
  if (latest?.resource === resource) return latest?.earlier;
  for (let owned = latest; owned?.earlier !== undefined; owned = owned.earlier) {
    if (owned.earlier.resource !== resource) continue;
    owned.earlier = owned.earlier.earlier;
    break;
  }
  return latest;
}

/** All of them, the latest first. */
export function listed(latest: OwnedResource | undefined): OwnedResource[] {
  const all: OwnedResource[] = [];
  for (let owned = latest; owned !== undefined; owned = owned.earlier) all.push(owned);
  return all;
}
