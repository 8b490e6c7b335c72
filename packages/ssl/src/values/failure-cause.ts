/**
 * Why a call failed, for programs and people: what OTP's error term has no place for.
 *
 * The term stays what OTP answers. The cause hangs on it by a symbol that neither prints nor counts when terms are
 * compared, and goes wherever the term goes: into answers, messages to owners and `SslError`.
 */

/** The certificate that broke a rule. */
export interface BlamedCertificate {
  /** `peer certificate`, `CA certificate 2 above the peer's`, `peer certificate chain`. */
  readonly place: string;
  /** RFC 4514, or `undefined` when no certificate could be read. */
  readonly subject: string | undefined;
  /** hex */
  readonly serial: string | undefined;
}

/** What was wrong, who found it, and what to do about it. */
export interface FailureCause {
  /**
   * The rule that was broken, a name to compare with: of a certificate (`hostname_check_failed`,
   * `invalid_ext_key_usage`, `cert_expired`, `cert_not_yet_valid`, `unknown_ca`, …), of the protocol
   * (`unsupported_version`, `not_tls`, `bad_finished`, …), of options (`unknown_option`, `option_not_built`,
   * `wrong_value`, …); of a peer that told us, its alert.
   */
  readonly rule: string;
  /** The same in words. */
  readonly text: string;
  /** What a person can do about it. */
  readonly hint: string | undefined;
  /** Which side found it; `undefined`: it never came to a connection. */
  readonly side: 'client' | 'server' | undefined;
  /** Whether that side is we, or the peer, who tells no more than an alert. */
  readonly by: 'self' | 'peer';
  readonly certificate: BlamedCertificate | undefined;
}

const mark: symbol = Symbol.for('@actor-tls/ssl.cause');

/** The term itself, with its cause. */
export function withCause<Term extends object>(term: Term, cause: FailureCause): Term {
  return Object.defineProperty(term, mark, {
    value: Object.freeze(cause),
    enumerable: false,
    configurable: true,
  });
}

/** The cause that hangs on a reason, if any. */
export function causeOf(reason: unknown): FailureCause | undefined {
  if (typeof reason !== 'object' || reason === null) return undefined;
  const cause: unknown = Reflect.get(reason, mark);
  return isCause(cause) ? cause : undefined;
}

/** A cause of material and options: nobody's certificate, no side of a connection. */
export function localCause(rule: string, text: string, hint?: string): FailureCause {
  return { rule, text, hint, side: undefined, by: 'self', certificate: undefined };
}

function isCause(value: unknown): value is FailureCause {
  return typeof value === 'object' && value !== null && 'rule' in value && 'text' in value;
}
