/** RFC 5246 §7.4.1.1: a client that is shaking hands passes over a HelloRequest, which no Finished covers; not without end. */
import { describe, expect, test } from 'vitest';
import { type Bend, bentHandshake } from './bend.js';
import { expectToTalk } from './talk.js';
import { identityOf, tls12 } from './two-cores.js';

const helloRequest = new Uint8Array(4);
const before =
  (wanted: string, count = 1): Bend =>
  (type, message) =>
    type === wanted ? [...Array.from({ length: count }, () => helloRequest), message] : [message];
const messages = [
  'server_hello',
  'certificate',
  'server_key_exchange',
  'certificate_request',
  'server_hello_done',
  'finished',
] as const;
const both = { versions: ['tlsv1.3', 'tlsv1.2'] } as const;

describe('a HelloRequest during a handshake of TLS 1.2', () => {
  test.each(messages)('is ignored in front of %s', (type) => {
    const ends = bentHandshake(
      'server',
      before(type),
      { config: tls12, identities: [identityOf('ec').identity] },
      { config: { ...tls12, verify: 'verify_peer' } },
    );
    expectToTalk(ends);
  });

  test('is ignored by a client that would have taken TLS 1.3', () => {
    const config = { ...tls12, ciphers: [...tls12.ciphers], ...both };
    const ends = bentHandshake('server', before('server_hello'), { config }, { config: tls12 });
    expectToTalk(ends);
  });

  test('is ignored eight times and no more', () => {
    const config = tls12;
    expectToTalk(bentHandshake('server', before('certificate', 8), { config }, { config }));
    const { client } = bentHandshake('server', before('certificate', 9), { config }, { config });
    expect(client.sink.failures).toMatchObject([
      { by: 'self', reason: 'too_many_renegotiations', alert: 'unexpected_message' },
    ]);
  });

  test('counts over the whole handshake', () => {
    const each: Bend = (_type, message) => [helloRequest, helloRequest, message];
    const { client } = bentHandshake('server', each, { config: tls12 }, { config: tls12 });
    expect(client.sink.failures).toMatchObject([{ reason: 'too_many_renegotiations' }]);
  });

  test('with a body is malformed', () => {
    const long: Bend = (type, message) =>
      type === 'certificate' ? [Uint8Array.of(0, 0, 0, 1, 7), message] : [message];
    const { client } = bentHandshake('server', long, { config: tls12 }, { config: tls12 });
    expect(client.sink.failures).toMatchObject([{ alert: 'decode_error' }]);
  });
});

test.each([
  ['TLS 1.3', 'encrypted_extensions', both],
  ['a client of TLS 1.3 alone', 'server_hello', { versions: ['tlsv1.3'] } as const],
] as const)('a HelloRequest in %s is an unexpected message', (_what, type, config) => {
  const { client } = bentHandshake('server', before(type), { config });
  expect(client.sink.failures).toMatchObject([{ by: 'self', alert: 'unexpected_message' }]);
});

test('a HelloRequest to a server is an unexpected message', () => {
  const { server } = bentHandshake(
    'client',
    before('client_key_exchange'),
    { config: tls12 },
    { config: tls12 },
  );
  expect(server.sink.failures).toMatchObject([{ by: 'self', alert: 'unexpected_message' }]);
});
