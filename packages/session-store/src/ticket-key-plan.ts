/**
 * When which key seals: rotation as functions of keys and time, without either. A key is swapped into the store so long
 * before it seals that all servers have read it by then, so that no server gets a ticket of a key that it does not know.
 */
import { SecretBytes } from './secret-bytes.js';
import type { TicketCrypto } from './ticket-crypto.js';
import { KEY_LENGTH, KEY_NAME_LENGTH, type TicketKey } from './ticket-key-ring.js';

export interface Plan {
  /** How long a key seals, ms. */
  readonly interval: number;
  /** From a change of the store until all servers know it, ms. */
  readonly spread: number;
  /** How long a key opens after it has sealed, ms. */
  readonly keepFor: number;
  readonly limit: number;
}

export function freshKey(crypto: TicketCrypto, sealsFrom: number): TicketKey {
  const secret = new SecretBytes(crypto.randomBytes(KEY_LENGTH));
  return { name: crypto.randomBytes(KEY_NAME_LENGTH), secret, sealsFrom };
}

/**
 * The keys that should stand in the store: those that do and still open something, our own that it has lost or never had,
 * and so many next ones that one is known to all when its time comes. The very same array when nothing is to be done.
 */
export function plannedKeys(
  crypto: TicketCrypto,
  plan: Plan,
  stored: readonly TicketKey[],
  own: readonly TicketKey[],
  now: number,
): readonly TicketKey[] {
  const known = new Set(stored.map(({ name }) => String(name)));
  const lost = own.filter(({ name }) => !known.has(String(name)));
  // What was the store's before it lost all is known to all; what is ours alone must get around before it seals.
  const added = stored.length === 0 ? lost : lost.map((key) => notBefore(key, now + plan.spread));
  const alive = living(sorted([...stored, ...added]), plan, now);
  const next = nextKeys(crypto, plan, alive, now);
  // The dead leave with the next change: they are worth none of their own.
  return added.length + next.length === 0 ? stored : sorted([...alive, ...next]);
}

/** The next key's time is now, or as soon as all servers know of it. */
export function rotatedKeys(
  crypto: TicketCrypto,
  plan: Plan,
  keys: readonly TicketKey[],
  now: number,
): readonly TicketKey[] {
  const from = now + plan.spread;
  const next = keys.find(({ sealsFrom }) => sealsFrom > from) ?? freshKey(crypto, from);
  return sorted([...keys.filter((key) => key !== next), { ...next, sealsFrom: from }]);
}

/** Until when a store has to keep these, ms from now. */
export function lifetimeOf(keys: readonly TicketKey[], plan: Plan, now: number): number {
  const last = keys.at(-1)?.sealsFrom ?? now;
  return Math.ceil(Math.max(0, last - now) + plan.interval + plan.keepFor);
}

/** Without those that open nothing any more, and at most as many as there may be: the oldest go. */
function living(keys: readonly TicketKey[], plan: Plan, now: number): readonly TicketKey[] {
  const isAlive = (index: number): boolean => {
    const successor = keys[index + 1];
    return successor === undefined || successor.sealsFrom + plan.keepFor > now;
  };
  return keys.filter((_, index) => isAlive(index)).slice(-plan.limit);
}

/** Those that are missing for one to begin after `spread` and within an interval from then. */
function nextKeys(
  crypto: TicketCrypto,
  { interval, spread, limit }: Plan,
  keys: readonly TicketKey[],
  now: number,
): TicketKey[] {
  const added: TicketKey[] = [];
  const known = now + spread;
  if (keys.some(({ sealsFrom }) => sealsFrom > known && sealsFrom <= known + interval)) return added;
  let last = keys.findLast(({ sealsFrom }) => sealsFrom <= known)?.sealsFrom;
  if (last === undefined) {
    added.push(freshKey(crypto, now));
    last = now;
  }
  while (last <= known && keys.length + added.length < limit) {
    last = Math.max(last + interval, keys.length === 0 ? 0 : known);
    added.push(freshKey(crypto, last));
  }
  return added;
}

function notBefore(key: TicketKey, time: number): TicketKey {
  return key.sealsFrom >= time ? key : { ...key, sealsFrom: time };
}

function sorted(keys: readonly TicketKey[]): readonly TicketKey[] {
  return [...keys].sort((a, b) => a.sealsFrom - b.sealsFrom);
}
