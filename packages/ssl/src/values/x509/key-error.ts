/** Why a key, or a key with its certificate, is of no use. */
export type KeyErrorKind =
  | 'no_key'
  | 'malformed'
  | 'unsupported'
  | 'password_required'
  | 'wrong_password'
  /** Key and certificate do not belong together. */
  | 'mismatch'
  | 'bad_certificate';

export class KeyError extends Error {
  readonly code = 'key';
  readonly kind: KeyErrorKind;
  constructor(kind: KeyErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyError';
    this.kind = kind;
  }
}
