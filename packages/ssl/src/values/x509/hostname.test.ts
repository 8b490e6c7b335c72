import { describe, expect, it } from 'vitest';
import { selfSigned } from '../../testing/certificates.js';
import { parseAddress } from '../address.js';
import { generateKey } from '../crypto/key-generation.js';
import { Certificate } from './certificate.js';
import {
  exactMatchFun,
  type HostnameCheckHooks,
  httpsMatchFun,
  rfc9525MatchFun,
  verifyHostname,
} from './hostname.js';

const key = generateKey('ec');

/** A certificate with these alternative names, and a common name. */
function bearing(names: readonly string[], subject = 'x.example'): Certificate {
  const { cert } = selfSigned({ subject, names: names.map((dns) => ({ dns })), key });
  return new Certificate(cert);
}

describe('host names of certificates', () => {
  it.each([
    ['www.example.org', 'www.example.org', true],
    ['WWW.Example.ORG', 'www.example.org', true],
    ['www.example.org', '*.example.org', true],
    ['www.example.org.', 'www.example.org', true],
    ['www.example.org', 'www.example.org.', true],
    ['1a.example.org', '*.example.org', true],
    ['xn--bcher-kva.example.org', '*.example.org', true],
    ['www.example.org', 'w*.example.org', false],
    ['www.example.org', '*w.example.org', false],
    ['www.example.org', 'www..example.org', false],
    ['www.example.org', '.www.example.org', false],
    ['www.example.org', 'www.example.org..', false],
    ['www.example.org', '*..example.org', false],
    ['a', '..a', false],
    ['www..example.org', 'www..example.org', false],
    ['www.example.org\u0000', 'www.example.org\u0000', false],
    ['10.0.0.1', '10.0.0.1', false],
    ['\u212aa.example', 'ka.example', false],
    ['example.com', '*.com', false],
    ['example.com', '*.com.', false],
    ['app.localhost', '*.localhost', false],
    ['.example.org', '*.example.org', false],
    ['example.org', '*.example.org', false],
    ['a.b.example.org', '*.example.org', false],
    ['www.example.org', 'www.*.org', false],
    ['www.example.org', '**.example.org', false],
    ['*.example.org', '*.example.org', false],
    ['com', '*', false],
    ['xn--bcher-kva.example', 'xn--*.example', false],
    ['w.example.org', 'ww*w.example.org', false],
  ])('%s against %s: %s', (host, pattern, expected) => {
    const references = [{ dns_id: host }];
    expect(httpsMatchFun({ dns_id: host }, { dNSName: pattern })).toBe(expected);
    expect(verifyHostname(bearing([pattern]), references)).toBe(expected);
    expect(verifyHostname(bearing([], pattern), references)).toBe(expected);
    const isExact = expected && host.toLowerCase() === pattern.toLowerCase();
    expect(exactMatchFun({ dns_id: host }, { dNSName: pattern })).toBe(isExact);
  });

  it('are left to the default where a named rule has nothing to say', () => {
    for (const matchFun of [httpsMatchFun, exactMatchFun, rfc9525MatchFun])
      expect(matchFun({ ip: '1.2.3.4' }, { iPAddress: Uint8Array.of(1, 2, 3, 4) })).toBe('default');
    for (const matchFun of [httpsMatchFun, exactMatchFun])
      expect(matchFun('www.example.org', { cn: 'www.example.org' })).toBe('default');
  });

  it('are common names too where there are no others, but not by the letter of RFC 9525', () => {
    const found = (hooks: HostnameCheckHooks): boolean =>
      verifyHostname(bearing([], 'www.example.org'), [{ dns_id: 'www.example.org' }], hooks);
    expect(found({})).toBe(true);
    expect(found({ matchFun: exactMatchFun })).toBe(true);
    expect(found({ matchFun: rfc9525MatchFun })).toBe(false);
  });
});

describe('addresses in text', () => {
  const hex = (text: string): string | undefined => {
    const address = parseAddress(text);
    return address === undefined ? undefined : Buffer.from(address).toString('hex');
  };
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['2001:db8:0:0:0:0:0:1', '20010db8000000000000000000000001'],
    ['1::', `0001${'0'.repeat(28)}`],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ])('%s', (text, expected) => {
    expect(hex(text)).toBe(expected);
  });
  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4a',
    ':',
    ':::',
    '1:2',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    'fe80::1%eth0',
    '::1.2.3',
    '12345::',
    'www.example.org',
  ])('%j is none', (text) => {
    expect(hex(text)).toBeUndefined();
  });
});
