/** What a handshake does with the key of the peer's certificate, and the key usage that this takes (RFC 5280 §4.2.1.3). */
import { KeyUsageBit } from './extensions/key-usage.js';

/** By the key exchange (RFC 5246 §7.4.2); in TLS 1.3 every key signs. */
export type KeyUse = 'signature' | 'encipherment' | 'agreement';

interface UsageRule {
  readonly bit: number;
  /** Why a certificate without it is refused. */
  readonly rule: string;
}

export const usageRules: Readonly<Record<KeyUse, UsageRule>> = {
  signature: {
    bit: KeyUsageBit.digitalSignature,
    rule: 'its key usage does not allow its key to sign, which it does in a handshake (digitalSignature, RFC 8446 §4.4.2.2)',
  },
  encipherment: {
    bit: KeyUsageBit.keyEncipherment,
    rule: 'its key usage does not allow secrets to be enciphered for its key, as this suite does (keyEncipherment, RFC 5246 §7.4.2)',
  },
  agreement: {
    bit: KeyUsageBit.keyAgreement,
    rule: 'its key usage does not allow secrets to be agreed upon with its key, as this suite does (keyAgreement, RFC 5246 §7.4.2)',
  },
};
