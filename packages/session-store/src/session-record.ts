/**
 * A session of TLS ≤ 1.2 as the bytes of a store: format (1), createdAt (8), session id (1 + 1..32), likeness (2 + …),
 * content (the rest). Wrapped as a whole when there is a wrapping, for the place where it stands. Read strictly.
 */
import { copied } from './sealed-box.js';
import { SecretBytes } from './secret-bytes.js';
import { type SessionKey, type StoredSession, sessionKeyText } from './session-cache-api.js';
import type { StoreWrapping } from './store-wrapping.js';

const FORMAT = 1;
const FIXED = 10;

export function encodeSession(
  key: SessionKey,
  { sessionId, createdAt, likeness, content }: StoredSession,
  wrapping: StoreWrapping | undefined,
): Uint8Array {
  const like = Buffer.from(likeness);
  const secret = content.expose();
  const bytes = new Uint8Array(FIXED + sessionId.length + 2 + like.length + secret.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  view.setFloat64(1, createdAt);
  bytes[9] = sessionId.length;
  bytes.set(sessionId, FIXED);
  view.setUint16(FIXED + sessionId.length, like.length);
  bytes.set(like, FIXED + sessionId.length + 2);
  bytes.set(secret, FIXED + sessionId.length + 2 + like.length);
  if (wrapping === undefined) return bytes;
  const wrapped = wrapping.wrap(placeOf(key), bytes);
  bytes.fill(0);
  return wrapped;
}

/** `undefined` for what nobody of this fleet wrote there. */
export function decodeSession(
  key: SessionKey,
  stored: Uint8Array,
  wrapping: StoreWrapping | undefined,
): StoredSession | undefined {
  const bytes = wrapping === undefined ? stored : wrapping.unwrap(placeOf(key), stored);
  if (bytes === undefined || bytes[0] !== FORMAT || bytes.length < FIXED) return undefined;
  const likeAt = FIXED + (bytes[9] ?? 0) + 2;
  if (bytes.length < likeAt) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const contentAt = likeAt + view.getUint16(likeAt - 2);
  const sessionId = copied(bytes, FIXED, likeAt - 2);
  if (bytes.length < contentAt || Buffer.compare(sessionId, key.sessionId) !== 0) return undefined;
  return {
    sessionId,
    createdAt: view.getFloat64(1),
    likeness: Buffer.from(bytes.subarray(likeAt, contentAt)).toString(),
    content: new SecretBytes(copied(bytes, contentAt)),
  };
}

function placeOf(key: SessionKey): string {
  return `session ${sessionKeyText(key)}`;
}
