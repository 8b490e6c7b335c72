import { describe, expect, it } from 'vitest';
import { alertText } from './alert-text.js';

describe('the text of an alert', () => {
  it('of our own names our side, state, reason, level and title, as OTP does with file and line', () => {
    expect(
      alertText({
        protocol: 'tls',
        role: 'client',
        state: 'certify',
        by: 'self',
        alert: 'unknown_ca',
        reason: 'certificate_rejected',
      }),
    ).toBe(
      'TLS client: In state certify at certificate_rejected generated CLIENT ALERT: Fatal - Unknown CA\n',
    );
  });

  it('of our own tells a detail on a second line', () => {
    const text = alertText({
      protocol: 'tls',
      role: 'server',
      state: 'wait_cert',
      by: 'self',
      alert: 'handshake_failure',
      reason: 'certificate_rejected',
      detail: { bad_cert: 'hostname_check_failed' },
    });
    expect(text.endsWith("Fatal - Handshake Failure\n { bad_cert: 'hostname_check_failed' }")).toBe(true);
  });

  it("of the peer's is told with the peer's role and without our reason", () => {
    expect(
      alertText({
        protocol: 'dtls',
        role: 'server',
        state: 'certify',
        by: 'peer',
        level: 'warning',
        alert: 'no_renegotiation',
        reason: 'not told',
        detail: { not: 'told' },
      }),
    ).toBe('DTLS server: In state certify received CLIENT ALERT: Warning - No Renegotiation\n');
  });

  it('of an alert that nobody knows tells its number', () => {
    const text = alertText({
      protocol: 'tls',
      role: 'client',
      state: 'connection',
      by: 'peer',
      alert: 'unsupported/unknown_alert',
      code: 99,
    });
    expect(text).toBe(
      'TLS client: In state connection received SERVER ALERT: Fatal - unsupported/unknown alert: 99\n',
    );
  });
});
