/**
 * EncryptedPrivateKeyInfo (RFC 5958 §3): PBES1 and PBES2 (RFC 8018), the PKCS#12 schemes (RFC 7292 appendix C),
 * PBKDF2 or scrypt (RFC 7914) over DES, 3DES, RC2, AES, Camellia, ARIA, SM4 in the modes that OpenSSL writes.
 */
import {
  decryptFile,
  type FileCipher,
  type FileHash,
  type FileMode,
  ivLengthOf,
  keyLengthOf,
  pbkdf1,
  pbkdf2,
  pkcs12Key,
  scrypt,
} from '../crypto/pem-cipher.js';
import { type DerReader, decodeAll, Tag } from './der.js';
import { KeyError } from './key-error.js';

/** A text is taken as UTF-8. */
export type Password = string | Uint8Array | undefined;

/** More rounds than this are refused: a file must not stop the process for minutes. */
const MAX_ITERATIONS = 20_000_000;

/** The PrivateKeyInfo inside. Throws `KeyError`, and `DerError` for a malformed shell. */
export function decryptPrivateKeyInfo(der: Uint8Array, password: Uint8Array): Uint8Array {
  return decodeAll(der, (reader) => {
    const shell = reader.open(Tag.sequence);
    const algorithm = shell.open(Tag.sequence);
    const data = shell.content(Tag.octetString);
    shell.finish();
    return decryptBy(algorithm, password, data);
  });
}

/** Decrypts by the content of an AlgorithmIdentifier, as it stands in PKCS#8 and PKCS#12. */
export function decryptBy(algorithm: DerReader, password: Uint8Array, data: Uint8Array): Uint8Array {
  const oid = algorithm.oid();
  const plain =
    oid === '1.2.840.113549.1.5.13'
      ? pbes2(algorithm, password, data)
      : pbes1(oid, algorithm, password, data);
  if (plain === undefined) throw new KeyError('wrong_password', 'wrong password, or a damaged key');
  return plain;
}

interface OldScheme {
  readonly kdf: 'pbkdf1' | 'pkcs12';
  readonly hash: 'md5' | 'sha1';
  readonly cipher: FileCipher;
}

const oldSchemes: Readonly<Record<string, OldScheme>> = {
  '1.2.840.113549.1.5.3': { kdf: 'pbkdf1', hash: 'md5', cipher: { name: 'des' } },
  '1.2.840.113549.1.5.6': {
    kdf: 'pbkdf1',
    hash: 'md5',
    cipher: { name: 'rc2', keyLength: 8, effectiveBits: 64 },
  },
  '1.2.840.113549.1.5.10': { kdf: 'pbkdf1', hash: 'sha1', cipher: { name: 'des' } },
  '1.2.840.113549.1.5.11': {
    kdf: 'pbkdf1',
    hash: 'sha1',
    cipher: { name: 'rc2', keyLength: 8, effectiveBits: 64 },
  },
  '1.2.840.113549.1.12.1.1': { kdf: 'pkcs12', hash: 'sha1', cipher: { name: 'rc4', keyLength: 16 } },
  '1.2.840.113549.1.12.1.2': { kdf: 'pkcs12', hash: 'sha1', cipher: { name: 'rc4', keyLength: 5 } },
  '1.2.840.113549.1.12.1.3': { kdf: 'pkcs12', hash: 'sha1', cipher: { name: 'des3' } },
  '1.2.840.113549.1.12.1.4': { kdf: 'pkcs12', hash: 'sha1', cipher: { name: 'des2' } },
  '1.2.840.113549.1.12.1.5': {
    kdf: 'pkcs12',
    hash: 'sha1',
    cipher: { name: 'rc2', keyLength: 16, effectiveBits: 128 },
  },
  '1.2.840.113549.1.12.1.6': {
    kdf: 'pkcs12',
    hash: 'sha1',
    cipher: { name: 'rc2', keyLength: 5, effectiveBits: 40 },
  },
};

function pbes1(
  oid: string,
  algorithm: DerReader,
  password: Uint8Array,
  data: Uint8Array,
): Uint8Array | undefined {
  const scheme = Object.hasOwn(oldSchemes, oid) ? oldSchemes[oid] : undefined;
  if (scheme === undefined) throw new KeyError('unsupported', `encryption scheme ${oid} is not supported`);
  const parameters = algorithm.open(Tag.sequence);
  const salt = parameters.content(Tag.octetString);
  const iterations = readIterations(parameters);
  parameters.finish();
  const { cipher, hash, kdf } = scheme;
  if (kdf === 'pbkdf1') {
    const derived = pbkdf1(hash, password, salt, iterations, 16);
    return decryptFile(cipher, derived.subarray(0, 8), derived.subarray(8), data);
  }
  const wide = pkcs12Password(password);
  const key = pkcs12Key(hash, wide, salt, iterations, 1, keyLengthOf(cipher));
  const iv = pkcs12Key(hash, wide, salt, iterations, 2, ivLengthOf(cipher));
  return decryptFile(cipher, key, iv, data);
}

/**
 * A PKCS#12 file may be made with no password at all: keys are then derived from nothing, where an empty password
 * gives two zeros. Told from an empty one by identity.
 */
export const noPassword: Uint8Array = new Uint8Array();

/** RFC 7292 appendix B.1: UTF-16BE with two final zeros. */
export function pkcs12Password(password: Uint8Array): Uint8Array {
  if (password === noPassword) return noPassword;
  const text = new TextDecoder().decode(password);
  const out = new Uint8Array(text.length * 2 + 2);
  for (let i = 0; i < text.length; i++) {
    out[2 * i] = text.charCodeAt(i) >> 8;
    out[2 * i + 1] = text.charCodeAt(i) & 0xff;
  }
  return out;
}

function pbes2(algorithm: DerReader, password: Uint8Array, data: Uint8Array): Uint8Array | undefined {
  const parameters = algorithm.open(Tag.sequence);
  const kdf = parameters.open(Tag.sequence);
  const { cipher, iv } = readCipher(parameters.open(Tag.sequence));
  parameters.finish();
  if (iv.length !== ivLengthOf(cipher)) throw new KeyError('malformed', 'an IV of the wrong length');
  return decryptFile(cipher, deriveKey(kdf, password, cipher), iv, data);
}

const prfs: Readonly<Record<string, FileHash>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.6': 'md5',
  '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224',
  '1.2.840.113549.2.13': 'sha512-256',
};

function deriveKey(kdf: DerReader, password: Uint8Array, cipher: FileCipher): Uint8Array {
  const oid = kdf.oid();
  const parameters = kdf.open(Tag.sequence);
  const length = keyLengthOf(cipher);
  const checkLength = (): void => {
    if (parameters.peek() === Tag.integer && parameters.smallInteger() !== length) {
      throw new KeyError('malformed', 'key length and cipher do not fit');
    }
  };
  switch (oid) {
    case '1.2.840.113549.1.5.12': {
      const salt = parameters.content(Tag.octetString);
      const iterations = readIterations(parameters);
      checkLength();
      const prfOid = parameters.openOptional(Tag.sequence)?.oid() ?? '1.2.840.113549.2.7';
      const hash = Object.hasOwn(prfs, prfOid) ? prfs[prfOid] : undefined;
      if (hash === undefined) throw new KeyError('unsupported', `PBKDF2 with ${prfOid} is not supported`);
      return pbkdf2(hash, password, salt, iterations, length);
    }
    case '1.3.6.1.4.1.11591.4.11': {
      const salt = parameters.content(Tag.octetString);
      const [n, r, p] = [parameters.smallInteger(), parameters.smallInteger(), parameters.smallInteger()];
      checkLength();
      try {
        return scrypt(password, salt, { n, r, p }, length);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new KeyError('unsupported', `scrypt parameters are not usable: ${why}`, { cause: error });
      }
    }
    default:
      throw new KeyError('unsupported', `key derivation ${oid} is not supported`);
  }
}

function readIterations(parameters: DerReader): number {
  const iterations = parameters.smallInteger();
  if (iterations < 1 || iterations > MAX_ITERATIONS) {
    throw new KeyError('unsupported', `${iterations} iterations are not supported`);
  }
  return iterations;
}

function readCipher(identifier: DerReader): { readonly cipher: FileCipher; readonly iv: Uint8Array } {
  const oid = identifier.oid();
  switch (oid) {
    case '1.3.14.3.2.7':
      return { cipher: { name: 'des' }, iv: identifier.content(Tag.octetString) };
    case '1.2.840.113549.3.7':
      return { cipher: { name: 'des3' }, iv: identifier.content(Tag.octetString) };
    case '1.2.840.113549.3.2':
      return readRc2(identifier.open(Tag.sequence));
    case '1.3.14.3.2.9':
      return { cipher: { name: 'des', mode: 'cfb' }, iv: identifier.content(Tag.octetString) };
    case '1.3.14.3.2.8':
      return { cipher: { name: 'des', mode: 'ofb' }, iv: identifier.content(Tag.octetString) };
    default:
      return readModernCipher(oid, identifier);
  }
}

/** Key sizes of arcs that count 128, 192, 256. */
const sizes = [16, 24, 32] as const;

/** Modes by the last number of an OID, in families that number key sizes in steps. */
const aesModes: readonly (FileMode | undefined)[] = [undefined, 'ecb', 'cbc', 'ofb', 'cfb'];
const camelliaModes: readonly (FileMode | undefined)[] = [undefined, 'ecb', undefined, 'ofb', 'cfb'];
const ariaModes: readonly (FileMode | undefined)[] = [undefined, 'ecb', 'cbc', 'cfb', 'ofb', 'ctr'];
const sm4Modes: readonly (FileMode | undefined)[] = [
  undefined,
  'ecb',
  'cbc',
  'ofb',
  'cfb',
  undefined,
  undefined,
  'ctr',
];

/** AES (NIST), Camellia (RFC 3657, ISO 18033), ARIA (RFC 5794), SM4 (GM/T 0006): an arc each, key size and mode its last number. */
function readModernCipher(
  oid: string,
  identifier: DerReader,
): { readonly cipher: FileCipher; readonly iv: Uint8Array } {
  const cipher = modernCipher(oid);
  if (cipher === undefined) throw new KeyError('unsupported', `cipher ${oid} is not supported`);
  const withoutIv = 'mode' in cipher && cipher.mode === 'ecb';
  return {
    cipher,
    iv: withoutIv ? new Uint8Array(ivLengthOf(cipher)) : identifier.content(Tag.octetString),
  };
}

function modernCipher(oid: string): FileCipher | undefined {
  const dot = oid.lastIndexOf('.');
  const arc = oid.slice(0, dot);
  const last = Number(oid.slice(dot + 1));
  const stepOf = (step: number, modes: readonly (FileMode | undefined)[]) => ({
    keyLength: sizes[Math.floor(last / step)],
    mode: modes[last % step],
  });
  switch (arc) {
    case '2.16.840.1.101.3.4.1':
      return sized('aes', stepOf(20, aesModes));
    case '0.3.4401.5.3.1.9':
      return sized('camellia', stepOf(20, camelliaModes));
    case '1.2.392.200011.61.1.1.1':
      return sized('camellia', { keyLength: sizes[last - 2], mode: 'cbc' });
    case '1.2.410.200046.1.1': {
      const { keyLength, mode } = {
        keyLength: sizes[Math.floor((last - 1) / 5)],
        mode: ariaModes[((last - 1) % 5) + 1],
      };
      return sized('aria', { keyLength, mode });
    }
    case '1.2.156.10197.1.104': {
      const mode = sm4Modes[last];
      return mode === undefined ? undefined : { name: 'sm4', keyLength: 16, mode };
    }
    default:
      return undefined;
  }
}

function sized(
  name: 'aes' | 'camellia' | 'aria',
  { keyLength, mode }: { readonly keyLength: 16 | 24 | 32 | undefined; readonly mode: FileMode | undefined },
): FileCipher | undefined {
  return keyLength === undefined || mode === undefined ? undefined : { name, keyLength, mode };
}

/** RFC 8018 appendix B.2.3: the version encodes the effective key bits, 32 when absent. */
function readRc2(parameters: DerReader): { readonly cipher: FileCipher; readonly iv: Uint8Array } {
  const version = parameters.peek() === Tag.integer ? parameters.smallInteger() : undefined;
  const iv = parameters.content(Tag.octetString);
  const bits =
    version === undefined ? 32 : version === 160 ? 40 : version === 120 ? 64 : version === 58 ? 128 : version;
  if (bits < 8 || bits > 1024) throw new KeyError('unsupported', 'RC2 key size is not supported');
  return { cipher: { name: 'rc2', keyLength: Math.max(1, Math.ceil(bits / 8)), effectiveBits: bits }, iv };
}
