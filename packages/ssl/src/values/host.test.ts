import { domainToASCII } from 'node:url';
import { describe, expect, it } from 'vitest';
import { addressText } from './address.js';
import { dialledHost, hostOf } from './host.js';

/** A name, or an address after an @. */
function read(text: string): string | undefined {
  const host = hostOf(text);
  if (host === undefined) return undefined;
  return host.type === 'name' ? host.name : `@${addressText(host.address)}`;
}

const longest = `${'a.'.repeat(126)}a`;

describe('a host', () => {
  it.each([
    ['www.example.org', 'www.example.org'],
    ['WWW.Example.ORG.', 'www.example.org'],
    ['localhost', 'localhost'],
    ['_sip.example.org', '_sip.example.org'],
    ['1a.2b', '1a.2b'],
    ['3com.com', '3com.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example.', 'xn--bcher-kva.example'],
    ['faß.de', 'xn--fa-hia.de'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['ｗｗｗ.example', 'www.example'],
    ['a'.repeat(63), 'a'.repeat(63)],
    [longest, longest],
    [`${longest}.`, longest],
  ])('%j is the name %s', (text, name) => {
    expect(read(text)).toBe(name);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1.', '192.0.2.1'],
    ['127.1', '127.0.0.1'],
    ['192.0.513', '192.0.2.1'],
    ['0x7f.0.0.1', '127.0.0.1'],
    ['0X7F000001', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['１２７.０.０.１', '127.0.0.1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['[::1]', '0:0:0:0:0:0:0:1'],
    ['FE80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['[fe80::1%25eth0]', 'fe80:0:0:0:0:0:0:1'],
    ['[fe80::1%eth0]', 'fe80:0:0:0:0:0:0:1'],
    ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:c000:201'],
  ])('%s is the address %s', (text, address) => {
    expect(read(text)).toBe(`@${address}`);
  });

  it.each([
    '',
    '.',
    '..',
    '.example.org',
    'www..example.org',
    'www.example.org..',
    '*.example.org',
    '-a.example',
    'a-.example',
    'a b',
    'a\0b',
    'a/b',
    'a／b',
    'a%2eb',
    'ü%2eb',
    'ü:80',
    'ü@b',
    'user@host',
    'www.example.org:443',
    'https://www.example.org',
    '256.0.0.1',
    '1.2.3.4.5',
    '1.2.3.08',
    '4294967296',
    '0x',
    'example.1',
    '[192.0.2.1]',
    '[::1',
    '[::1]x',
    '[[::1]]',
    '::1%',
    '1::2::3',
    'fe80:::1',
    `${longest}a`,
    'a'.repeat(64),
    'ü'.repeat(2000),
    '\u212a\0.example',
  ])('%j is none', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it.each([
    'bücher.example',
    'faß.de',
    '例え。テスト',
    'ＷＷＷ.ｅｘａｍｐｌｅ',
    '☃.net',
    '\u212a.example',
    'a\u00adü.b',
  ])('%s in Unicode becomes what node makes of it', (text) => {
    expect(dialledHost(text)).toBe(domainToASCII(text));
  });

  it.each([
    ['[fe80::1%25eth0]', 'fe80::1%eth0'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['www.example.org.', 'www.example.org.'],
    ['bücher.example.', 'xn--bcher-kva.example.'],
    ['a／b', 'a／b'],
    ['127.1', '127.1'],
  ])('%s is looked up as %s', (text, dialled) => {
    expect(dialledHost(text)).toBe(dialled);
  });
});
