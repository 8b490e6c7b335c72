/** DHParameter (PKCS #3 §9): a group of finite-field Diffie-Hellman, as `dh` and PEM files have it. */
import { DerError, decodeAll, Tag } from '../x509/der.js';

export interface DhParams {
  /** Big endian, without leading zeros. */
  readonly prime: Uint8Array;
  readonly generator: Uint8Array;
}

/** `undefined`: these bytes are no DHParameter. Whether the prime is one is not looked at. */
export function readDhParameter(der: Uint8Array): DhParams | undefined {
  try {
    return decodeAll(der, (outer) => {
      const fields = outer.open(Tag.sequence);
      const prime = positive(fields.content(Tag.integer));
      const generator = positive(fields.content(Tag.integer));
      // privateValueLength: how long exponents may be is ours to know.
      if (!fields.done) fields.skip();
      fields.finish();
      return prime && generator && { prime, generator };
    });
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** The digits of an INTEGER above zero, a copy. */
function positive(content: Uint8Array): Uint8Array | undefined {
  const [first = 0x80] = content;
  if (first >= 0x80 || (first === 0 && content.length === 1)) return undefined;
  return content.slice(first === 0 ? 1 : 0);
}
