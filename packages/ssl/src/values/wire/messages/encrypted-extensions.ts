/** EncryptedExtensions (RFC 8446 §4.3.1). */
import { type Codec, struct } from '../codec.js';
import { type RawExtension, rawExtensions } from './extension.js';

export interface EncryptedExtensions {
  readonly extensions: readonly RawExtension[];
}

export const encryptedExtensions: Codec<EncryptedExtensions> = struct<EncryptedExtensions>({
  extensions: rawExtensions,
});
