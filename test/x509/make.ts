/** Certificates and CRLs made to order, for tests. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import {
  encodeElement,
  encodeOid,
  encodeSmallInteger,
} from '../../packages/ssl/src/values/x509/der-writer.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import type { PeerVerification } from '../../packages/ssl/src/values/x509/peer-verification.js';
import type { TrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { productDefaults } from '../support/product-defaults.js';

const SEQUENCE = 0x30;
/** ECDSA with each hash. */
const ecdsaWith = {
  sha1: encodeElement(SEQUENCE, encodeOid('1.2.840.10045.4.1')),
  sha256: encodeElement(SEQUENCE, encodeOid('1.2.840.10045.4.3.2')),
} as const;
type MadeHash = keyof typeof ecdsaWith;

export interface KeyPair {
  readonly key: KeyObject;
  readonly spki: Uint8Array;
  readonly pkcs8: Uint8Array;
}

/** A fresh P-256 key. */
export function makeKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  });
  return {
    key: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
    spki: publicKey,
    pkcs8: privateKey,
  };
}

/** A fresh RSA-PSS key of 2048 bits; what is `undefined` restricts nothing. */
export function pssKey(
  hashAlgorithm?: string,
  mgf1HashAlgorithm?: string,
  saltLength?: number,
): { readonly spki: Uint8Array; readonly pkcs8: Uint8Array } {
  const options = {
    modulusLength: 2048,
    ...(hashAlgorithm === undefined ? {} : { hashAlgorithm }),
    ...(mgf1HashAlgorithm === undefined ? {} : { mgf1HashAlgorithm }),
    ...(saltLength === undefined ? {} : { saltLength }),
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  };
  // Node wants a number for the salt, its types a text.
  const pair: { readonly publicKey: Buffer; readonly privateKey: Buffer } = Reflect.apply(
    generateKeyPairSync,
    undefined,
    ['rsa-pss', options],
  );
  return { spki: pair.publicKey, pkcs8: pair.privateKey };
}

export const text = (tag: number, value: string): Uint8Array =>
  encodeElement(tag, new TextEncoder().encode(value));

/** A name of one common name, `CN=…`. */
export function makeName(commonName: string): Uint8Array {
  const attribute = encodeElement(SEQUENCE, encodeOid('2.5.4.3'), text(0x0c, commonName));
  return encodeElement(SEQUENCE, encodeElement(0x31, attribute));
}

export function makeTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return ms < Date.UTC(2050, 0) ? text(0x17, digits.slice(2)) : text(0x18, digits);
}

export interface MadeExtension {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

export function makeExtensions(extensions: readonly MadeExtension[]): Uint8Array {
  return encodeElement(
    SEQUENCE,
    ...extensions.map(({ critical, oid, value }) =>
      encodeElement(
        SEQUENCE,
        encodeOid(oid),
        ...(critical === true ? [encodeElement(0x01, Uint8Array.of(0xff))] : []),
        encodeElement(0x04, value),
      ),
    ),
  );
}

export const basicConstraints = (ca: boolean, pathLength?: number): MadeExtension => ({
  oid: Oid.basicConstraints,
  critical: true,
  value: encodeElement(
    SEQUENCE,
    ...(ca ? [encodeElement(0x01, Uint8Array.of(0xff))] : []),
    ...(pathLength === undefined ? [] : [encodeSmallInteger(pathLength)]),
  ),
});

export const dnsNames = (...names: readonly string[]): MadeExtension => ({
  oid: Oid.subjectAltName,
  value: encodeElement(SEQUENCE, ...names.map((name) => text(0x82, name))),
});

export const policies = (...oids: readonly string[]): MadeExtension => ({
  oid: Oid.certificatePolicies,
  value: encodeElement(SEQUENCE, ...oids.map((oid) => encodeElement(SEQUENCE, encodeOid(oid)))),
});

export const policyMappings = (...pairs: readonly (readonly [string, string])[]): MadeExtension => ({
  oid: Oid.policyMappings,
  critical: true,
  value: encodeElement(
    SEQUENCE,
    ...pairs.map(([from, to]) => encodeElement(SEQUENCE, encodeOid(from), encodeOid(to))),
  ),
});

export interface CertificateOrder {
  readonly subject: string | Uint8Array;
  readonly issuer: string | Uint8Array;
  readonly key: KeyPair;
  readonly signer: KeyPair;
  /** A small number, or the whole INTEGER. */
  readonly serial?: number | Uint8Array;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly extensions?: readonly MadeExtension[];
  /** default 3 */
  readonly version?: 1 | 2 | 3;
  /** Hash of the signature; default `sha256`. */
  readonly hash?: MadeHash;
}

export const noon: number = Date.UTC(2026, 0, 1, 12);

/** DER; valid for a year around `noon`; CA extensions are up to the order. */
export function makeCertificate(order: CertificateOrder): Uint8Array {
  const name = (value: string | Uint8Array): Uint8Array =>
    typeof value === 'string' ? makeName(value) : value;
  const { hash = 'sha256', version = 3 } = order;
  const tbs = encodeElement(
    SEQUENCE,
    ...(version === 1 ? [] : [encodeElement(0xa0, encodeSmallInteger(version - 1))]),
    serialOf(order.serial ?? 1),
    ecdsaWith[hash],
    name(order.issuer),
    encodeElement(
      SEQUENCE,
      makeTime(order.notBefore ?? Date.UTC(2025, 6, 1)),
      makeTime(order.notAfter ?? Date.UTC(2026, 6, 1)),
    ),
    name(order.subject),
    order.key.spki,
    ...(order.extensions === undefined ? [] : [encodeElement(0xa3, makeExtensions(order.extensions))]),
  );
  return signed(tbs, order.signer, hash);
}

function serialOf(serial: number | Uint8Array): Uint8Array {
  return typeof serial === 'number' ? encodeSmallInteger(serial) : serial;
}

function signed(tbs: Uint8Array, signer: KeyPair, hash: MadeHash): Uint8Array {
  const signature = sign(hash, tbs, signer.key);
  return encodeElement(SEQUENCE, tbs, ecdsaWith[hash], encodeElement(0x03, Uint8Array.of(0), signature));
}

export interface Authority {
  readonly name: string;
  readonly key: KeyPair;
  readonly der: Uint8Array;
}

/** A self-signed CA. */
export function makeRoot(name: string, extensions: readonly MadeExtension[] = []): Authority {
  const key = makeKey();
  const der = makeCertificate({
    subject: name,
    issuer: name,
    key,
    signer: key,
    extensions: [basicConstraints(true), ...extensions],
  });
  return { name, key, der };
}

/** A CA below another. */
export function makeIntermediate(
  name: string,
  issuer: Authority,
  extensions: readonly MadeExtension[] = [],
): Authority {
  const key = makeKey();
  const der = makeCertificate({
    subject: name,
    issuer: issuer.name,
    key,
    signer: issuer.key,
    extensions: [basicConstraints(true), ...extensions],
  });
  return { name, key, der };
}

/** A server certificate for a host. */
export function makeLeaf(host: string, issuer: Authority, order: Partial<CertificateOrder> = {}): Uint8Array {
  return makeCertificate({
    subject: host,
    issuer: issuer.name,
    key: order.key ?? makeKey(),
    signer: issuer.key,
    extensions: [dnsNames(host)],
    ...order,
  });
}

export interface CrlOrder {
  readonly issuer: Authority;
  readonly revoked?: readonly { readonly serial: number; readonly reason?: number }[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  readonly extensions?: readonly MadeExtension[];
  /** DER of entries, in place of `revoked`. */
  readonly lines?: readonly Uint8Array[];
  /** DER of Extensions, in place of `extensions`. */
  readonly extensionsDer?: Uint8Array;
  readonly hash?: MadeHash;
}

/** A CRL of an authority; current for a month around `noon`. */
export function makeCrl(order: CrlOrder): Uint8Array {
  const { hash = 'sha256' } = order;
  const thisUpdate = order.thisUpdate ?? noon - 15 * 86_400_000;
  const extensions =
    order.extensionsDer ?? (order.extensions === undefined ? undefined : makeExtensions(order.extensions));
  const made = (order.revoked ?? []).map(({ reason, serial }) =>
    encodeElement(
      SEQUENCE,
      encodeSmallInteger(serial),
      makeTime(thisUpdate),
      ...(reason === undefined
        ? []
        : [makeExtensions([{ oid: Oid.crlReason, value: encodeElement(0x0a, Uint8Array.of(reason)) }])]),
    ),
  );
  const entries = order.lines ?? made;
  const tbs = encodeElement(
    SEQUENCE,
    encodeSmallInteger(1),
    ecdsaWith[hash],
    makeName(order.issuer.name),
    makeTime(thisUpdate),
    makeTime(order.nextUpdate ?? noon + 15 * 86_400_000),
    ...(entries.length === 0 ? [] : [encodeElement(SEQUENCE, ...entries)]),
    ...(extensions === undefined ? [] : [encodeElement(0xa0, extensions)]),
  );
  return signed(tbs, order.issuer.key, hash);
}

export interface OcspOrder {
  readonly certificate: Uint8Array;
  readonly issuer: Authority;
  /** Who signs; the issuer by default. */
  readonly responder?: Authority;
  /** `good`, `unknown` or a CRLReason number. */
  readonly status?: 'good' | 'unknown' | number;
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | undefined;
  readonly nonce?: Uint8Array;
  /** Certificates that come along. */
  readonly certificates?: readonly Uint8Array[];
  /** responseExtensions beside the nonce. */
  readonly responseExtensions?: readonly MadeExtension[];
  readonly singleExtensions?: readonly MadeExtension[];
  readonly hash?: MadeHash;
}

/** A successful OCSPResponse. */
export function makeOcsp(order: OcspOrder): Uint8Array {
  const { hash = 'sha256', issuer, responder = issuer, status = 'good' } = order;
  const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();
  const subject = new Certificate(order.certificate);
  const keyBits = new Certificate(issuer.der).spki.subarray(-65);
  const thisUpdate = order.thisUpdate ?? noon - 3_600_000;
  const id = encodeElement(
    SEQUENCE,
    encodeElement(SEQUENCE, encodeOid('1.3.14.3.2.26'), encodeElement(0x05)),
    encodeElement(0x04, sha1(makeName(issuer.name))),
    encodeElement(0x04, sha1(keyBits)),
    encodeElement(0x02, subject.serial),
  );
  const statusOf =
    status === 'good'
      ? encodeElement(0x80)
      : status === 'unknown'
        ? encodeElement(0x82)
        : encodeElement(
            0xa1,
            text(0x18, '20251231000000Z'),
            encodeElement(0xa0, encodeElement(0x0a, Uint8Array.of(status))),
          );
  const general = (ms: number): Uint8Array =>
    text(0x18, new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ''));
  const next = 'nextUpdate' in order ? order.nextUpdate : noon + 3_600_000;
  const single = encodeElement(
    SEQUENCE,
    id,
    statusOf,
    general(thisUpdate),
    ...(next === undefined ? [] : [encodeElement(0xa0, general(next))]),
    ...(order.singleExtensions === undefined
      ? []
      : [encodeElement(0xa1, makeExtensions(order.singleExtensions))]),
  );
  const extensions = [
    ...(order.nonce === undefined ? [] : [{ oid: Oid.ocspNonce, value: encodeElement(0x04, order.nonce) }]),
    ...(order.responseExtensions ?? []),
  ];
  const data = encodeElement(
    SEQUENCE,
    encodeElement(0xa1, makeName(responder.name)),
    general(thisUpdate),
    encodeElement(SEQUENCE, single),
    ...(extensions.length === 0 ? [] : [encodeElement(0xa1, makeExtensions(extensions))]),
  );
  const signature = sign(hash, data, responder.key.key);
  const basic = encodeElement(
    SEQUENCE,
    data,
    ecdsaWith[hash],
    encodeElement(0x03, Uint8Array.of(0), signature),
    ...(order.certificates === undefined
      ? []
      : [encodeElement(0xa0, encodeElement(SEQUENCE, ...order.certificates))]),
  );
  return encodeElement(
    SEQUENCE,
    encodeElement(0x0a, Uint8Array.of(0)),
    encodeElement(0xa0, encodeElement(SEQUENCE, encodeOid(Oid.ocspBasic), encodeElement(0x04, basic))),
  );
}

/** What a client judges a chain by: at `noon`, without a host name, else by the product's defaults, unless told. */
export function judged(
  chain: readonly Uint8Array[],
  trust: TrustStore,
  more: Partial<PeerVerification> = {},
): PeerVerification {
  return {
    chain,
    trust,
    engine: defaultEngine,
    role: 'client',
    verify: 'verify_peer',
    host: undefined,
    now: noon,
    ...productDefaults,
    ...more,
  };
}
