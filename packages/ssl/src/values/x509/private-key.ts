/**
 * Private keys from files: every form that OpenSSL writes, normalised to PKCS#8 (RFC 5208, 5958) for the engine.
 */

import type { CryptoEngine, PrivateKey } from '../crypto/engine.js';
import { decryptFile, type FileCipher, ivLengthOf, keyLengthOf, openSslKey } from '../crypto/pem-cipher.js';
import { DerError, DerReader, decodeAll, explicit, Tag } from './der.js';
import { encodeElement, encodeOid, encodeSmallInteger } from './der-writer.js';
import { decryptPrivateKeyInfo, type Password } from './encrypted-key.js';
import { nameOfCurve } from './explicit-curve.js';
import { KeyError } from './key-error.js';
import type { KeyMaterial } from './key-material.js';
import { Oid } from './oids.js';
import { decodePem, type PemEntry, PemError } from './pem.js';

export type { Password };

/** The `key` option made ready, but for PKCS#12, which is opened by `decodePkcs12`. Throws `KeyError`. */
export function parsePrivateKey(
  material: Exclude<KeyMaterial, { readonly type: 'pfx' }>,
  password: Password,
  engine: CryptoEngine,
): PrivateKey {
  switch (material.type) {
    case 'private_key':
      return material.key;
    case 'pem':
      return importKey(privateKeyInfoFromPem(material.pem, password), engine);
    case 'der': {
      const entry: PemEntry = { type: material.format, der: material.der, dekInfo: undefined };
      return importKey(privateKeyInfo(entry, password), engine);
    }
    case 'remote':
      throw new KeyError('unsupported', 'a key that lives elsewhere has no private part to read');
  }
}

/** The first private key of a PEM file, as DER PrivateKeyInfo. Throws `KeyError`. */
export function privateKeyInfoFromPem(pem: string | Uint8Array, password: Password): Uint8Array {
  let entries: PemEntry[];
  try {
    entries = decodePem(pem);
  } catch (error) {
    if (error instanceof PemError) throw new KeyError('malformed', error.message, { cause: error });
    throw error;
  }
  const entry = entries.find(isPrivateKeyEntry);
  if (entry === undefined) throw new KeyError('no_key', 'no private key in the file');
  return privateKeyInfo(entry, password);
}

export function isPrivateKeyEntry(entry: PemEntry): boolean {
  switch (entry.type) {
    case 'RSAPrivateKey':
    case 'DSAPrivateKey':
    case 'ECPrivateKey':
    case 'PrivateKeyInfo':
    case 'EncryptedPrivateKeyInfo':
      return true;
    default:
      return false;
  }
}

/** One entry as DER PrivateKeyInfo. Throws `KeyError`: wrong password, malformed, unsupported. */
export function privateKeyInfo(entry: PemEntry, password: Password): Uint8Array {
  const { type, dekInfo } = entry;
  const der = dekInfo === undefined ? entry.der : decryptDekInfo(entry.der, dekInfo, password);
  try {
    switch (type) {
      case 'PrivateKeyInfo':
      case 'EncryptedPrivateKeyInfo':
      case 'RSAPrivateKey':
      case 'ECPrivateKey':
      case 'DSAPrivateKey':
        return fromAny(der, password);
      default:
        throw new KeyError('no_key', `a ${type} is no private key`);
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    // After decryption, what is no key is what a wrong password gives.
    const encrypted = dekInfo !== undefined || type === 'EncryptedPrivateKeyInfo';
    throw encrypted
      ? new KeyError('wrong_password', 'wrong password, or a damaged key', { cause: error })
      : new KeyError('malformed', `malformed private key: ${error.message}`, { cause: error });
  }
}

function importKey(pkcs8: Uint8Array, engine: CryptoEngine): PrivateKey {
  let key: PrivateKey | undefined;
  try {
    key = engine.importPrivateKey(pkcs8);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new KeyError('malformed', `the private key is not usable: ${error.message}`, { cause: error });
  }
  if (key === undefined) throw new KeyError('unsupported', 'private keys of this kind are not supported');
  return key;
}

function passwordBytes(password: Password): Uint8Array {
  if (password === undefined)
    throw new KeyError('password_required', 'the key is encrypted: a password is needed');
  return typeof password === 'string' ? new TextEncoder().encode(password) : password;
}

/** By content: what is PKCS#8 stands under the labels of RSA and EC keys too, and the other way round. */
function fromAny(der: Uint8Array, password: Password): Uint8Array {
  switch (formOf(der)) {
    case 'encrypted':
      return fromPkcs8(decryptPrivateKeyInfo(der, passwordBytes(password)));
    case 'pkcs8':
      return fromPkcs8(der);
    case 'pkcs1':
      return fromPkcs1(der);
    case 'sec1':
      return fromSec1(der);
    case 'dsa':
      return fromDsa(der);
  }
}

type Form = 'encrypted' | 'pkcs8' | 'pkcs1' | 'sec1' | 'dsa';

/** EncryptedPrivateKeyInfo begins with an AlgorithmIdentifier, all others with a version; what follows that tells. */
function formOf(der: Uint8Array): Form {
  const key = new DerReader(der).open(Tag.sequence);
  if (key.peek() === Tag.sequence) return 'encrypted';
  key.integerBytes();
  if (key.peek() === Tag.sequence) return 'pkcs8';
  if (key.peek() === Tag.octetString) return 'sec1';
  let integers = 1;
  for (; !key.done; integers += 1) key.integerBytes();
  return integers === 6 ? 'dsa' : 'pkcs1';
}

/** Ciphers of DEK-Info headers that are named one by one. */
const dekCiphers: Readonly<Record<string, FileCipher>> = {
  'RC2-CBC': { name: 'rc2', keyLength: 16, effectiveBits: 128 },
  'RC2-64-CBC': { name: 'rc2', keyLength: 8, effectiveBits: 64 },
  'RC2-40-CBC': { name: 'rc2', keyLength: 5, effectiveBits: 40 },
};

const dekFamilies = { AES: 'aes', CAMELLIA: 'camellia', ARIA: 'aria' } as const;
const dekDes = { DES: 'des', 'DES-EDE': 'des2', 'DES-EDE3': 'des3' } as const;
const dekModes = {
  CBC: 'cbc',
  CFB: 'cfb',
  CFB1: 'cfb1',
  CFB8: 'cfb8',
  OFB: 'ofb',
  CTR: 'ctr',
} as const;
const dekKeyLengths = { 128: 16, 192: 24, 256: 32 } as const;

/** OpenSSL's name of a cipher: family, key size where there is a choice, mode. */
function dekCipher(name: string): FileCipher | undefined {
  if (Object.hasOwn(dekCiphers, name)) return dekCiphers[name];
  const parts = /^(.*?)(?:-(128|192|256))?-([A-Z0-9]+)$/.exec(name);
  const [, family = '', size = '', modeName = ''] = parts ?? [];
  if (!isKeyOf(dekModes, modeName)) return undefined;
  const mode = dekModes[modeName];
  if (isKeyOf(dekFamilies, family) && isKeyOf(dekKeyLengths, size)) {
    return { name: dekFamilies[family], keyLength: dekKeyLengths[size], mode };
  }
  if (size !== '') return undefined;
  if (family === 'SM4') return { name: 'sm4', keyLength: 16, mode };
  return isKeyOf(dekDes, family) && mode !== 'ctr' ? { name: dekDes[family], mode } : undefined;
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

function decryptDekInfo(
  data: Uint8Array,
  dekInfo: { readonly cipher: string; readonly iv: Uint8Array },
  password: Password,
): Uint8Array {
  const cipher = dekCipher(dekInfo.cipher);
  if (cipher === undefined)
    throw new KeyError('unsupported', `keys encrypted with ${dekInfo.cipher} are not supported`);
  if (dekInfo.iv.length !== ivLengthOf(cipher))
    throw new KeyError('malformed', 'DEK-Info has an IV of the wrong length');
  const key = openSslKey(passwordBytes(password), dekInfo.iv, keyLengthOf(cipher));
  const plain = decryptFile(cipher, key, dekInfo.iv, data);
  if (plain === undefined) throw new KeyError('wrong_password', 'wrong password, or a damaged key');
  return plain;
}

/** Checks the outer form of a PrivateKeyInfo, and drops what RFC 5958 lets follow (attributes, public key). */
function fromPkcs8(der: Uint8Array): Uint8Array {
  return decodeAll(der, (reader) => {
    const info = reader.open(Tag.sequence);
    if (info.smallInteger() > 1) info.fail('unknown version of PrivateKeyInfo');
    const algorithm = info.elementOf(Tag.sequence);
    const key = info.content(Tag.octetString);
    const fields = new DerReader(algorithm).open(Tag.sequence);
    if (fields.oid() === Oid.ecPublicKey && !fields.done) return wrapEc(fields.element(), key);
    const octets = encodeElement(Tag.octetString, key);
    return encodeElement(Tag.sequence, encodeSmallInteger(0), algorithm, octets);
  });
}

/** With the curve by its name, as RFC 5480 §2.1.1 wants it; one without a name is for the engine to refuse. */
function wrapEc(parameters: Uint8Array, key: Uint8Array): Uint8Array {
  const curve = parameters[0] === Tag.sequence ? nameOfCurve(parameters) : parameters;
  const id = encodeOid(Oid.ecPublicKey);
  return curve === undefined ? wrap([id, parameters], key) : wrap([id, curve], bareKey(key));
}

/**
 * RFC 5915 ECPrivateKey without what may follow: the curve again, and the public point, which the engine makes of the
 * scalar. OpenSSL would go on writing it compressed where it was, and no certificate of the key would fit it.
 */
function bareKey(der: Uint8Array): Uint8Array {
  return decodeAll(der, (reader) => {
    const key = reader.open(Tag.sequence);
    const bare = encodeElement(Tag.sequence, key.elementOf(Tag.integer), key.elementOf(Tag.octetString));
    while (!key.done) key.skip();
    return bare;
  });
}

function wrap(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  return encodeElement(
    Tag.sequence,
    encodeSmallInteger(0),
    encodeElement(Tag.sequence, ...algorithm),
    encodeElement(Tag.octetString, key),
  );
}

/** RFC 8017 appendix A.1.2. */
function fromPkcs1(der: Uint8Array): Uint8Array {
  decodeAll(der, (reader) => {
    const key = reader.open(Tag.sequence);
    for (let field = 0; field < 9; field++) key.integerBytes();
  });
  return wrap([encodeOid(Oid.rsaEncryption), encodeElement(Tag.null)], der);
}

/** RFC 5915: the curve stands inside, and moves out. */
function fromSec1(der: Uint8Array): Uint8Array {
  const curve = decodeAll(der, (reader) => {
    const key = reader.open(Tag.sequence);
    key.smallInteger();
    key.content(Tag.octetString);
    const parameters = key.openOptional(explicit(0));
    if (parameters === undefined) return key.fail('an EC key without its curve');
    return parameters.element();
  });
  return wrapEc(curve, der);
}

/** OpenSSL's own form: version, p, q, g, y, x. */
function fromDsa(der: Uint8Array): Uint8Array {
  const { parameters, x } = decodeAll(der, (reader) => {
    const key = reader.open(Tag.sequence);
    key.smallInteger();
    const pqg = [key.elementOf(Tag.integer), key.elementOf(Tag.integer), key.elementOf(Tag.integer)];
    key.elementOf(Tag.integer);
    const secret = key.elementOf(Tag.integer);
    key.finish();
    return { parameters: encodeElement(Tag.sequence, ...pqg), x: secret };
  });
  return wrap([encodeOid(Oid.dsa), parameters], x);
}
