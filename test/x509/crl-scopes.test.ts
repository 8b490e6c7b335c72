import { beforeAll, describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { checkByCrls } from '../../packages/ssl/src/values/x509/crl-check.js';
import { encodeElement, encodeSmallInteger } from '../../packages/ssl/src/values/x509/der-writer.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import {
  type Authority,
  basicConstraints,
  dnsNames,
  judged,
  type MadeExtension,
  makeCertificate,
  makeCrl,
  makeExtensions,
  makeKey,
  makeLeaf,
  makeName,
  makeRoot,
  makeTime,
  noon,
  text,
} from './make.js';

let root: Authority;
/** Signs lists for others and is no CA. */
let agent: Authority;

beforeAll(() => {
  root = makeRoot('Root');
  const key = makeKey();
  const der = makeCertificate({
    subject: 'CRL Agent',
    issuer: 'Root',
    key,
    signer: root.key,
    serial: 500,
    extensions: [
      basicConstraints(false),
      { oid: Oid.keyUsage, critical: true, value: encodeElement(0x03, Uint8Array.of(1, 2)) },
    ],
  });
  agent = { name: 'CRL Agent', key, der };
});

const uriName = (uri: string): Uint8Array => encodeElement(0xa0, encodeElement(0xa0, text(0x86, uri)));
const bits = (tag: number, ...set: readonly number[]): Uint8Array => {
  const octets = new Uint8Array(2);
  for (const bit of set) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  const last = Math.max(...set);
  return encodeElement(tag, Uint8Array.of(7 - (last & 7)), octets.subarray(0, (last >> 3) + 1));
};

interface Point {
  readonly uri: string;
  readonly reasons?: readonly number[];
  readonly issuer?: string;
}
const points = (...list: readonly Point[]): MadeExtension => ({
  oid: Oid.crlDistributionPoints,
  value: encodeElement(
    0x30,
    ...list.map(({ issuer, reasons, uri }) =>
      encodeElement(
        0x30,
        uriName(uri),
        ...(reasons === undefined ? [] : [bits(0x81, ...reasons)]),
        ...(issuer === undefined ? [] : [encodeElement(0xa2, encodeElement(0xa4, makeName(issuer)))]),
      ),
    ),
  ),
});

interface Scope {
  readonly uri?: string;
  readonly reasons?: readonly number[];
  readonly indirect?: boolean;
  readonly only?: 'users' | 'cas' | 'attributes';
}
const scope = ({ indirect, only, reasons, uri }: Scope): MadeExtension => ({
  oid: Oid.issuingDistributionPoint,
  critical: true,
  value: encodeElement(
    0x30,
    ...(uri === undefined ? [] : [uriName(uri)]),
    ...(only === 'users' ? [encodeElement(0x81, Uint8Array.of(0xff))] : []),
    ...(only === 'cas' ? [encodeElement(0x82, Uint8Array.of(0xff))] : []),
    ...(reasons === undefined ? [] : [bits(0x83, ...reasons)]),
    ...(indirect === true ? [encodeElement(0x84, Uint8Array.of(0xff))] : []),
    ...(only === 'attributes' ? [encodeElement(0x85, Uint8Array.of(0xff))] : []),
  ),
});
const number = (n: number): MadeExtension => ({ oid: Oid.crlNumber, value: encodeSmallInteger(n) });
const deltaOf = (n: number): MadeExtension => ({
  oid: Oid.deltaCrlIndicator,
  critical: true,
  value: encodeSmallInteger(n),
});

const leafWith = (...extensions: MadeExtension[]): Uint8Array =>
  makeLeaf('www.example.org', root, { serial: 77, extensions: [dnsNames('www.example.org'), ...extensions] });

/** `byUri` are lists behind distribution points, `own` those that the issuer is known by. */
function outcome(
  leaf: Uint8Array,
  byUri: Readonly<Record<string, readonly Uint8Array[]>>,
  own: readonly Uint8Array[] = [],
): string {
  const trust = createTrustStore([root.der]);
  const verdict = verifyPeer(
    judged([leaf], trust, {
      checkRevocation: checkByCrls({
        check: 'peer',
        trust,
        engine: defaultEngine,
        now: noon,
        others: [new Certificate(agent.der)],
        source: {
          lookup: ({ distributionPoint }) => {
            const name =
              distributionPoint !== undefined && 'fullName' in distributionPoint
                ? distributionPoint.fullName[0]
                : undefined;
            return (
              (name?.type === 'uniformResourceIdentifier' ? byUri[name.text] : undefined) ?? 'not_available'
            );
          },
          select: () => own,
        },
      }),
    }),
  );
  if (verdict instanceof Promise) throw new Error('asynchronous');
  if ('ok' in verdict) return 'ok';
  const { reason } = verdict.reject.explanation;
  return JSON.stringify(reason).includes('undetermined') ? 'undetermined' : JSON.stringify(reason);
}

describe('the scope of a list', () => {
  it.each([
    [{ uri: 'http://a/1' }, 'ok'],
    [{ uri: 'http://a/2' }, 'undetermined'],
    [{ only: 'users' }, 'ok'],
    [{ only: 'cas' }, 'undetermined'],
    [{ only: 'attributes' }, 'undetermined'],
    [{ reasons: [1, 2] }, 'undetermined'],
    [{ indirect: true }, 'ok'],
  ] as const)('%j for an end entity with the point http://a/1: %s', (idp, expected) => {
    const list = makeCrl({ issuer: root, extensions: [scope(idp)] });
    expect(outcome(leafWith(points({ uri: 'http://a/1' })), { 'http://a/1': [list] })).toBe(expected);
  });
});

describe('reasons split over two distribution points', () => {
  const leaf = (): Uint8Array =>
    leafWith(
      points(
        { uri: 'http://a/some', reasons: [1, 2] },
        { uri: 'http://a/rest', reasons: [3, 4, 5, 6, 7, 8] },
      ),
    );
  const some = (revoked: { serial: number; reason: number }[] = []): Uint8Array =>
    makeCrl({ issuer: root, revoked, extensions: [scope({ uri: 'http://a/some', reasons: [1, 2] })] });
  const rest = (revoked: { serial: number; reason: number }[] = []): Uint8Array =>
    makeCrl({
      issuer: root,
      revoked,
      extensions: [scope({ uri: 'http://a/rest', reasons: [3, 4, 5, 6, 7, 8] })],
    });

  it('are put together', () => {
    expect(outcome(leaf(), { 'http://a/some': [some()], 'http://a/rest': [rest()] })).toBe('ok');
    expect(outcome(leaf(), { 'http://a/some': [some()] })).toBe('undetermined');
    expect(
      outcome(leaf(), { 'http://a/some': [some()], 'http://a/rest': [rest([{ serial: 77, reason: 4 }])] }),
    ).toBe('{"revoked":"superseded"}');
  });
});

describe('an indirect list', () => {
  const leaf = (): Uint8Array => leafWith(points({ uri: 'http://a/agent', issuer: 'CRL Agent' }));
  /** Entries with the certificate issuer each belongs to; without one it is as before. */
  function indirect(
    ...entries: readonly { readonly serial: number; readonly issuer?: string }[]
  ): Uint8Array {
    const extensions = makeExtensions([scope({ uri: 'http://a/agent', indirect: true })]);
    const plain = makeCrl({ issuer: agent, extensions: [scope({ uri: 'http://a/agent', indirect: true })] });
    if (entries.length === 0) return plain;
    const lines = entries.map(({ issuer, serial }) =>
      encodeElement(
        0x30,
        encodeSmallInteger(serial),
        makeTime(noon - 1e9),
        ...(issuer === undefined
          ? []
          : [
              makeExtensions([
                {
                  oid: Oid.certificateIssuer,
                  critical: true,
                  value: encodeElement(0x30, encodeElement(0xa4, makeName(issuer))),
                },
              ]),
            ]),
      ),
    );
    return makeCrl({ issuer: agent, lines, extensionsDer: extensions });
  }

  it('speaks for the issuers it names, entry by entry', () => {
    expect(outcome(leaf(), { 'http://a/agent': [indirect()] })).toBe('ok');
    expect(outcome(leaf(), { 'http://a/agent': [indirect({ serial: 77, issuer: 'Root' })] })).toBe(
      '{"revoked":"unspecified"}',
    );
    expect(outcome(leaf(), { 'http://a/agent': [indirect({ serial: 77 })] })).toBe('ok');
    expect(outcome(leaf(), { 'http://a/agent': [indirect({ serial: 77, issuer: 'Other' })] })).toBe('ok');
    expect(
      outcome(leaf(), {
        'http://a/agent': [
          indirect({ serial: 1, issuer: 'Other' }, { serial: 2, issuer: 'Root' }, { serial: 77 }),
        ],
      }),
    ).toBe('{"revoked":"unspecified"}');
  });

  it('counts for nothing where the certificate names another CRL issuer', () => {
    const other = leafWith(points({ uri: 'http://a/agent' }));
    expect(outcome(other, { 'http://a/agent': [indirect()] })).toBe('undetermined');
  });

  it('counts for nothing once its signer is revoked', () => {
    const revoked = makeCrl({ issuer: root, revoked: [{ serial: 500, reason: 1 }] });
    const good = makeCrl({ issuer: root });
    // The root's own list is asked about the signer, and does not name the leaf.
    expect(outcome(leaf(), { 'http://a/agent': [indirect({ serial: 77, issuer: 'Root' })] }, [good])).toBe(
      '{"revoked":"unspecified"}',
    );
    expect(outcome(leaf(), { 'http://a/agent': [indirect({ serial: 77, issuer: 'Root' })] }, [revoked])).toBe(
      'ok',
    );
  });
});

describe('a delta list', () => {
  const base = (revoked: { serial: number; reason: number }[] = []): Uint8Array =>
    makeCrl({ issuer: root, revoked, extensions: [number(10)] });
  const delta = (of: number, n: number, revoked: { serial: number; reason: number }[] = []): Uint8Array =>
    makeCrl({ issuer: root, revoked, extensions: [number(n), deltaOf(of)] });

  it.each([
    [
      'adds a revocation',
      () => [base(), delta(10, 11, [{ serial: 77, reason: 1 }])],
      '{"revoked":"keyCompromise"}',
    ],
    [
      'takes one back',
      () => [base([{ serial: 77, reason: 6 }]), delta(10, 11, [{ serial: 77, reason: 8 }])],
      'ok',
    ],
    [
      'changes nothing else',
      () => [base([{ serial: 77, reason: 6 }]), delta(10, 11)],
      '{"revoked":"certificateHold"}',
    ],
    ['is nothing alone', () => [delta(10, 11)], 'undetermined'],
    ['of a later base does not go with it', () => [base(), delta(11, 12, [{ serial: 77, reason: 1 }])], 'ok'],
    [
      'older than the base does not go with it',
      () => [base(), delta(5, 9, [{ serial: 77, reason: 1 }])],
      'ok',
    ],
  ] as const)('%s', (_, lists, expected) => {
    expect(outcome(leafWith(), {}, lists())).toBe(expected);
  });
});
