/** `{tls_alert, {Alert, Text}}` as OTP words it (contract §9.1). */

import { reasons } from '../protocol/reasons.js';
import type { Failure } from '../protocol/sink.js';
import { type AlertDescription, alertTitle } from '../values/registry/alerts.js';
import type { SslReason } from '../values/terms.js';

type Role = 'client' | 'server';

/** What the user is told of a failed connection; a close_notify or an ended transport is `closed` and not this. */
export function alertReason(role: Role, failure: Failure): SslReason {
  const title = alertTitle(failure.alert);
  const speaker = (failure.by === 'self' ? role : role === 'client' ? 'server' : 'client').toUpperCase();
  const head = `TLS ${role}: In state ${failure.state}`;
  if (failure.by === 'peer')
    return { tls_alert: [failure.alert, `${head} received ${speaker} ALERT: Fatal - ${title}\n`] };
  const { reason, detail } = failure;
  const row = reason === undefined ? undefined : reasons[reason];
  const where = row === undefined ? '' : ` at ${row.section}`;
  const more = [row?.text, detailText(detail)].filter((part) => part !== undefined && part !== '').join(': ');
  const text = `${head}${where} generated ${speaker} ALERT: Fatal - ${title}\n${more === '' ? '' : ` ${more}`}`;
  return { tls_alert: [failure.alert, text] };
}

/** The text of a crash of our own processes. */
export function crashReason(role: Role): SslReason {
  const alert: AlertDescription = 'internal_error';
  return {
    tls_alert: [
      alert,
      `TLS ${role}: In state connection generated ${role.toUpperCase()} ALERT: Fatal - ${alertTitle(alert)}\n`,
    ],
  };
}

function detailText(detail: unknown): string {
  if (detail === undefined) return '';
  if (detail instanceof Error) return detail.message;
  if (typeof detail === 'string') return detail;
  try {
    return JSON.stringify(detail);
  } catch {
    return String(detail);
  }
}
