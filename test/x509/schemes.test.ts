/** Every signature scheme of TLS 1.3's list (contract §13.3): signing a handshake on both sides, and in certificates. */
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { type CertificateOptions, createCa, type KeyKind } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SignatureScheme, signatureSchemes } from '../../packages/ssl/src/values/registry/schemes.js';
import { onEngine } from '../support/engine.js';
import { brief, handshake, pairOf } from './live.js';

const common = 'ecdsa_secp256r1_sha256';
const other = 'ecdsa_secp384r1_sha384';

let node: Node;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node }));
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});

function keyOf({ keyAlgorithm, curve, name }: SignatureScheme): KeyKind {
  switch (keyAlgorithm) {
    case 'ec':
      return { ec: curve ?? 'secp256r1' };
    case 'rsa':
    case 'rsa_pss':
    case 'ed25519':
    case 'ed448':
      return keyAlgorithm;
    default:
      throw new Error(`nobody signs with ${name}`);
  }
}

function signedBy({ algorithm }: SignatureScheme): CertificateOptions {
  return {
    ...('hash' in algorithm && { signatureHash: algorithm.hash }),
    ...(algorithm.type === 'rsa_pss' && { signaturePadding: 'pss' }),
  };
}

const built = onEngine(
  signatureSchemes.filter(({ tls13 }) => tls13 !== 'never'),
  ({ keyAlgorithm }) => keyAlgorithm,
);

describe.each(built.filter(({ tls13 }) => tls13 === 'handshake'))('$name', (scheme) => {
  it('signs the handshake of a server and of its client', async () => {
    const ca = createCa();
    const own = pairOf(ca.issue({ key: keyOf(scheme) }));
    const options = {
      ...own,
      cacerts: [ca.cert],
      versions: ['tlsv1.3'],
      signatureAlgs: [scheme.name],
      signatureAlgsCert: [common],
    } as const;
    const shaken = await handshake(node, options, {
      ...options,
      verify: 'verify_peer',
      failIfNoPeerCert: true,
    });
    expect(shaken).toEqual({ client: 'ok', server: 'ok' });
  });
});

describe.each(built)('a certificate signed with $name', (scheme) => {
  const server = () => {
    const ca = createCa({ key: keyOf(scheme) });
    return { cacerts: [ca.cert], own: pairOf(ca.issue(signedBy(scheme))) };
  };

  it('is taken by who names the scheme for certificates', async () => {
    const { cacerts, own } = server();
    const client = { cacerts, signatureAlgs: [common], signatureAlgsCert: [scheme.name] } as const;
    expect(await handshake(node, client, own)).toEqual({ client: 'ok', server: 'ok' });
  });

  it('is refused by who names others', async () => {
    const { cacerts, own } = server();
    const named = scheme.name === other ? common : other;
    const client = { cacerts, signatureAlgs: [common], signatureAlgsCert: [named] } as const;
    expect(brief((await handshake(node, client, own)).client)).toBe('bad_certificate');
  });
});
