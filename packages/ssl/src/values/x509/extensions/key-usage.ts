/** Key Usage, RFC 5280 §4.2.1.3. */
import type { DerReader } from '../der.js';

/** The set, bit n being bit n of the RFC's list; test with `KeyUsageBit`. */
export type KeyUsage = number;

export const KeyUsageBit = {
  digitalSignature: 0x1,
  nonRepudiation: 0x2,
  keyEncipherment: 0x4,
  dataEncipherment: 0x8,
  keyAgreement: 0x10,
  keyCertSign: 0x20,
  cRLSign: 0x40,
  encipherOnly: 0x80,
  decipherOnly: 0x100,
} as const;

export function readKeyUsage(reader: DerReader): KeyUsage {
  return reader.namedBits();
}
