/**
 * How many records one key may protect (RFC 8446 §5.5): what keeps the advantage of an attacker who sees them all below
 * 2^-57. Beside the suites, since it is the cipher's.
 */
import type { CipherName } from './suites.js';

/** 2^24.5 full records (RFC 8446 §5.5). */
const gcm = 23_726_566;
/** 2^23 full records, whatever the tag's length (RFC 9147 §4.5.3, appendix B). */
const ccm = 8_388_608;

/** Records under one key; `Infinity` where the sequence number ends first, or where no key can be changed. */
export function recordLimit(cipher: CipherName): number {
  switch (cipher) {
    case 'aes_128_gcm':
    case 'aes_256_gcm':
      return gcm;
    case 'aes_128_ccm':
    case 'aes_256_ccm':
    case 'aes_128_ccm_8':
    case 'aes_256_ccm_8':
      return ccm;
    case 'chacha20_poly1305':
    case 'aes_128_cbc':
    case 'aes_256_cbc':
    case '3des_ede_cbc':
    case 'des_cbc':
    case 'rc4_128':
    case 'null':
      return Infinity;
  }
}
