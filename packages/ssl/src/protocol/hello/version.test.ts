import { describe, expect, test } from 'vitest';
import type { ProtocolVersion } from '../../values/registry/versions.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { helloRetryRequestRandom, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { DecodeError } from '../../values/wire/reader.js';
import { AlertError, type Reason } from '../reasons.js';
import { chooseVersion, confirmDialect, selectedVersionOf } from './version.js';

const own: readonly ProtocolVersion[] = ['tlsv1.3'];

function versions(...codes: readonly number[]): RawExtension {
  const data = codes.flatMap((code) => [code >> 8, code & 255]);
  return { extensionType: 43, extensionData: Uint8Array.of(data.length, ...data) };
}

function selected(code: number): RawExtension {
  return { extensionType: 43, extensionData: Uint8Array.of(code >> 8, code & 255) };
}

function clientHello(fields: Partial<ClientHello>): ClientHello {
  return {
    legacyVersion: 0x0303,
    random: new Uint8Array(32),
    legacySessionId: new Uint8Array(0),
    cipherSuites: [0x1301],
    legacyCompressionMethods: Uint8Array.of(0),
    extensions: [],
    ...fields,
  };
}

function serverHello(fields: Partial<ServerHello>): ServerHello {
  return {
    legacyVersion: 0x0303,
    random: new Uint8Array(32),
    legacySessionIdEcho: new Uint8Array(0),
    cipherSuite: 0x1301,
    legacyCompressionMethod: 0,
    extensions: [],
    ...fields,
  };
}

function reasonOf(action: () => unknown): Reason | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof AlertError) return error.reason;
    throw error;
  }
}

const marked = (last: number): Uint8Array =>
  Uint8Array.from([...new Uint8Array(24), ...Buffer.from('DOWNGRD'), last]);

describe('a server', () => {
  test('takes TLS 1.3 wherever it stands in the list, GREASE and drafts around it', () => {
    const hello = clientHello({ extensions: [versions(0x7a7a, 0x0303, 0x7f1c, 0x0304)] });
    expect(chooseVersion(hello, own)).toBe('tlsv1.3');
  });

  test.each<[string, Partial<ClientHello>, Reason]>([
    ['a list without TLS 1.3', { extensions: [versions(0x0303, 0x0302)] }, 'unsupported_version'],
    ['no list: legacy_version never means 1.3', { legacyVersion: 0x0304 }, 'unsupported_version'],
    [
      'SSL 3.0, whatever the list says',
      { legacyVersion: 0x0300, extensions: [versions(0x0304)] },
      'unsupported_version',
    ],
    ['a fallback from what we can do', { cipherSuites: [0x1301, 0x5600] }, 'inappropriate_fallback'],
  ])('refuses %s', (_what, fields, reason) => {
    expect(reasonOf(() => chooseVersion(clientHello(fields), own))).toBe(reason);
  });

  test('takes no offence at the fallback mark of a client that offers our best', () => {
    const hello = clientHello({ cipherSuites: [0x1301, 0x5600], extensions: [versions(0x0304)] });
    expect(chooseVersion(hello, own)).toBe('tlsv1.3');
  });

  test.each([0xfefc, 0xfe00, 0xfcff, 0xfefd])(
    'over datagrams takes %i without a list for 1.2 at best: legacy_version never means 1.3',
    (legacyVersion) => {
      const dtls = ['dtlsv1.3', 'dtlsv1.2'] as const;
      expect(chooseVersion(clientHello({ legacyVersion }), dtls)).toBe('dtlsv1.2');
      const listed = clientHello({ legacyVersion: 0xfefd, extensions: [versions(0xfefc, 0xfefd)] });
      expect(chooseVersion(listed, dtls)).toBe('dtlsv1.3');
    },
  );

  test('does not stumble over a malformed list', () => {
    const extensions = [{ extensionType: 43, extensionData: Uint8Array.of(3, 3, 4) }];
    expect(() => chooseVersion(clientHello({ extensions }), own)).toThrow(DecodeError);
  });
});

describe('a client', () => {
  test('takes TLS 1.3 when the extension selects it', () => {
    expect(selectedVersionOf(serverHello({ extensions: [selected(0x0304)] }), own)).toBe('tlsv1.3');
  });

  test.each<[string, Partial<ServerHello>, Reason]>([
    ['a version below 1.3 by extension', { extensions: [selected(0x0303)] }, 'wrong_selected_version'],
    ['a version from the future', { extensions: [selected(0x0305)] }, 'wrong_selected_version'],
    ['TLS 1.2', {}, 'unsupported_version'],
    ['TLS 1.2 from a server that can do 1.3', { random: marked(1) }, 'downgrade_detected'],
    [
      'TLS 1.1 from a server that can do 1.2',
      { legacyVersion: 0x0302, random: marked(0) },
      'downgrade_detected',
    ],
    ['a mark that is none', { random: marked(2) }, 'unsupported_version'],
    ['a retry without version', { random: helloRetryRequestRandom }, 'unsupported_version'],
  ])('refuses %s', (_what, fields, reason) => {
    expect(reasonOf(() => selectedVersionOf(serverHello(fields), own))).toBe(reason);
  });

  test('wants the same version after a retry', () => {
    const hello = serverHello({ extensions: [selected(0x0304)] });
    expect(reasonOf(() => confirmDialect(hello, own, 'tls13'))).toBeUndefined();
  });
});
