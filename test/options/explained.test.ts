/** What a wrong option is told in words, beside OTP's term. */
import { describe, expect, it } from 'vitest';
import { notBuilt } from '../../packages/ssl/src/options/explain.js';
import { parseClientOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { emulatedRows, transportRows } from '../../packages/ssl/src/options/socket-options.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { causeOf, type FailureCause } from '../../packages/ssl/src/values/failure-cause.js';
import { formatError } from '../../packages/ssl/src/values/format-error.js';
import { SslError } from '../../packages/ssl/src/values/ssl-error.js';
import type { SslReason } from '../../packages/ssl/src/values/terms.js';

const context = { engine: defaultEngine };

function refusal(options: object, role: 'client' | 'server' = 'client'): SslReason {
  const parse = role === 'client' ? parseClientOptions : parseServerOptions;
  const parsed = parse(options, context);
  if ('ok' in parsed) throw new Error('it was accepted');
  return parsed.error;
}

function cause(options: object, role: 'client' | 'server' = 'client'): FailureCause {
  const found = causeOf(refusal(options, role));
  if (found === undefined) throw new Error('no cause');
  return found;
}

describe('an unknown option', () => {
  it.each([
    ['cacert', 'cacerts'],
    ['cert_file', 'certfile'],
    ['verify_fun', 'verifyFun'],
    ['server_name_indication', 'serverNameIndication'],
    ['Verify', 'verify'],
    ['packetsize', 'packetSize'],
    ['noDelay', 'nodelay'],
    ['signatureAlgorithms', undefined],
    ['rejectUnauthorized', undefined],
    ['x', undefined],
    ['__proto', undefined],
    ['a'.repeat(100_000), undefined],
  ])('%s: may have meant %s', (given, meant) => {
    const told = cause({ [given]: 1 });
    expect(told.rule).toBe('unknown_option');
    expect(told.text.length).toBeLessThan(100);
    if (meant === undefined) expect(told.hint).not.toContain('did you mean');
    else expect(told.hint).toBe(`did you mean ${meant}?`);
  });

  it('is told apart from one that is not built, each by itself', () => {
    expect(cause({ senderSpawnOpts: [] })).toMatchObject({
      rule: 'option_not_built',
      text: 'senderSpawnOpts is not built yet',
    });
    expect(cause({ cb_info: [], cacert: 'x' }, 'server').text).toBe(
      'cb_info is not built yet; there is no option cacert',
    );
  });

  it('is told in the text of formatError and SslError, behind the words of OTP', () => {
    const reason = refusal({ cacert: 'x' });
    expect(reason).toEqual({ options: { socket_options: { cacert: 'x' } } });
    expect(formatError(reason)).toBe("Invalid socket option: { cacert: 'x' }: there is no option cacert");
    expect(new SslError(reason).message).toBe(`${formatError(reason)}. did you mean cacerts?`);
  });

  it('nothing is called not built that is', () => {
    const built = [
      ...optionRows.map((row) => row.name),
      ...Object.keys(transportRows),
      ...Object.keys(emulatedRows),
    ];
    expect(built.filter((name) => notBuilt.has(name))).toEqual([]);
  });
});

describe('a wrong value', () => {
  it.each<[object, 'client' | 'server', Partial<FailureCause>]>([
    [{ depth: -1 }, 'client', { rule: 'wrong_value', text: 'depth takes 0..255' }],
    [{ packet: 3 }, 'client', { rule: 'wrong_value' }],
    [{ nodelay: 5 }, 'client', { rule: 'wrong_value' }],
    [{ backlog: 5 }, 'client', { rule: 'wrong_value' }],
    [{ verify: 'verify_peer' }, 'server', { rule: 'missing_cacerts', hint: 'give cacerts or cacertfile' }],
    [{ honorCipherOrder: true }, 'client', { rule: 'wrong_side' }],
  ])('of %j on a %s has its cause', (options, role, told) => {
    expect(cause(options, role)).toMatchObject(told);
  });

  it('is never shown when it may be secret', () => {
    const reason = refusal({ password: 5n, key: 'PRIVATE' });
    expect(new SslError(reason).message).not.toMatch(/PRIVATE|5n/);
  });
});
