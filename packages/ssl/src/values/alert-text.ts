/**
 * The text of an alert, for `{ tls_alert: [alert, text] }` and the log (contract §9.1).
 *
 * Where OTP names the file and line that found the fault, our reason stands (`reasons.ts`): it is as precise, and
 * does not change from release to release. `… at certificate_rejected generated CLIENT ALERT: Fatal - Unknown CA\n`.
 */
import { notation } from './notation.js';
import type { AlertDescription, AlertLevel } from './registry/alerts.js';
import { alertTitle } from './registry/alerts.js';

/** What the text tells. */
export interface AlertReport {
  readonly protocol: 'tls' | 'dtls';
  /** Our own role, whoever sent the alert. */
  readonly role: 'client' | 'server';
  /** State of our handshake machine, in OTP's snake_case. */
  readonly state: string;
  /** Who found the fault and made the alert. */
  readonly by: 'self' | 'peer';
  /** Default `fatal`. */
  readonly level?: AlertLevel | undefined;
  readonly alert: AlertDescription;
  /** The byte of an alert that nobody knows. */
  readonly code?: number | undefined;
  /** Own alerts: the reason; default `internal_error`. */
  readonly reason?: string | undefined;
  /** Own alerts: more, such as `{ bad_cert: 'cert_expired' }`. */
  readonly detail?: unknown;
  /** Ours, for people: which certificate was refused, why, and what can be done; what the peer may mean. */
  readonly explanation?: string | undefined;
}

/** One line ended by `\n`; a detail follows on a second, an explanation on the last. */
export function alertText(report: AlertReport): string {
  const { role, by, alert, code, level = 'fatal', reason = 'internal_error', detail, explanation } = report;
  const start = `${report.protocol.toUpperCase()} ${role}: In state ${report.state}`;
  const sender = by === 'self' ? role : role === 'client' ? 'server' : 'client';
  const deed = by === 'self' ? `at ${reason} generated` : 'received';
  const severity = level === 'fatal' ? 'Fatal' : 'Warning';
  const line = `${start} ${deed} ${sender.toUpperCase()} ALERT: ${severity} - ${alertTitle(alert, code)}\n`;
  const more = [
    ...(detail === undefined || by === 'peer' ? [] : [` ${notation(detail)}`]),
    ...(explanation === undefined ? [] : [` ${explanation}`]),
  ];
  return line + more.join('\n');
}
