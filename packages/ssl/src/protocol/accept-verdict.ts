/** What the judgement of the peer's certificates means for the handshake (RFC 8446 §4.4.2.4). */
import type { PublicKey } from '../values/crypto/engine.js';
import { AlertError } from './reasons.js';
import type { Verdict } from './sink.js';

/** The key to check CertificateVerify with. Throws `certificate_rejected` with the verdict's alert and detail. */
export function acceptVerdict(verdict: Verdict): PublicKey {
  if ('ok' in verdict) return verdict.ok;
  const { alert, detail } = verdict.reject;
  throw new AlertError(
    'certificate_rejected',
    detail,
    alert === 'unsupported/unknown_alert' ? 'certificate_unknown' : alert,
  );
}
