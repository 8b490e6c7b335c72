/** KeyUpdate (RFC 8446 §4.6.3). */
import { type Codec, struct, uint8 } from '../codec.js';

export interface KeyUpdate {
  /** 0 update_not_requested, 1 update_requested; anything else is illegal. */
  readonly requestUpdate: number;
}

export const keyUpdate: Codec<KeyUpdate> = struct<KeyUpdate>({ requestUpdate: uint8 });
