/** Next protocol negotiation between two cores (draft-agl-tls-nextprotoneg), in TLS 1.2, 1.1 and 1.0. */
import { describe, expect, it } from 'vitest';
import type { ClientSettings } from '../../packages/ssl/src/protocol/settings.js';
import { type Bend, bent, bentHandshake, change, change12, extension, without } from './bend.js';
import { DatagramLink, dtlsPair } from './datagram-link.js';
import { first, second } from './session-ends.js';
import { expectToTalk } from './talk.js';
import {
  type ClientOverrides,
  connected,
  type End,
  everySuite12,
  exchange,
  type ServerOverrides,
  suites,
  suites12,
  tls12,
} from './two-cores.js';

const name = (text: string): Uint8Array => new TextEncoder().encode(text);
const names = (...texts: readonly string[]): readonly Uint8Array[] => texts.map(name);
const wish = (
  precedence: 'client' | 'server',
  protocols: readonly string[],
  otherwise?: string,
): NonNullable<ClientSettings['clientPreferredNextProtocols']> => ({
  precedence,
  protocols: names(...protocols),
  default: otherwise === undefined ? undefined : name(otherwise),
});
const wishing = (...args: Parameters<typeof wish>): ClientOverrides => ({
  config: { ...tls12, clientPreferredNextProtocols: wish(...args) },
});
const advertising = (...texts: readonly string[]): ServerOverrides => ({
  config: { ...tls12, nextProtocolsAdvertised: names(...texts) },
});
const spoken = (end: End): string | undefined => {
  const protocol = end.sink.facts?.alpn;
  return protocol && Buffer.from(protocol).toString();
};
const code = 13_172;

/** What goes over the line, by name, before it is sealed. */
function heard(into: string[]): Bend {
  return (type, message) => {
    into.push(type);
    return [message];
  };
}

describe('what is spoken', () => {
  it.each([
    ['the first of the client that both have', wish('client', ['b', 'a', 'x']), 'b'],
    ['the first of the server that both have', wish('server', ['x', 'b', 'a']), 'a'],
    ['the default where there is nothing in common', wish('client', ['x'], 'y'), 'y'],
    ['the same by the order of the server', wish('server', [], 'y'), 'y'],
    ['no default where there is something in common', wish('client', ['b'], 'y'), 'b'],
  ])('is %s', (_what, clientPreferredNextProtocols, expected) => {
    const ends = connected(
      { config: { ...tls12, clientPreferredNextProtocols } },
      advertising('a', 'b', 'c'),
    );
    expectToTalk(ends);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual([expected, expected]);
  });

  it('is the default of the client where the server advertises nothing', () => {
    const ends = connected(wishing('client', ['a'], 'y'), advertising());
    expectToTalk(ends);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual(['y', 'y']);
  });

  it.each(['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const)('is agreed on in %s', (version) => {
    const ciphers = everySuite12.filter(({ name: suite }) =>
      suite.endsWith('ECDHE_ECDSA_WITH_AES_128_CBC_SHA'),
    );
    const old = { ...tls12, versions: [version], ciphers };
    const ends = connected(
      { config: { ...old, clientPreferredNextProtocols: wish('client', ['b']) } },
      { config: { ...old, nextProtocolsAdvertised: names('a', 'b') } },
    );
    expectToTalk(ends);
    expect(ends.client.sink.facts?.protocol).toBe(version);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual(['b', 'b']);
  });

  it.each(['dtlsv1.2', 'dtlsv1'] as const)('is agreed on in %s, in datagrams that come twice', (version) => {
    const { client, server } = dtlsPair({
      versions: [version],
      client: { config: { clientPreferredNextProtocols: wish('client', ['b']) } },
      server: { config: { nextProtocolsAdvertised: names('a', 'b') } },
    });
    const link = new DatagramLink(client, server, (bytes) => [
      { after: 1, bytes },
      { after: 2, bytes },
    ]);
    client.core.start();
    link.run();
    expect([...client.sink.failures, ...server.sink.failures]).toEqual([]);
    expect([spoken(client), spoken(server)]).toEqual(['b', 'b']);
  });

  it('is nothing, and no failure, where one side alone has it', () => {
    for (const ends of [
      connected(wishing('client', ['a']), { config: tls12 }),
      connected({ config: tls12 }, advertising('a')),
    ]) {
      expectToTalk(ends);
      expect([spoken(ends.client), spoken(ends.server)]).toEqual([undefined, undefined]);
    }
  });

  it('is what ALPN says where both sides have ALPN too', () => {
    const ends = connected(
      {
        config: {
          ...tls12,
          alpnAdvertisedProtocols: names('alpn'),
          clientPreferredNextProtocols: wish('client', ['npn']),
        },
      },
      { config: { ...tls12, alpnPreferredProtocols: names('alpn'), nextProtocolsAdvertised: names('npn') } },
    );
    expectToTalk(ends);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual(['alpn', 'alpn']);
  });

  it.each([
    ['server', { alpnPreferredProtocols: names('alpn') }, {}],
    ['client', {}, { alpnAdvertisedProtocols: names('alpn') }],
  ] as const)('is what NPN says where the %s alone has ALPN too', (_side, theirs, ours) => {
    const ends = connected(
      { config: { ...tls12, ...ours, clientPreferredNextProtocols: wish('client', ['npn']) } },
      { config: { ...tls12, ...theirs, nextProtocolsAdvertised: names('npn') } },
    );
    expectToTalk(ends);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual(['npn', 'npn']);
  });

  it('is not asked in TLS 1.3, though the hello asks for the older version', () => {
    const both = { versions: ['tlsv1.3', 'tlsv1.2'], ciphers: [...suites, ...suites12] } as const;
    const messages: string[] = [];
    const ends = connected(
      {
        config: { ...both, clientPreferredNextProtocols: wish('client', ['a']) },
        ...bent(heard(messages)),
      },
      { config: { ...both, nextProtocolsAdvertised: names('a') } },
    );
    expectToTalk(ends);
    expect(ends.client.sink.facts?.protocol).toBe('tlsv1.3');
    expect([spoken(ends.client), spoken(ends.server)]).toEqual([undefined, undefined]);
    expect(messages).not.toContain('next_protocol');
  });

  it('is said between change_cipher_spec and Finished, under the new keys', () => {
    const messages: string[] = [];
    const ends = connected({ ...wishing('client', ['a']), ...bent(heard(messages)) }, advertising('a'));
    expectToTalk(ends);
    expect(messages).toEqual(['client_hello', 'client_key_exchange', 'next_protocol', 'finished']);
  });

  it('may be of 255 bytes, and of the server as many as a hello holds', () => {
    const longest = 'x'.repeat(255);
    const many = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(255, '.'));
    const ends = connected(wishing('client', [longest]), advertising(...many, longest));
    expectToTalk(ends);
    expect([spoken(ends.client), spoken(ends.server)]).toEqual([longest, longest]);
  });
});

describe.each(['id', 'ticket'] as const)('a session found by %s', (by) => {
  it('is resumed with a protocol agreed on anew, in its place before Finished', () => {
    const messages: string[] = [];
    const client = wishing('client', ['a']);
    const before = first({ by, client, server: advertising('a') });
    const ends = second(
      {
        by,
        client: wishing('client', ['b']),
        server: advertising('a', 'b'),
        bend: { from: 'client', bend: heard(messages) },
      },
      before,
    );
    expect(ends.server.sink.facts?.sessionResumption).toBe(true);
    expectToTalk(ends);
    expect(spoken(before.server)).toBe('a');
    expect([spoken(ends.client), spoken(ends.server)]).toEqual(['b', 'b']);
    expect(messages).toEqual(['client_hello', 'next_protocol', 'finished']);
  });

  it('is not resumed further by a client that does not say what it speaks', () => {
    const before = first({ by, client: wishing('client', ['a']), server: advertising('a') });
    const drop: Bend = (type, message) => (type === 'next_protocol' ? [] : [message]);
    const ends = second(
      {
        by,
        client: wishing('client', ['a']),
        server: advertising('a'),
        bend: { from: 'client', bend: drop },
      },
      before,
    );
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'unexpected_message' }]);
    expect(ends.server.sink.establishedCount).toBe(0);
  });
});

describe('a handshake that runs again', () => {
  const pair = (): { readonly client: End; readonly server: End } =>
    connected(wishing('client', ['a']), advertising('a'));

  it.each(['client', 'server'] as const)(
    'does not ask again, and keeps the answer; the %s begins',
    (side) => {
      const ends = pair();
      expect(ends[side].core.renegotiate()).toBe('begun');
      exchange(ends.client, ends.server);
      expect([...ends.client.sink.failures, ...ends.server.sink.failures]).toEqual([]);
      expect([ends.client.sink.establishedCount, ends.server.sink.establishedCount]).toEqual([2, 2]);
      expect([spoken(ends.client), spoken(ends.server)]).toEqual(['a', 'a']);
    },
  );

  it('is answered nothing of it where the client asks all the same', () => {
    let hellos = 0;
    const insist: Bend = (type, message) => {
      if (type !== 'client_hello' || hellos++ === 0) return [message];
      return change12('client_hello', (body) => ({
        ...body,
        extensions: [...body.extensions, extension(code)],
      }))(type, message, neverSent);
    };
    const answers: string[] = [];
    const ends = connected(
      { ...wishing('client', ['a']), ...bent(insist) },
      {
        ...advertising('a'),
        ...bent(
          change12('server_hello', (body) => {
            answers.push(
              body.extensions.some(({ extensionType }) => extensionType === code) ? 'names' : 'none',
            );
            return body;
          }),
        ),
      },
    );
    expect(answers).toEqual(['names']);
    ends.client.core.renegotiate();
    exchange(ends.client, ends.server);
    // The client knows nothing of what it has said, so their secrets differ; but nothing fails before.
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_record_mac' }]);
  });

  it('fails at a client whose server answers what was not asked', () => {
    let hellos = 0;
    const insist: Bend = (type, message) => {
      if (type !== 'server_hello' || hellos++ === 0) return [message];
      return change12('server_hello', (body) => ({
        ...body,
        extensions: [...body.extensions, extension(code, [1, 97])],
      }))(type, message, neverSent);
    };
    const ends = connected(wishing('client', ['a']), { ...advertising('a'), ...bent(insist) });
    ends.client.core.renegotiate();
    exchange(ends.client, ends.server);
    expect(ends.client.sink.failures).toMatchObject([{ reason: 'unsolicited_extension' }]);
  });
});

describe('a client', () => {
  const answered = (
    data: readonly number[],
    client: ClientOverrides = wishing('client', ['a']),
  ): readonly unknown[] =>
    bentHandshake(
      'server',
      change12('server_hello', (body) => ({
        ...body,
        extensions: [...without(body.extensions, code), extension(code, data)],
      })),
      client,
      { config: tls12 },
    ).client.sink.failures;

  it('ends with handshake_failure where there is nothing in common and no default', () => {
    const ends = connected(wishing('client', ['x']), advertising('a'));
    expect(ends.client.sink.failures).toMatchObject([
      { by: 'self', alert: 'handshake_failure', reason: 'no_next_protocol' },
    ]);
    expect(ends.server.sink.failures).toMatchObject([{ by: 'peer', alert: 'handshake_failure' }]);
  });

  it.each([
    ['a name without bytes', [0]],
    ['one behind another', [1, 97, 0]],
    ['a name that is cut', [2, 97]],
    ['a byte too many', [1, 97, 1]],
  ])('takes no list with %s', (_what, data) => {
    expect(answered(data)).toMatchObject([{ alert: 'decode_error', reason: 'malformed_extension' }]);
  });

  it('takes no answer to what it has not asked', () => {
    expect(answered([1, 97], { config: tls12 })).toMatchObject([
      { alert: 'unsupported_extension', reason: 'unsolicited_extension' },
    ]);
  });

  it('is told nothing by NextProtocol, which is its own to say', () => {
    const ends = bentHandshake(
      'server',
      (type, message) => (type === 'finished' ? [Uint8Array.of(67, 0, 0, 2, 0, 0), message] : [message]),
      wishing('client', ['a']),
      advertising('a'),
    );
    expect(ends.client.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
  });
});

describe('a server', () => {
  const sent = (
    instead: Uint8Array | undefined,
    server: ServerOverrides = advertising('a'),
  ): { readonly server: End } => {
    const bend: Bend = (type, message) => {
      if (type !== 'next_protocol') return [message];
      return instead === undefined ? [] : [instead];
    };
    return bentHandshake('client', bend, wishing('client', ['a']), server);
  };
  const body = (...bytes: readonly number[]): Uint8Array => Uint8Array.of(67, 0, 0, bytes.length, ...bytes);
  const before = (extra: Uint8Array, client: ClientOverrides, server: ServerOverrides): readonly unknown[] =>
    bentHandshake(
      'client',
      (type, message) => (type === 'finished' ? [extra, message] : [message]),
      client,
      server,
    ).server.sink.failures;

  it('takes no wish with bytes in it, in any version', () => {
    for (const config of [tls12, {}]) {
      const wordy = change('client_hello', (hello) => ({
        ...hello,
        extensions: [...hello.extensions, extension(code, [1, 97])],
      }));
      const { server } = bentHandshake('client', wordy, { config }, { config });
      expect(server.sink.failures).toMatchObject([{ alert: 'decode_error', reason: 'malformed_extension' }]);
    }
  });

  it.each([
    ['nothing', []],
    ['a name alone', [1, 97]],
    ['a name that is cut', [9, 97]],
    ['a padding that is cut', [1, 97, 4, 0, 0]],
    ['a byte too many', [1, 97, 1, 0, 0]],
  ])('takes no NextProtocol that holds %s', (_what, bytes) => {
    expect(sent(body(...bytes)).server.sink.failures).toMatchObject([
      { alert: 'decode_error', reason: 'malformed_message' },
    ]);
  });

  it('waits for it where it has advertised: Finished does not do', () => {
    expect(sent(undefined).server.sink.failures).toMatchObject([
      { alert: 'unexpected_message', reason: 'unexpected_message' },
    ]);
  });

  it('takes it once', () => {
    const once = body(1, 97, 0);
    expect(before(once, wishing('client', ['a']), advertising('a'))).toMatchObject([
      { alert: 'unexpected_message' },
    ]);
  });

  it.each([
    ['has not advertised', wishing('client', ['a']), { config: tls12 }],
    ['was not asked', { config: tls12 }, advertising('a')],
  ] as const)('that %s does not take it', (_what, client, server) => {
    expect(before(body(1, 97, 0), client, server)).toMatchObject([{ alert: 'unexpected_message' }]);
  });

  it('does not take it in front of change_cipher_spec', () => {
    const early: Bend = (type, message) => {
      if (type === 'next_protocol') return [];
      return type === 'client_key_exchange' ? [message, body(1, 97, 0)] : [message];
    };
    const { server } = bentHandshake('client', early, wishing('client', ['a']), advertising('a'));
    expect(server.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
  });

  it('does not look at the padding, nor asks for more of it', () => {
    // The client's transcript keeps what it meant to say: that it comes to Finished says that the message was taken.
    for (const bytes of [
      [1, 97, 3, 1, 2, 3],
      [1, 97, 0],
      [0, 0],
    ])
      expect(sent(body(...bytes)).server.sink.failures).toMatchObject([{ reason: 'bad_finished' }]);
  });
});

/** A bend that is handed a message of its own does not look at the channel. */
const neverSent: Parameters<Bend>[2] = Object.create(null);
