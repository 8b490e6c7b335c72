/**
 * PKCS#12 files (RFC 7292) with password: one private key and its certificates, as OpenSSL, Java, NSS and Windows
 * write them. Structure is read by pkijs (`pkcs12-structure.ts`); MAC and decryption are our own, since pkijs does
 * them by WebCrypto, which has neither PKCS#12's derivation nor the old ciphers. Public-key privacy is refused.
 */
import { type FileHash, fileHmac, pkcs12Key } from '../crypto/pem-cipher.js';
import { sameBytes } from './certificate.js';
import { DerError, DerReader, Tag } from './der.js';
import {
  decryptBy,
  decryptPrivateKeyInfo,
  noPassword,
  type Password,
  pkcs12Password,
} from './encrypted-key.js';
import { KeyError } from './key-error.js';
import type { Pkcs12Bag, Pkcs12Info, Pkcs12Mac } from './pkcs12-structure.js';

export interface Pkcs12Content {
  /** DER PrivateKeyInfo. */
  readonly privateKey: Uint8Array | undefined;
  /** DER; the key's own first where the file says which it is (localKeyId). */
  readonly certificates: readonly Uint8Array[];
  /** Whether a MAC under the password vouches for the content; without one anybody may have changed it. */
  readonly integrity: 'mac' | 'none';
}

export type Pkcs12Structure = typeof import('./pkcs12-structure.js');

/** Readers of the structure. The first call loads pkijs. */
export function loadPkcs12Structure(): Promise<Pkcs12Structure> {
  return import('./pkcs12-structure.js');
}

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
export function decodePkcs12(
  bytes: Uint8Array,
  password: Password,
  structure: Pkcs12Structure,
): Pkcs12Content {
  const secret =
    password === undefined
      ? new Uint8Array()
      : typeof password === 'string'
        ? new TextEncoder().encode(password)
        : password;
  try {
    return decode(bytes, secret, structure);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new KeyError('malformed', `malformed PKCS#12 file: ${error.message}`, { cause: error });
  }
}

function decode(bytes: Uint8Array, password: Uint8Array, structure: Pkcs12Structure): Pkcs12Content {
  const { authSafe, mac } = structure.readPfx(bytes);
  if (authSafe.type !== 'data')
    throw new KeyError('unsupported', 'PKCS#12 files encrypted as a whole are not supported');
  // RFC 7292 §4: the MAC may be left out.
  const secret = mac === undefined ? password : checkMac(mac, authSafe.octets, password);
  const bags: Pkcs12Bag[] = [];
  for (const info of structure.readSafe(authSafe.octets)) {
    bags.push(...structure.readBags(open(info, secret)));
    if (bags.length > MAX_BAGS) throw new KeyError('unsupported', 'too many bags in the PKCS#12 file');
  }
  const found = bags.flatMap((bag) => openBag(bag, secret, structure) ?? []);
  const key = found.find(({ type }) => type === 'key');
  const certificates = found.filter(({ type }) => type === 'certificate');
  const isOwn = ({ localKeyId }: Bag): boolean =>
    key?.localKeyId !== undefined && localKeyId !== undefined && sameBytes(key.localKeyId, localKeyId);
  const ordered = [...certificates.filter(isOwn), ...certificates.filter((bag) => !isOwn(bag))];
  return {
    privateKey: key?.der,
    certificates: ordered.map(({ der }) => der),
    integrity: mac === undefined ? 'none' : 'mac',
  };
}

function open(info: Pkcs12Info, password: Uint8Array): Uint8Array {
  return info.type === 'data'
    ? info.octets
    : decryptBy(new DerReader(info.algorithm).open(Tag.sequence), password, info.octets);
}

/** By the digest's OID; length in bytes. */
const macHashes: Readonly<Record<string, { readonly hash: FileHash; readonly length: number }>> = {
  '1.3.14.3.2.26': { hash: 'sha1', length: 20 },
  '2.16.840.1.101.3.4.2.4': { hash: 'sha224', length: 28 },
  '2.16.840.1.101.3.4.2.1': { hash: 'sha256', length: 32 },
  '2.16.840.1.101.3.4.2.2': { hash: 'sha384', length: 48 },
  '2.16.840.1.101.3.4.2.3': { hash: 'sha512', length: 64 },
};

/** The password as the file was made with it. */
function checkMac(mac: Pkcs12Mac, safe: Uint8Array, password: Uint8Array): Uint8Array {
  const { digest, iterations, salt } = mac;
  const known = Object.hasOwn(macHashes, mac.hash) ? macHashes[mac.hash] : undefined;
  if (known === undefined) throw new KeyError('unsupported', `PKCS#12 MAC ${mac.hash} is not supported`);
  if (!(iterations >= 1 && iterations <= MAX_ITERATIONS))
    throw new KeyError('unsupported', `${iterations} iterations are not supported`);
  const { hash, length } = known;
  const isRight = (secret: Uint8Array): boolean =>
    sameBytes(fileHmac(hash, pkcs12Key(hash, secret, salt, iterations, 3, length), safe), digest);
  if (isRight(pkcs12Password(password))) return password;
  // No password is written as an empty one by some and as none at all by others.
  if (password.length === 0 && isRight(noPassword)) return noPassword;
  throw new KeyError('wrong_password', 'wrong password, or a damaged PKCS#12 file');
}

/** `undefined` for CRLs, secrets and nested bags: nothing that TLS needs. */
function openBag(bag: Pkcs12Bag, password: Uint8Array, structure: Pkcs12Structure): Bag | undefined {
  const { localKeyId, type, value } = bag;
  switch (type) {
    case '1.2.840.113549.1.12.10.1.1':
      return { type: 'key', der: value, localKeyId };
    case '1.2.840.113549.1.12.10.1.2':
      return { type: 'key', der: decryptPrivateKeyInfo(value, password), localKeyId };
    case '1.2.840.113549.1.12.10.1.3': {
      const der = structure.readCertificateBag(value);
      return der && { type: 'certificate', der, localKeyId };
    }
    default:
      return undefined;
  }
}
