import { describe, expect, it } from 'vitest';
import { isSslError, SslError, unwrap } from './ssl-error.js';
import type { SslReason } from './terms.js';

describe('SslError', () => {
  it('unwrap gives the value of ok and throws the error of error', () => {
    expect(unwrap({ ok: 5 })).toBe(5);
    expect(() => unwrap({ error: 'closed' })).toThrow(SslError);
  });

  it.each<[SslReason, string]>([
    ['closed', 'TLS_CLOSED'],
    ['timeout', 'TLS_TIMEOUT'],
    ['econnrefused', 'ECONNREFUSED'],
    [{ tls_alert: ['unknown_ca', 'text'] }, 'TLS_ALERT_UNKNOWN_CA'],
    [{ tls_alert: ['unsupported/unknown_alert', 'text'] }, 'TLS_ALERT_UNSUPPORTED_UNKNOWN_ALERT'],
    [{ options: { verify: 'x' } }, 'TLS_OPTIONS'],
    [{ option: ['server_only', 'honorCipherOrder'] }, 'TLS_OPTION'],
    [{ invalid_packet: Uint8Array.of(1) }, 'TLS_INVALID_PACKET'],
    [{}, 'TLS_UNKNOWN'],
  ])('%j has the code %s', (reason, code) => {
    const error = new SslError(reason);
    expect(error.code).toBe(code);
    expect(error.reason).toBe(reason);
  });

  it('the message tells what happened and what to do next', () => {
    expect(new SslError('econnrefused').message).toBe(
      'connection refused. Nothing listens at that address and port.',
    );
    expect(new SslError({ tls_alert: ['unknown_ca', 'TLS client: …\n'] }).message).toMatch(
      /^TLS client: ….*cacerts/,
    );
    expect(new SslError({ options: { cacertfile: '' } }).message).toContain(
      'verify_peer needs trusted certificates',
    );
    expect(
      new SslError({ options: { insufficient_crypto_support: { 'tlsv1.2': { versions: ['tlsv1.2'] } } } })
        .message,
    ).toContain('leave it out of versions');
    expect(new SslError({ options: { certfile: ['/a.pem', { error: 'enoent' }] } }).message).toBe(
      'Invalid certificate file /a.pem: no such file or directory. It has to be a readable PEM file with the expected content.',
    );
  });

  it('a reason without advice is told plainly', () => {
    expect(new SslError('faulty_configuration').message).toBe('Unexpected error: faulty_configuration');
  });

  it('instanceof holds across two copies of the package, and for nothing else', () => {
    const twin: unknown = Object.assign(new Error('x'), { [Symbol.for('@actor-tls/ssl.SslError')]: true });
    expect(twin instanceof SslError).toBe(true);
    expect(isSslError(new Error('x'))).toBe(false);
    expect(isSslError(undefined)).toBe(false);
  });

  it('a wrong key or password is never in the message', () => {
    expect(new SslError({ options: { password: 'hunter2' } }).message).not.toContain('hunter2');
  });
});
