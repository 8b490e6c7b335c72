import { describe, expect, it } from 'vitest';
import { httpsMatchFun, parseAddress } from './hostname.js';

describe('the https matcher', () => {
  it.each([
    ['www.example.org', 'www.example.org', true],
    ['WWW.Example.ORG', 'www.example.org', true],
    ['www.example.org', '*.example.org', true],
    ['www.example.org', 'w*.example.org', true],
    ['www.example.org', '*w.example.org', true],
    ['example.org', '*.example.org', false],
    ['a.b.example.org', '*.example.org', false],
    ['www.example.org', 'www.*.org', false],
    ['www.example.org', '**.example.org', false],
    ['*.example.org', '*.example.org', false],
    ['com', '*', false],
    ['xn--bcher-kva.example', 'xn--*.example', false],
    ['w.example.org', 'ww*w.example.org', false],
  ])('%s against %s: %s', (host, pattern, expected) => {
    expect(httpsMatchFun({ dns_id: host }, { dNSName: pattern })).toBe(expected);
  });

  it('leaves other pairs to the default', () => {
    expect(httpsMatchFun({ ip: '1.2.3.4' }, { iPAddress: Uint8Array.of(1, 2, 3, 4) })).toBe('default');
    expect(httpsMatchFun('www.example.org', { cn: 'www.example.org' })).toBe('default');
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
