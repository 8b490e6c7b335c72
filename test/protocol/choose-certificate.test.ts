import { createCa, type IssuedCertificate } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import type { OwnIdentity } from '../../packages/ssl/src/protocol/own-identity.js';
import { chooseClientCertificate12 } from '../../packages/ssl/src/protocol/tls12/choose.js';
import { chooseCertificate } from '../../packages/ssl/src/protocol/tls13/choose.js';
import { type SignatureSchemeName, schemeByName } from '../../packages/ssl/src/values/registry/schemes.js';

const scheme = 'ecdsa_secp256r1_sha256';
const offered = [schemeByName(scheme).code];
const first = createCa({ subject: 'first CA' });
const second = createCa({ subject: 'second CA' });
const below = second.intermediate({ subject: 'below the second' });
const identity = ({ chain }: IssuedCertificate): OwnIdentity => ({ chain, key: 'remote', schemes: [scheme] });
const one = identity(first.issue());
const two = identity(below.issue());
const unfit: OwnIdentity = { ...two, schemes: ['eddsa_ed25519'] };
const chosen = (own: readonly OwnIdentity[], ...names: readonly Uint8Array[]): OwnIdentity | undefined =>
  chooseCertificate(own, offered, [scheme], {
    certificateAuthorities: names,
    signatureAlgorithmsCert: undefined,
  })?.identity;

it('one below a named CA goes first, on either side of the connection (RFC 8446 §4.2.4, §4.4.2.3)', () => {
  expect(chosen([one, two], second.subject)).toBe(two);
  expect(chosen([one, two], below.subject)).toBe(two);
  expect(chosen([two, one], first.subject)).toBe(one);
  expect(chosen([one, two], first.subject, second.subject)).toBe(one);
});

it('names are compared as names (RFC 5280 §7.1), and what is no name names nobody', () => {
  const shouted = createCa({ subject: 'SECOND  ca' }).subject;
  expect(chosen([one, two], shouted)).toBe(two);
  expect(chosen([one, two], Uint8Array.of(1, 2, 3), second.subject)).toBe(two);
  expect(chosen([one, two], Uint8Array.of(1, 2, 3))).toBe(one);
});

it('of a list without end only so much is read: beyond a thousand names nobody is named', () => {
  const garbage = (length: number): Uint8Array[] => Array.from({ length }, () => Uint8Array.of(1));
  expect(chosen([one, two], ...garbage(1000), second.subject)).toBe(two);
  expect(chosen([one, two], ...garbage(20_000), second.subject)).toBe(one);
});

it('without names, or with none that fits, the preferred one goes; one that cannot sign never does', () => {
  expect(chosen([one, two])).toBe(one);
  expect(chosen([one, two], createCa({ subject: 'third CA' }).subject)).toBe(one);
  expect(chosen([unfit, one], second.subject)).toBe(one);
  expect(chosen([unfit], second.subject)).toBeUndefined();
});

it('a client of TLS 1.2 shows no key of a kind that the server does not name (RFC 5246 §7.4.4, RFC 8422 §5.5)', () => {
  const rsaSign = 1;
  const ecdsaSign = 64;
  const named: readonly SignatureSchemeName[] = [scheme, 'eddsa_ed25519', 'rsa_pss_rsae_sha256'];
  const own = named.map((name) => ({ ...one, schemes: [name] }));
  const [ecdsa, ed25519, rsa] = own;
  const asked = (
    certificateTypes: readonly number[],
    among: readonly OwnIdentity[],
  ): OwnIdentity | undefined =>
    chooseClientCertificate12(
      among,
      {
        certificateTypes,
        supportedSignatureAlgorithms: named.map((name) => schemeByName(name).code),
        certificateAuthorities: [],
      },
      named,
    )?.identity;
  expect(asked([rsaSign, ecdsaSign], own)).toBe(ecdsa);
  expect(asked([rsaSign], own)).toBe(rsa);
  expect(asked([ecdsaSign], own.slice(1))).toBe(ed25519);
  expect(asked([rsaSign], own.slice(0, 2))).toBeUndefined();
  expect(asked([2, 3, 66], own)).toBeUndefined();
});

describe('what the peer can verify in certificates (RFC 8446 §4.2.3, §4.4.2.2)', () => {
  const ed25519 = createCa({ subject: 'an Ed25519 CA', key: 'ed25519' });
  const three = identity(ed25519.issue());
  const code = (name: SignatureSchemeName): number => schemeByName(name).code;
  const wished = (
    own: readonly OwnIdentity[],
    signatures: readonly SignatureSchemeName[] | undefined,
    ...names: readonly Uint8Array[]
  ): OwnIdentity | undefined =>
    chooseCertificate(own, offered, [scheme], {
      signatureAlgorithmsCert: signatures?.map(code),
      certificateAuthorities: names,
    })?.identity;

  it('a chain signed by one of its schemes goes first; without a list of its own, signature_algorithms is that list', () => {
    expect(wished([one, three], ['eddsa_ed25519'])).toBe(three);
    expect(wished([three, one], ['ecdsa_secp256r1_sha256'])).toBe(one);
    expect(wished([three, one], undefined)).toBe(one);
  });

  it('goes before the names of CAs, and these decide among the chains that can be verified', () => {
    expect(wished([one, three], ['eddsa_ed25519'], first.subject)).toBe(three);
    expect(wished([one, two, three], ['ecdsa_secp256r1_sha256'], second.subject)).toBe(two);
  });

  it('a chain that it cannot verify does as well when there is none other', () => {
    expect(wished([one, two], ['eddsa_ed25519'], second.subject)).toBe(two);
    expect(wished([three], ['ecdsa_secp256r1_sha256'])).toBe(three);
  });

  it('a certificate that has signed itself may be signed anyhow', () => {
    const alone: OwnIdentity = { chain: [ed25519.cert], key: 'remote', schemes: [scheme] };
    expect(wished([alone, one], ['ecdsa_secp256r1_sha256'])).toBe(alone);
  });
});
