import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type FailureCause, withCause } from './failure-cause.js';
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
    expect(new SslError({ options: { certfile: ['/a.pem', { error: 'enoent' }] } }).message).toBe(
      'Invalid certificate file /a.pem: no such file or directory',
    );
  });

  it.each([
    [{ bad_pem: 'no PEM block of a known kind' }, 'no PEM block of a known kind'],
    ['a wrong password', 'a wrong password'],
    [[], 'no private key in it'],
    [{ error: 'eacces' }, 'permission denied'],
    [{ error: 'no_posix_name' }, 'decoding error'],
  ])('a file’s own reason %j is told, and nothing general behind it', (reason, words) => {
    expect(new SslError({ options: { keyfile: ['/k.pem', reason] } }).message).toBe(
      `Invalid key file /k.pem: ${words}`,
    );
  });

  it('a handshake that was given up to make room names the options that decide', () => {
    expect(new SslError('system_limit').message).toMatch(/^a system limit was hit.*maxHandshakes/);
    expect(new SslError('system_limit').code).toBe('SYSTEM_LIMIT');
  });

  const cause: FailureCause = {
    rule: 'hostname_check_failed',
    text: 'issued for other names',
    hint: 'it has a, wanted is b',
    side: 'client',
    by: 'self',
    certificate: { place: 'peer certificate', subject: 'CN=a', serial: '01' },
  };
  const plain = (): { readonly tls_alert: readonly ['handshake_failure', string] } => ({
    tls_alert: ['handshake_failure', 'TLS client: … Handshake Failure\n'],
  });

  it('a cause goes along with its term, and the term stays what it was', () => {
    const term = withCause(plain(), cause);
    expect(new SslError(term).cause).toEqual(cause);
    expect(new SslError(plain()).cause).toBeUndefined();
    expect(term).toStrictEqual(plain());
    expect(JSON.stringify(term)).toBe(JSON.stringify(plain()));
    expect(inspect(term)).toBe(inspect(plain()));
  });

  it('a precise cause is told in place of general advice, once', () => {
    const message = 'TLS client: … Handshake Failure. issued for other names; it has a, wanted is b';
    expect(new SslError(withCause(plain(), cause)).message).toBe(message);
    expect(new SslError(plain()).message).toContain('compare versions, ciphers and names');
    const told = withCause({ tls_alert: ['handshake_failure', `${message}\n`] as const }, cause);
    expect(new SslError(told).message).toBe(message);
  });

  it('general advice never follows a text that names a rule, wherever it comes from', () => {
    const text =
      'TLS client: … Handshake Failure\n { bad_cert: … }\n peer certificate "CN=a": issued for other names';
    expect(new SslError({ tls_alert: ['handshake_failure', text] }).message).toBe(text);
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
