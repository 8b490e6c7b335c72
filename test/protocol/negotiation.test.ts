import type { Facts } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
import { decodeHandshake, encodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { onEngine, testWithKey } from '../support/engine.js';
import { type Bend, bentHandshake, change, extension, plainRecord, replaced, without } from './bend.js';
import { offerOf, suite } from './psk-ends.js';
import { expectToTalk } from './talk.js';
import {
  type ClientOverrides,
  client,
  connected,
  type End,
  engine,
  exchange,
  identityOf,
  ownScheme,
  peerChain,
  peerScheme,
  type ServerOverrides,
  server,
  suites,
} from './two-cores.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function factsOf(
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): { readonly ours: Facts; readonly theirs: Facts } {
  const ends = connected(clientOverrides, serverOverrides);
  expectToTalk(ends);
  const { facts: ours } = ends.client.sink;
  const { facts: theirs } = ends.server.sink;
  if (ours === undefined || theirs === undefined) throw new Error('not established');
  return { ours, theirs };
}

describe('HelloRetryRequest', () => {
  test('a group without a share is asked for, and both ends know that it was', () => {
    const { ours, theirs } = factsOf({}, { config: { supportedGroups: ['secp384r1'] } });
    expect(ours).toMatchObject({ retried: true, group: 'secp384r1' });
    expect(theirs).toMatchObject({ retried: true, group: 'secp384r1' });
  });

  test('works with SHA-384 and without middlebox mode', () => {
    const aes256 = suiteByName('TLS_AES_256_GCM_SHA384');
    if (aes256 === undefined) throw new Error('no such suite');
    const { ours } = factsOf(
      { config: { middleboxCompMode: false, ciphers: [aes256] } },
      { config: { supportedGroups: ['secp256r1'] } },
    );
    expect(ours).toMatchObject({ retried: true, cipherSuite: aes256 });
  });

  test('a cookie comes back in the second hello', () => {
    const cookie = [0, 3, 7, 8, 9];
    const ends = { client: client(), server: server({ config: { supportedGroups: ['secp256r1'] } }) };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    const retry = ends.server.sink.take();
    const body = decodeHandshake(
      'server_hello',
      retry.subarray(5, 5 + ((retry[3] ?? 0) << 8) + (retry[4] ?? 0)),
    );
    const bent = { ...body, extensions: [...body.extensions, extension(44, cookie)] };
    ends.client.core.receive(plainRecord(22, encodeHandshake('server_hello', bent)));
    // change_cipher_spec first, then the hello.
    const second = ends.client.sink.take().subarray(6 + 5);
    const hello = decodeHandshake('client_hello', second);
    expect(hello.extensions).toContainEqual(extension(44, cookie));
    expect(hello.extensions.filter(({ extensionType }) => extensionType === 51)).toHaveLength(1);
  });

  test('a cookie alone is reason enough to ask again, with the same share', () => {
    const end = client();
    end.core.start();
    const first = decodeHandshake('client_hello', end.sink.take().subarray(5));
    const retry = {
      legacyVersion: 0x0303,
      random: Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
      legacySessionIdEcho: first.legacySessionId,
      cipherSuite: 0x1301,
      legacyCompressionMethod: 0,
      extensions: [extension(43, [3, 4]), extension(44, [0, 1, 5])],
    };
    end.core.receive(plainRecord(22, encodeHandshake('server_hello', retry)));
    expect(end.sink.failures).toEqual([]);
    const again = decodeHandshake('client_hello', end.sink.take().subarray(11));
    const share = (list: typeof first.extensions) => list.find(({ extensionType }) => extensionType === 51);
    expect(share(again.extensions)).toEqual(share(first.extensions));
    expect(again.random).toEqual(first.random);
  });

  test.each<[string, readonly number[], string]>([
    ['that names a group we did not offer', [1, 0], 'wrong_group'],
    ['that names an unknown group', [0xab, 0xcd], 'wrong_group'],
  ])('one %s is refused', (_what, group, reason) => {
    const ends = bentHandshake(
      'server',
      change('server_hello', (body) => ({
        ...body,
        extensions: body.extensions.map((each) => (each.extensionType === 51 ? extension(51, group) : each)),
      })),
      {},
      { config: { supportedGroups: ['secp256r1'] } },
    );
    expect(ends.client.sink.failures).toMatchObject([{ reason, state: 'wait_sh' }]);
  });

  test.each<[string, (hello: ReturnType<typeof secondHello>) => ReturnType<typeof secondHello>, string]>([
    [
      'with another cipher suite list',
      (hello) => ({ ...hello, cipherSuites: [0x1301] }),
      'client_hello_changed',
    ],
    [
      'with another session id',
      (hello) => ({ ...hello, legacySessionId: text('x') }),
      'client_hello_changed',
    ],
    [
      'with an extension more',
      (hello) => ({ ...hello, extensions: [...hello.extensions, extension(0xabcd)] }),
      'client_hello_changed',
    ],
    [
      'with another compression method',
      (hello) => ({ ...hello, legacyCompressionMethods: Uint8Array.of(1) }),
      'client_hello_changed',
    ],
    [
      'with a compression method more',
      (hello) => ({ ...hello, legacyCompressionMethods: Uint8Array.of(0, 1) }),
      'client_hello_changed',
    ],
    [
      'with early_data',
      (hello) => ({ ...hello, extensions: [...hello.extensions, extension(42)] }),
      'client_hello_changed',
    ],
    [
      'without share',
      (hello) => ({
        ...hello,
        extensions: hello.extensions.map((each) =>
          each.extensionType === 51 ? extension(51, [0, 0]) : each,
        ),
      }),
      'wrong_group',
    ],
  ])('a second hello %s is refused', (_what, rewrite, reason) => {
    let hellos = 0;
    const bend: Bend = (type, message) =>
      type === 'client_hello' && ++hellos === 2
        ? [encodeHandshake('client_hello', rewrite(secondHello(message)))]
        : [message];
    const ends = bentHandshake('client', bend, {}, { config: { supportedGroups: ['secp256r1'] } });
    expect(ends.server.sink.failures).toMatchObject([{ reason, state: 'start' }]);
  });
});

test('a second hello may have its extensions in another order', () => {
  let hellos = 0;
  const bend: Bend = (type, message) => {
    if (type !== 'client_hello' || ++hellos !== 2) return [message];
    const hello = secondHello(message);
    return [encodeHandshake(type, { ...hello, extensions: hello.extensions.toReversed() })];
  };
  const ends = bentHandshake('client', bend, {}, { config: { supportedGroups: ['secp256r1'] } });
  expect(hellos).toBe(2);
  // The hello passes; what the client has in its transcript is another one.
  expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_record_mac', state: 'wait_finished' }]);
});

test('a second hello may change what a client has to change, wherever it stands', () => {
  let hellos = 0;
  const anew = (message: Uint8Array, ech: number, more: readonly ReturnType<typeof extension>[]) => {
    const hello = secondHello(message);
    return encodeHandshake('client_hello', {
      ...hello,
      extensions: [extension(0xfe0d, [ech]), ...hello.extensions, ...more],
    });
  };
  // encrypted_client_hello is encrypted anew; early_data goes, a cookie and padding may come.
  const bend: Bend = (type, message) => {
    if (type !== 'client_hello') return [message];
    hellos += 1;
    const more = hellos === 1 ? [extension(42)] : [extension(44, [0, 1, 7]), extension(21, [0, 0])];
    return [anew(message, hellos, more)];
  };
  const ends = bentHandshake('client', bend, {}, { config: { supportedGroups: ['secp256r1'] } });
  expect(hellos).toBe(2);
  // The hello passes. The transcripts differ, since the client knows nothing of it, and with them the keys.
  expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_record_mac', state: 'wait_finished' }]);
});

test.each([
  ['without supported_versions', (list: readonly RawExtension[]) => without(list, 43)],
  ['of another version', (list: readonly RawExtension[]) => replaced(list, 43, [3, 3])],
])('a ServerHello %s after a HelloRetryRequest is an illegal parameter', (_what, rewrite) => {
  let hellos = 0;
  const bend: Bend = (type, message) => {
    if (type !== 'server_hello' || ++hellos !== 2) return [message];
    const body = decodeHandshake('server_hello', message);
    return [encodeHandshake(type, { ...body, extensions: rewrite(body.extensions) })];
  };
  const ends = bentHandshake('server', bend, {}, { config: { supportedGroups: ['secp256r1'] } });
  expect(ends.client.sink.failures).toMatchObject([
    { by: 'self', alert: 'illegal_parameter', reason: 'wrong_selected_version' },
  ]);
});

// RFC 8446 §4.2.10: after a HelloRetryRequest early data ends before the second hello.
describe('early data that was refused by a HelloRetryRequest', () => {
  const junk = plainRecord(23, new Uint8Array(40));
  /** What the server makes of the second hello's record, rewritten. */
  function afterRetry(rewrite: (hello: Uint8Array) => readonly Uint8Array[]): End {
    const ends = { client: client(), server: server({ config: { supportedGroups: ['secp256r1'] } }) };
    ends.client.core.start();
    const plain = secondHello(ends.client.sink.take().subarray(5));
    const hello = { ...plain, extensions: [extension(42), ...plain.extensions] };
    ends.server.core.receive(plainRecord(22, encodeHandshake('client_hello', hello)));
    const share = engine.group('secp256r1')?.generate().publicKey ?? new Uint8Array(0);
    const extensions = replaced(without(hello.extensions, 42), 51, [
      0,
      4 + share.length,
      0,
      23,
      0,
      share.length,
      ...share,
    ]);
    const second = encodeHandshake('client_hello', { ...hello, extensions });
    for (const record of rewrite(second)) ends.server.core.receive(record);
    return ends.server;
  }

  test('is skipped before the second hello', () => {
    const { sink, core } = afterRetry((hello) => [junk, junk, plainRecord(22, hello)]);
    expect(sink.failures).toEqual([]);
    expect(core.stateName).toBe('wait_finished');
  });

  test('is refused between its pieces', () => {
    const { sink } = afterRetry((hello) => [
      plainRecord(22, hello.subarray(0, 50)),
      junk,
      plainRecord(22, hello.subarray(50)),
    ]);
    expect(sink.failures).toMatchObject([{ by: 'self', alert: 'unexpected_message' }]);
  });

  test('is refused behind it', () => {
    const { sink } = afterRetry((hello) => [plainRecord(22, hello), junk]);
    expect(sink.failures).toMatchObject([{ by: 'self', alert: 'bad_record_mac' }]);
  });
});

function secondHello(message: Uint8Array) {
  return decodeHandshake('client_hello', message);
}

describe('parameters', () => {
  test('the client orders suites, unless the server insists', () => {
    const [a, b, c] = suites;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three suites');
    expect(
      factsOf({ config: { ciphers: [c, b] } }, { config: { ciphers: [a, b, c] } }).ours.cipherSuite,
    ).toBe(c);
    const insisting = factsOf(
      { config: { ciphers: [c, b] } },
      { config: { ciphers: [a, b, c], honorCipherOrder: true } },
    );
    expect(insisting.ours.cipherSuite).toBe(b);
  });

  test('the server orders groups, but one with a share wins over an earlier one without', () => {
    const offered: ClientOverrides = { config: { supportedGroups: ['secp256r1', 'x25519'] } };
    expect(factsOf(offered, { config: { supportedGroups: ['x25519', 'secp256r1'] } }).ours).toMatchObject({
      group: 'secp256r1',
      retried: false,
    });
    const none = factsOf(
      { config: { supportedGroups: ['x25519', 'secp256r1', 'secp384r1'] } },
      { config: { supportedGroups: ['secp384r1', 'secp256r1'] } },
    );
    expect(none.ours).toMatchObject({ group: 'secp384r1', retried: true });
  });

  testWithKey('rsa')('the first certificate whose key fits the offered schemes is shown', () => {
    const identities = [
      identityOf('rsa').identity,
      identityOf('ec').identity,
      identityOf('ed25519').identity,
    ];
    const facts = (
      signatureAlgs: readonly ('eddsa_ed25519' | 'ecdsa_secp256r1_sha256' | 'rsa_pss_rsae_sha256')[],
    ) => peerScheme(factsOf({ config: { signatureAlgs } }, { identities }).ours);
    expect(facts(['eddsa_ed25519', 'ecdsa_secp256r1_sha256'])).toBe('ecdsa_secp256r1_sha256');
    expect(facts(['eddsa_ed25519', 'rsa_pss_rsae_sha256'])).toBe('rsa_pss_rsae_sha256');
  });

  test('ALPN takes the server order', () => {
    const protocols = (...names: readonly string[]): readonly Uint8Array[] => names.map(text);
    const { ours, theirs } = factsOf(
      { config: { alpnAdvertisedProtocols: protocols('h2', 'http/1.1') } },
      { config: { alpnPreferredProtocols: protocols('spdy', 'http/1.1', 'h2') } },
    );
    expect(Buffer.from(ours.alpn ?? []).toString()).toBe('http/1.1');
    expect(theirs.alpn).toEqual(ours.alpn);
  });

  test('ALPN on one side only gives no protocol and no failure', () => {
    expect(factsOf({ config: { alpnAdvertisedProtocols: [text('h2')] } }).ours.alpn).toBeUndefined();
    expect(factsOf({}, { config: { alpnPreferredProtocols: [text('h2')] } }).theirs.alpn).toBeUndefined();
  });

  test('without a name there is no server_name', () => {
    expect(factsOf({ serverName: undefined }).theirs.serverName).toBeUndefined();
  });

  test.each([
    ['at once', {}],
    ['after a retry', { config: { supportedGroups: ['secp256r1'] } }],
  ] as const)(
    'offers of PSK and early data are passed over: the handshake is a full one, %s',
    (when, overrides) => {
      const offer = offerOf({
        earlyData: { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 15_000 },
      });
      const ends = {
        client: client({ resumption: { psks: [offer], earlyData: 'offered' } }),
        server: server(overrides),
      };
      ends.client.core.start();
      const hello = decodeHandshake('client_hello', (ends.client.sink.outbox[0] ?? text('')).subarray(5));
      expect(hello.extensions.map(({ extensionType }) => extensionType)).toEqual(
        expect.arrayContaining([41, 42, 45]),
      );
      // Under a key that nobody else has.
      for (let i = 0; i < 3; i += 1)
        expect(ends.client.core.sendEarlyData(new Uint8Array(5000).fill(i))).toBe(true);
      exchange(ends.client, ends.server);
      expectToTalk(ends);
      for (const { facts } of [ends.client.sink, ends.server.sink])
        expect(facts).toMatchObject({
          sessionResumption: false,
          earlyData: 'rejected',
          retried: when === 'after a retry',
        });
      expect(peerChain(ends.client.sink.facts)).toHaveLength(1);
    },
  );
});

describe('client certificates', () => {
  const asking: ServerOverrides = { config: { verify: 'verify_peer' } };
  const insisting: ServerOverrides = { config: { verify: 'verify_peer', failIfNoPeerCert: true } };

  const kinds = onEngine(['ec', 'rsa', 'ed25519', 'rsa_pss'] as const, (kind) => kind);
  test.each(kinds)('with a key of kind %s', (kind) => {
    const { identity } = identityOf(kind);
    const { ours, theirs } = factsOf({ identities: [identity] }, insisting);
    expect(peerChain(theirs)).toEqual(identity.chain);
    expect(peerScheme(theirs)).toBe(ownScheme(ours));
  });

  test('without one the client sends an empty list, which a server that does not insist takes', () => {
    const { ours, theirs } = factsOf({}, asking);
    expect(peerChain(theirs)).toEqual([]);
    expect(peerScheme(theirs)).toBeUndefined();
    expect(ownScheme(ours)).toBeUndefined();
  });

  test('a certificate that fits none of the schemes asked for is not shown', () => {
    const { theirs } = factsOf(
      { identities: [identityOf('ed25519').identity] },
      { config: { verify: 'verify_peer', signatureAlgs: ['ecdsa_secp256r1_sha256'] } },
    );
    expect(peerChain(theirs)).toEqual([]);
  });

  test('names of authorities go into the request', () => {
    let raw: Uint8Array | undefined;
    bentHandshake(
      'server',
      (type, message) => {
        if (type === 'certificate_request') raw = message;
        return [message];
      },
      {},
      { ...asking, certificateAuthorities: [Uint8Array.of(0x30, 0)] },
    );
    const request = decodeHandshake('certificate_request', raw ?? new Uint8Array(0));
    expect(request.extensions).toContainEqual(extension(47, [0, 4, 0, 2, 0x30, 0]));
  });

  test.each<[string, Bend, string, string]>([
    [
      'a Certificate with a context nobody gave',
      change('certificate', (body) => ({ ...body, certificateRequestContext: Uint8Array.of(1) })),
      'wrong_certificate_context',
      'wait_cert',
    ],
    [
      'a Certificate with an extension nobody asked for',
      change('certificate', (body) => ({
        ...body,
        certificateList: body.certificateList.map((entry) => ({ ...entry, extensions: [extension(5, [1])] })),
      })),
      'unsolicited_extension',
      'wait_cert',
    ],
    [
      'a CertificateVerify with a scheme of another key',
      change('certificate_verify', (body) => ({ ...body, algorithm: 0x0403 })),
      'wrong_signature_scheme',
      'wait_cv',
    ],
    [
      'Finished in place of CertificateVerify',
      (type, message) => (type === 'certificate_verify' ? [] : [message]),
      'unexpected_message',
      'wait_cv',
    ],
    [
      'no Certificate at all',
      (type, message) => (type === 'certificate' || type === 'certificate_verify' ? [] : [message]),
      'unexpected_message',
      'wait_cert',
    ],
  ])('%s is refused', (_what, bend, reason, state) => {
    const ends = bentHandshake('client', bend, { identities: [identityOf('ed25519').identity] }, insisting);
    expect(ends.server.sink.failures).toMatchObject([{ reason, state }]);
  });
});

describe('answers from outside', () => {
  test('while a verdict is awaited input is held back, the end of the transport too', () => {
    const ends = { client: client({}, () => {}), server: server() };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    ends.client.core.receive(ends.server.sink.take());
    expect(ends.client.core.awaiting).toBe('verdict');
    expect(ends.client.core.stateName).toBe('wait_cert_cr');
    ends.client.core.receiveEnd();
    expect(ends.client.sink.closedCount).toBe(0);
    ends.client.core.answerVerdict({ ok: identityOf('ec').publicKey });
    expect(ends.client.sink.establishedCount).toBe(1);
    expect(ends.client.sink.closedCount).toBe(1);
  });

  test('a verdict that nobody asked for is a fault of the caller; one that comes too late is nothing', () => {
    const ends = connected();
    expect(() => ends.client.core.answerVerdict({ ok: identityOf('ec').publicKey })).toThrow(TypeError);
    ends.client.core.fail('internal_error');
    ends.client.core.answerVerdict({ ok: identityOf('ec').publicKey });
    expect(ends.client.sink.failures).toHaveLength(1);
  });

  test.each(['now', 'later'] as const)('a server whose key lives elsewhere is signed for, %s', (when) => {
    const { identity } = identityOf('ec');
    const ends = {
      client: client(),
      server: server({ identities: [{ chain: identity.chain, schemes: identity.schemes, key: 'remote' }] }),
    };
    const signature = (data: Uint8Array) => identity.key.sign({ type: 'ecdsa', hash: 'sha256' }, data);
    if (when === 'now')
      ends.server.sink.onSignature = (_name, data, core) => core.answerSignature(signature(data));
    ends.client.core.start();
    exchange(ends.client, ends.server);
    const [asked] = ends.server.sink.signaturesAsked;
    expect(asked?.algorithm).toBe('ecdsa_secp256r1_sha256');
    if (when === 'later' && asked !== undefined) {
      expect(ends.server.core.awaiting).toBe('signature');
      ends.server.core.answerSignature(signature(asked.data));
      exchange(ends.client, ends.server);
    }
    expectToTalk(ends);
  });

  test.each(['now', 'later'] as const)('a client whose key lives elsewhere is signed for, %s', (when) => {
    const { identity } = identityOf('ed25519');
    const ends = {
      client: client({ identities: [{ chain: identity.chain, schemes: identity.schemes, key: 'remote' }] }),
      server: server({ config: { verify: 'verify_peer', failIfNoPeerCert: true } }),
    };
    const signature = (data: Uint8Array) => identity.key.sign({ type: 'ed25519' }, data);
    if (when === 'now')
      ends.client.sink.onSignature = (_name, data, core) => core.answerSignature(signature(data));
    ends.client.core.start();
    exchange(ends.client, ends.server);
    const [asked] = ends.client.sink.signaturesAsked;
    if (when === 'later' && asked !== undefined) {
      ends.client.core.answerSignature(signature(asked.data));
      exchange(ends.client, ends.server);
    }
    expectToTalk(ends);
    expect(peerScheme(ends.server.sink.facts)).toBe('eddsa_ed25519');
  });

  test.each(['certificate_expired', 'unknown_ca', 'handshake_failure'] as const)(
    'a verdict of %s becomes that alert, with its detail',
    (alert) => {
      const ends = {
        client: client({}, (_chain, core) =>
          core.answerVerdict({ reject: { alert, detail: { bad_cert: 'x' } } }),
        ),
        server: server(),
      };
      ends.client.core.start();
      exchange(ends.client, ends.server);
      expect(ends.client.sink.failures).toMatchObject([{ by: 'self', alert, detail: { bad_cert: 'x' } }]);
      expect(ends.server.sink.failures).toMatchObject([{ by: 'peer', alert, state: 'wait_finished' }]);
    },
  );
});

describe('what a server sends wrongly', () => {
  test.each<[string, Bend, string, string]>([
    [
      'a CertificateRequest with a context',
      change('certificate_request', (body) => ({ ...body, certificateRequestContext: Uint8Array.of(1) })),
      'wrong_certificate_context',
      'wait_cert_cr',
    ],
    [
      'a CertificateRequest without signature_algorithms',
      change('certificate_request', (body) => ({ ...body, extensions: [extension(0xabcd)] })),
      'missing_signature_algorithms',
      'wait_cert_cr',
    ],
    [
      'a CertificateEntry with stapled status nobody asked for',
      change('certificate', (body) => ({
        ...body,
        certificateList: body.certificateList.map((entry) => ({ ...entry, extensions: [extension(5, [1])] })),
      })),
      'unsolicited_extension',
      'wait_cert',
    ],
    [
      'no EncryptedExtensions',
      (type, message) => (type === 'encrypted_extensions' ? [] : [message]),
      'unexpected_message',
      'wait_ee',
    ],
    [
      'EncryptedExtensions twice',
      (type, message) => (type === 'encrypted_extensions' ? [message, message] : [message]),
      'unexpected_message',
      'wait_cert_cr',
    ],
    [
      'a CertificateVerify with RSASSA-PKCS1-v1_5',
      change('certificate_verify', (body) => ({ ...body, algorithm: 0x0401 })),
      'wrong_signature_scheme',
      'wait_cv',
    ],
    [
      'a CertificateVerify of no length',
      change('certificate_verify', (body) => ({ ...body, signature: new Uint8Array(0) })),
      'bad_signature',
      'wait_cv',
    ],
    [
      'a Finished too short',
      change('finished', ({ verifyData }) => ({ verifyData: verifyData.subarray(1) })),
      'malformed_message',
      'wait_finished',
    ],
    [
      'a Finished too long',
      change('finished', ({ verifyData }) => ({ verifyData: Buffer.concat([verifyData, verifyData]) })),
      'malformed_message',
      'wait_finished',
    ],
    [
      'a ServerHello without key_share',
      change('server_hello', (body) => ({
        ...body,
        extensions: body.extensions.filter(({ extensionType }) => extensionType !== 51),
      })),
      'missing_key_share',
      'wait_sh',
    ],
    [
      'a ServerHello that compresses',
      change('server_hello', (body) => ({ ...body, legacyCompressionMethod: 1 })),
      'wrong_compression',
      'wait_sh',
    ],
    [
      'a ServerHello that selects a PSK we did not offer',
      change('server_hello', (body) => ({
        ...body,
        extensions: [...body.extensions, extension(41, [0, 0])],
      })),
      'unsolicited_extension',
      'wait_sh',
    ],
  ])('%s is refused', (_what, bend, reason, state) => {
    const ends = bentHandshake('server', bend, {}, { config: { verify: 'verify_peer' } });
    expect(ends.client.sink.failures).toMatchObject([{ by: 'self', reason, state }]);
  });
});

describe('a server that cannot use the share of the client', () => {
  const nobodysPoint = Uint8Array.from([0, 36, 0, 29, 0, 32, ...new Uint8Array(32)]);

  // After a ServerHello the client would take the alert for one under keys, which there are none of.
  test('says so instead of a ServerHello', () => {
    const bend = change('client_hello', (body) => ({
      ...body,
      extensions: replaced(body.extensions, 51, nobodysPoint),
    }));
    const { sink } = bentHandshake('client', bend).server;
    expect(sink.failures).toMatchObject([{ by: 'self', reason: 'bad_key_share' }]);
    expect(Buffer.concat(sink.writes.flat())).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 47]));
  });

  test('says so after a retry, too', () => {
    let hellos = 0;
    const bend: Bend = (type, message) => {
      if (type !== 'client_hello' || ++hellos !== 2) return [message];
      const body = decodeHandshake('client_hello', message);
      return [encodeHandshake(type, { ...body, extensions: replaced(body.extensions, 51, nobodysPoint) })];
    };
    const x25519: ServerOverrides = { config: { supportedGroups: ['x25519'] } };
    const p256First: ClientOverrides = { config: { supportedGroups: ['secp256r1', 'x25519'] } };
    const { sink } = bentHandshake('client', bend, p256First, x25519).server;
    expect(sink.failures).toMatchObject([{ by: 'self', reason: 'bad_key_share' }]);
    expect(Buffer.concat(sink.writes.at(-1) ?? [])).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 47]));
  });

  test('misses a share that is gone from the second hello', () => {
    let hellos = 0;
    const bend: Bend = (type, message) => {
      if (type !== 'client_hello' || ++hellos !== 2) return [message];
      const body = decodeHandshake('client_hello', message);
      return [encodeHandshake(type, { ...body, extensions: without(body.extensions, 51) })];
    };
    const { sink } = bentHandshake('client', bend, {}, { config: { supportedGroups: ['secp384r1'] } }).server;
    expect(sink.failures).toMatchObject([
      { by: 'self', alert: 'missing_extension', reason: 'missing_key_share' },
    ]);
  });
});

// RFC 8446 §5.1: the keys change between the hello and what follows it.
describe('the beginning of another message in the record of a hello', () => {
  const beginning = Uint8Array.of(20, 0, 0);

  test.each([
    ['client', 'client_hello'],
    ['server', 'server_hello'],
  ] as const)('of a %s is refused with an alert that it can read', (from, hello) => {
    const ends = bentHandshake(from, (type, message) => (type === hello ? [message, beginning] : [message]));
    const refusing = from === 'client' ? ends.server : ends.client;
    expect(refusing.sink.failures).toMatchObject([{ by: 'self', reason: 'excess_handshake_data' }]);
    expect(ends[from].sink.failures).toMatchObject([{ by: 'peer', alert: 'unexpected_message' }]);
  });

  test.each([
    ['client', 'client_hello'],
    ['server', 'server_hello'],
  ] as const)('is refused of a %s that has to wait for the answer to a retry', (from, hello) => {
    const ends = bentHandshake(
      from,
      (type, message) => (type === hello ? [message, beginning] : [message]),
      {},
      { config: { supportedGroups: ['secp384r1'] } },
    );
    const refusing = from === 'client' ? ends.server : ends.client;
    expect(refusing.sink.failures).toMatchObject([
      { by: 'self', reason: 'excess_handshake_data', state: from === 'client' ? 'start' : 'wait_sh' },
    ]);
    expect(ends[from].sink.failures).toMatchObject([{ by: 'peer', alert: 'unexpected_message' }]);
  });
});
