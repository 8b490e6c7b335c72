/**
 * ContentType (RFC 8446 §5.1) and the few numbers that records are made of.
 */

export type ContentType = 'change_cipher_spec' | 'alert' | 'handshake' | 'application_data';

/** Codes on the wire. */
export const CHANGE_CIPHER_SPEC = 20;
export const ALERT = 21;
export const HANDSHAKE = 22;
export const APPLICATION_DATA = 23;

/** Over datagrams: asks whether the peer is where its records come from (RFC 9853 §4). */
export const RETURN_ROUTABILITY_CHECK = 27;

/** type, legacy_record_version, length */
export const HEADER_LENGTH = 5;
/** Largest TLSPlaintext.fragment, bytes (§5.1). */
export const MAX_PLAINTEXT = 16_384;
/** Largest TLSCiphertext.encrypted_record beyond the plaintext, bytes (§5.2). */
export const MAX_EXPANSION = 256;

/** The same over datagrams. */
export function datagramContentType(code: number): ContentType | 'return_routability_check' | undefined {
  return code === RETURN_ROUTABILITY_CHECK ? 'return_routability_check' : contentType(code);
}

/** The name of a content type's code, or `undefined`. */
export function contentType(code: number): ContentType | undefined {
  switch (code) {
    case APPLICATION_DATA:
      return 'application_data';
    case HANDSHAKE:
      return 'handshake';
    case ALERT:
      return 'alert';
    case CHANGE_CIPHER_SPEC:
      return 'change_cipher_spec';
    default:
      return undefined;
  }
}
