/** Answers of a connection process that do not depend on what it holds. */
import type { From } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import { alertText } from '../../values/alert-text.js';
import { type AlertDescription, alertCode } from '../../values/registry/alerts.js';
import type { Failed, Ok, SslReason } from '../../values/terms.js';
import { type ConnectionRequest, connectionRequests, type RefusableRequest } from './connection-requests.js';

export const okay: Ok = { ok: true };
export const closedError: Failed = { error: 'closed' };
export const einval: Failed = { error: 'einval' };

const { reply } = connectionRequests;

/** Only what may fail can be refused: anything else does not compile. */
export function refuse(request: RefusableRequest, from: From, failed: Failed): void {
  reply(request, from, failed);
}

/** What a call gets when the connection is over (contract §1.1). */
export function answerAfterEnd(request: ConnectionRequest, from: From): void {
  switch (request.type) {
    case 'close':
      reply(request, from, okay);
      return;
    case 'peername':
    case 'sockname':
    case 'statistics':
      refuse(request, from, einval);
      return;
    default:
      refuse(request, from, closedError);
  }
}

/** What is told when one of our own processes crashed. */
export function crashReason({ protocol, role }: Config): SslReason {
  const alert = 'internal_error';
  return { tls_alert: [alert, alertText({ protocol, role, state: 'connection', by: 'self', alert })] };
}

/** The alert's number; one that nobody knows was the peer's and is never sent. */
export function codeOf(alert: AlertDescription): number {
  return alert === 'unsupported/unknown_alert' ? 0 : alertCode(alert);
}

/** A failure's name among the counters: an atom, or the tag of a term. */
export function nameOf(reason: SslReason): string {
  return typeof reason === 'string' ? reason : (Object.keys(reason)[0] ?? 'unknown');
}
