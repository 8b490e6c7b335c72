/** Whole handshakes of TLS 1.2 between two cores, and who speaks what with whom when both know several versions. */
import { Core } from '@actor-tls/ssl/core';
import type { KeyKind } from '@actor-tls/ssl/testing';
import { describe, expect, test } from 'vitest';
import { speaksTls13 } from '../../packages/ssl/src/protocol/hello/version.js';
import { onEngine } from '../support/engine.js';
import { bent, bentHandshake, change, change12 } from './bend.js';
import { expectSameFacts, expectToTalk } from './talk.js';
import {
  acceptKnown,
  client,
  connected,
  exchange,
  groups,
  identityOf,
  peerChain,
  pieces,
  Recorder,
  server,
  serverOptions,
  suites,
  suites12,
  tls12,
} from './two-cores.js';

const both = {
  versions: ['tlsv1.3', 'tlsv1.2'],
  ciphers: [...suites, ...suites12],
  signatureAlgs: tls12.signatureAlgs,
} as const;

const certificates = ['ec', 'rsa'] as const;
const identities = onEngine(certificates, (kind) => kind).map((kind) => identityOf(kind).identity);

const statusRequest = { responderIds: [], requestExtensions: new Uint8Array(0) };

/** A server that has this response for every certificate, or none. */
class Stapler extends Recorder {
  readonly response: Uint8Array | undefined;

  constructor(judge: ConstructorParameters<typeof Recorder>[0], response: Uint8Array | undefined) {
    super(judge);
    this.response = response;
  }
  askStaple(): void {
    this.core?.answerStaple(this.response);
  }
}

/** Whether a ServerHello has an extension. */
function takesUp(message: Uint8Array, code: number): boolean {
  const bytes = Buffer.from(message);
  // Behind header, version and random the id, suite and compression, and the length of all extensions.
  for (let at = 38 + 1 + bytes.readUInt8(38) + 5; at < bytes.length; at += 4 + bytes.readUInt16BE(at + 2))
    if (bytes.readUInt16BE(at) === code) return true;
  return false;
}

describe('a full handshake of TLS 1.2', () => {
  test('tells the same facts on both ends', () => {
    const ends = connected({ config: tls12 }, { config: tls12 });
    expectToTalk(ends);
    expectSameFacts(ends, 'tlsv1.2');
    const secrets = [ends.client, ends.server].map(({ sink: { facts } }) =>
      facts?.secrets?.kind === 'master' ? facts.secrets.masterSecret.expose() : undefined,
    );
    expect(secrets[0]).toHaveLength(48);
    expect(secrets[0]).toEqual(secrets[1]);
  });

  const keyOf = (keyExchange: string): 'ec' | 'rsa' => (keyExchange === 'ecdhe_rsa' ? 'rsa' : 'ec');
  test.each(
    onEngine(suites12, ({ keyExchange }) => keyOf(keyExchange)).map((suite) => [suite.name, suite] as const),
  )('with %s', (_name, suite) => {
    const ends = connected(
      { config: { ...tls12, ciphers: [suite] } },
      { config: tls12, identities: [identityOf(keyOf(suite.keyExchange)).identity] },
    );
    expectToTalk(ends);
    expect(ends.server.sink.facts?.cipherSuite).toBe(suite);
  });

  test('a stapled response of another type than was asked for is none', () => {
    const response = Uint8Array.of(1, 2, 3);
    const stapled = (statusType: number): { readonly staples: unknown[]; readonly failures: unknown[] } => {
      const staples: unknown[] = [];
      const ours = client({ config: tls12, statusRequest });
      ours.sink.askVerdict = (chain, staple?: Uint8Array) => {
        staples.push(staple);
        acceptKnown(chain, ours.core);
      };
      const sink = new Stapler(acceptKnown, response);
      const identity = { ...identityOf('ec').identity, stapling: 'ask' } as const;
      const theirs = Core.server(
        serverOptions({
          config: tls12,
          identities: [identity],
          ...bent(change12('certificate_status', () => ({ statusType, response }))),
        }),
        sink,
      );
      sink.core = theirs;
      ours.core.start();
      exchange(ours, { core: theirs, sink });
      return { staples, failures: ours.sink.failures };
    };
    expect(stapled(1)).toEqual({ staples: [response], failures: [] });
    expect(stapled(2)).toMatchObject({ staples: [], failures: [{ reason: 'malformed_message' }] });
  });

  test('who has no response to staple does not say that there is one', () => {
    const saysSo = (response: Uint8Array | undefined): boolean | undefined => {
      let told: boolean | undefined;
      const ours = client({ config: tls12, statusRequest });
      Object.assign(ours.sink, {
        trace: (direction: string, kind: string, bytes: Uint8Array) => {
          if (direction === 'in' && kind === 'message' && bytes[0] === 2) told = takesUp(bytes, 5);
        },
      });
      const sink = new Stapler(acceptKnown, response);
      const identity = { ...identityOf('ec').identity, stapling: 'ask' } as const;
      const theirs = Core.server(serverOptions({ config: tls12, identities: [identity] }), sink);
      sink.core = theirs;
      ours.core.start();
      exchange(ours, { core: theirs, sink });
      expect([ours.sink.failures, sink.failures]).toEqual([[], []]);
      return told;
    };
    expect(saysSo(Uint8Array.of(1, 2, 3))).toBe(true);
    expect(saysSo(undefined)).toBe(false);
  });

  test('the suites are those of ephemeral keys', () => {
    expect(suites12.map(({ keyExchange, cipher }) => `${keyExchange} ${cipher}`)).toEqual(
      expect.arrayContaining([
        'ecdhe_ecdsa aes_128_gcm',
        'ecdhe_rsa chacha20_poly1305',
        'ecdhe_rsa aes_128_cbc',
      ]),
    );
  });

  test.each(groups)('with curve %s', (group) => {
    const config = { ...tls12, eccs: [group] } as const;
    const ends = connected(
      { config: { ...config, eccs: [...new Set([group, 'secp256r1' as const])] } },
      { config },
    );
    expectToTalk(ends);
    expect(ends.server.sink.facts?.group).toBe(group);
  });

  const kinds = onEngine<KeyKind>(['rsa', 'rsa_pss', 'ed25519', 'ed448', { ec: 'secp384r1' }], (kind) =>
    typeof kind === 'string' ? kind : 'ec',
  );
  test.each(kinds.map((kind) => [JSON.stringify(kind), kind] as const))(
    'with a server key %s and a client that has one too',
    (_name, kind) => {
      const { identity } = identityOf(kind);
      const ends = connected(
        { config: tls12, identities: [identity] },
        {
          config: { ...tls12, verify: 'verify_peer', failIfNoPeerCert: true },
          identities: [identity],
        },
      );
      expectToTalk(ends);
      expect(peerChain(ends.server.sink.facts)).toEqual(identity.chain);
    },
  );

  test('without a client certificate when the server does not insist', () => {
    const ends = connected({ config: tls12 }, { config: { ...tls12, verify: 'verify_peer' } });
    expectToTalk(ends);
    expect(peerChain(ends.server.sink.facts)).toEqual([]);
  });

  test('fails as handshake_failure without a client certificate when the server insists', () => {
    const ends = connected(
      { config: tls12 },
      { config: { ...tls12, verify: 'verify_peer', failIfNoPeerCert: true } },
    );
    expect(ends.server.sink.failures).toMatchObject([
      { by: 'self', alert: 'handshake_failure', reason: 'certificate_required' },
    ]);
    expect(ends.client.sink.failures).toMatchObject([{ by: 'peer', alert: 'handshake_failure' }]);
  });

  test.each([1, 2, 3, 7, 100, 1000])('in pieces of %i bytes', (size) => {
    const ends = { client: client({ config: tls12 }), server: server({ config: tls12 }) };
    ends.client.core.start();
    exchange(ends.client, ends.server, pieces(size));
    expectToTalk(ends);
  });

  test('without extended master secret, as old peers do it', () => {
    const config = tls12;
    const bend = change('client_hello', (hello) => ({
      ...hello,
      extensions: hello.extensions.filter(({ extensionType }) => extensionType !== 23),
    }));
    // The client's transcript keeps what it meant to say, so it can only end in a failed Finished.
    const ends = bentHandshake('client', bend, { config }, { config });
    expect(ends.client.sink.failures[0]?.alert).toBe('decrypt_error');
  });

  test('a signature made elsewhere is waited for, on both ends', () => {
    const { identity } = identityOf('ec');
    const remote = { chain: identity.chain, key: 'remote' as const, schemes: identity.schemes };
    const ends = {
      client: client({ config: tls12, identities: [remote] }),
      server: server({ config: { ...tls12, verify: 'verify_peer' }, identities: [remote] }),
    };
    for (const { sink } of [ends.client, ends.server])
      sink.onSignature = (scheme, data, core) => {
        expect(scheme).toBe('ecdsa_secp256r1_sha256');
        core.answerSignature(identity.key.sign({ type: 'ecdsa', hash: 'sha256' }, data));
      };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    expectToTalk(ends);
    expect(ends.client.sink.signaturesAsked).toHaveLength(1);
    expect(ends.server.sink.signaturesAsked).toHaveLength(1);
  });
});

describe('version negotiation', () => {
  const settings = [
    ['1.3', { versions: ['tlsv1.3'], ciphers: suites, signatureAlgs: tls12.signatureAlgs }],
    ['1.2', tls12],
    ['1.3 and 1.2', both],
  ] as const;
  const pairs = settings.flatMap((ours) => settings.map((theirs) => [ours, theirs] as const));
  test.each(pairs.map(([ours, theirs]) => [ours[0], theirs[0], ours[1], theirs[1]] as const))(
    'a client of %s and a server of %s',
    (_client, _server, clientConfig, serverConfig) => {
      const common = clientConfig.versions.filter((version) =>
        serverConfig.versions.some((other) => other === version),
      );
      const ends = connected({ config: clientConfig }, { config: serverConfig, identities });
      if (common.length === 0) {
        expect(ends.server.sink.failures).toMatchObject([{ alert: 'protocol_version' }]);
        expect(ends.client.sink.failures).toMatchObject([{ by: 'peer', alert: 'protocol_version' }]);
        return;
      }
      expectToTalk(ends);
      expect(ends.client.sink.facts?.protocol).toBe(common[0]);
      expect(speaksTls13(common)).toBe(ends.client.sink.facts?.protocol === 'tlsv1.3');
    },
  );

  test('a hello robbed of TLS 1.3 is found out by the mark in the random', () => {
    const bend = change('client_hello', (hello) => ({
      ...hello,
      extensions: hello.extensions.filter(({ extensionType }) => extensionType !== 43),
    }));
    const ends = bentHandshake('client', bend, { config: both }, { config: both, identities });
    expect(ends.client.sink.failures).toMatchObject([
      { by: 'self', alert: 'illegal_parameter', reason: 'downgrade_detected' },
    ]);
  });
});
