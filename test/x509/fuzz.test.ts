import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import {
  Certificate,
  CertificateError,
  isKnownExtension,
} from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { issuerPoint, validateByLists } from '../../packages/ssl/src/values/x509/crl-validation.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { decodeOcspResponse, validateOcsp } from '../../packages/ssl/src/values/x509/ocsp.js';
import { decodePem, PemError } from '../../packages/ssl/src/values/x509/pem.js';
import { decodePkcs12, loadPkcs12Structure } from '../../packages/ssl/src/values/x509/pkcs12.js';
import { privateKeyInfoFromPem } from '../../packages/ssl/src/values/x509/private-key.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { readSharedJson, sharedData } from '../support/shared.js';
import {
  judged,
  makeCrl,
  makeIntermediate,
  makeLeaf,
  makeOcsp,
  makeRoot,
  noon,
  policies,
  policyMappings,
} from './make.js';
import { makePkcs12 } from './make-pkcs12.js';

/** More on demand: `ACTOR_TLS_FUZZ_RUNS=1000000`. */
const numRuns = Number(process.env['ACTOR_TLS_FUZZ_RUNS'] ?? 2_000);

const root = makeRoot('Root');
const middle = makeIntermediate('Middle', root, [policies('1.2.3'), policyMappings(['1.2.3', '1.2.4'])]);
const leaf = makeLeaf('www.example.org', middle);

/** Published files, where they are: real certificates have every extension there is. */
function published(kind: string): Uint8Array[] {
  if (sharedData('x509/x509-files-dev.json.gz') === undefined) return [];
  const { files } = readSharedJson('x509/x509-files-dev.json.gz') as {
    readonly files: Readonly<
      Record<string, { readonly kind: string; readonly form: string; readonly data: string }>
    >;
  };
  return Object.values(files)
    .filter((file) => file.kind === kind)
    .map(({ data, form }) => {
      const bytes = Buffer.from(data, 'base64');
      return form === 'PEM' ? (decodePem(bytes)[0]?.der ?? bytes) : bytes;
    });
}

/** Bytes near a valid encoding: flipped, cut, spliced, with lengths and tags changed. */
function near(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'repeat', 'length'),
    value: fc.integer({ min: 0, max: 255 }),
    size: fc.integer({ min: 1, max: 40 }),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 4 })).map(([seed, edits]) => {
    let bytes = Buffer.from(seed);
    for (const { at, kind, size, value } of edits) {
      const i = Math.floor(at * bytes.length);
      if (kind === 'set') bytes[i] = value;
      if (kind === 'flip') bytes[i] = (bytes[i] ?? 0) ^ (1 << (value & 7));
      if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, i), bytes.subarray(i + size)]);
      if (kind === 'insert')
        bytes = Buffer.concat([bytes.subarray(0, i), Buffer.alloc(size, value), bytes.subarray(i)]);
      if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, i + size), bytes.subarray(i)]);
      if (kind === 'length') bytes[i] = [0x80, 0x81, 0x82, 0x84, 0xff, 0x7f][value % 6] ?? 0;
    }
    return bytes;
  });
}

/** Runs it and lets only these errors pass. */
function onlyThrows(
  act: () => void,
  ...types: readonly (abstract new (
    ...parameters: never[]
  ) => Error)[]
): void {
  try {
    act();
  } catch (error) {
    if (!types.some((type) => error instanceof type)) throw error;
  }
}

function readAll(certificate: Certificate): void {
  for (const { oid } of certificate.extensions) {
    if (isKnownExtension(oid)) onlyThrows(() => void certificate.decode(oid), CertificateError);
  }
  expect(certificate.notBefore).toBeTypeOf('number');
}

describe('what is not what it should be is a typed error and nothing else', () => {
  it('certificates', () => {
    const seeds = [leaf, middle.der, root.der, ...published('certificate')];
    fc.assert(
      fc.property(near(seeds), (der) => {
        onlyThrows(() => readAll(new Certificate(der)), CertificateError);
      }),
      { numRuns },
    );
  });

  it('chains: the judge throws nothing, and accepts a changed leaf never', () => {
    const trust = createTrustStore([root.der]);
    const judge = (chain: readonly Uint8Array[]): boolean => {
      const verdict = verifyPeer(judged(chain, trust, { host: { type: 'sni', name: 'www.example.org' } }));
      return !(verdict instanceof Promise) && 'ok' in verdict;
    };
    expect(judge([leaf, middle.der])).toBe(true);
    fc.assert(
      fc.property(near([leaf]), near([middle.der, root.der, leaf]), (peer, other) => {
        const same = Buffer.compare(peer, leaf) === 0;
        if (judge([peer, middle.der])) expect(same).toBe(true);
        judge([peer, other]);
        judge([leaf, other, middle.der]);
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });

  it('CRLs', () => {
    const seeds = [makeCrl({ issuer: root, revoked: [{ serial: 5, reason: 1 }] }), ...published('crl')];
    fc.assert(
      fc.property(near(seeds), (der) => {
        onlyThrows(() => {
          const list = new RevocationList(der);
          for (const _ of list.entries());
          for (const _ of list.findAll(Uint8Array.of(5)));
          expect([list.crlNumber, list.isUnderstood, list.authorityKeyIdentifier]).toHaveLength(3);
          expect(list.issuer.key).toBeTypeOf('string');
        }, CertificateError);
      }),
      { numRuns },
    );
  });

  it('OCSP responses', () => {
    const seeds = [makeOcsp({ certificate: leaf, issuer: middle }), ...published('ocsp-response')];
    fc.assert(
      fc.property(near(seeds), (der) => {
        expect(decodeOcspResponse(der)).toBeTypeOf('object');
      }),
      { numRuns },
    );
  });

  it('judging lists and responses gives a verdict', () => {
    const [subject, issuer] = [new Certificate(leaf), new Certificate(middle.der)];
    const good = makeOcsp({ certificate: leaf, issuer: middle, certificates: [middle.der] });
    const list = makeCrl({ issuer: middle, revoked: [{ serial: 1, reason: 1 }] });
    fc.assert(
      fc.property(near([good]), near([list]), (response, crl) => {
        const verdict = validateOcsp({
          response,
          certificate: subject,
          issuer,
          engine: defaultEngine,
          now: noon,
        });
        const decoded = decodeOcspResponse(response);
        // Certificates that come along are not signed over.
        if (verdict === 'valid') expect(decoded).toHaveProperty('ok.signature');
        onlyThrows(() => {
          const point = issuerPoint(subject);
          validateByLists(subject, [{ point, list: new RevocationList(crl) }], {
            engine: defaultEngine,
            now: noon,
            findSigner: () => ({ anchor: new Certificate(root.der), path: [issuer] }),
          });
        }, CertificateError);
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });

  it('PEM files and the keys in them', () => {
    const pem = (label: string, der: Uint8Array): string =>
      `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
    const labels = fc.constantFrom(
      'PRIVATE KEY',
      'RSA PRIVATE KEY',
      'EC PRIVATE KEY',
      'DSA PRIVATE KEY',
      'ENCRYPTED PRIVATE KEY',
    );
    fc.assert(
      fc.property(
        labels,
        near([root.key.pkcs8]),
        near([Buffer.from(pem('PRIVATE KEY', root.key.pkcs8))]),
        (label, der, file) => {
          onlyThrows(() => void privateKeyInfoFromPem(pem(label, der), 'x'), KeyError);
          onlyThrows(() => void decodePem(file), PemError);
          onlyThrows(() => void privateKeyInfoFromPem(file, undefined), KeyError);
        },
      ),
      { numRuns },
    );
  });

  it('PKCS#12 files, and each of their layers behind the MAC', async () => {
    const structure = await loadPkcs12Structure();
    const privateKey = root.key.pkcs8;
    const order = { password: 'x', privateKey, certificates: [leaf, root.der] };
    const made = [makePkcs12({ ...order, form: 'der' }), makePkcs12({ ...order, form: 'ber' })];
    const layers = made.flatMap(({ bags, certificateBag, file, safe }) => [file, safe, bags, certificateBag]);
    fc.assert(
      fc.property(near([...layers, root.der]), (der) => {
        onlyThrows(() => void decodePkcs12(der, 'x', structure), KeyError);
        onlyThrows(() => void structure.readSafe(der), KeyError);
        onlyThrows(() => void structure.readBags(der), KeyError);
        onlyThrows(() => void structure.readCertificateBag(der), KeyError);
      }),
      { numRuns },
    );
  });
});
