/**
 * A fleet's ticket keys as the bytes of a store: format (1), then for each key name (16), secret (32), sealsFrom (8: ms
 * since 1970). Wrapped as a whole when there is a wrapping. Read strictly: a store is somebody else's.
 */
import { copied } from './sealed-box.js';
import { SecretBytes } from './secret-bytes.js';
import type { StoreWrapping } from './store-wrapping.js';
import { KEY_LENGTH, KEY_NAME_LENGTH, type TicketKey } from './ticket-key-ring.js';

const FORMAT = 1;
const SIZE = KEY_NAME_LENGTH + KEY_LENGTH + 8;
const PLACE = 'ticket keys';

export function encodeKeys(keys: readonly TicketKey[], wrapping: StoreWrapping | undefined): Uint8Array {
  const bytes = new Uint8Array(1 + keys.length * SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  for (const [index, { name, secret, sealsFrom }] of keys.entries()) {
    const at = 1 + index * SIZE;
    bytes.set(name, at);
    bytes.set(secret.expose(), at + KEY_NAME_LENGTH);
    view.setFloat64(at + KEY_NAME_LENGTH + KEY_LENGTH, sealsFrom);
  }
  if (wrapping === undefined) return bytes;
  const wrapped = wrapping.wrap(PLACE, bytes);
  bytes.fill(0);
  return wrapped;
}

/** `undefined` for what nobody of this fleet wrote. @param limit largest number of keys */
export function decodeKeys(
  stored: Uint8Array,
  wrapping: StoreWrapping | undefined,
  limit: number,
): readonly TicketKey[] | undefined {
  const bytes = wrapping === undefined ? stored : wrapping.unwrap(PLACE, stored);
  if (bytes === undefined || bytes[0] !== FORMAT || (bytes.length - 1) % SIZE !== 0) return undefined;
  const count = (bytes.length - 1) / SIZE;
  if (count > limit) return undefined;
  const keys = Array.from({ length: count }, (_, index) => keyAt(bytes, 1 + index * SIZE));
  if (wrapping !== undefined) bytes.fill(0);
  return keys.every(({ sealsFrom }) => Number.isFinite(sealsFrom)) ? keys : undefined;
}

function keyAt(bytes: Uint8Array, at: number): TicketKey {
  const secretAt = at + KEY_NAME_LENGTH;
  const timeAt = secretAt + KEY_LENGTH;
  return {
    name: copied(bytes, at, secretAt),
    secret: new SecretBytes(copied(bytes, secretAt, timeAt)),
    sealsFrom: new DataView(bytes.buffer, bytes.byteOffset + timeAt, 8).getFloat64(0),
  };
}
