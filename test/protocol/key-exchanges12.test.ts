/** Every key exchange of TLS 1.2, 1.1 and 1.0, between two cores: what both sides learn, and what happens where a key is wrong. */
import { Core } from '@actor-tls/ssl/core';
import { describe, expect, it } from 'vitest';
import type { SrpCredentials } from '../../packages/ssl/src/protocol/tls12/key-exchange/srp.js';
import { verifierOf } from '../../packages/ssl/src/protocol/tls12/key-exchange/srp-verifier.js';
import type { FoundUser, UserWish } from '../../packages/ssl/src/protocol/tls12/user.js';
import { signatureSchemes } from '../../packages/ssl/src/values/registry/schemes.js';
import {
  type SrpGroupName,
  srpGroup,
  srpGroupNames,
} from '../../packages/ssl/src/values/registry/srp-groups.js';
import type { CipherSuite } from '../../packages/ssl/src/values/registry/suites.js';
import type { ProtocolVersion } from '../../packages/ssl/src/values/registry/versions.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import {
  acceptKnown,
  type ClientOverrides,
  clientOptions,
  engine,
  everySuite12,
  exchange,
  identityOf,
  KeyedRecorder,
  type ServerOverrides,
  serverOptions,
} from './two-cores.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = bytes('a key that both had before');
const identity = bytes('client one');
const username = bytes('alice');
const password = 'password123';

const credentialsIn = (group: SrpGroupName, of = password): SrpCredentials => {
  const salt = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const params = srpGroup(group);
  return {
    group: params,
    salt,
    verifier: verifierOf(params, salt, { username, password: bytes(of) }, engine),
  };
};

interface Users {
  readonly server?: (wish: UserWish) => FoundUser | undefined;
  readonly client?: (wish: UserWish) => FoundUser | undefined;
}

function handshake(
  versions: readonly ProtocolVersion[],
  ciphers: readonly CipherSuite[],
  {
    server: serverUsers = (wish) =>
      wish.kind === 'psk'
        ? { kind: 'psk', identity: wish.identity ?? identity, key: new Secret(key.slice()) }
        : { kind: 'srp', credentials: credentialsIn('srp_2048') },
    client: clientUsers = () => ({ kind: 'psk', identity, key: new Secret(key.slice()) }),
  }: Users = {},
  overrides: { readonly client?: ClientOverrides; readonly server?: ServerOverrides } = {},
) {
  const signatureAlgs = signatureSchemes.map(({ name }) => name);
  const config = { versions, ciphers, signatureAlgs };
  const client = new KeyedRecorder(acceptKnown, clientUsers);
  const server = new KeyedRecorder(acceptKnown, serverUsers);
  const { client: clientGiven, server: serverGiven } = overrides;
  client.core = Core.client(
    clientOptions({
      ...clientGiven,
      config: {
        ...config,
        srpIdentity: { username, password: new Secret(bytes(password)) },
        ...clientGiven?.config,
      },
    }),
    client,
  );
  server.core = Core.server(
    serverOptions({
      identities: [identityOf('rsa').identity, identityOf('ec').identity, identityOf('dsa').identity],
      pskHint: bytes('come as client one'),
      ...serverGiven,
      config: { ...config, ...serverGiven?.config },
    }),
    server,
  );
  client.core.start();
  exchange({ core: client.core, sink: client }, { core: server.core, sink: server });
  return { client, server };
}

const olderVersions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
const pairs = olderVersions.flatMap((version) =>
  everySuite12
    .concat([])
    .filter((suite) => suite.versions.includes(version))
    .map((suite) => [version, suite.name, suite] as const),
);

describe('a suite of old', () => {
  it.each(pairs)('%s %s is spoken, and data flows', (version, _name, suite) => {
    const { client, server } = handshake([version], [suite]);
    expect(client.failures).toEqual([]);
    expect(server.failures).toEqual([]);
    expect(client.facts).toMatchObject({ protocol: version, cipherSuite: suite });
    expect(server.facts).toMatchObject({ protocol: version, cipherSuite: suite });
    client.core?.send(bytes('from the client'));
    server.core?.send(bytes('from the server'));
    if (client.core && server.core)
      exchange({ core: client.core, sink: client }, { core: server.core, sink: server });
    expect(server.received()).toBe('from the client');
    expect(client.received()).toBe('from the server');
  });

  it('there are all of them', () => {
    const exchanges = new Set(everySuite12.map(({ keyExchange }) => keyExchange));
    expect([...exchanges].sort()).toEqual([
      ...['dh_anon', 'dhe_dss', 'dhe_psk', 'dhe_rsa', 'ecdh_anon', 'ecdh_ecdsa', 'ecdh_rsa'],
      ...['ecdhe_ecdsa', 'ecdhe_psk', 'ecdhe_rsa', 'psk', 'rsa', 'rsa_psk', 'srp_anon', 'srp_dss', 'srp_rsa'],
    ]);
  });
});

const suitesOf = (...names: readonly string[]): readonly CipherSuite[] =>
  everySuite12.filter(({ keyExchange }) => names.includes(keyExchange)).slice(0, 1);

describe('a key that both had before', () => {
  it.each(['psk', 'dhe_psk', 'ecdhe_psk', 'rsa_psk'])('%s: both know whose it is', (name) => {
    const { client, server } = handshake(['tlsv1.2'], suitesOf(name));
    expect(server.facts?.user).toEqual({ kind: 'psk', name: identity });
    expect(client.facts?.user).toEqual({ kind: 'psk', name: identity });
    expect(server.facts?.peer.kind).toBe('psk');
    expect(client.facts?.peer.kind).toBe(name === 'rsa_psk' ? 'certificate' : 'psk');
    expect(client.wishes).toEqual([{ kind: 'psk', identity: undefined, hint: bytes('come as client one') }]);
  });

  it.each(['psk', 'rsa_psk'])('%s: a server that gives no hint says nothing of its keys', (name) => {
    const { client } = handshake(['tlsv1.2'], suitesOf(name), {}, { server: { pskHint: undefined } });
    expect(client.facts?.user).toEqual({ kind: 'psk', name: identity });
    expect(client.wishes).toEqual([{ kind: 'psk', identity: undefined, hint: undefined }]);
  });

  it.each(['psk', 'dhe_psk', 'ecdhe_psk', 'rsa_psk'])(
    '%s: a wrong key and an unknown user look the same to a client',
    (name) => {
      const wrong = handshake(['tlsv1.2'], suitesOf(name), {
        client: () => ({ kind: 'psk', identity, key: new Secret(bytes('another')) }),
      });
      const unknown = handshake(['tlsv1.2'], suitesOf(name), {
        server: () => ({ kind: 'psk', identity, key: new Secret(bytes('made up by the server')) }),
      });
      expect(wrong.client.failures).toEqual(unknown.client.failures);
      expect(wrong.client.failures[0]).toMatchObject({ by: 'peer', alert: 'bad_record_mac' });
    },
  );
});

describe('SRP', () => {
  it.each(srpGroupNames.filter((name) => name !== 'srp_1024' && name !== 'srp_1536'))(
    'in the group %s',
    (name) => {
      const { client, server } = handshake(['tlsv1.2'], suitesOf('srp_anon'), {
        server: () => ({ kind: 'srp', credentials: credentialsIn(name) }),
      });
      expect(server.facts?.user).toEqual({ kind: 'srp', name: username });
      expect(client.facts?.user).toEqual({ kind: 'srp', name: username });
    },
  );

  it('with a wrong password fails at the Finished', () => {
    const { client, server } = handshake(['tlsv1.2'], suitesOf('srp_rsa'), {
      server: () => ({ kind: 'srp', credentials: credentialsIn('srp_2048', 'another') }),
    });
    expect(server.failures).toMatchObject([{ by: 'self', alert: 'bad_record_mac' }]);
    expect(client.facts).toBeUndefined();
  });

  it('a client takes no group that is too small, nor one that nobody knows', () => {
    for (const group of [
      srpGroup('srp_1024'),
      { prime: srpGroup('srp_2048').prime, generator: Uint8Array.of(3) },
    ]) {
      const { client } = handshake(['tlsv1.2'], suitesOf('srp_anon'), {
        server: () => ({ kind: 'srp', credentials: { ...credentialsIn('srp_2048'), group } }),
      });
      expect(client.failures).toMatchObject([{ by: 'self', reason: 'weak_dh' }]);
    }
  });

  /** RFC 5054 appendix B */
  it('gives the verifier of the published vector', () => {
    const group = srpGroup('srp_1024');
    const salt = new Uint8Array(Buffer.from('BEB25379D1A8581EB5A727673A2441EE', 'hex'));
    const verifier = verifierOf(group, salt, { username, password: bytes('password123') }, engine);
    expect(Buffer.from(verifier.expose()).toString('hex').toUpperCase()).toBe(
      '7E273DE8696FFC4F4E337D05B4B375BEB0DDE1569E8FA00A9886D8129BADA1F1822223CA1A605B530E379BA4729FDC59' +
        'F105B4787E5186F5C671085A1447B52A48CF1970B4FB6F8400BBF4CEBFBB168152E08AB5EA53D15C1AFF87B2B9DA6E04' +
        'E058AD51CC72BFC9033B564E26480D78E955A5E29E7AB245DB2BE315E2099AFB',
    );
  });
});

describe('RSA', () => {
  it('a server does not tell what is wrong with an enciphered secret', () => {
    const outcomes = [0, 1, 100, 207, 208, 255].map((at) => {
      const { privateKey } = { privateKey: at };
      const signatureAlgs = signatureSchemes.map(({ name }) => name);
      const config = { versions: ['tlsv1.2'], ciphers: suitesOf('rsa'), signatureAlgs } as const;
      const client = new KeyedRecorder(acceptKnown, () => undefined);
      const server = new KeyedRecorder(acceptKnown, () => undefined);
      client.core = Core.client(clientOptions({ config }), client);
      server.core = Core.server(serverOptions({ identities: [identityOf('rsa').identity], config }), server);
      client.core.start();
      server.core.receive(client.take());
      client.core.receive(server.take());
      const flight = client.take();
      // ClientKeyExchange: record header, message header, length of the ciphertext.
      flight[5 + 4 + 2 + privateKey] = (flight[5 + 4 + 2 + privateKey] ?? 0) ^ 1;
      server.core.receive(flight);
      return server.failures.map(({ alert, reason, detail }) => ({ alert, reason, detail }));
    });
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(outcomes[0]).toEqual([{ alert: 'bad_record_mac', reason: 'bad_record_mac', detail: undefined }]);
  });
});
