/**
 * What is said of a connection that failed: OTP's term with its text, and the cause that hangs on it. Here the core's
 * reason, the verdict on the peer's certificates and what the peer speaks in place of TLS come together.
 */
import type { Config } from '../../options/config.js';
import { reasons } from '../../protocol/reasons.js';
import type { Failure } from '../../protocol/sink.js';
import { alertAdvice } from '../../values/advice.js';
import { alertText } from '../../values/alert-text.js';
import { type FailureCause, withCause } from '../../values/failure-cause.js';
import type { SslReason } from '../../values/terms.js';
import { otherProtocol } from '../../values/wire/other-protocols.js';
import { type Explanation, explain } from '../../values/x509/peer-verdict.js';
import type { ConnectionLog } from './connection-log.js';

/** What is known of a failure besides what the core tells. */
export interface Circumstances {
  /** Why the peer's certificates were refused. */
  readonly verdict: Explanation | undefined;
  /** What the peer sent and nobody could read, from its first byte on. */
  readonly unread: Uint8Array;
}

export interface FailureReport {
  readonly reason: SslReason;
  readonly text: string;
  /** For people, what OTP's own words leave open. */
  readonly explanation: string | undefined;
}

/** `{tls_alert, {Alert, Text}}` of a failure, with its cause. */
function reportFailure(failure: Failure, config: Config, { verdict, unread }: Circumstances): FailureReport {
  const { protocol, role, versions } = config;
  const cause =
    failure.by === 'peer'
      ? toldByPeer(failure, role, versions)
      : (refusal(verdict, role) ?? speech(failure, role, unread) ?? ownFinding(failure, role, versions));
  const explanation =
    verdict === undefined || failure.by === 'peer' ? inWords(failure, cause) : explain(verdict);
  const text = alertText({ protocol, role, ...failure, explanation });
  return { reason: withCause({ tls_alert: [failure.alert, text] }, cause), text, explanation };
}

/** The failure's reason, for owner and callers; the log gets it too. */
export function logFailure(
  failure: Failure,
  config: Config,
  log: ConnectionLog,
  circumstances: Circumstances,
): SslReason {
  const report = reportFailure(failure, config, circumstances);
  const { alert, by, detail, reason, state } = failure;
  const { text, explanation } = report;
  log.report('notice', { alert, by, state, reason, detail, explanation }, text.trimEnd());
  return report.reason;
}

type Role = Config['role'];

/** The peer's certificates were judged. */
function refusal(verdict: Explanation | undefined, side: Role): FailureCause | undefined {
  if (verdict === undefined) return undefined;
  const { name, rule, hint, place, subject, serial } = verdict;
  return { rule: name, text: rule, hint, side, by: 'self', certificate: { place, subject, serial } };
}

/** The peer's first bytes are those of another protocol. */
function speech({ reason }: Failure, side: Role, unread: Uint8Array): FailureCause | undefined {
  if (reason !== 'unknown_content_type' && reason !== 'wrong_record_version') return undefined;
  const other = otherProtocol(unread);
  const text = other === undefined ? 'the peer speaks no TLS' : `the peer speaks ${other}`;
  const hint = side === 'client' ? 'is this the port where it speaks TLS?' : undefined;
  return { rule: 'not_tls', text, hint, side, by: 'self', certificate: undefined };
}

function ownFinding(
  { reason = 'internal_error', detail }: Failure,
  side: Role,
  versions: Versions,
): FailureCause {
  const { text, hint } = reasons[reason];
  const older = reason === 'unsupported_version' ? versionsIn(detail) : [];
  return {
    rule: reason,
    text: older.length === 0 ? text : `the peer speaks only ${older.join(', ')}`,
    hint: older.length === 0 ? hint : `we speak only ${versions.join(', ')}: have it speak that too`,
    side,
    by: 'self',
    certificate: undefined,
  };
}

type Versions = Config['versions'];

function versionsIn(detail: unknown): readonly unknown[] {
  if (typeof detail !== 'object' || detail === null) return [];
  if ('version' in detail) return [detail.version];
  return 'versions' in detail && Array.isArray(detail.versions) ? detail.versions : [];
}

/** All that a peer tells is an alert. */
function toldByPeer({ alert }: Failure, role: Role, versions: Versions): FailureCause {
  const side = role === 'client' ? 'server' : 'client';
  const shared: FailureCause = {
    rule: alert,
    text: `the ${side} has refused`,
    hint: alertAdvice[alert],
    side,
    by: 'peer',
    certificate: undefined,
  };
  if (alert !== 'protocol_version') return shared;
  return {
    ...shared,
    text: `the ${side} speaks none of our versions`,
    hint: `we speak only ${versions.join(', ')}: have it speak that too`,
  };
}

/** Only what no word of OTP's text tells: a text is not to say everything twice. */
function inWords(failure: Failure, { rule, text, hint }: FailureCause): string | undefined {
  const telling =
    failure.by === 'peer'
      ? rule === 'protocol_version'
      : rule === 'not_tls' || versionsIn(failure.detail).length > 0;
  if (!telling) return undefined;
  return hint === undefined ? text : `${text}; ${hint}`;
}
