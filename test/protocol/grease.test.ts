/**
 * GREASE (RFC 8701): values that mean nothing are passed over wherever they may stand, and refused where something was
 * chosen by them; so are unknown extensions: ignored in what begins a subject, an error in an answer (RFC 8446 §4.2).
 */
import { describe, expect, test } from 'vitest';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
import {
  decodeHandshake,
  encodeHandshake,
  type Tls13Bodies,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { type Bend, bentHandshake, change, change12, extension, replaced } from './bend.js';
import {
  client,
  connected,
  type End,
  identityOf,
  ResumingRecorder,
  server,
  suites,
  suites12,
  tls12,
} from './two-cores.js';

/** RFC 8701 §2: one for each nibble. */
const values = Array.from({ length: 16 }, (_, nibble) => nibble * 0x1010 + 0x0a0a);
const bytePairs = (code: number): readonly number[] => [code >> 8, code & 255];
/** RFC 8701 §2, for PSK modes. */
const pskModes = [0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4];

type Hello = Tls13Bodies['client_hello'];

/** A list of two-byte values whose length stands in front in `width` bytes, with more in front and behind. */
function greased(data: Uint8Array, width: 1 | 2, more: readonly number[]): readonly number[] {
  const list = [...more, ...data.subarray(width), ...more];
  return width === 1 ? [list.length, ...list] : [...bytePairs(list.length), ...list];
}

function inExtension(code: number, rewrite: (data: Uint8Array) => readonly number[]) {
  return (hello: Hello): Hello => ({
    ...hello,
    extensions: hello.extensions.map((one) =>
      one.extensionType === code ? extension(code, rewrite(one.extensionData)) : one,
    ),
  });
}

/** Where GREASE may stand in a ClientHello (RFC 8701 §3). */
const places: Readonly<Record<string, (hello: Hello, code: number) => Hello>> = {
  cipher_suites: (hello, code) => ({ ...hello, cipherSuites: [code, ...hello.cipherSuites, code] }),
  supported_versions: (hello, code) => inExtension(43, (data) => greased(data, 1, bytePairs(code)))(hello),
  supported_groups: (hello, code) => inExtension(10, (data) => greased(data, 2, bytePairs(code)))(hello),
  signature_algorithms: (hello, code) => inExtension(13, (data) => greased(data, 2, bytePairs(code)))(hello),
  signature_algorithms_cert: (hello, code) => ({
    ...hello,
    extensions: [...hello.extensions, extension(50, [0, 6, ...bytePairs(code), 4, 3, ...bytePairs(code)])],
  }),
  key_share: (hello, code) => {
    const share = [...bytePairs(code), 0, 1, 0];
    const groups = inExtension(10, (data) => greased(data, 2, bytePairs(code)))(hello);
    return inExtension(51, (data) => {
      const list = [...share, ...data.subarray(2)];
      return [...bytePairs(list.length), ...list];
    })(groups);
  },
  psk_key_exchange_modes: (hello, code) => ({
    ...hello,
    extensions: [...hello.extensions, extension(45, [2, pskModes[(code >> 12) & 7] ?? 0x0b, 1])],
  }),
  'extensions, empty': (hello, code) => ({ ...hello, extensions: [extension(code), ...hello.extensions] }),
  'extensions, with a byte': (hello, code) => ({
    ...hello,
    extensions: [...hello.extensions, extension(code, [0])],
  }),
  application_layer_protocol_negotiation: (hello, code) =>
    inExtension(16, (data) => greased(data, 2, [2, ...bytePairs(code)]))(hello),
  compress_certificate: (hello, code) => ({
    ...hello,
    extensions: [...hello.extensions, extension(27, [2, ...bytePairs(code)])],
  }),
  certificate_authorities: (hello, code) => ({
    ...hello,
    extensions: [...hello.extensions, extension(47, [0, 4, 0, 2, ...bytePairs(code)])],
  }),
};

const alpn = { alpnAdvertisedProtocols: [Buffer.from('h2')] };
const both = { versions: ['tlsv1.3', 'tlsv1.2'], ciphers: [...suites, ...suites12] } as const;
const serverVersions = [
  ['TLS 1.3', { versions: ['tlsv1.3'] }],
  ['TLS 1.3 and 1.2', both],
  ['TLS 1.2', tls12],
] as const;

/** A server that has read the hello of a client with its GREASE, and has gone on to wait for the client's answer. */
function answersTo(rewrite: (hello: Hello) => Hello, config: object): End {
  const own = client({ config: { ...both, ...alpn, signatureAlgs: tls12.signatureAlgs } });
  const end = server({
    config: { ...both, alpnPreferredProtocols: [Buffer.from('h2')], ...config },
  });
  own.core.start();
  const hello = decodeHandshake('client_hello', own.sink.take().subarray(5));
  const message = encodeHandshake('client_hello', rewrite(hello));
  end.core.receive(Uint8Array.from([22, 3, 1, message.length >> 8, message.length & 255, ...message]));
  return end;
}

describe.each(serverVersions)('a server of %s passes over GREASE', (_name, config) => {
  test.each(Object.entries(places))('in %s', (_place, rewrite) => {
    for (const code of values) {
      const { sink, core } = answersTo((hello) => rewrite(hello, code), config);
      expect(sink.failures, code.toString(16)).toEqual([]);
      expect(['wait_finished', 'certify']).toContain(core.stateName);
    }
  });

  test('in all places at once', () => {
    const { sink } = answersTo(
      (hello) =>
        Object.values(places).reduce((bent, rewrite, index) => rewrite(bent, values[index] ?? 0), hello),
      config,
    );
    expect(sink.failures).toEqual([]);
  });
});

/** The client's failures when the server's message of a type is changed. */
function clientOn(bend: Bend, config: object = {}): End {
  const ends = bentHandshake(
    'server',
    bend,
    { identities: [identityOf('ec').identity], config },
    { config: { verify: 'verify_peer', ...config } },
  );
  return ends.client;
}

const more =
  (...extensions: readonly RawExtension[]) =>
  <T extends { readonly extensions: readonly RawExtension[] }>(body: T): T => ({
    ...body,
    extensions: [...body.extensions, ...extensions],
  });

describe('a client passes over GREASE in a CertificateRequest', () => {
  // The transcripts differ then, so the handshake ends in its Finished or signature: what counts is what is not found.
  const harmless = (bend: Bend): void => {
    const reasons = clientOn(bend).sink.failures.map(({ reason }) => reason);
    expect(reasons).toEqual(['bad_signature']);
  };
  test('as an extension', () => {
    for (const code of values) harmless(change('certificate_request', more(extension(code, [1, 2]))));
  });
  test('as a scheme', () => {
    for (const code of values)
      harmless(
        change('certificate_request', (body) => ({
          ...body,
          extensions: body.extensions.map((one) =>
            one.extensionType === 13 ? extension(13, greased(one.extensionData, 2, bytePairs(code))) : one,
          ),
        })),
      );
  });
  test('as an algorithm of compression, or an authority', () => {
    for (const code of values) {
      harmless(change('certificate_request', more(extension(27, [2, ...bytePairs(code)]))));
      harmless(change('certificate_request', more(extension(47, [0, 4, 0, 2, ...bytePairs(code)]))));
    }
  });
});

test('a client passes over GREASE in a NewSessionTicket', () => {
  const sink = new ResumingRecorder(() => {});
  const ends = connected();
  expect(sink.tickets).toEqual([]);
  const write = ends.server.core.split();
  for (const code of values) {
    const ticket = encodeHandshake('new_session_ticket', {
      ticketLifetime: 60,
      ticketAgeAdd: 1,
      ticketNonce: Uint8Array.of(1),
      ticket: Uint8Array.of(2),
      extensions: [extension(code), extension(0xabcd, [1])],
    });
    ends.client.core.receive(new Uint8Array(Buffer.concat(write.sealHandshake(ticket))));
  }
  expect(ends.client.sink.failures).toEqual([]);
});

describe('an answer is no place for it', () => {
  test.each([
    ['ServerHello', 'server_hello'],
    ['EncryptedExtensions', 'encrypted_extensions'],
  ] as const)('%s with an extension of GREASE', (_name, type) => {
    for (const code of values) {
      const { sink } = clientOn(change(type, more(extension(code))));
      expect(sink.failures).toMatchObject([
        { reason: 'unsolicited_extension', alert: 'unsupported_extension' },
      ]);
    }
  });
  test('the ServerHello of TLS 1.2', () => {
    for (const code of values) {
      const { sink } = clientOn(change12('server_hello', more(extension(code))), tls12);
      expect(sink.failures).toMatchObject([{ alert: 'unsupported_extension' }]);
    }
  });
  test('a Certificate with an extension of GREASE', () => {
    for (const code of values) {
      const { sink } = clientOn(
        change('certificate', (body) => ({
          ...body,
          certificateList: body.certificateList.map((entry) => ({ ...entry, extensions: [extension(code)] })),
        })),
      );
      expect(sink.failures).toMatchObject([{ alert: 'unsupported_extension' }]);
    }
  });
  test('a suite, a version, a group or a scheme of GREASE is none of those that were offered', () => {
    for (const code of values) {
      const [high = 0, low = 0] = bytePairs(code);
      const bends: readonly Bend[] = [
        change('server_hello', (body) => ({ ...body, cipherSuite: code })),
        change('server_hello', (body) => ({
          ...body,
          extensions: replaced(body.extensions, 43, [high, low]),
        })),
        change('server_hello', (body) => ({
          ...body,
          extensions: replaced(body.extensions, 51, [high, low, 0, 1, 0]),
        })),
        change('certificate_verify', (body) => ({ ...body, algorithm: code })),
      ];
      for (const bend of bends)
        expect(clientOn(bend).sink.failures).toMatchObject([{ by: 'self', alert: 'illegal_parameter' }]);
    }
  });
  test('nor does a HelloRetryRequest ask for a group of GREASE', () => {
    for (const code of values) {
      const ends = bentHandshake(
        'server',
        change('server_hello', (body) => ({
          ...body,
          extensions: replaced(body.extensions, 51, bytePairs(code)),
        })),
        {},
        { config: { supportedGroups: ['secp256r1'] } },
      );
      expect(ends.client.sink.failures).toMatchObject([{ alert: 'illegal_parameter' }]);
    }
  });
});
