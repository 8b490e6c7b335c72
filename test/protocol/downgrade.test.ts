/** Downgrade marks (RFC 8446 §4.1.3): who could have done better says so, and who could have done better looks for it. */
import { describe, expect, test } from 'vitest';
import { type Bend, bentHandshake, change12 } from './bend.js';
import { expectToTalk } from './talk.js';
import { connected, suites, suites12, tls12 } from './two-cores.js';

const both = {
  versions: ['tlsv1.3', 'tlsv1.2'],
  ciphers: [...suites, ...suites12],
  signatureAlgs: tls12.signatureAlgs,
} as const;
const mark = (last: number): Buffer => Buffer.from([...Buffer.from('DOWNGRD'), last]);
const tail = (random: Uint8Array | undefined): Buffer => Buffer.from(random ?? []).subarray(24);
/** The server's random ends with these bytes. */
const ending = (bytes: Uint8Array): Bend =>
  change12('server_hello', (body) => ({
    ...body,
    random: Uint8Array.from([...body.random.subarray(0, 24), ...bytes]),
  }));

describe('a server', () => {
  test('that could speak TLS 1.3 marks its random in TLS 1.2', () => {
    const ends = connected({ config: tls12 }, { config: both });
    expectToTalk(ends);
    expect(tail(ends.server.sink.facts?.serverRandom)).toEqual(mark(1));
  });

  test.each([
    ['of TLS 1.2 alone', tls12, tls12],
    ['that speaks its best', both, both],
  ])('%s does not', (_what, clientConfig, serverConfig) => {
    const ends = connected({ config: clientConfig }, { config: serverConfig });
    expectToTalk(ends);
    expect(tail(ends.server.sink.facts?.serverRandom).subarray(0, 7)).not.toEqual(mark(1).subarray(0, 7));
  });
});

describe('a client', () => {
  test.each([0, 1])('that could speak TLS 1.3 refuses TLS 1.2 with the mark of %i', (last) => {
    const ends = bentHandshake('server', ending(mark(last)), { config: both }, { config: tls12 });
    expect(ends.client.sink.failures).toMatchObject([
      { by: 'self', alert: 'illegal_parameter', reason: 'downgrade_detected', state: 'hello' },
    ]);
  });

  test('is refused by what an honest server of both says, when somebody has taken TLS 1.3 off its hello', () => {
    const bend: Bend = (type, message) => {
      if (type !== 'client_hello') return [message];
      // supported_versions becomes something that nobody knows.
      const at = Buffer.from(message).indexOf(Buffer.from([0, 43, 0, 5, 4, 3, 4, 3, 3]));
      return [message.map((byte, index) => (index === at ? 0xfa : index === at + 1 ? 0xfa : byte))];
    };
    const ends = bentHandshake('client', bend, { config: both }, { config: both });
    expect(ends.client.sink.failures).toMatchObject([{ by: 'self', reason: 'downgrade_detected' }]);
  });

  // It has asked for no more: the mark of a server that could do more is right.
  test.each([0, 1])('of TLS 1.2 alone goes on with the mark of %i', (last) => {
    const ends = bentHandshake('server', ending(mark(last)), { config: tls12 }, { config: tls12 });
    // What was changed is signed.
    expect(ends.client.sink.failures).toMatchObject([{ reason: 'bad_signature' }]);
  });

  test.each([
    ['another last byte', mark(2)],
    ['the mark one byte too early', Buffer.from([...mark(1).subarray(1), 1])],
    ['another letter', Buffer.from('DOWNGRe\x01', 'latin1')],
  ])('takes %s for chance', (_what, bytes) => {
    const ends = bentHandshake('server', ending(bytes), { config: both }, { config: tls12 });
    expect(ends.client.sink.failures).toMatchObject([{ reason: 'bad_signature' }]);
  });
});
