/** What an alert of the peer means, by version family (RFC 8446 §6, RFC 5246 §7.2). */
import type { AlertDescription } from '../values/registry/alerts.js';

/** The peer says goodbye, the connection has failed, or nothing comes of it. */
export type AlertMeaning = 'closes' | 'fails' | 'passes';
export type AlertRules = (level: number, alert: AlertDescription) => AlertMeaning;

const warning = 1;

/**
 * RFC 8446 §6: every alert but close_notify is an error, whatever its level. §6.1: user_canceled is none either. As a
 * warning it only announces close_notify, which some (Java) never send without it.
 */
export function tls13Alerts(level: number, alert: AlertDescription): AlertMeaning {
  if (alert === 'close_notify') return 'closes';
  return alert === 'user_canceled' && level === warning ? 'passes' : 'fails';
}

/** RFC 5246 §7.2.2: warnings may be ignored, and OTP does. */
export function tls12Alerts(level: number, alert: AlertDescription): AlertMeaning {
  if (alert === 'close_notify') return 'closes';
  return level === warning ? 'passes' : 'fails';
}
