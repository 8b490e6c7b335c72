/**
 * RFC 7627: what binds a master secret of TLS 1.2 to its handshake. PRF and session hash are worked out here once more,
 * from the messages that passed by and the secret that both sides agreed upon.
 */
import { createHash, createHmac } from 'node:crypto';
import { Core, type Facts } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import type { Group, KeyShare } from '../../packages/ssl/src/values/crypto/engine.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import {
  acceptKnown,
  clientOptions,
  engine,
  exchange,
  identityOf,
  Recorder,
  serverOptions,
  tls12,
} from './two-cores.js';

/** Notes the handshake messages in the order of the wire, and what the key exchange gives. */
class Listener extends Recorder {
  readonly messages: Uint8Array[] = [];
  premaster: Uint8Array = new Uint8Array(0);

  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (kind === (direction === 'in' ? 'message' : 'handshake')) this.messages.push(new Uint8Array(bytes));
  }
}

/** RFC 5246 §5, for 48 bytes. */
function masterSecretOf(
  hash: 'sha256' | 'sha384',
  premaster: Uint8Array,
  label: string,
  seed: Uint8Array,
): string {
  const mac = (...parts: readonly Uint8Array[]): Buffer =>
    createHmac(hash, premaster).update(Buffer.concat(parts)).digest();
  const whole = Buffer.concat([Buffer.from(label), seed]);
  const a1 = mac(whole);
  const a2 = mac(a1);
  return Buffer.concat([mac(a1, whole), mac(a2, whole)])
    .subarray(0, 48)
    .toString('hex');
}

interface Heard {
  readonly facts: Facts;
  readonly messages: readonly Uint8Array[];
  readonly premaster: Uint8Array;
  readonly master: string;
}

/** A handshake as its client hears it; nobody knows premaster and messages but the two and we. */
function listen(suite: string, verify: 'verify_peer' | 'verify_none'): Heard {
  const row = suiteByName(suite);
  if (row === undefined) throw new Error(`no ${suite}`);
  const sink = new Listener(acceptKnown);
  const keyShare = (group: Group): KeyShare => {
    const share = group.generate();
    return {
      publicKey: share.publicKey,
      sharedSecret(peer) {
        const shared = share.sharedSecret(peer);
        sink.premaster = new Uint8Array(shared ?? []);
        return shared;
      },
    };
  };
  const config = { ...tls12, ciphers: [row] };
  const identities = [identityOf('ec').identity];
  const client = Core.client(clientOptions({ config, identities, dependencies: { engine, keyShare } }), sink);
  const other = new Recorder(acceptKnown);
  const server = Core.server(serverOptions({ config: { ...config, verify } }), other);
  sink.core = client;
  other.core = server;
  client.start();
  exchange({ core: client, sink }, { core: server, sink: other });
  if (sink.facts?.secrets?.kind !== 'master') throw new Error(JSON.stringify(sink.failures));
  const master = Buffer.from(sink.facts.secrets.masterSecret.expose()).toString('hex');
  return { facts: sink.facts, messages: sink.messages, premaster: sink.premaster, master };
}

const types = (messages: readonly Uint8Array[]): number[] => messages.map(([type = -1]) => type);

describe.each([
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'sha256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'sha384'],
] as const)('the master secret of %s', (suite, hash) => {
  test.each([
    ['without a client certificate', 'verify_none', [1, 2, 11, 12, 14, 16]],
    // CertificateVerify comes after ClientKeyExchange and does not count.
    ['with one', 'verify_peer', [1, 2, 11, 12, 13, 14, 11, 16]],
  ] as const)('is bound to all messages up to ClientKeyExchange, %s', (_what, verify, bound) => {
    const { messages, premaster, master, facts } = listen(suite, verify);
    const upToKeys = messages.slice(0, bound.length);
    expect(types(upToKeys)).toEqual(bound);
    const sessionHash = createHash(hash).update(Buffer.concat(upToKeys)).digest();
    expect(master).toBe(masterSecretOf(hash, premaster, 'extended master secret', sessionHash));
    const seed = Buffer.concat([facts.clientRandom, facts.serverRandom]);
    expect(master).not.toBe(masterSecretOf(hash, premaster, 'master secret', seed));
  });
});
