/** Handshakes that a key authenticates in place of a certificate (RFC 8446 §2.2, §2.3), and the tickets they come from. */
import { sealNewSessionTickets } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import type { ClientHelloExtensions } from '../../packages/ssl/src/protocol/extensions/table.js';
import { refusesPskDheKe } from '../../packages/ssl/src/protocol/tls13/choose.js';
import { EarlyDataAllowance } from '../../packages/ssl/src/protocol/tls13/early-data.js';
import { decodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { type Bend, bent, bentHandshake, change, extension } from './bend.js';
import { holding } from './held-channel.js';
import { bytes, offerOf, type PskScene, pskEnds, secretOf, suite } from './psk-ends.js';
import { expectToTalk } from './talk.js';
import { connected, exchange, identityOf, peerChain, server } from './two-cores.js';

/** Two ends after their handshake; early data is sent right after the hello. */
function shaken(scene: PskScene = {}, ...early: readonly string[]): ReturnType<typeof pskEnds> {
  const ends = pskEnds(scene);
  ends.client.core.start();
  for (const text of early) expect(ends.client.core.sendEarlyData(bytes(text))).toBe(true);
  exchange(ends.client, ends.server);
  return ends;
}

const inVain = { client: { identities: [identityOf('ed25519').identity] } };
const oneGroup = { config: { supportedGroups: ['secp256r1'] as const } };

describe('a handshake under a pre-shared key', () => {
  test('needs no certificate, and both ends know by what they were recognized', () => {
    const ends = shaken({ server: { identities: [] } });
    expectToTalk(ends);
    for (const { facts } of [ends.client.sink, ends.server.sink]) {
      expect(facts).toMatchObject({
        peer: { kind: 'psk', origin: 'resumption' },
        own: { kind: 'psk' },
        sessionResumption: true,
        earlyData: 'none',
        group: 'x25519',
      });
    }
  });

  test('an external key is no resumption', () => {
    const ends = shaken({ psks: [offerOf({ origin: 'external' })], known: { origin: 'external' } });
    expectToTalk(ends);
    expect(ends.server.sink.facts).toMatchObject({ peer: { origin: 'external' }, sessionResumption: false });
  });

  test('the peer is known by what it had shown when the key was made', () => {
    const { chain } = identityOf('ec').identity;
    const ends = shaken({ psks: [{ ...offerOf(), chain }] });
    expect(peerChain(ends.client.sink.facts)).toEqual(chain);
    expect(peerChain(ends.server.sink.facts)).toEqual([]);
  });

  test('the client is not asked for a certificate (§4.3.2)', () => {
    const ends = shaken({ ...inVain, server: { config: { verify: 'verify_peer', failIfNoPeerCert: true } } });
    expectToTalk(ends);
    expect(ends.server.sink.facts?.peer.kind).toBe('psk');
  });

  test('a server that does not know the key shows its certificate, and asks for the client’s', () => {
    const ends = shaken({ ...inVain, known: 'unknown', server: { config: { verify: 'verify_peer' } } });
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ peer: { kind: 'certificate' }, sessionResumption: false });
    expect(ends.server.sink.facts).toMatchObject({ peer: { kind: 'certificate' }, sessionResumption: false });
  });

  test('without a certificate such a server fails, and tells nobody which keys there are (§6.2)', () => {
    const ends = shaken({ known: 'unknown', server: { identities: [] } });
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'unknown_psk', alert: 'decrypt_error' }]);
  });

  test('the suite is one of the key’s hash, though another would have been chosen (§4.2.11)', () => {
    const ciphers = [suite('TLS_AES_256_GCM_SHA384'), suite('TLS_AES_128_GCM_SHA256')];
    const external = { origin: 'external' } as const;
    const ends = shaken({
      psks: [offerOf(external)],
      known: external,
      client: { config: { ciphers } },
      server: { config: { ciphers } },
    });
    expectToTalk(ends);
    expect(ends.server.sink.facts).toMatchObject({
      peer: { kind: 'psk', origin: 'external' },
      cipherSuite: { name: 'TLS_AES_128_GCM_SHA256' },
    });
  });

  test('a key of the importer is bound by a label of its own (RFC 9258 §3.2)', () => {
    const imported = { origin: 'imported' } as const;
    expectToTalk(shaken({ psks: [offerOf(imported)], known: imported }));
    const ends = shaken({ psks: [offerOf(imported)], known: { origin: 'external' } });
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_psk_binder' }]);
  });

  test('whoever looks a key up can ask whether the client has it, before it is used up', () => {
    for (const [value, proven] of [
      [1, true],
      [2, false],
    ] as const) {
      const ends = pskEnds();
      const asked: boolean[] = [];
      ends.server.sink.onPsk = (wish, core) => {
        const found = { index: 0, psk: offerOf({ secret: secretOf(value) }) };
        asked.push(wish.isProven(found));
        core.answerPsk(found);
      };
      ends.client.core.start();
      exchange(ends.client, ends.server);
      expect(asked).toEqual([proven]);
      expect(ends.server.sink.failures).toHaveLength(proven ? 0 : 1);
    }
  });

  test('a server that nobody can ask for keys does not take any', () => {
    const { client } = pskEnds();
    const ends = { client, server: server() };
    client.core.start();
    exchange(ends.client, ends.server);
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ peer: { kind: 'certificate' }, sessionResumption: false });
  });

  test('the second of two keys will do', () => {
    const ends = shaken({ psks: [offerOf({ secret: secretOf(9) }, 'lost'), offerOf()] });
    expectToTalk(ends);
    expect(ends.client.sink.facts?.sessionResumption).toBe(true);
  });

  test('a hello that was retried is bound to both hellos', () => {
    const ends = shaken({ server: oneGroup });
    expectToTalk(ends);
    expect(ends.server.sink.facts).toMatchObject({ retried: true, sessionResumption: true });
  });

  test.each([
    ['resumption', false],
    ['external', true],
  ] as const)('of %s: that the name was used is said: %s (RFC 6066 §3)', (origin, said) => {
    const { client, server } = pskEnds({
      ...{ psks: [offerOf({ origin })], known: { origin } },
      server: { nameUsed: true },
    });
    const messages: Uint8Array[] = [];
    Object.assign(client.sink, {
      trace: (direction: string, kind: string, raw: Uint8Array) => {
        if (direction === 'in' && kind === 'message') messages.push(new Uint8Array(raw));
      },
    });
    client.core.start();
    exchange(client, server);
    const { extensions } = decodeHandshake('encrypted_extensions', messages[1] ?? new Uint8Array());
    expect(extensions.map(({ extensionType }) => extensionType)).toEqual(said ? [0] : []);
    expect(server.sink.facts?.peer).toMatchObject({ origin });
  });

  test('a key whose hash no suite of the config has is not offered', () => {
    const ends = shaken({ psks: [offerOf({ hash: 'sha384' })] });
    expectToTalk(ends);
    expect(ends.client.sink.facts?.sessionResumption).toBe(false);
  });

  test('after a HelloRetryRequest only keys of the chosen suite’s hash are offered again', () => {
    const ciphers = [suite('TLS_AES_256_GCM_SHA384'), suite('TLS_AES_128_GCM_SHA256')];
    const offered: number[] = [];
    const bend: Bend = (type, message) => {
      const raw = type === 'client_hello' ? decodeHandshake('client_hello', message) : undefined;
      const psk = raw?.extensions.find(({ extensionType }) => extensionType === 41);
      if (raw !== undefined) offered.push(psk?.extensionData.length ?? 0);
      return [message];
    };
    const ends = bentHandshake(
      'client',
      bend,
      { config: { ciphers }, resumption: { psks: [offerOf()], earlyData: 'none' } },
      { config: { ciphers, ...oneGroup.config } },
    );
    expect(ends.client.sink.failures).toEqual([]);
    expect(ends.server.sink.facts?.cipherSuite.name).toBe('TLS_AES_256_GCM_SHA384');
    expect(offered[0]).toBeGreaterThan(0);
    expect(offered[1]).toBe(0);
  });

  test('a server that selects a key of another hash than its suite’s is refused', () => {
    const ciphers = [suite('TLS_AES_256_GCM_SHA384'), suite('TLS_AES_128_GCM_SHA256')];
    const selects = change('server_hello', (body) => ({
      ...body,
      extensions: [...body.extensions, extension(41, [0, 0])],
    }));
    const ends = shaken({
      client: { config: { ciphers } },
      server: { ...bent(selects), config: { ciphers } },
      known: 'unknown',
    });
    expect(ends.client.sink.failures).toMatchObject([
      { reason: 'wrong_psk_selection', alert: 'illegal_parameter' },
    ]);
  });

  test('while the key is looked up nothing is answered, and nothing is before the binder was checked', () => {
    const ends = pskEnds({ known: { secret: secretOf(2) } });
    ends.server.sink.onPsk = undefined;
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    expect(ends.server.core.awaiting).toBe('psk');
    expect(ends.server.core.stateName).toBe('start');
    expect(ends.server.sink.writes).toEqual([]);
    ends.server.core.answerPsk({ index: 0, psk: offerOf({ secret: secretOf(2) }) });
    expect(ends.server.sink.failures).toMatchObject([
      { reason: 'bad_psk_binder', alert: 'illegal_parameter' },
    ]);
    expect(ends.server.sink.establishedCount).toBe(0);
  });

  test.each([
    ['with another secret', { secret: secretOf(2) }],
    ['as an external one', { origin: 'external' as const }],
  ])('a server that knows the key %s refuses the binder', (_how, known) => {
    const ends = shaken({ known });
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_psk_binder' }]);
    expect(ends.client.sink.failures).toMatchObject([{ by: 'peer', alert: 'illegal_parameter' }]);
  });

  test('a hello that was changed on its way breaks its binder, whatever the key', () => {
    const ends = pskEnds();
    ends.client.core.start();
    // A byte of the random.
    ends.server.core.receive(ends.client.sink.take().map((byte, at) => (at === 20 ? byte ^ 1 : byte)));
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_psk_binder' }]);
  });
});

describe('a server that has tickets', () => {
  test('makes some for a client that can use keys in a mode that we have, or says nothing of it as OTP’s', () => {
    const nothing: ClientHelloExtensions = Object({});
    expect(refusesPskDheKe(nothing)).toBe(false);
    expect(refusesPskDheKe({ ...nothing, pskKeyExchangeModes: [0, 1] })).toBe(false);
    expect(refusesPskDheKe({ ...nothing, pskKeyExchangeModes: [0] })).toBe(true);
    for (const resumption of [undefined, { psks: [], earlyData: 'none' } as const]) {
      const ends = pskEnds({ client: { resumption } });
      ends.client.core.start();
      exchange(ends.client, ends.server);
      expect(ends.server.core.ticketPsk(bytes('nonce'))).toBeDefined();
    }
  });
});

describe('early data', () => {
  const offered = { earlyData: 'offered' } as const;

  test('comes apart from the rest, before the handshake is complete', () => {
    const ends = pskEnds(offered);
    ends.client.core.start();
    expect(ends.client.core.sendEarlyData(bytes('early'))).toBe(true);
    ends.server.core.receive(ends.client.sink.take());
    expect(ends.server.core.stateName).toBe('wait_eoed');
    expect(Buffer.concat(ends.server.sink.early).toString()).toBe('early');
    expect(ends.server.sink.establishedCount).toBe(0);
    exchange(ends.client, ends.server);
    expectToTalk(ends);
    for (const { facts } of [ends.client.sink, ends.server.sink]) expect(facts?.earlyData).toBe('accepted');
  });

  test.each([true, false])('with change_cipher_spec for middleboxes: %s', (middleboxCompMode) => {
    const ends = shaken({ ...offered, client: { config: { middleboxCompMode } } }, 'one', 'two');
    expectToTalk(ends);
    expect(Buffer.concat(ends.server.sink.early).toString()).toBe('onetwo');
  });

  test('may be written until the server’s Finished, and not after', () => {
    const ends = pskEnds(offered);
    expect(ends.client.core.sendEarlyData(bytes('too early'))).toBe(false);
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    ends.client.core.receive(ends.server.sink.take());
    expect(ends.client.sink.establishedCount).toBe(1);
    expect(ends.client.core.sendEarlyData(bytes('late'))).toBe(false);
  });

  test('is answered before the client’s Finished, and nothing else is', () => {
    const ends = pskEnds(offered);
    const { client, server } = ends;
    expect(server.core.sendHalfRtt(bytes('to nobody'))).toBe(false);
    client.core.start();
    expect(client.core.sendEarlyData(bytes('early'))).toBe(true);
    server.core.receive(client.sink.take());
    expect(server.core.sendHalfRtt(bytes('half'))).toBe(true);
    client.core.receive(server.sink.take());
    expect(client.sink.received()).toBe('half');
    expect(server.sink.establishedCount).toBe(0);
    exchange(client, server);
    expect(server.core.sendHalfRtt(bytes('late'))).toBe(false);
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
  });

  test('that was refused is not answered', () => {
    const { client, server } = pskEnds({ ...offered, known: { earlyData: undefined } });
    client.core.start();
    server.core.receive(client.sink.take());
    expect(server.core.stateName).toBe('wait_finished');
    expect(server.core.sendHalfRtt(bytes('unasked'))).toBe(false);
    expect(client.core.sendHalfRtt(bytes('half'))).toBe(false);
  });

  test('a client does not send more than the ticket allows', () => {
    const ends = pskEnds(offered);
    ends.client.core.start();
    expect(ends.client.core.sendEarlyData(new Uint8Array(999))).toBe(true);
    expect(ends.client.core.sendEarlyData(new Uint8Array(2))).toBe(false);
    expect(ends.client.core.sendEarlyData(new Uint8Array(1))).toBe(true);
  });

  test('a client that has not offered any may not write', () => {
    const ends = pskEnds();
    ends.client.core.start();
    expect(ends.client.core.sendEarlyData(bytes('x'))).toBe(false);
  });

  test.each<[string, PskScene]>([
    ['nobody vouches for the key', { known: { earlyData: undefined } }],
    ['the key is not known', { known: 'unknown' }],
    ['the server retries', { server: oneGroup }],
    ['the key was made with another suite', { known: { earlyData: { ...termsOf(), suite: chacha() } } }],
    ['the key was made with another protocol', { known: { earlyData: { ...termsOf(), alpn: bytes('h2') } } }],
  ])('is thrown away when %s, and the handshake goes on', (_why, scene) => {
    const ends = shaken({ ...offered, ...scene }, 'lost');
    expectToTalk(ends);
    expect(ends.server.sink.early).toEqual([]);
    for (const { facts } of [ends.client.sink, ends.server.sink]) expect(facts?.earlyData).toBe('rejected');
  });

  test('is taken under the first key only', () => {
    const ends = pskEnds({ ...offered, psks: [offerOf({}, 'lost'), offerOf()] });
    ends.client.core.start();
    ends.client.core.sendEarlyData(bytes('lost'));
    exchange(ends.client, ends.server);
    expectToTalk(ends);
    expect(ends.server.sink.facts).toMatchObject({ sessionResumption: true, earlyData: 'rejected' });
  });

  test('is not offered when the config lacks the suite of the key', () => {
    const ends = pskEnds({ ...offered, psks: [offerOf({ earlyData: { ...termsOf(), suite: chacha() } })] });
    ends.client.core.start();
    expect(ends.client.core.sendEarlyData(bytes('x'))).toBe(false);
    exchange(ends.client, ends.server);
    expect(ends.server.sink.facts).toMatchObject({ sessionResumption: true, earlyData: 'none' });
  });

  test('a handshake message in place of EndOfEarlyData is refused', () => {
    const held = holding();
    const ends = pskEnds({ ...offered, client: held.override });
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    const finished = Uint8Array.from([20, 0, 0, 32, ...new Uint8Array(32)]);
    ends.server.core.receive(held.channel.forge(22, finished));
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'unexpected_message', state: 'wait_eoed' }]);
  });

  test('an allowance is not exceeded and loses nothing to what it refuses', () => {
    const allowance = new EarlyDataAllowance(10);
    expect([4, 7, 6, 1].map((length) => allowance.take(length))).toEqual([true, false, true, false]);
  });
});

describe('a ticket', () => {
  const nonce = Uint8Array.of(3);

  test('gives both ends the same key, with which they meet again', () => {
    const first = shaken({ psks: [] });
    expect(first.client.sink.facts?.peer.kind).toBe('certificate');
    const secret = first.server.core.ticketPsk(nonce);
    if (secret === undefined) throw new Error('nothing to make tickets from');
    const ticket = {
      ticketLifetime: 100,
      ticketAgeAdd: 5,
      ticketNonce: nonce,
      ticket: bytes('ticket'),
      maxEarlyDataSize: 10,
    };
    for (const piece of sealNewSessionTickets(first.server.core.split(), [ticket]))
      first.client.core.receive(piece);
    const [received] = first.client.sink.tickets;
    expect(received).toMatchObject({ lifetime: 100, ageAdd: 5, hash: 'sha256', maxEarlyDataSize: 10 });
    if (received === undefined) throw new Error('no ticket came');
    expect(received.secret.expose()).toEqual(secret.expose());
    const again = shaken({
      psks: [{ ...offerOf(received), identity: received.identity }],
      known: { secret },
    });
    expectToTalk(again);
    expect(again.server.sink.facts?.sessionResumption).toBe(true);
  });

  test('and the next one leave in one record, and each is told of', () => {
    const { client, server } = shaken({ psks: [] });
    const tickets = ['one', 'two'].map((name, at) => ({
      ...{ ticketLifetime: 100, ticketAgeAdd: 5, ticketNonce: Uint8Array.of(at), ticket: bytes(name) },
      maxEarlyDataSize: undefined,
    }));
    const bytesSent = Buffer.concat(sealNewSessionTickets(server.core.split(), tickets));
    expect(bytesSent.readUInt16BE(3)).toBe(bytesSent.length - 5);
    client.core.receive(new Uint8Array(bytesSent));
    expect(client.sink.tickets.map(({ identity }) => Buffer.from(identity).toString())).toEqual([
      'one',
      'two',
    ]);
  });

  test('of another nonce has another key', () => {
    const { server } = shaken();
    expect(server.core.ticketPsk(Uint8Array.of(1))?.expose()).not.toEqual(
      server.core.ticketPsk(nonce)?.expose(),
    );
  });

  test('has no key where nothing asks for one', () => {
    expect(connected().server.core.ticketPsk(nonce)).toBeUndefined();
  });
});

function termsOf() {
  return { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 1000 };
}

function chacha() {
  return suite('TLS_CHACHA20_POLY1305_SHA256');
}
