/** A client that is asked who it is when the handshake is over (RFC 8446 §4.2.6, §4.6.2), core against core. */
import { Core, sealFlight, sealKeyUpdate, type WriteHalf } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import { schemeByName } from '../../packages/ssl/src/values/registry/schemes.js';
import { encodeHandshake, tls13Messages } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  clientOptions,
  connected,
  type End,
  exchange,
  identityOf,
  type Judge,
  peerChain,
  Recorder,
  type ServerOverrides,
  server,
  serverOptions,
} from './two-cores.js';

const shows = { identities: [identityOf('ec').identity] };
const offers = { config: { postHandshakeAuth: true } } as const;
const asks = { config: { verify: 'verify_peer', postHandshakeAuth: true } } as const;

function ends(
  clientOverrides: ClientOverrides = { ...shows, ...offers },
  serverOverrides: ServerOverrides = asks,
) {
  return connected(clientOverrides, serverOverrides);
}

/** All handshake messages of one type that an end has written or heard of, by `trace`. */
class Tracer extends Recorder {
  readonly messages: { readonly direction: 'in' | 'out'; readonly bytes: Uint8Array }[] = [];
  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (kind === 'message') this.messages.push({ direction, bytes: new Uint8Array(bytes) });
  }
}

function tracedClient(overrides: ClientOverrides = { ...shows, ...offers }, judge: Judge = acceptKnown) {
  const sink = new Tracer(judge);
  const core = Core.client(clientOptions(overrides), sink);
  sink.core = core;
  return { core, sink };
}

/** Records of an end whose write half was split off. */
function splitClient(overrides: ClientOverrides = { ...shows, ...offers }) {
  const there = { client: client(overrides), server: server(asks) };
  there.client.core.start();
  exchange(there.client, there.server);
  const half = there.client.core.split();
  return { ...there, half };
}

function flightOf(end: End) {
  const owed = end.sink.owed.shift();
  if (typeof owed !== 'object') throw new Error(`no flight is owed but ${String(owed)}`);
  return owed;
}

function carry(half: WriteHalf, messages: Uint8Array, to: End): void {
  for (const piece of half.sealHandshake(messages)) to.core.receive(new Uint8Array(piece));
}

describe('a client that is asked after the handshake', () => {
  test('shows its certificate, and both sides know of it from then on', () => {
    const { client, server } = ends();
    expect(peerChain(server.sink.facts)).toEqual([]);
    expect(client.sink.facts?.own.kind).toBe('none');

    expect(server.core.requestCertificate()).toBe('requested');
    exchange(client, server);

    expect(peerChain(server.sink.facts)).toEqual(identityOf('ec').identity.chain);
    expect(server.sink.facts?.peer.kind).toBe('certificate');
    expect(client.sink.facts?.own.kind).toBe('certificate');
    expect(server.sink.shown.map(({ kind }) => kind)).toEqual(['certificate']);
    expect([...client.sink.failures, ...server.sink.failures]).toEqual([]);
  });

  test('is asked as often as the server likes, each time with another context', () => {
    const traced = tracedClient();
    const there = server(asks);
    traced.core.start();
    exchange(traced, there);
    for (let round = 0; round < 10; round += 1) {
      expect(there.core.requestCertificate()).toBe('requested');
      exchange(traced, there);
      there.core.send(Buffer.from('.'));
    }
    exchange(traced, there);
    const contexts = traced.sink.messages
      .filter(({ bytes }) => bytes[0] === 13)
      .map(({ bytes }) =>
        Buffer.from(tls13Messages.decode('certificate_request', bytes).certificateRequestContext).toString(
          'hex',
        ),
      );
    expect(contexts).toHaveLength(10);
    expect(new Set(contexts).size).toBe(10);
    expect(contexts.every((context) => context.length === 64)).toBe(true);
    expect(there.sink.shown).toHaveLength(10);
  });

  test('says that it has none, which leaves the connection as it was', () => {
    const { client, server } = ends(offers);
    server.core.requestCertificate();
    exchange(client, server);
    expect(server.sink.shown).toEqual([{ kind: 'none' }]);
    expect(peerChain(server.sink.facts)).toEqual([]);
    client.core.send(Buffer.from('on'));
    exchange(client, server);
    expect(server.sink.received()).toBe('on');
  });

  test('does not lose what it proved before by showing nothing later', () => {
    const inHandshake = { config: { verify: 'verify_peer' } } as const;
    const there = ends({ ...shows, ...offers }, inHandshake);
    expect(peerChain(there.server.sink.facts)).toHaveLength(1);
    there.server.core.requestCertificate();
    exchange(there.client, there.server);
    expect(there.server.sink.shown).toHaveLength(1);
    expect(peerChain(there.server.sink.facts)).toHaveLength(1);
  });

  test('that has none ends the connection where one is required', () => {
    const { client, server } = ends(offers, {
      config: { ...asks.config, failIfNoPeerCert: true },
    });
    server.core.requestCertificate();
    exchange(client, server);
    expect(server.sink.failures).toMatchObject([{ by: 'self', alert: 'certificate_required' }]);
    expect(client.sink.failures).toMatchObject([{ by: 'peer', alert: 'certificate_required' }]);
  });

  test('whose chain is refused ends the connection with the alert of the verdict', () => {
    const sink = new Recorder((_chain, core) =>
      core.answerVerdict({ reject: { alert: 'certificate_expired', detail: 'late' } }),
    );
    const core = Core.server(serverOptions(asks), sink);
    sink.core = core;
    const there = client({ ...shows, ...offers });
    // The server's own chain is judged by the client's recorder.
    there.core.start();
    exchange(there, { core, sink });
    core.requestCertificate();
    exchange(there, { core, sink });
    expect(sink.failures).toMatchObject([{ alert: 'certificate_expired', detail: 'late' }]);
    expect(there.sink.failures).toMatchObject([{ by: 'peer', alert: 'certificate_expired' }]);
  });

  test('signs with the keys of the present epoch, after any number of key updates', () => {
    const { client, server } = ends();
    client.core.updateKeys('write');
    client.core.updateKeys('read_write');
    exchange(client, server);
    server.core.requestCertificate();
    exchange(client, server);
    expect(server.sink.shown).toHaveLength(1);
    expect(server.sink.failures).toEqual([]);
  });
});

describe('nobody is asked', () => {
  test.each([
    ['who has not offered it', ends({ ...shows })],
    ['by a server that verifies nobody', ends(undefined, { config: { postHandshakeAuth: true } })],
    [
      'in TLS 1.2',
      connected(
        { ...shows, config: { ...offers.config, versions: ['tlsv1.2'], ciphers: [] } },
        { config: { ...asks.config, versions: ['tlsv1.2'] } },
      ),
    ],
  ])('%s', (_who, { server }) => {
    expect(server.core.requestCertificate()).toBe('notsup');
    expect(server.sink.take()).toHaveLength(0);
  });

  test('and a client asks nobody', () => {
    expect(ends().client.core.requestCertificate()).toBe('notsup');
  });

  test('in the handshake either, by a server that asks later', () => {
    const { server } = ends();
    expect(peerChain(server.sink.facts)).toEqual([]);
    const usual = ends(undefined, { config: { verify: 'verify_peer' } });
    expect(peerChain(usual.server.sink.facts)).toHaveLength(1);
  });
});

describe('data goes on', () => {
  test('in both directions while the request is out, and while the chain is judged', () => {
    let judged: Core | undefined;
    let chain: readonly Uint8Array[] = [];
    const sink = new Recorder((shown, core) => {
      judged = core;
      chain = shown;
    });
    const core = Core.server(serverOptions(asks), sink);
    sink.core = core;
    const there = { core, sink };
    const here = client({ ...shows, ...offers });
    here.core.start();
    exchange(here, there);

    here.core.send(Buffer.from('a'));
    core.requestCertificate();
    core.send(Buffer.from('1'));
    here.core.send(Buffer.from('b'));
    exchange(here, there);
    // The answer is here, certificate, proof and all, and the verdict is not.
    expect(core.awaiting).toBeUndefined();
    here.core.send(Buffer.from('c'));
    core.send(Buffer.from('2'));
    exchange(here, there);
    expect(sink.received()).toBe('abc');
    expect(here.sink.received()).toBe('12');
    expect(sink.shown).toEqual([]);
    // New keys change nothing of what was proved under the old ones.
    here.core.updateKeys('write');
    exchange(here, there);

    if (judged === undefined) throw new Error('nobody was asked');
    acceptKnown(chain, judged);
    expect(sink.shown).toHaveLength(1);
    expect(sink.failures).toEqual([]);
    expect(core.requestCertificate()).toBe('requested');
  });

  test('while a key elsewhere signs', () => {
    const { identity } = identityOf('ec');
    const remote = { chain: identity.chain, key: 'remote', schemes: identity.schemes } as const;
    const here = client({ identities: [remote], ...offers });
    const there = server(asks);
    here.core.start();
    exchange(here, there);
    there.core.requestCertificate();
    there.core.send(Buffer.from('1'));
    exchange(here, there);
    const [wish] = here.sink.signaturesAsked;
    if (wish === undefined) throw new Error('nobody was asked to sign');
    here.core.send(Buffer.from('a'));
    exchange(here, there);
    expect([here.sink.received(), there.sink.received()]).toEqual(['1', 'a']);

    const { algorithm } = schemeByName('ecdsa_secp256r1_sha256');
    here.core.answerSignature(identity.key.sign(algorithm, wish.data));
    exchange(here, there);
    expect(there.sink.failures).toEqual([]);
    expect(there.sink.shown).toHaveLength(1);
  });

  test('and a second request is answered after the first, when both came before the signature', () => {
    const { client, server } = ends();
    expect(server.core.requestCertificate()).toBe('requested');
    expect(server.core.requestCertificate()).toBe('pending');
    exchange(client, server);
    expect(server.sink.shown).toHaveLength(1);
  });
});

describe('what a peer does wrong ends the connection', () => {
  test('a request that nobody has offered to answer', () => {
    const { client, server } = ends(shows);
    const request = certificateRequest(Uint8Array.of(1));
    carry(server.core.split(), request, client);
    expect(client.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
  });

  test('an answer that nobody has asked for', () => {
    const { server, half } = splitClient();
    carry(
      half,
      encodeHandshake('certificate', { certificateRequestContext: new Uint8Array(), certificateList: [] }),
      server,
    );
    expect(server.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
  });

  test('an answer to another request', () => {
    const { server, half } = splitClient();
    server.core.requestCertificate();
    const message = encodeHandshake('certificate', {
      certificateRequestContext: Uint8Array.of(1, 2, 3),
      certificateList: [],
    });
    carry(half, message, server);
    expect(server.sink.failures).toMatchObject([{ reason: 'wrong_certificate_context' }]);
  });

  test('the answer to the request before', () => {
    const there = splitClient();
    const { client, server, half } = there;
    server.core.requestCertificate();
    client.core.receive(server.sink.take());
    const first = flightOf(client);
    for (const piece of sealFlight(half, first)) server.core.receive(new Uint8Array(piece));
    client.core.flightLeft();
    expect(server.sink.shown).toHaveLength(1);
    server.core.requestCertificate();
    for (const piece of sealFlight(half, first)) server.core.receive(new Uint8Array(piece));
    expect(server.sink.failures).toMatchObject([{ reason: 'wrong_certificate_context' }]);
  });

  test.each(['data', 'a KeyUpdate', 'a Finished before its proof'])('%s within an answer', (what) => {
    const { client, server, half } = splitClient();
    server.core.requestCertificate();
    client.core.receive(server.sink.take());
    const { messages } = flightOf(client);
    carry(half, firstMessage(messages), server);
    const pieces =
      what === 'data'
        ? half.sealApplicationData(Buffer.from('x'))
        : what === 'a KeyUpdate'
          ? sealKeyUpdate(half, 'update_not_requested')
          : half.sealHandshake(encodeHandshake('finished', { verifyData: new Uint8Array(32) }));
    for (const piece of pieces) server.core.receive(new Uint8Array(piece));
    expect(server.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
    expect(server.sink.delivered).toEqual([]);
  });

  test.each([
    ['a signature over something else', 'bad_signature'],
    ['a Finished of other keys', 'bad_finished'],
  ])('%s', (what, reason) => {
    const { client, server, half } = splitClient();
    server.core.requestCertificate();
    client.core.receive(server.sink.take());
    const flight = flightOf(client);
    const messages = new Uint8Array(flight.messages);
    if (reason === 'bad_signature') messages[messages.length - 1] = (messages.at(-1) ?? 0) ^ 1;
    const finishedOver = reason === 'bad_finished' ? new Uint8Array(32) : flight.finishedOver;
    for (const piece of sealFlight(half, { messages, finishedOver }))
      server.core.receive(new Uint8Array(piece));
    expect(what).toBeDefined();
    expect(server.sink.failures).toMatchObject([{ reason }]);
    expect(server.sink.shown).toEqual([]);
  });

  test('requests faster than the answers leave: a peer that does not read costs four of them', () => {
    const there = splitClient();
    const half = there.server.core.split();
    let sent = 0;
    while (there.client.sink.failures.length === 0 && sent < 1000) {
      sent += 1;
      carry(half, certificateRequest(Uint8Array.of(sent >> 8, sent)), there.client);
    }
    expect(sent).toBe(6);
    expect(there.client.sink.owed).toHaveLength(1);
    expect(there.client.sink.failures).toMatchObject([{ reason: 'too_many_certificate_requests' }]);
  });

  test('and where each answer leaves, any number of requests is answered', () => {
    const there = splitClient();
    const half = there.server.core.split();
    for (let sent = 1; sent <= 1000; sent += 1) {
      carry(half, certificateRequest(Uint8Array.of(sent >> 8, sent)), there.client);
      flightOf(there.client);
      there.client.core.flightLeft();
    }
    expect(there.client.sink.failures).toEqual([]);
  });

  test('a core that writes itself answers a bounded number of requests without data between them', () => {
    const { client, server } = ends();
    const half = server.core.split();
    let sent = 0;
    while (client.sink.failures.length === 0 && sent < 1000) {
      sent += 1;
      carry(half, certificateRequest(Uint8Array.of(sent)), client);
    }
    expect(sent).toBe(17);
  });
});

test('a client that has closed its side answers no request, and reads on', () => {
  const { client, server } = ends();
  client.core.close();
  server.core.requestCertificate();
  server.core.send(Buffer.from('still'));
  client.core.receive(server.sink.take());
  expect(client.sink.failures).toEqual([]);
  expect(client.sink.received()).toBe('still');
});

test('an answer that comes in single bytes is the same', () => {
  const { client, server } = ends();
  server.core.requestCertificate();
  exchange(client, server, (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte)));
  expect(server.sink.shown).toHaveLength(1);
});

function certificateRequest(context: Uint8Array): Uint8Array {
  return encodeHandshake('certificate_request', {
    certificateRequestContext: context,
    // signature_algorithms: ecdsa_secp256r1_sha256
    extensions: [{ extensionType: 13, extensionData: Uint8Array.of(0, 2, 4, 3) }],
  });
}

/** The first of several messages that stand one behind the other. */
function firstMessage(messages: Uint8Array): Uint8Array {
  const length = ((messages[1] ?? 0) << 16) | ((messages[2] ?? 0) << 8) | (messages[3] ?? 0);
  return messages.subarray(0, 4 + length);
}
