/** key_share, RFC 8446 §4.2.8. */
import { type Codec, list16, opaque16, struct, uint16 } from '../../values/wire/codec.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

const code = 51;

export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

const keyShareEntry: Codec<KeyShareEntry> = struct<KeyShareEntry>({
  group: uint16,
  keyExchange: opaque16(1, 65535),
});

/** May be empty: the client asks for a HelloRetryRequest (§4.2.8). */
export const keyShareOffer: Field<'keyShare', readonly KeyShareEntry[]> = field(
  code,
  'keyShare',
  list16(keyShareEntry, 0, 65535),
);
export const keyShareAnswer: Field<'keyShare', KeyShareEntry> = field(code, 'keyShare', keyShareEntry);
/** In HelloRetryRequest. */
export const selectedGroup: Field<'selectedGroup', number> = field(code, 'selectedGroup', uint16);

/** §4.2.8: at most one share per group, and only for groups that supported_groups names. */
export function checkShares(shares: readonly KeyShareEntry[], groups: readonly number[]): void {
  // Sets: both lists may be as long as a message, and their product must not be our work.
  const named = new Set(groups);
  const seen = new Set<number>();
  for (const { group } of shares) {
    if (seen.has(group)) throw new AlertError('duplicate_key_share');
    if (!named.has(group)) throw new AlertError('key_share_outside_groups');
    seen.add(group);
  }
}
