/**
 * PKCS#12 files (RFC 7292) with password: one private key and its certificates, as OpenSSL, Java and Windows write
 * them. BER with indefinite lengths, public-key privacy and multi-part strings are refused.
 */
import { type FileHash, fileHmac, pkcs12Key } from '../crypto/pem-cipher.js';
import { sameBytes } from './certificate.js';
import { DerError, type DerReader, decodeAll, explicit, Tag } from './der.js';
import { decryptBy, decryptPrivateKeyInfo, type Password, pkcs12Password } from './encrypted-key.js';
import { KeyError } from './key-error.js';

export interface Pkcs12Content {
  /** DER PrivateKeyInfo. */
  readonly privateKey: Uint8Array | undefined;
  /** DER; the key's own first where the file says which it is (localKeyId). */
  readonly certificates: readonly Uint8Array[];
}

const dataType = '1.2.840.113549.1.7.1';
const encryptedType = '1.2.840.113549.1.7.6';
const localKeyId = '1.2.840.113549.1.9.21';

/** Bags read from one file at most. */
const MAX_BAGS = 1024;
const MAX_ITERATIONS = 10_000_000;

interface Bag {
  readonly type: 'key' | 'certificate';
  readonly der: Uint8Array;
  readonly localKeyId: Uint8Array | undefined;
}

/** Whether these are the bytes of a PKCS#12 file: SEQUENCE, then version 3. */
export function isPkcs12(bytes: Uint8Array): boolean {
  if (bytes[0] !== Tag.sequence) return false;
  const length = bytes[1] ?? 0;
  const at = length > 0x80 ? 2 + length - 0x80 : 2;
  return bytes[at] === Tag.integer && bytes[at + 1] === 1 && bytes[at + 2] === 3;
}

/** Throws `KeyError`: malformed, unsupported, wrong password. */
export function decodePkcs12(der: Uint8Array, password: Password): Pkcs12Content {
  const secret =
    password === undefined
      ? new Uint8Array()
      : typeof password === 'string'
        ? new TextEncoder().encode(password)
        : password;
  try {
    return decodeAll(der, (reader) => readPfx(reader, secret));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new KeyError('malformed', `malformed PKCS#12 file: ${error.message}`, { cause: error });
  }
}

function readPfx(reader: DerReader, password: Uint8Array): Pkcs12Content {
  const pfx = reader.open(Tag.sequence);
  if (pfx.smallInteger() !== 3) pfx.fail('unknown PKCS#12 version');
  const safe = readContent(pfx.open(Tag.sequence), password);
  if (pfx.done) throw new KeyError('unsupported', 'PKCS#12 files without a MAC are not supported');
  checkMac(pfx.open(Tag.sequence), safe, password);
  pfx.finish();
  const bags: Bag[] = [];
  const contents = decodeAll(safe, (inner) => {
    const sequence = inner.open(Tag.sequence);
    const found: Uint8Array[] = [];
    while (!sequence.done) found.push(readContent(sequence.open(Tag.sequence), password));
    return found;
  });
  for (const content of contents)
    decodeAll(content, (inner) => readBags(inner.open(Tag.sequence), password, bags));
  const key = bags.find((bag) => bag.type === 'key');
  const certificates = bags.filter((bag) => bag.type === 'certificate');
  const isOwn = (bag: Bag): boolean =>
    key?.localKeyId !== undefined &&
    bag.localKeyId !== undefined &&
    sameBytes(key.localKeyId, bag.localKeyId);
  const ordered = [...certificates.filter(isOwn), ...certificates.filter((bag) => !isOwn(bag))];
  return { privateKey: key?.der, certificates: ordered.map((bag) => bag.der) };
}

/** ContentInfo: the octets of data, or of encryptedData decrypted (RFC 5652 §4, §8). */
function readContent(info: DerReader, password: Uint8Array): Uint8Array {
  const type = info.oid();
  const content = info.open(explicit(0));
  if (type === dataType) return content.content(Tag.octetString);
  if (type !== encryptedType) throw new KeyError('unsupported', `PKCS#12 content ${type} is not supported`);
  const encrypted = content.open(Tag.sequence);
  encrypted.smallInteger();
  const body = encrypted.open(Tag.sequence);
  if (body.oid() !== dataType) body.fail('encrypted data expected');
  const algorithm = body.open(Tag.sequence);
  return decryptBy(algorithm, password, body.content(0x80));
}

const macHashes: Readonly<Record<string, FileHash>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const macLengths: Readonly<Record<FileHash, number>> = {
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

function checkMac(mac: DerReader, safe: Uint8Array, password: Uint8Array): void {
  const digestInfo = mac.open(Tag.sequence);
  const oid = digestInfo.open(Tag.sequence).oid();
  const expected = digestInfo.content(Tag.octetString);
  const salt = mac.content(Tag.octetString);
  const iterations = mac.done ? 1 : mac.smallInteger();
  const hash = Object.hasOwn(macHashes, oid) ? macHashes[oid] : undefined;
  if (hash === undefined) throw new KeyError('unsupported', `PKCS#12 MAC ${oid} is not supported`);
  if (iterations > MAX_ITERATIONS)
    throw new KeyError('unsupported', `${iterations} iterations are not supported`);
  const isRight = (secret: Uint8Array): boolean =>
    sameBytes(fileHmac(hash, pkcs12Key(hash, secret, salt, iterations, 3, macLengths[hash]), safe), expected);
  // No password is written as an empty one by some and as none at all by others.
  if (isRight(pkcs12Password(password)) || (password.length === 0 && isRight(password))) return;
  throw new KeyError('wrong_password', 'wrong password, or a damaged PKCS#12 file');
}

function readBags(bags: DerReader, password: Uint8Array, found: Bag[]): void {
  while (!bags.done) {
    const bag = bags.open(Tag.sequence);
    const type = bag.oid();
    const value = bag.open(explicit(0));
    const id = readLocalKeyId(bag);
    if (found.length >= MAX_BAGS) bags.fail('too many bags');
    switch (type) {
      case '1.2.840.113549.1.12.10.1.1':
        found.push({ type: 'key', der: value.element(), localKeyId: id });
        break;
      case '1.2.840.113549.1.12.10.1.2':
        found.push({ type: 'key', der: decryptPrivateKeyInfo(value.element(), password), localKeyId: id });
        break;
      case '1.2.840.113549.1.12.10.1.3': {
        const certificate = value.open(Tag.sequence);
        // x509Certificate; SDSI certificates are history.
        if (certificate.oid() !== '1.2.840.113549.1.9.22.1') break;
        const der = certificate.open(explicit(0)).content(Tag.octetString);
        found.push({ type: 'certificate', der, localKeyId: id });
        break;
      }
      default:
        // CRLs, secrets and nested bags: nothing that TLS needs.
        break;
    }
  }
}

function readLocalKeyId(bag: DerReader): Uint8Array | undefined {
  const attributes = bag.openOptional(Tag.set);
  while (attributes !== undefined && !attributes.done) {
    const attribute = attributes.open(Tag.sequence);
    const type = attribute.oid();
    const values = attribute.open(Tag.set);
    if (type === localKeyId && values.peek() === Tag.octetString) return values.content(Tag.octetString);
  }
  return undefined;
}
