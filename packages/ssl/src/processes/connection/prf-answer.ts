/** `ssl:prf/5`: key material from the PRF of a connection of TLS 1.2 (RFC 5246 §5). */
import type { Facts } from '../../protocol/facts.js';
import type { Result } from '../../values/terms.js';
import { concat } from '../../values/wire/join.js';

/** A part of the seed: bytes, or what both sides know of the handshake. */
export type PrfSeed = Uint8Array | 'client_random' | 'server_random';

/** Arguments as the user wrote them: not looked at before they are used. */
export interface PrfRequest {
  readonly secret: unknown;
  readonly label: unknown;
  readonly seed: unknown;
  readonly length: unknown;
}

/** A call keeps the connection busy while it lasts; this much takes some milliseconds. */
const maxLength = 0xffff;
const badarg = { error: 'badarg' } as const;
const ascii = new TextEncoder();

export function prfAnswer(facts: Facts, { secret, label, seed, length }: PrfRequest): Result<Uint8Array> {
  const { secrets } = facts;
  if (secrets?.kind !== 'master') return { error: 'undefined' };
  const labelBytes = typeof label === 'string' ? ascii.encode(label) : label;
  const seedBytes = seedOf(seed, facts);
  if (!(labelBytes instanceof Uint8Array) || seedBytes === undefined || !isLength(length)) return badarg;
  const labelAndSeed = concat([labelBytes, ...seedBytes]);
  const master = secrets.masterSecret;
  if (secret === 'master_secret') return { ok: master.bytesFor(labelAndSeed, length) };
  return secret instanceof Uint8Array ? { ok: master.bytesFor(labelAndSeed, length, secret) } : badarg;
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxLength;
}

/** The seed's bytes; `undefined` when a part of it is none. */
function seedOf(seed: unknown, facts: Facts): readonly Uint8Array[] | undefined {
  if (!Array.isArray(seed)) return undefined;
  const parts = seed.flatMap((part: unknown) => partOf(part, facts) ?? []);
  return parts.length === seed.length ? parts : undefined;
}

function partOf(part: unknown, { clientRandom, serverRandom }: Facts): Uint8Array | undefined {
  if (part === 'client_random') return clientRandom;
  if (part === 'server_random') return serverRandom;
  return part instanceof Uint8Array ? part : undefined;
}
