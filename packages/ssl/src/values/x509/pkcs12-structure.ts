/**
 * The structure of PKCS#12 files (RFC 7292 §4, RFC 5652 §3, §8), read by pkijs and asn1js: BER with indefinite
 * lengths and strings in pieces, as NSS and Bouncy Castle write it, DER as OpenSSL does.
 *
 * Nothing here derives keys or decrypts. The libraries take 90 to 270 ms and 3 MB of heap to load (Node 20, one
 * slow core): import this module only dynamically, when there is a file to open (`loadPkcs12Structure`).
 */
import {
  type AsnSchemaType,
  type AsnType,
  compareSchema,
  fromBER,
  ObjectIdentifier,
  OctetString,
} from 'asn1js';
import {
  Attribute,
  AuthenticatedSafe,
  CertBag,
  ContentInfo,
  EncryptedData,
  PFX,
  SafeBag,
  SafeContents,
} from 'pkijs';
import { KeyError } from './key-error.js';

export interface Pfx {
  readonly authSafe: Pkcs12Info;
  readonly mac: Pkcs12Mac | undefined;
}

export interface Pkcs12Mac {
  /** OID of the digest. */
  readonly hash: string;
  readonly digest: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** A ContentInfo: octets in the clear, or encrypted by an AlgorithmIdentifier (DER). */
export type Pkcs12Info =
  | { readonly type: 'data'; readonly octets: Uint8Array }
  | { readonly type: 'encrypted'; readonly algorithm: Uint8Array; readonly octets: Uint8Array };

export interface Pkcs12Bag {
  /** OID of the bag's type. */
  readonly type: string;
  /** bagValue, as encoded. */
  readonly value: Uint8Array;
  readonly localKeyId: Uint8Array | undefined;
}

/** bytes of one file; a keystore of a thousand certificates has some 2 MB */
const MAX_FILE = 16 * 1024 * 1024;
/** asn1js looks into no string for further ASN.1, goes no deeper and makes no more objects than this. */
const limits = { maxDepth: 24, maxNodes: 20_000, maxContentLength: MAX_FILE, parseEmbedded: false };

const localKeyIdType = '1.2.840.113549.1.9.21';
const x509CertificateType = '1.2.840.113549.1.9.22.1';

/** The outermost structure. Throws `KeyError`, as all here. */
export function readPfx(bytes: Uint8Array): Pfx {
  if (bytes.length > MAX_FILE) throw new KeyError('unsupported', 'a PKCS#12 file of more than 16 MiB');
  return structurally(() => {
    const { authSafe, macData, version } = new PFX({ schema: parse(bytes) });
    if (version !== 3) throw new Error('unknown version');
    return { authSafe: infoOf(authSafe), mac: macData && macOf(macData) };
  });
}

function macOf({ iterations = 1, mac, macSalt }: NonNullable<PFX['macData']>): Pkcs12Mac {
  return {
    hash: mac.digestAlgorithm.algorithmId,
    digest: octetsOf(mac.digest),
    salt: octetsOf(macSalt),
    iterations,
  };
}

/** AuthenticatedSafe. */
export function readSafe(bytes: Uint8Array): readonly Pkcs12Info[] {
  return structurally(() => new AuthenticatedSafe({ schema: parse(bytes) }).safeContents.map(infoOf));
}

/**
 * SafeContents. The bags' schema is pkijs's, its `SafeBag` is not asked: it refuses a file for a bag of a kind that
 * it does not know, and decodes each certificate on the way (1 ms each) where only the bytes are wanted.
 */
export function readBags(bytes: Uint8Array): readonly Pkcs12Bag[] {
  return structurally(() => {
    const { bags } = match(parse(bytes), SafeContents.schema({ names: { safeBags: 'bags' } }));
    return nodesOf(bags).map((node) => {
      const { attributes, type, value } = match(node, bagSchema());
      if (!(type instanceof ObjectIdentifier)) throw new Error('a bag without its type');
      return { type: type.getValue(), value: encoded(value), localKeyId: localKeyIdIn(nodesOf(attributes)) };
    });
  });
}

const bagSchema = (): AsnSchemaType =>
  SafeBag.schema({ names: { bagId: 'type', bagValue: 'value', bagAttributes: 'attributes' } });

function localKeyIdIn(attributes: readonly AsnType[]): Uint8Array | undefined {
  for (const schema of attributes) {
    const { type, values } = new Attribute({ schema });
    const [value]: readonly unknown[] = values;
    if (type === localKeyIdType && value instanceof OctetString) return octetsOf(value);
  }
  return undefined;
}

/** The certificate in a CertBag, or `undefined` for SDSI certificates, which are history. */
export function readCertificateBag(bytes: Uint8Array): Uint8Array | undefined {
  return structurally(() => {
    const { type, value } = match(parse(bytes), CertBag.schema({ names: { id: 'type', value: 'value' } }));
    const isX509 = type instanceof ObjectIdentifier && type.getValue() === x509CertificateType;
    return isX509 ? octetsOf(value) : undefined;
  });
}

function infoOf({ content, contentType }: ContentInfo): Pkcs12Info {
  switch (contentType) {
    case ContentInfo.DATA:
      return { type: 'data', octets: octetsOf(content) };
    case ContentInfo.ENCRYPTED_DATA: {
      const { encryptedContentInfo: info } = new EncryptedData({ schema: content });
      if (info.contentType !== ContentInfo.DATA) throw new Error('encrypted data expected');
      const algorithm = new Uint8Array(info.contentEncryptionAlgorithm.toSchema().toBER());
      return { type: 'encrypted', algorithm, octets: new Uint8Array(info.getEncryptedContent()) };
    }
    default:
      throw new KeyError('unsupported', `PKCS#12 content ${contentType} is not supported`);
  }
}

function parse(bytes: Uint8Array): AsnType {
  // asn1js takes BufferSource, whose views are over an ArrayBuffer.
  const { offset, result } = fromBER(new Uint8Array(bytes), limits);
  if (offset < 0) throw new Error(result.error);
  if (offset !== bytes.length) throw new Error('trailing bytes');
  return result;
}

function match(node: AsnType, schema: AsnSchemaType): Readonly<Record<string, unknown>> {
  const compared = compareSchema(node, node, schema);
  if (!compared.verified) throw new Error('the structure does not fit');
  return compared.result;
}

function nodesOf(value: unknown): readonly AsnType[] {
  return Array.isArray(value) ? value : [];
}

function octetsOf(node: unknown): Uint8Array {
  if (!(node instanceof OctetString)) throw new Error('octets expected');
  return new Uint8Array(node.getValue());
}

function encoded(node: unknown): Uint8Array {
  if (!isNode(node)) throw new Error('a bag without content');
  return new Uint8Array(node.valueBeforeDecodeView);
}

function isNode(value: unknown): value is AsnType {
  return value instanceof Object && 'valueBeforeDecodeView' in value;
}

/** Both libraries throw errors of many classes on what they cannot read: here they are one. */
function structurally<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new KeyError('malformed', `malformed PKCS#12 file: ${why}`, { cause: error });
  }
}
