/** An extension as it travels, not yet understood (RFC 8446 §4.2). */
import { type Codec, list16, opaque16, struct, uint16 } from '../codec.js';

export interface RawExtension {
  readonly extensionType: number;
  readonly extensionData: Uint8Array;
}

export const rawExtension: Codec<RawExtension> = struct<RawExtension>({
  extensionType: uint16,
  extensionData: opaque16(0, 65535),
});

/** `Extension extensions<0..2^16-1>` */
export const rawExtensions: Codec<readonly RawExtension[]> = list16(rawExtension, 0, 65535);
