/**
 * Handshakes that run again on a connection of TLS 1.2, 1.1 and 1.0 (RFC 5246 §7.4.1.1, RFC 5746), core against core: who
 * may begin one, what binds it to the one before, what may not change, and what a peer gets who wishes without end.
 */
import { Core, type Facts } from '@actor-tls/ssl/core';
import { describe, expect, it } from 'vitest';
import { renegotiationInfo } from '../../packages/ssl/src/protocol/extensions/renegotiation-info.js';
import { fallbackScsv, renegotiationScsv } from '../../packages/ssl/src/values/registry/suites.js';
import {
  type Tls12Bodies,
  type Tls12MessageType,
  tls12Messages,
} from '../../packages/ssl/src/values/wire/tls12-messages.js';
import { bent, replaced, without } from './bend.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  connected,
  type End,
  exchange,
  identityOf,
  type Judge,
  Recorder,
  type ServerOverrides,
  server,
  serverOptions,
  suites,
  suites12,
  tls12,
} from './two-cores.js';

type Ends = ReturnType<typeof connected>;
type Side = 'client' | 'server';

const encoder = new TextEncoder();

function pair(client: ClientOverrides = {}, server: ServerOverrides = {}): Ends {
  return connected(
    { ...client, config: { ...tls12, ...client.config } },
    { ...server, config: { ...tls12, ...server.config } },
  );
}

function say(from: End, to: End, text: string): void {
  expect(from.core.send(encoder.encode(text))).toBe(true);
  for (const piece of [from.sink.take()]) to.core.receive(piece);
}

function again(ends: Ends, side: Side): void {
  expect(ends[side].core.renegotiate()).toBe('begun');
  exchange(ends.client, ends.server);
}

function failuresOf({ client, server }: Ends): readonly unknown[] {
  return [...client.sink.failures, ...server.sink.failures].map(({ by, reason, alert }) =>
    by === 'self' ? reason : alert,
  );
}

function factsOf({ sink }: End): Facts {
  if (sink.facts === undefined) throw new Error('not established');
  return sink.facts;
}

const versions = [
  ['tlsv1.2', 'TLS 1.2'],
  ['tlsv1.1', 'TLS 1.1'],
  ['tlsv1', 'TLS 1.0'],
] as const;

describe.each(versions)('a connection of %s', (version) => {
  for (const side of ['client', 'server'] as const) {
    it(`shakes hands again when the ${side} wants it, with new keys and data in order`, () => {
      const config = {
        versions: [version],
        ciphers: suites12.filter((row) => row.versions.includes(version)),
      } as const;
      const ends = pair({ config }, { config });
      say(ends.client, ends.server, 'one ');
      say(ends.server, ends.client, 'one ');
      const before = factsOf(ends.client);
      for (const text of ['two ', 'three ', 'four']) {
        ends.server.core.allowRenegotiation();
        again(ends, side);
        say(ends.client, ends.server, text);
        say(ends.server, ends.client, text);
      }
      expect(failuresOf(ends)).toEqual([]);
      expect(ends.server.sink.received()).toBe('one two three four');
      expect(ends.client.sink.received()).toBe('one two three four');
      expect([ends.client.sink.establishedCount, ends.server.sink.establishedCount]).toEqual([4, 4]);
      const after = factsOf(ends.client);
      expect(after.protocol).toBe(version);
      expect(after.clientRandom).not.toEqual(before.clientRandom);
      expect(after.serverRandom).toEqual(factsOf(ends.server).serverRandom);
    });
  }
});

describe('a renegotiation', () => {
  it('begins by a HelloRequest of the server and has its flights under the keys of before', () => {
    const ends = pair();
    expect(ends.server.core.renegotiate()).toBe('begun');
    const asked = ends.server.sink.take();
    // A record of handshake, protected: header, nonce, four bytes, tag.
    expect([asked[0], asked.length]).toEqual([22, 5 + 8 + 4 + 16]);
    ends.client.core.receive(asked);
    expect(ends.client.sink.outbox).toHaveLength(1);
    exchange(ends.client, ends.server);
    expect(ends.server.sink.establishedCount).toBe(2);
  });

  it('takes data of the peer until its keys change, and sends none itself', () => {
    const ends = pair();
    expect(ends.client.core.renegotiate()).toBe('begun');
    expect(ends.client.core.send(encoder.encode('not now'))).toBe(false);
    const hello = ends.client.sink.take();
    // The server has written before it reads the hello.
    expect(ends.server.core.send(encoder.encode('meanwhile'))).toBe(true);
    ends.client.core.receive(ends.server.sink.take());
    expect(ends.client.sink.received()).toBe('meanwhile');
    ends.server.core.receive(hello);
    exchange(ends.client, ends.server);
    expect(failuresOf(ends)).toEqual([]);
    expect(ends.client.sink.establishedCount).toBe(2);
  });

  it('is one for both when both want it at once', () => {
    const ends = pair();
    expect(ends.client.core.renegotiate()).toBe('begun');
    expect(ends.server.core.renegotiate()).toBe('begun');
    exchange(ends.client, ends.server);
    expect(failuresOf(ends)).toEqual([]);
    expect([ends.client.sink.establishedCount, ends.server.sink.establishedCount]).toEqual([2, 2]);
    say(ends.client, ends.server, 'on');
    expect(ends.server.sink.received()).toBe('on');
  });

  it('is not begun twice at once', () => {
    const ends = pair();
    expect(ends.client.core.renegotiate()).toBe('begun');
    expect(ends.client.core.renegotiate()).toBe('busy');
    expect(ends.server.core.renegotiate()).toBe('begun');
    expect(ends.server.core.renegotiate()).toBe('busy');
  });

  it('is nothing that TLS 1.3 has, nor a connection that has ended', () => {
    const newer = connected();
    expect(newer.client.core.renegotiate()).toBe('never');
    expect(newer.server.core.renegotiate()).toBe('never');
    const ends = pair();
    ends.client.core.close();
    expect(ends.client.core.renegotiate()).toBe('closed');
  });

  it('keeps what ALPN agreed on, without asking again', () => {
    const names = [encoder.encode('one'), encoder.encode('two')];
    const ends = pair(
      { config: { alpnAdvertisedProtocols: names } },
      { config: { alpnPreferredProtocols: names } },
    );
    again(ends, 'client');
    expect(failuresOf(ends)).toEqual([]);
    expect(factsOf(ends.client).alpn).toEqual(names[0]);
    expect(factsOf(ends.server).alpn).toEqual(names[0]);
  });

  it('is over when we close in the middle of it', () => {
    const ends = pair();
    ends.client.core.renegotiate();
    ends.client.core.close();
    exchange(ends.client, ends.server);
    expect(ends.client.core.send(encoder.encode('more'))).toBe(false);
    expect(ends.client.sink.failures).toEqual([]);
  });
});

describe('a refusal', () => {
  it('of a server whose clients may not begin leaves the connection as it was', () => {
    const ends = pair({}, { config: { clientRenegotiation: false } });
    say(ends.client, ends.server, 'before ');
    again(ends, 'client');
    expect(ends.client.sink.refusals).toBe(1);
    say(ends.client, ends.server, 'after');
    say(ends.server, ends.client, 'and back');
    expect(ends.server.sink.received()).toBe('before after');
    expect(ends.client.sink.received()).toBe('and back');
    expect(failuresOf(ends)).toEqual([]);
  });

  it('does not keep that server from asking itself', () => {
    const ends = pair({}, { config: { clientRenegotiation: false } });
    again(ends, 'server');
    expect(ends.client.sink.establishedCount).toBe(2);
    expect(ends.client.sink.refusals).toBe(0);
  });

  it('meets the second wish of a client until the server allows another', () => {
    const ends = pair();
    again(ends, 'client');
    again(ends, 'client');
    expect(ends.client.sink.refusals).toBe(1);
    expect(ends.client.sink.establishedCount).toBe(2);
    // What the server asks for is no wish of the client's.
    again(ends, 'server');
    expect(ends.client.sink.establishedCount).toBe(3);
    again(ends, 'client');
    expect(ends.client.sink.refusals).toBe(2);
    ends.server.core.allowRenegotiation();
    again(ends, 'client');
    expect(ends.client.sink.establishedCount).toBe(4);
    expect(failuresOf(ends)).toEqual([]);
  });

  it('means nothing to who has not asked', () => {
    const ends = pair();
    ends.server.core.receive(warningOf(ends.client));
    expect(ends.server.sink.refusals).toBe(0);
    say(ends.client, ends.server, 'on');
    expect(ends.server.sink.received()).toBe('on');
  });

  it('of a client is heard by the server that has asked', () => {
    const ends = pair();
    expect(ends.server.core.renegotiate()).toBe('begun');
    ends.server.sink.take();
    ends.server.core.receive(warningOf(ends.client));
    expect(ends.server.sink.refusals).toBe(1);
    expect(ends.server.core.renegotiate()).toBe('begun');
  });
});

/** no_renegotiation, sealed by an end that is established. */
function warningOf(end: End): Uint8Array {
  const half = end.core.split();
  const record = new Uint8Array(Buffer.concat(half.sealAlert(1, 100)));
  end.core.join(half);
  return record;
}

describe('a peer that wishes without end', () => {
  it('is hung up on by a server after eight hellos without data', () => {
    const ends = pair({}, { config: { clientRenegotiation: false } });
    for (let wish = 0; wish < 8; wish += 1) again(ends, 'client');
    expect(ends.client.sink.refusals).toBe(8);
    expect(failuresOf(ends)).toEqual([]);
    again(ends, 'client');
    expect(ends.server.sink.failures[0]?.reason).toBe('too_many_renegotiations');
  });

  it('is hung up on by a client after eight handshakes without data, and not when data comes between', () => {
    const ends = pair();
    for (let wish = 0; wish < 8; wish += 1) again(ends, 'server');
    say(ends.server, ends.client, 'data');
    for (let wish = 0; wish < 8; wish += 1) again(ends, 'server');
    expect(failuresOf(ends)).toEqual([]);
    expect(ends.client.sink.establishedCount).toBe(17);
    expect(ends.server.core.renegotiate()).toBe('begun');
    exchange(ends.client, ends.server);
    expect(ends.client.sink.failures[0]?.reason).toBe('too_many_renegotiations');
  });

  it('has HelloRequests passed over while a handshake runs, eight of them', () => {
    const ends = pair();
    expect(ends.client.core.renegotiate()).toBe('begun');
    const half = ends.server.core.split();
    const request = tls12Messages.encode('hello_request', true);
    for (let sent = 0; sent < 8; sent += 1)
      for (const piece of half.sealHandshake(request)) ends.client.core.receive(piece);
    ends.server.core.join(half);
    exchange(ends.client, ends.server);
    expect(failuresOf(ends)).toEqual([]);
    expect(ends.client.sink.establishedCount).toBe(2);
  });
});

describe('who one speaks with', () => {
  const certified = { identities: [identityOf('ec').identity] };
  const asking = { config: { verify: 'verify_peer' } } as const;

  it('is judged again', () => {
    let judged = 0;
    const judge: Judge = (chain, core) => {
      judged += 1;
      acceptKnown(chain, core);
    };
    const ends: Ends = { client: client({ config: tls12 }, judge), server: server({ config: tls12 }) };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    again(ends, 'client');
    expect(judged).toBe(2);
  });

  it('may show a certificate where it has shown none', () => {
    const ends = pair(certified, asking);
    expect(factsOf(ends.server).peer.kind).toBe('certificate');
    again(ends, 'server');
    expect(failuresOf(ends)).toEqual([]);
    expect(factsOf(ends.server).peer.kind).toBe('certificate');
  });

  it('may be a client that shows one only when it is asked later', () => {
    let asks = false;
    const settings = {
      get verify(): 'verify_peer' | 'verify_none' {
        return asks ? 'verify_peer' : 'verify_none';
      },
    };
    const ends = meet(client({ ...certified, config: tls12 }), laterAsking(settings));
    expect(factsOf(ends.server).peer.kind).toBe('none');
    asks = true;
    again(ends, 'server');
    expect(failuresOf(ends)).toEqual([]);
    expect(factsOf(ends.server).peer.kind).toBe('certificate');
  });

  it('is not another server behind the same connection', () => {
    const identities = [identityOf('ec').identity];
    const ends = meet(client({ config: tls12 }), server({ identities, config: tls12 }));
    identities[0] = identityOf('ed25519').identity;
    again(ends, 'client');
    expect(ends.client.sink.failures[0]).toMatchObject({
      reason: 'renegotiation_changes_peer',
      alert: 'illegal_parameter',
    });
    // The client has not shown who it is to the other.
    expect(ends.server.sink.failures[0]).toMatchObject({ by: 'peer', alert: 'illegal_parameter' });
  });

  it('is not another client, nor one that no longer shows anything', () => {
    for (const next of [[identityOf('ed25519').identity], []]) {
      const identities = [...certified.identities];
      const ends = meet(
        client({ identities, config: tls12 }),
        server({ config: { ...tls12, ...asking.config } }),
      );
      expect(factsOf(ends.server).peer.kind).toBe('certificate');
      identities.splice(0, 1, ...next);
      again(ends, 'server');
      expect(ends.server.sink.failures[0]?.reason).toBe('renegotiation_changes_peer');
      expect(ends.client.sink.failures[0]).toMatchObject({ by: 'peer', alert: 'illegal_parameter' });
    }
  });

  it('may be another with renegotiateIdentity', () => {
    const config = { ...tls12, renegotiateIdentity: true };
    const identities = [identityOf('ec').identity];
    const ends = meet(client({ config }), server({ identities, config: tls12 }));
    identities[0] = identityOf('ed25519').identity;
    again(ends, 'client');
    expect(failuresOf(ends)).toEqual([]);
    expect(factsOf(ends.client).peer).toMatchObject({ chain: identityOf('ed25519').identity.chain });
  });
});

function meet(client: End, server: End): Ends {
  client.core.start();
  exchange(client, server);
  return { client, server };
}

/** A server whose config is looked at again. */
function laterAsking(settings: { readonly verify: 'verify_peer' | 'verify_none' }): End {
  const { config, ...rest } = serverOptions({ config: tls12 });
  const sink = new Recorder(acceptKnown);
  const live = Object.defineProperty({ ...config }, 'verify', { get: () => settings.verify });
  const core = Core.server({ ...rest, config: live }, sink);
  sink.core = core;
  return { core, sink };
}

/** Bends the messages of a type that come after the first one: those of handshakes that run again. */
function later<K extends Tls12MessageType>(
  type: K,
  rewrite: (body: Tls12Bodies[K]) => Tls12Bodies[K],
): Pick<ClientOverrides & ServerOverrides, 'channel'> {
  let seen = 0;
  return bent((actual, message) => {
    if (actual !== type) return [message];
    seen += 1;
    return seen === 1
      ? [message]
      : [tls12Messages.encode(type, rewrite(tls12Messages.decode(type, message)))];
  });
}

const info = renegotiationInfo.code;
const sessionHash = 23;
type Hello = Tls12Bodies['client_hello'];
type Answer = Tls12Bodies['server_hello'];

describe('the handshake before binds the next one', () => {
  it.each<[string, (hello: Hello) => Hello, string]>([
    [
      'says nothing of it',
      (hello) => ({ ...hello, extensions: without(hello.extensions, info) }),
      'wrong_renegotiation_info',
    ],
    [
      'speaks of another one',
      (hello) => ({ ...hello, extensions: replaced(hello.extensions, info, [12, ...new Array(12).fill(0)]) }),
      'wrong_renegotiation_info',
    ],
    [
      'says that it is the first',
      (hello) => ({ ...hello, extensions: replaced(hello.extensions, info, [0]) }),
      'wrong_renegotiation_info',
    ],
    [
      'has the suite that stands for a first one',
      (hello) => ({ ...hello, cipherSuites: [...hello.cipherSuites, renegotiationScsv] }),
      'wrong_renegotiation_info',
    ],
    [
      'leaves out the extended master secret',
      (hello) => ({ ...hello, extensions: without(hello.extensions, sessionHash) }),
      'renegotiation_changes_terms',
    ],
    [
      'leaves out the name of the server',
      (hello) => ({ ...hello, extensions: without(hello.extensions, 0) }),
      'renegotiation_changes_terms',
    ],
    ['offers older versions only', (hello) => ({ ...hello, legacyVersion: 0x0302 }), 'unsupported_version'],
  ])('a server refuses a hello that %s', (_what, rewrite, reason) => {
    const ends = pair(later('client_hello', rewrite));
    again(ends, 'client');
    expect(ends.server.sink.failures[0]?.reason).toBe(reason);
    expect(ends.server.sink.establishedCount).toBe(1);
    expect(ends.client.sink.failures[0]).toMatchObject({ by: 'peer' });
  });

  it.each<[string, (hello: Answer) => Answer, string]>([
    [
      'says nothing of it',
      (hello) => ({ ...hello, extensions: without(hello.extensions, info) }),
      'wrong_renegotiation_info',
    ],
    [
      'speaks of another one',
      (hello) => ({ ...hello, extensions: replaced(hello.extensions, info, [24, ...new Array(24).fill(0)]) }),
      'wrong_renegotiation_info',
    ],
    [
      'speaks of half of it',
      (hello) => ({
        ...hello,
        extensions: hello.extensions.map((one) =>
          one.extensionType === info
            ? { extensionType: info, extensionData: Uint8Array.of(12, ...one.extensionData.subarray(1, 13)) }
            : one,
        ),
      }),
      'wrong_renegotiation_info',
    ],
    [
      'says that it is the first',
      (hello) => ({ ...hello, extensions: replaced(hello.extensions, info, [0]) }),
      'wrong_renegotiation_info',
    ],
    [
      'leaves out the extended master secret',
      (hello) => ({ ...hello, extensions: without(hello.extensions, sessionHash) }),
      'renegotiation_changes_terms',
    ],
    [
      'is of another version',
      (hello) => ({ ...hello, legacyVersion: 0x0302 }),
      'renegotiation_changes_terms',
    ],
  ])('a client refuses an answer that %s', (_what, rewrite, reason) => {
    const ends = pair({}, later('server_hello', rewrite));
    again(ends, 'client');
    expect(ends.client.sink.failures[0]?.reason).toBe(reason);
    expect(ends.client.sink.establishedCount).toBe(1);
  });

  it('a handshake that somebody has put in front of a client is not taken for its own (CVE-2009-3555)', () => {
    const ends = pair();
    const victim = client({ config: tls12 });
    victim.core.start();
    // The hello without its record header, below the keys of whoever stands between.
    const hello = victim.sink.take().subarray(5);
    say(ends.client, ends.server, 'GET /evil HTTP/1.1\r\nX-Ignore: ');
    const half = ends.client.core.split();
    for (const piece of half.sealHandshake(hello)) ends.server.core.receive(piece);
    expect(ends.server.sink.failures[0]).toMatchObject({
      reason: 'wrong_renegotiation_info',
      alert: 'handshake_failure',
    });
  });
});

describe('fallback', () => {
  it('is said in the first hello, and not when the handshake runs again', () => {
    const suites: boolean[] = [];
    const watching = bent((type, message) => {
      if (type === 'client_hello')
        suites.push(tls12Messages.decode('client_hello', message).cipherSuites.includes(fallbackScsv));
      return [message];
    });
    const ends = pair({ ...watching, config: { fallback: true } });
    again(ends, 'client');
    expect(suites).toEqual([true, false]);
    expect(failuresOf(ends)).toEqual([]);
  });

  it('is refused by a server that could do better', () => {
    const ends = pair(
      { config: { fallback: true } },
      { config: { versions: ['tlsv1.3', 'tlsv1.2'], ciphers: [...suites, ...suites12] } },
    );
    expect(ends.client.sink.failures[0]?.alert).toBe('inappropriate_fallback');
  });
});
