/** From a suite and a version to keys of the record layer (RFC 5246 §6.3): which bytes they are cut from, and how they protect. */
import type { Aead, Cipher, HashFunction } from '../../values/crypto/engine.js';
import type { AgreedConnectionIds } from '../extensions/connection-id.js';
import { MacReadProtection, MacWriteProtection } from '../record/mac-protection.js';
import type { ReadProtection, WriteProtection } from '../record/protection.js';
import {
  fixedIvLength,
  type NonceForm,
  Tls12ReadProtection,
  Tls12WriteProtection,
} from '../record/tls12-protection.js';
import type { WriteKey } from '../record/write-key.js';
import type { ClientSettings } from '../settings.js';
import type { OlderVersion } from './older-version.js';

/** What a suite protects its records with. */
export type RecordCipher =
  | { readonly kind: 'aead'; readonly aead: Aead; readonly nonceForm: NonceForm }
  | { readonly kind: 'mac'; readonly cipher: Cipher; readonly hash: HashFunction };

/** Bytes of each direction's parts of the key block. */
export interface KeyLengths {
  readonly mac: number;
  readonly key: number;
  readonly iv: number;
}

/** What a handshake has settled about its records. */
export interface RecordTerms {
  readonly version: OlderVersion;
  readonly cipher: RecordCipher;
  /** RFC 7366 */
  readonly encryptThenMac: boolean;
  /** RFC 9146 */
  readonly connectionIds: AgreedConnectionIds | undefined;
}

/** What a config says about records of old versions. */
export type RecordSettings = Pick<ClientSettings, 'beastMitigation' | 'paddingCheck'>;

/** Bytes of the first record of a send (contract §13.1). */
const firstLengths: Readonly<Record<RecordSettings['beastMitigation'], 0 | 1 | undefined>> = {
  one_n_minus_one: 1,
  zero_n: 0,
  disabled: undefined,
};

/** Whether encrypt_then_mac means something: with block ciphers only (RFC 7366 §3). */
export function hasPadding(cipher: RecordCipher): boolean {
  return cipher.kind === 'mac' && cipher.cipher.blockLength > 1;
}

export function keyLengths({ cipher, version }: RecordTerms): KeyLengths {
  if (cipher.kind === 'aead')
    return { mac: 0, key: cipher.aead.keyLength, iv: fixedIvLength(cipher.nonceForm) };
  const { keyLength, blockLength } = cipher.cipher;
  const iv = version.explicitIv || blockLength === 1 ? 0 : blockLength;
  return { mac: cipher.hash.outputLength, key: keyLength, iv };
}

export function readProtection(
  terms: RecordTerms,
  key: WriteKey,
  { paddingCheck }: RecordSettings,
): ReadProtection {
  const { cipher, version, connectionIds } = terms;
  const cid = idOf(connectionIds?.own);
  return cipher.kind === 'aead'
    ? new Tls12ReadProtection(cipher.aead, cipher.nonceForm, key, cid)
    : new MacReadProtection(
        { ...macScheme(terms, cipher), cid },
        key,
        paddingCheck || !version.sparesPadding,
      );
}

export function writeProtection(
  terms: RecordTerms,
  key: WriteKey,
  { beastMitigation }: RecordSettings,
  random: (length: number) => Uint8Array,
): WriteProtection {
  const { cipher, version, connectionIds } = terms;
  const cid = idOf(connectionIds?.peer);
  return cipher.kind === 'aead'
    ? new Tls12WriteProtection(cipher.aead, cipher.nonceForm, key, version.code, cid)
    : new MacWriteProtection(
        { ...macScheme(terms, cipher), cid },
        key,
        random,
        firstLengths[beastMitigation],
      );
}

/** RFC 9146 §3: an empty one is none. */
function idOf(cid: Uint8Array | undefined): Uint8Array | undefined {
  return cid?.length ? cid : undefined;
}

function macScheme(
  { version, encryptThenMac }: RecordTerms,
  { cipher, hash }: Extract<RecordCipher, { readonly kind: 'mac' }>,
): ConstructorParameters<typeof MacReadProtection>[0] {
  const { code, explicitIv } = version;
  return { cipher, hash, version: code, explicitIv, encryptThenMac };
}
