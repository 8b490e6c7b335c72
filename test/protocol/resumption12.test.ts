/** Abbreviated handshakes of TLS 1.2, 1.1 and 1.0 between two cores (RFC 5246 §7.3, RFC 5077, RFC 7627 §5.3). */
import { describe, expect, it, test } from 'vitest';
import { change, change12, without } from './bend.js';
import { first, offerOf, type SessionEnds, type SessionScene, second, twice } from './session-ends.js';
import { expectToTalk } from './talk.js';
import { everySuite12, identityOf, tls12 } from './two-cores.js';

const resumed = ({ client, server }: SessionEnds): readonly unknown[] => [
  client.sink.facts?.sessionResumption,
  server.sink.facts?.sessionResumption,
];

describe.each(['id', 'ticket'] as const)('a session found by %s', (by) => {
  it.each(['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const)('is resumed in %s, and again', (version) => {
    const config = {
      ...tls12,
      versions: [version],
      ciphers: everySuite12.filter(
        ({ name, keyExchange }) => keyExchange === 'ecdhe_ecdsa' && name.endsWith('CBC_SHA'),
      ),
    };
    const scene: SessionScene = { by, client: { config }, server: { config } };
    const before = first(scene);
    expect(resumed(before)).toEqual([false, false]);
    const ends = second(scene, before);
    expect(resumed(ends)).toEqual([true, true]);
    expectToTalk(ends);
    const { facts: ours } = ends.client.sink;
    const { facts: theirs } = ends.server.sink;
    expect(ours?.sessionId).toEqual(theirs?.sessionId);
    expect(ours?.peer).toEqual({
      kind: 'psk',
      origin: 'resumption',
      chain: identityOf('ec').identity.chain,
    });
    expect(ours?.group).toBe(before.client.sink.facts?.group);
    expect(ours?.protocol).toBe(version);
  });

  it('brings a client back that has shown a certificate, whom the server still knows', () => {
    const server = { config: { ...tls12, verify: 'verify_peer', failIfNoPeerCert: true } } as const;
    const client = { config: tls12, identities: [identityOf('ec').identity] };
    const ends = twice({ by, client, server });
    expect(resumed(ends)).toEqual([true, true]);
    expect(ends.server.sink.facts?.peer).toMatchObject({ chain: identityOf('ec').identity.chain });
    expectToTalk(ends);
  });

  it('keeps its secret and changes its keys', () => {
    const before = first({ by });
    const ends = second({ by }, before);
    const secrets = [before.client, ends.client, ends.server].map(({ sink: { facts } }) =>
      facts?.secrets?.kind === 'master' ? Buffer.from(facts.secrets.masterSecret.expose()) : undefined,
    );
    expect(secrets[1]).toEqual(secrets[0]);
    expect(secrets[2]).toEqual(secrets[0]);
    expect(ends.client.sink.facts?.clientRandom).not.toEqual(before.client.sink.facts?.clientRandom);
  });

  it('is passed over when nobody knows it, and the handshake is a full one', () => {
    const ends = twice({ by, instead: () => undefined });
    expect(resumed(ends)).toEqual([false, false]);
    expectToTalk(ends);
  });

  it.each([
    ['another name', { client: { config: tls12, serverName: 'other.example' } }],
    ['a suite that the server has no more', { server: { config: { ...tls12, ciphers: [] } } }],
    [
      'a version that is no more',
      { client: { config: { ...tls12, versions: ['tlsv1.1'] } }, server: { config: tls12 } },
    ],
    [
      'a certificate that the server now insists on',
      { server: { config: { ...tls12, verify: 'verify_peer', failIfNoPeerCert: true } } },
    ],
  ] as const)('is not resumed under %s', (_what, then) => {
    const ends = twice({ by, then });
    expect(ends.server.sink.facts?.sessionResumption ?? false).toBe(false);
  });

  it('that comes with a name that is none is nobody asked for: the hello is malformed', () => {
    const malformed = change('client_hello', (body) => ({
      ...body,
      extensions: [
        ...without(body.extensions, 0),
        { extensionType: 0, extensionData: Buffer.from('0006000003610062', 'hex') },
      ],
    }));
    const ends = twice({ by, bend: { from: 'client', bend: malformed } });
    expect(ends.server.sink.wishes).toEqual([]);
    expect(ends.server.sink.failures).toMatchObject([
      { reason: 'malformed_extension', alert: 'decode_error' },
    ]);
  });

  it('that had encrypt-then-MAC is not resumed without it, nor the other way', () => {
    const config = { ...tls12, ciphers: everySuite12.filter(({ name }) => name.endsWith('CBC_SHA256')) };
    const scene: SessionScene = { by, client: { config }, server: { config } };
    const noEtm = change('client_hello', (body) => ({ ...body, extensions: without(body.extensions, 22) }));
    const ends = twice({ ...scene, bend: { from: 'client', bend: noEtm } });
    expect(ends.server.sink.facts?.sessionResumption).not.toBe(true);
    expect(ends.server.sink.wishes).toHaveLength(1);
    const [wish] = ends.server.sink.wishes;
    const session = [...ends.server.sink.kept.values()][0];
    expect(session && wish?.fits(session)).toBe(false);
    expect(session && wish?.fits({ ...session, encryptThenMac: false })).toBe(true);
  });

  describe('and the extended master secret', () => {
    const noEms = (): ReturnType<typeof change> =>
      change('client_hello', (body) => ({ ...body, extensions: without(body.extensions, 23) }));

    it('that it had: a hello without it ends the handshake (RFC 7627 §5.3)', () => {
      const ends = twice({ by, bend: { from: 'client', bend: noEms() } });
      expect(ends.server.sink.failures).toMatchObject([
        { reason: 'resumption_changed_master_secret', alert: 'handshake_failure' },
      ]);
    });

    it('that it had not: a client that knows it gets a full handshake', () => {
      const ends = twice({ by, instead: () => undefined });
      const [wish] = ends.server.sink.wishes;
      const session = [...ends.server.sink.kept.values()][0];
      expect(session && wish?.fits(session)).toBe(true);
      expect(session && wish?.fits({ ...session, derivation: 'plain' })).toBe(false);
    });

    it('that it had not: of a client with a certificate it is not resumed at all', () => {
      const ends = twice({ by, bend: { from: 'client', bend: noEms() } });
      const [wish] = ends.server.sink.wishes;
      const session = [...ends.server.sink.kept.values()][0];
      if (wish === undefined || session === undefined) throw new Error('nothing was asked');
      expect(wish.fits({ ...session, derivation: 'plain' })).toBe(true);
      const chain = identityOf('ec').identity.chain;
      expect(wish.fits({ ...session, derivation: 'plain', chain })).toBe(false);
    });

    it('that a server drops when it resumes: the client refuses', () => {
      const drop = change12('server_hello', (body) => ({
        ...body,
        extensions: without(body.extensions, 23),
      }));
      const ends = twice({ by, bend: { from: 'server', bend: drop } });
      expect(ends.client.sink.failures).toMatchObject([{ reason: 'resumption_changed_master_secret' }]);
    });

    it('that a server adds when it resumes: the client refuses', () => {
      const ends = twice({
        by,
        offer: (offered) => ({ ...offered, session: { ...offered.session, derivation: 'plain' } }),
      });
      expect(ends.client.sink.failures).toMatchObject([{ reason: 'resumption_changed_master_secret' }]);
    });
  });

  it.each([
    ['suite', { suite: 0xc00a }],
    ['version', { version: 'tlsv1.1' }],
    ['protection', { encryptThenMac: true }],
  ] as const)('whose %s the server changes is refused by the client', (_what, difference) => {
    const ends = twice({
      by,
      offer: (offered) => ({ ...offered, session: { ...offered.session, ...difference } }),
    });
    expect(ends.client.sink.failures).toMatchObject([
      { reason: 'resumption_changed', alert: 'illegal_parameter' },
    ]);
  });

  it('that a stranger has heard of is of no use to him: he does not know its secret', () => {
    const ends = twice({
      by,
      offer: ({ session: { masterSecret, ...session }, ...offered }) => {
        const wrong = Object.create(Object.getPrototypeOf(masterSecret), {
          expose: { value: () => new Uint8Array(48) },
        });
        return { ...offered, session: { ...session, masterSecret: wrong } };
      },
    });
    expect(ends.client.sink.establishedCount + ends.server.sink.establishedCount).toBe(0);
    expect(ends.client.sink.failures[0]).toMatchObject({ by: 'self', alert: 'bad_record_mac' });
  });
});

describe('tickets', () => {
  it('come between the Finished messages, and the session gets an id of the client’s own', () => {
    const { client } = first({ by: 'ticket' });
    expect(client.sink.facts?.session?.ticket).toMatchObject({ lifetimeHint: 300 });
    expect(client.sink.facts?.sessionId).toHaveLength(32);
  });

  it('are not given to who does not ask', () => {
    const { client, server } = first({ by: 'id' });
    expect(client.sink.facts?.session?.ticket).toBeUndefined();
    expect(server.sink.facts?.sessionId).toHaveLength(32);
  });

  it('that nobody can seal are empty, and the connection stands', () => {
    const ends = first({ by: 'ticket', seals: false });
    expect(ends.client.sink.facts?.session?.ticket).toBeUndefined();
    expect(ends.client.sink.facts?.sessionId).toEqual(new Uint8Array(0));
    expectToTalk(ends);
  });

  it('that were promised and do not come are missed', () => {
    const lost = twice({
      by: 'ticket',
      instead: () => undefined,
      bend: {
        from: 'server',
        bend: (type, message) => (type === 'new_session_ticket' ? [] : [message]),
      },
    });
    expect(lost.client.sink.failures).toMatchObject([{ reason: 'unexpected_change_cipher_spec' }]);
  });
});

test('a session is asked for with what the hello has brought', () => {
  const before = first({ by: 'id' });
  const { server } = second({ by: 'id' }, before);
  expect(server.sink.wishes).toMatchObject([{ id: offerOf(before.client).id, ticket: undefined }]);
});
