/** JA4 against the examples of its specification (FoxIO-LLC/ja4, technical_details/JA4.md) and of others who print both forms. */
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { HashFunction } from '../../values/crypto/engine.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { type ClientHelloExtensions, clientHelloColumn } from '../extensions/table.js';
import { ja4 } from './ja4.js';

const sha256 = hashOf('sha256');

function hashOf(name: 'sha256'): HashFunction {
  const hash = defaultEngine.hash(name);
  if (hash === undefined) throw new Error(`no ${name}`);
  return hash;
}

const numbers = (list: string): number[] =>
  list === '' ? [] : list.split(',').map((digits) => Number.parseInt(digits, 16));

interface Hello {
  readonly version?: number;
  readonly ciphers: string;
  readonly extensions: string;
  readonly signatures?: string;
  readonly versions?: string;
  readonly alpn?: readonly Uint8Array[];
}

function fingerprint({ version = 0x0303, ciphers, extensions, signatures, versions, alpn }: Hello): string {
  const types = numbers(extensions);
  const hello: ClientHello = {
    legacyVersion: version,
    random: new Uint8Array(32),
    legacySessionId: new Uint8Array(0),
    cipherSuites: numbers(ciphers),
    legacyCompressionMethods: Uint8Array.of(0),
    extensions: types.map((extensionType) => ({ extensionType, extensionData: new Uint8Array(0) })),
  };
  const read: ClientHelloExtensions = {
    ...clientHelloColumn.none(),
    serverName: types.includes(0) ? [{ nameType: 0, name: Uint8Array.of(0x61) }] : undefined,
    alpn,
    signatureAlgorithms: signatures === undefined ? undefined : numbers(signatures),
    supportedVersions: versions === undefined ? undefined : numbers(versions),
  };
  return ja4(hello, read, sha256);
}

const h2 = [new TextEncoder().encode('h2'), new TextEncoder().encode('http/1.1')];
const chrome = {
  // As they were sent, GREASE among them.
  ciphers: '8a8a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035',
  extensions: '2a2a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,fafa',
  signatures: '0403,0804,0401,0503,0805,0501,0806,0601',
  versions: '4a4a,0304,0303',
  alpn: h2,
};

describe('JA4', () => {
  it('is that of the specification for its hello', () => {
    expect(fingerprint(chrome)).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1');
  });

  it('is that of a newer Chrome, which has encrypted_client_hello', () => {
    const extensions = '002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b';
    expect(fingerprint({ ...chrome, extensions })).toBe('t13d1516h2_8daaf6152771_d8a2da3f94cd');
  });

  it('does not change when lists are shuffled, and does with the order of signature algorithms', () => {
    const reversed = (list: string): string => list.split(',').reverse().join(',');
    const shuffled = {
      ...chrome,
      ciphers: reversed(chrome.ciphers),
      extensions: reversed(chrome.extensions),
    };
    expect(fingerprint(shuffled)).toBe(fingerprint(chrome));
    expect(fingerprint({ ...chrome, signatures: reversed(chrome.signatures) })).not.toBe(fingerprint(chrome));
  });

  it('without name, protocol, extensions and suites says so', () => {
    expect(fingerprint({ ciphers: '', extensions: '' })).toBe('t12i000000_000000000000_000000000000');
  });

  it.each([
    [0x0303, '12'],
    [0x0302, '11'],
    [0x0301, '10'],
    [0x0300, 's3'],
    [0x0002, 's2'],
    [0x1234, '00'],
  ])('legacy_version %i without supported_versions is %s', (version, text) => {
    expect(fingerprint({ version, ciphers: '1301', extensions: '' }).slice(1, 3)).toBe(text);
  });

  it.each([
    ['h2', 'h2'],
    ['http/1.1', 'h1'],
    ['x', 'xx'],
    [Uint8Array.of(0xab), 'ab'],
    [Uint8Array.of(0xab, 0xcd), 'ad'],
    [Uint8Array.of(0x30, 0xab), '3b'],
    [Uint8Array.of(0x30, 0x31, 0xab, 0xcd), '3d'],
    [Uint8Array.of(0x30, 0xab, 0xcd, 0x31), '01'],
  ])('the protocol %s is told as %s', (protocol, text) => {
    const name = typeof protocol === 'string' ? new TextEncoder().encode(protocol) : protocol;
    expect(fingerprint({ ...chrome, alpn: [name] }).slice(8, 10)).toBe(text);
  });

  it('counts to 99', () => {
    const many = Array.from({ length: 120 }, (_, index) => (0xc000 + index).toString(16)).join(',');
    expect(fingerprint({ ciphers: many, extensions: many }).slice(0, 10)).toBe('t12i999900');
  });
});
