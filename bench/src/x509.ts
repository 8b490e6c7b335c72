/**
 * A server's chain of three certificates (P-256: leaf, intermediate, root), µs: judged for the first time by us, by
 * node:crypto's X509Certificate (issued-by, signatures, dates, host name; no constraints, usages or policies) and by
 * pkijs's chain engine; judged again by us. And how long hostile chains keep us busy. The sides take turns; medians.
 * Run: `node bench/dist/x509.js`.
 */
import { generateKeyPairSync, type KeyObject, sign, webcrypto, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { pathToFileURL } from 'node:url';
import { nodeEngine } from '../../packages/ssl/dist/values/crypto/node/engine.js';
import { Certificate } from '../../packages/ssl/dist/values/x509/certificate.js';
import {
  encodeElement,
  encodeOid,
  encodeSmallInteger,
} from '../../packages/ssl/dist/values/x509/der-writer.js';
import { clearParseCache } from '../../packages/ssl/dist/values/x509/parse-cache.js';
import { TrustStore } from '../../packages/ssl/dist/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/dist/values/x509/verify-peer.js';

const ROUNDS = 25;
const PER_ROUND = 40;
const now = Date.UTC(2026, 0, 1);
const HOST = 'www.example.org';

interface KeyPair {
  readonly key: KeyObject;
  readonly spki: Uint8Array;
}

function makeKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { key: privateKey, spki: publicKey.export({ format: 'der', type: 'spki' }) };
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ecdsaSha256 = encodeElement(0x30, encodeOid('1.2.840.10045.4.3.2'));

function name(text: string): Uint8Array {
  return encodeElement(
    0x30,
    encodeElement(0x31, encodeElement(0x30, encodeOid('2.5.4.10'), encodeElement(0x0c, utf8('Example')))),
    encodeElement(0x31, encodeElement(0x30, encodeOid('2.5.4.3'), encodeElement(0x0c, utf8(text)))),
  );
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [encodeElement(0x01, Uint8Array.of(0xff))] : [];
  return encodeElement(0x30, encodeOid(oid), ...flag, encodeElement(0x04, value));
}

const caExtensions = [
  extension('2.5.29.19', true, encodeElement(0x30, encodeElement(0x01, Uint8Array.of(0xff)))),
  extension('2.5.29.15', true, encodeElement(0x03, Uint8Array.of(1, 0x06))),
];
const leafExtensions = [
  extension('2.5.29.15', true, encodeElement(0x03, Uint8Array.of(7, 0x80))),
  extension('2.5.29.37', false, encodeElement(0x30, encodeOid('1.3.6.1.5.5.7.3.1'))),
  extension('2.5.29.17', false, encodeElement(0x30, encodeElement(0x82, utf8(HOST)))),
];

function certificate(
  subject: string,
  issuer: string,
  key: KeyPair,
  signer: KeyPair,
  extensions: readonly Uint8Array[],
  serial = 1,
): Uint8Array {
  const tbs = encodeElement(
    0x30,
    encodeElement(0xa0, encodeSmallInteger(2)),
    encodeSmallInteger(serial),
    ecdsaSha256,
    name(issuer),
    encodeElement(
      0x30,
      encodeElement(0x17, utf8('250101000000Z')),
      encodeElement(0x17, utf8('350101000000Z')),
    ),
    name(subject),
    key.spki,
    encodeElement(0xa3, encodeElement(0x30, ...extensions)),
  );
  const signature = sign('sha256', tbs, signer.key);
  return encodeElement(0x30, tbs, ecdsaSha256, encodeElement(0x03, Uint8Array.of(0), signature));
}

const keys = { root: makeKey(), middle: makeKey(), leaf: makeKey() };
const root = certificate('Root', 'Root', keys.root, keys.root, caExtensions);
const middle = certificate('Middle', 'Root', keys.middle, keys.root, caExtensions);
const leaf = certificate(HOST, 'Middle', keys.leaf, keys.middle, leafExtensions);
const chain: readonly Uint8Array[] = [leaf, middle, root];
const trustedRoot = new Certificate(root);
const trust = new TrustStore([trustedRoot], []);

function judge(store: TrustStore, sent: readonly Uint8Array[] = chain): string {
  const verdict = verifyPeer({
    chain: sent,
    trust: store,
    engine: nodeEngine,
    role: 'client',
    verify: 'verify_peer',
    host: { type: 'sni', name: HOST },
    depth: 10,
    now,
    signatureAlgs: ['ecdsa_secp256r1_sha256'],
  });
  if (verdict instanceof Promise) throw new Error('asynchronous');
  return 'ok' in verdict ? 'ok' : JSON.stringify(verdict.reject.detail);
}

function must(outcome: string): void {
  if (outcome !== 'ok') throw new Error(outcome);
}

function oursCold(): void {
  clearParseCache();
  // A store of its own has no verdicts yet; the root in it is parsed, as in a running client.
  must(judge(new TrustStore([trustedRoot], [])));
}

const nodeRoot = new X509Certificate(root);
const rootKey = nodeRoot.publicKey;
function nodeCold(): void {
  const [peer, issuer, top] = [
    new X509Certificate(leaf),
    new X509Certificate(middle),
    new X509Certificate(root),
  ];
  const inDate = [peer, issuer, top].every(
    (each) => Date.parse(each.validFrom) <= now && now <= Date.parse(each.validTo),
  );
  const issued =
    peer.checkIssued(issuer) && issuer.checkIssued(top) && issuer.ca && top.raw.equals(nodeRoot.raw);
  const isSigned = peer.verify(issuer.publicKey) && issuer.verify(rootKey);
  if (!inDate || !issued || !isSigned || peer.checkHost(HOST) === undefined) throw new Error('rejected');
  // What a handshake needs the chain for.
  if (peer.publicKey.asymmetricKeyType !== 'ec') throw new Error('no key');
}

/** As much of pkijs and asn1js as is used; they are dependencies of the ssl package, not of the bench. */
interface PkiJs {
  readonly Certificate: new (parameters: { readonly schema: unknown }) => object;
  readonly CryptoEngine: new (parameters: { readonly name: string; readonly crypto: unknown }) => object;
  readonly setEngine: (name: string, engine: object) => void;
  readonly CertificateChainValidationEngine: new (parameters: {
    readonly trustedCerts: readonly object[];
    readonly certs: readonly object[];
    readonly checkDate: Date;
  }) => { verify(): Promise<{ readonly result: boolean; readonly resultMessage: string }> };
}
interface Asn1Js {
  readonly fromBER: (bytes: ArrayBuffer) => { readonly result: unknown };
}
const { resolve } = createRequire(new URL('../../packages/ssl/package.json', import.meta.url));
const pkijs: PkiJs = await import(pathToFileURL(resolve('pkijs')).href);
const asn1js: Asn1Js = await import(pathToFileURL(resolve('asn1js')).href);

pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto }));
const pki = (der: Uint8Array): object =>
  new pkijs.Certificate({ schema: asn1js.fromBER(Uint8Array.from(der).buffer).result });
const pkiRoot = pki(root);
async function pkijsCold(): Promise<void> {
  const engine = new pkijs.CertificateChainValidationEngine({
    trustedCerts: [pkiRoot],
    certs: [pki(middle), pki(leaf)],
    checkDate: new Date(now),
  });
  const { result, resultMessage } = await engine.verify();
  if (!result) throw new Error(resultMessage);
}

interface Side {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

async function compare(sides: readonly Side[]): Promise<void> {
  const times = sides.map((): number[] => []);
  for (let round = -3; round < ROUNDS; round++) {
    for (const [index, { run }] of sides.entries()) {
      const start = performance.now();
      for (let i = 0; i < PER_ROUND; i++) await run();
      if (round >= 0) times[index]?.push(((performance.now() - start) * 1000) / PER_ROUND);
    }
  }
  for (const [index, { name: side }] of sides.entries())
    console.log(
      `${side.padEnd(36)} ${median(times[index] ?? [])
        .toFixed(1)
        .padStart(9)} µs`,
    );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

console.log(`node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`);
await compare([
  { name: 'actor-tls, first time', run: oursCold },
  { name: 'node:crypto X509Certificate', run: nodeCold },
  { name: 'pkijs chain engine', run: pkijsCold },
  { name: 'actor-tls, again', run: () => must(judge(trust)) },
]);

function hostile(title: string, sent: readonly Uint8Array[]): void {
  const start = performance.now();
  const outcome = judge(new TrustStore([trustedRoot], []), sent);
  console.log(`${title.padEnd(36)} ${(performance.now() - start).toFixed(1).padStart(9)} ms  ${outcome}`);
}

const crossKeys = Array.from({ length: 100 }, makeKey);
const cross = crossKeys.flatMap((key, i) =>
  crossKeys.map((signer, j) => certificate('X', 'X', key, signer, caExtensions, i * 100 + j + 1)),
);
const crossLeaf = certificate(HOST, 'X', keys.leaf, crossKeys[0] ?? keys.root, leafExtensions);
hostile('10,000 cross-signed', [crossLeaf, ...cross]);
hostile('1,000 cross-signed', [crossLeaf, ...cross.slice(0, 1000)]);
hostile('100 cross-signed', [crossLeaf, ...cross.filter((_, i) => Math.floor(i / 100) < 10 && i % 100 < 10)]);
