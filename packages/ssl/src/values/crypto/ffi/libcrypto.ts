/**
 * The libcrypto that this Node holds, as functions on addresses, and the memory they are given.
 *
 * Only what OpenSSL 3 documents and does not deprecate is called. Everything here belongs to one thread: a worker that
 * makes an engine has a library, memory and contexts of its own.
 */
import { endianness } from 'node:os';
import {
  type Bridge,
  type CType,
  FfiUnavailable,
  type ForeignFunction,
  type ForeignLibrary,
  openProcess,
} from './foreign.js';

/** Functions of libcrypto under their own names, `EVP_` left out; all but numbers and lengths are addresses. */
export interface Functions {
  readonly versionNumber: () => number;
  /** ERR_clear_error: what a call of ours left on the thread's queue must not be read by node:crypto. */
  readonly clearErrors: () => number;

  readonly fetchCipher: (context: number, name: number, properties: number) => number;
  readonly newCipherContext: () => number;
  readonly freeCipherContext: (context: number) => number;
  readonly cipherInit: (
    context: number,
    cipher: number,
    engine: number,
    key: number,
    iv: number,
    encrypt: number,
  ) => number;
  readonly cipherUpdate: (
    context: number,
    out: number,
    outLength: number,
    input: number,
    length: number,
  ) => number;
  readonly cipherFinal: (context: number, out: number, outLength: number) => number;
  readonly cipherControl: (context: number, command: number, argument: number, data: number) => number;

  readonly fetchDigest: (context: number, name: number, properties: number) => number;
  readonly digest: (
    data: number,
    length: number,
    out: number,
    outLength: number,
    type: number,
    engine: number,
  ) => number;

  readonly fetchMac: (context: number, name: number, properties: number) => number;
  readonly newMacContext: (mac: number) => number;
  readonly freeMacContext: (context: number) => number;
  readonly setMacParameters: (context: number, parameters: number) => number;
  readonly macInit: (context: number, key: number, keyLength: number, parameters: number) => number;
  readonly macUpdate: (context: number, data: number, length: number) => number;
  readonly macFinal: (context: number, out: number, outLength: number, room: number) => number;

  readonly newPrivateKey: (type: number, engine: number, key: number, length: number) => number;
  readonly newPublicKey: (type: number, engine: number, key: number, length: number) => number;
  readonly rawPublicKey: (key: number, out: number, length: number) => number;
  readonly setEncodedPublicKey: (key: number, bytes: number, length: number) => number;
  readonly decodePublicKey: (key: number, bytes: number, length: number) => number;
  readonly decodePrivateKey: (key: number, bytes: number, length: number) => number;
  readonly freeKey: (key: number) => number;
  readonly newKeyContext: (key: number, engine: number) => number;
  readonly newKeyContextByName: (context: number, name: number, properties: number) => number;
  readonly freeKeyContext: (context: number) => number;
  readonly fromDataInit: (context: number) => number;
  readonly fromData: (context: number, key: number, selection: number, parameters: number) => number;
  readonly keygenInit: (context: number) => number;
  readonly setKeyParameters: (context: number, parameters: number) => number;
  readonly generate: (context: number, key: number) => number;
  readonly keyParameters: (key: number, parameters: number) => number;
  readonly deriveInit: (context: number) => number;
  readonly derivePeer: (context: number, peer: number, validate: number) => number;
  readonly derive: (context: number, out: number, length: number) => number;

  readonly setSignatureDigest: (context: number, digest: number) => number;
  readonly setRsaPadding: (context: number, padding: number) => number;
  readonly setPssSaltLength: (context: number, length: number) => number;
  readonly setPssMask: (context: number, digest: number) => number;
  readonly signInit: (context: number) => number;
  readonly sign: (
    context: number,
    signature: number,
    signatureLength: number,
    digest: number,
    digestLength: number,
  ) => number;
  readonly verifyInit: (context: number) => number;
  readonly verify: (
    context: number,
    signature: number,
    signatureLength: number,
    digest: number,
    digestLength: number,
  ) => number;

  readonly newDigestContext: () => number;
  readonly freeDigestContext: (context: number) => number;
  readonly digestSignInit: (
    context: number,
    keyContext: number,
    digest: number,
    engine: number,
    key: number,
  ) => number;
  readonly digestSign: (
    context: number,
    signature: number,
    signatureLength: number,
    data: number,
    length: number,
  ) => number;
  readonly digestVerifyInit: (
    context: number,
    keyContext: number,
    digest: number,
    engine: number,
    key: number,
  ) => number;
  readonly digestVerify: (
    context: number,
    signature: number,
    signatureLength: number,
    data: number,
    length: number,
  ) => number;
}

function bindAll(library: ForeignLibrary): Functions {
  const bind = (name: string, result: CType, ...args: readonly CType[]): ForeignFunction =>
    library.bind(name, result, args);
  return {
    versionNumber: bind('OpenSSL_version_num', 'size'),
    clearErrors: bind('ERR_clear_error', 'void'),

    fetchCipher: bind('EVP_CIPHER_fetch', 'address', 'address', 'address', 'address'),
    newCipherContext: bind('EVP_CIPHER_CTX_new', 'address'),
    freeCipherContext: bind('EVP_CIPHER_CTX_free', 'void', 'address'),
    cipherInit: bind(
      'EVP_CipherInit_ex',
      'int',
      'address',
      'address',
      'address',
      'address',
      'address',
      'int',
    ),
    cipherUpdate: bind('EVP_CipherUpdate', 'int', 'address', 'address', 'address', 'address', 'int'),
    cipherFinal: bind('EVP_CipherFinal_ex', 'int', 'address', 'address', 'address'),
    cipherControl: bind('EVP_CIPHER_CTX_ctrl', 'int', 'address', 'int', 'int', 'address'),

    fetchDigest: bind('EVP_MD_fetch', 'address', 'address', 'address', 'address'),
    digest: bind('EVP_Digest', 'int', 'address', 'size', 'address', 'address', 'address', 'address'),

    fetchMac: bind('EVP_MAC_fetch', 'address', 'address', 'address', 'address'),
    newMacContext: bind('EVP_MAC_CTX_new', 'address', 'address'),
    freeMacContext: bind('EVP_MAC_CTX_free', 'void', 'address'),
    setMacParameters: bind('EVP_MAC_CTX_set_params', 'int', 'address', 'address'),
    macInit: bind('EVP_MAC_init', 'int', 'address', 'address', 'size', 'address'),
    macUpdate: bind('EVP_MAC_update', 'int', 'address', 'address', 'size'),
    macFinal: bind('EVP_MAC_final', 'int', 'address', 'address', 'address', 'size'),

    newPrivateKey: bind('EVP_PKEY_new_raw_private_key', 'address', 'int', 'address', 'address', 'size'),
    newPublicKey: bind('EVP_PKEY_new_raw_public_key', 'address', 'int', 'address', 'address', 'size'),
    rawPublicKey: bind('EVP_PKEY_get_raw_public_key', 'int', 'address', 'address', 'address'),
    setEncodedPublicKey: bind('EVP_PKEY_set1_encoded_public_key', 'int', 'address', 'address', 'size'),
    decodePublicKey: bind('d2i_PUBKEY', 'address', 'address', 'address', 'long'),
    decodePrivateKey: bind('d2i_AutoPrivateKey', 'address', 'address', 'address', 'long'),
    freeKey: bind('EVP_PKEY_free', 'void', 'address'),
    newKeyContext: bind('EVP_PKEY_CTX_new', 'address', 'address', 'address'),
    newKeyContextByName: bind('EVP_PKEY_CTX_new_from_name', 'address', 'address', 'address', 'address'),
    freeKeyContext: bind('EVP_PKEY_CTX_free', 'void', 'address'),
    fromDataInit: bind('EVP_PKEY_fromdata_init', 'int', 'address'),
    fromData: bind('EVP_PKEY_fromdata', 'int', 'address', 'address', 'int', 'address'),
    keygenInit: bind('EVP_PKEY_keygen_init', 'int', 'address'),
    setKeyParameters: bind('EVP_PKEY_CTX_set_params', 'int', 'address', 'address'),
    generate: bind('EVP_PKEY_generate', 'int', 'address', 'address'),
    keyParameters: bind('EVP_PKEY_get_params', 'int', 'address', 'address'),
    deriveInit: bind('EVP_PKEY_derive_init', 'int', 'address'),
    derivePeer: bind('EVP_PKEY_derive_set_peer_ex', 'int', 'address', 'address', 'int'),
    derive: bind('EVP_PKEY_derive', 'int', 'address', 'address', 'address'),

    setSignatureDigest: bind('EVP_PKEY_CTX_set_signature_md', 'int', 'address', 'address'),
    setRsaPadding: bind('EVP_PKEY_CTX_set_rsa_padding', 'int', 'address', 'int'),
    setPssSaltLength: bind('EVP_PKEY_CTX_set_rsa_pss_saltlen', 'int', 'address', 'int'),
    setPssMask: bind('EVP_PKEY_CTX_set_rsa_mgf1_md', 'int', 'address', 'address'),
    signInit: bind('EVP_PKEY_sign_init', 'int', 'address'),
    sign: bind('EVP_PKEY_sign', 'int', 'address', 'address', 'address', 'address', 'size'),
    verifyInit: bind('EVP_PKEY_verify_init', 'int', 'address'),
    verify: bind('EVP_PKEY_verify', 'int', 'address', 'address', 'size', 'address', 'size'),

    newDigestContext: bind('EVP_MD_CTX_new', 'address'),
    freeDigestContext: bind('EVP_MD_CTX_free', 'void', 'address'),
    digestSignInit: bind('EVP_DigestSignInit', 'int', 'address', 'address', 'address', 'address', 'address'),
    digestSign: bind('EVP_DigestSign', 'int', 'address', 'address', 'address', 'address', 'size'),
    digestVerifyInit: bind(
      'EVP_DigestVerifyInit',
      'int',
      'address',
      'address',
      'address',
      'address',
      'address',
    ),
    digestVerify: bind('EVP_DigestVerify', 'int', 'address', 'address', 'size', 'address', 'size'),
  };
}

/** Bytes up to this many are copied into the memory and out of it: to ask for an address costs as much. */
export const COPIED = 512;

/** Where what stands in the memory, and how much room it has, bytes. One synchronous call uses it at a time. */
export const at = {
  nonce: 0,
  /** `COPIED` and one more for a trailer, and a tag. */
  record: 64,
  /** Of `aadRoom`. */
  aad: 640,
  length: 896,
  trailer: 904,
  tag: 912,
  key: 928,
  digest: 1056,
  pointer: 1120,
  /** Room for six. */
  parameters: 1152,
  names: 1408,
  point: 1536,
  /** Of `signatureRoom`. */
  signature: 1664,
  /** Of `dataRoom`. */
  data: 2304,
} as const;

/** bytes */
export const aadRoom = 256;
/** bytes */
export const dataRoom = 8192;
/** bytes */
export const signatureRoom = 512;

/** OSSL_PARAM.data_type; the first stands in the machine's order, little end first. */
export const UNSIGNED_INTEGER = 2;
export const UTF8_STRING = 4;
export const OCTET_STRING = 5;
const PARAMETER_LENGTH = 40;

export class Libcrypto {
  readonly bridge: Bridge;
  readonly call: Functions;
  /** One block that never moves, since this object holds it and nobody else gets it. */
  readonly memory: Uint8Array;
  /** Its address. */
  readonly base: number;
  readonly words: DataView;
  readonly version: number;
  private readonly library: ForeignLibrary;
  /** Views of the record's place by their length: to make one costs as much as to copy 500 bytes. */
  private readonly records: (Uint8Array | undefined)[] = [];

  /** Throws `FfiUnavailable`. */
  constructor(bridge?: Bridge) {
    if (!wide.has(process.arch) || endianness() !== 'LE') {
      throw new FfiUnavailable(`the engine through FFI does not know ${process.arch}: leave it out`);
    }
    if (process.platform === 'win32') {
      throw new FfiUnavailable('the engine through FFI is not made for Windows: leave it out');
    }
    const library = openProcess(bridge);
    this.library = library;
    this.bridge = library.bridge;
    try {
      this.call = bindAll(library);
    } catch (cause) {
      throw new FfiUnavailable(
        `this Node shows no symbols of OpenSSL 3 (built without them, or Bun or Deno). Leave the engine out, or take a ` +
          `Node that exports them, as those of nodejs.org do`,
        { cause },
      );
    }
    this.version = this.call.versionNumber();
    checkVersion(this.version, process.versions['openssl']);
    const block = new ArrayBuffer(at.data + dataRoom);
    this.memory = new Uint8Array(block);
    this.words = new DataView(block);
    this.base = this.address(this.memory);
  }

  /**
   * Where bytes stand: for the call that follows, of which the caller makes sure with `held` behind it. Not for empty
   * ones, which stand nowhere.
   */
  address(bytes: Uint8Array): number {
    const address = this.library.address(bytes);
    if (!Number.isSafeInteger(address) || address <= 0) throw new RangeError('bytes without an address');
    return address;
  }

  /** What a call answered with if it is 1; all else is failure. */
  done(result: number, what: string): void {
    if (result !== 1) this.fail(what);
  }

  /** An address if it is one. */
  some(address: number, what: string): number {
    return Number.isSafeInteger(address) && address > 0 ? address : this.fail(what);
  }

  fail(what: string): never {
    this.call.clearErrors();
    throw new Error(`libcrypto: ${what} failed`);
  }

  /** Writes a name for C, and answers its address. For names that are in the source. */
  name(name: string, offset: number): number {
    for (let i = 0; i < name.length; i++) this.memory[offset + i] = name.charCodeAt(i);
    this.memory[offset + name.length] = 0;
    return this.base + offset;
  }

  /** Something that libcrypto has under a name; 0 when it has not. */
  fetch(from: Functions['fetchCipher'], name: string): number {
    const fetched = from(0, this.name(name, at.names), 0);
    if (fetched === 0) this.call.clearErrors();
    return fetched;
  }

  /** Writes the OSSL_PARAM number `index`: three words, two lengths. */
  parameter(index: number, name: number, type: number, data: number, length: number): void {
    const offset = at.parameters + index * PARAMETER_LENGTH;
    this.putWide(offset, name);
    this.putWide(offset + 8, type);
    this.putWide(offset + 16, data);
    this.putWide(offset + 24, length);
    this.putWide(offset + 32, 0);
  }

  /** How long what was written for the OSSL_PARAM number `index` is, bytes. */
  parameterLength(index: number): number {
    return this.wide(at.parameters + index * PARAMETER_LENGTH + 32);
  }

  endParameters(index: number): void {
    const offset = at.parameters + index * PARAMETER_LENGTH;
    this.memory.fill(0, offset, offset + PARAMETER_LENGTH);
  }

  putWide(offset: number, value: number): void {
    this.words.setUint32(offset, value % 0x1_0000_0000, true);
    this.words.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  wide(offset: number): number {
    return this.words.getUint32(offset, true) + this.words.getUint32(offset + 4, true) * 0x1_0000_0000;
  }

  /** An int that a function wrote. */
  int(offset: number): number {
    return this.words.getInt32(offset, true);
  }

  /** The first `length` bytes of the record's place. */
  record(length: number): Uint8Array {
    const known = this.records[length];
    if (known !== undefined) return known;
    const view = this.memory.subarray(at.record, Math.min(at.record + length, at.aad));
    this.records[length] = view;
    return view;
  }

  wipe(offset: number, length: number): void {
    this.memory.fill(0, offset, offset + length);
  }
}

/** 64 bits wide, and measured or of the same kind. */
const wide: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64']);

/**
 * That the symbols are of the library that node:crypto runs on, and of a major version whose functions are those
 * declared here. Another copy of libcrypto may have been loaded into the process, with symbols that come first.
 */
function checkVersion(number: number, expected: string | undefined): void {
  const found = `${number >>> 28}.${(number >>> 20) & 0xff}.${(number >>> 4) & 0xffff}`;
  if (number >>> 28 !== 3) {
    throw new FfiUnavailable(`the symbols are those of OpenSSL ${found}; the engine through FFI knows 3`);
  }
  if (/^[\d.]*/.exec(expected ?? '')?.[0] !== found) {
    throw new FfiUnavailable(`the symbols are those of OpenSSL ${found}, node:crypto is ${expected}`);
  }
}

/**
 * To be called behind a call that was given the address of bytes: it keeps them, since they are looked at once more, and
 * tells if they lost their memory meanwhile.
 */
export function held(bytes: Uint8Array, length: number): void {
  if (bytes.byteLength < length) throw new Error('memory was taken away during a call');
}
