/** What a handshake tells a key log (draft-ietf-tls-keylogfile §2): secrets as lines, when they come into being. */
import { type KeyLogLabel, keyLogLine } from '../values/key-log.js';
import type { Sink } from './sink.js';

/** One secret and its name. */
export type NamedSecret = readonly [label: KeyLogLabel, secret: Uint8Array];

/** Tells of secrets that have come into being together. */
export type SecretLog = (...secrets: readonly NamedSecret[]) => void;

/** `undefined` when nobody listens: then no line is made. */
export function secretLogOf(
  { keyLog }: Pick<Sink, 'keyLog'>,
  clientRandom: Uint8Array,
): SecretLog | undefined {
  if (keyLog === undefined) return undefined;
  return (...secrets) =>
    keyLog(
      secrets.map(([label, secret]) => keyLogLine(label, clientRandom, secret)),
      clientRandom,
    );
}
