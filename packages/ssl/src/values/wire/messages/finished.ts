/** Finished (RFC 8446 §4.4.4). */
import { type Codec, rest, struct } from '../codec.js';

export interface Finished {
  /** As long as the hash of the suite, which the receiver checks. */
  readonly verifyData: Uint8Array;
}

export const finished: Codec<Finished> = struct<Finished>({ verifyData: rest });
