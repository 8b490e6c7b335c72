/**
 * Record protection of TLS 1.2 and before by ciphers that are no AEADs (RFC 5246 §6.2.3.1, §6.2.3.2; RFC 4346; RFC 2246):
 * a MAC and then a stream or CBC cipher, or with encrypt_then_mac (RFC 7366) the other way round.
 */
import type { Cipher, HashFunction, RecordMac, RunningCipher } from '../../values/crypto/engine.js';
import { concat, join } from '../../values/wire/join.js';
import { readPadding, sameMac } from './cbc-padding.js';
import { CidHead } from './cid-record.js';
import { APPLICATION_DATA, HEADER_LENGTH } from './content-type.js';
import { RecordError } from './errors.js';
import { putHeader, putSequence } from './layout.js';
import type { OpenedRecord, ReadProtection, WriteProtection } from './protection.js';
import type { WriteKey } from './write-key.js';

/** What two sides have settled about such records. */
export interface MacScheme {
  readonly cipher: Cipher;
  readonly hash: HashFunction;
  /** Version on the wire. */
  readonly version: number;
  /** Whether each record brings an IV of its own: from TLS 1.1 on (RFC 4346 §6.2.3.2). */
  readonly explicitIv: boolean;
  readonly encryptThenMac: boolean;
  /** Of the records, if they have one (RFC 9146 §5.1, §5.2). */
  readonly cid?: Uint8Array | undefined;
}

/** seq_num, type, version, length (RFC 5246 §6.2.3.1). */
const macHead: Uint8Array = new Uint8Array(13);
const nothing: Uint8Array = new Uint8Array(0);
/** Hashed for nothing, so that all records of a length cost the same. */
const idle: Uint8Array = new Uint8Array(1024);

/** Bytes of a block of the compression function, and of what closes the last one: a bit and the length (FIPS 180-4 §5). */
function compression({ name }: HashFunction): { readonly block: number; readonly closing: number } {
  return name === 'sha384' || name === 'sha512' ? { block: 128, closing: 17 } : { block: 64, closing: 9 };
}

abstract class MacProtection {
  protected readonly cipher: RunningCipher;
  protected readonly key: RecordMac;
  protected readonly macLength: number;
  protected readonly blockLength: number;
  /** Bytes of IV in front of each record. */
  protected readonly ivLength: number;
  readonly cid: Uint8Array | undefined;
  private readonly cidHead: CidHead | undefined;
  protected sequence = 0;

  /** Over datagrams: the epoch, and the record's own number (RFC 6347 §4.1.2.1). */
  seek(sequence: number): void {
    this.sequence = sequence;
  }

  protected constructor(
    { cipher, hash, explicitIv, cid }: MacScheme,
    running: RunningCipher,
    mac: Uint8Array,
  ) {
    this.cid = cid;
    this.cidHead = cid && new CidHead(cid);
    this.cipher = running;
    this.key = hash.recordMac(mac);
    this.macLength = hash.outputLength;
    this.blockLength = cipher.blockLength;
    this.ivLength = explicitIv && cipher.blockLength > 1 ? cipher.blockLength : 0;
  }

  protected mac(type: number, version: number, bytes: Uint8Array): Uint8Array {
    return this.key.mac(this.headOf(type, version, bytes.length), bytes);
  }

  /** Bytes that the MAC takes in front of the content. */
  protected get macHeadLength(): number {
    return this.cidHead?.length ?? macHead.length;
  }

  private headOf(type: number, version: number, length: number): Uint8Array {
    const { sequence } = this;
    // RFC 5246 §6.1: it must not wrap.
    if (sequence >= Number.MAX_SAFE_INTEGER) throw new RecordError('sequence_number_overflow');
    if (this.cidHead !== undefined) return this.cidHead.of(sequence, version, length);
    putSequence(macHead, 0, sequence);
    putHeader(macHead, 8, type, version, length);
    return macHead;
  }
}

/** Keys to read with. */
export class MacReadProtection extends MacProtection implements ReadProtection {
  readonly headLength = 0;
  readonly tagLength = 0;
  /** RFC 5246 §6.2.3 */
  readonly maxExpansion = 2048;
  readonly epoch = undefined;
  readonly direct = undefined;
  readonly openedType = 0;
  private readonly hash: HashFunction;
  private readonly encryptThenMac: boolean;
  private readonly checksPadding: boolean;

  /** `checksPadding`: OTP's `padding_check`, which only TLS 1.0 may have switched off. */
  constructor(scheme: MacScheme, { mac, key, iv }: WriteKey, checksPadding: boolean) {
    super(scheme, scheme.cipher.decryptor(key, firstIv(scheme, iv)), mac);
    this.hash = scheme.hash;
    this.encryptThenMac = scheme.encryptThenMac && scheme.cipher.blockLength > 1;
    this.checksPadding = checksPadding;
  }

  get unused(): boolean {
    return false;
  }

  protects(): boolean {
    return true;
  }

  open(
    type: number,
    version: number,
    _head: Uint8Array,
    pieces: Uint8Array[],
    _tag: Uint8Array,
    length: number,
  ): OpenedRecord | undefined {
    const [first] = pieces;
    const fragment =
      pieces.length === 1 && first !== undefined ? first : join(pieces, new Uint8Array(length));
    const plaintext = this.openFragment(type, version, fragment);
    if (plaintext === undefined) return undefined;
    this.sequence++;
    return { type, pieces: plaintext.length === 0 ? [] : [plaintext], length: plaintext.length };
  }

  openInto(): never {
    throw new TypeError('such ciphers do not write where they are told');
  }

  private openFragment(type: number, version: number, fragment: Uint8Array): Uint8Array | undefined {
    if (this.encryptThenMac) return this.openSealed(type, version, fragment);
    return this.blockLength > 1
      ? this.openBlocks(type, version, fragment)
      : this.openStream(type, version, fragment);
  }

  /** RFC 7366 §3: the MAC is checked before anything is decrypted. */
  private openSealed(type: number, version: number, fragment: Uint8Array): Uint8Array | undefined {
    const { macLength, blockLength, ivLength } = this;
    const sealed = fragment.length - macLength;
    if (sealed < ivLength + blockLength || sealed % blockLength !== 0) return undefined;
    const ciphertext = fragment.subarray(0, sealed);
    if (sameMac(fragment, sealed, this.mac(type, version, ciphertext)) === 0) return undefined;
    const record = this.cipher.update(ciphertext).subarray(ivLength);
    const { contentLength, good } = readPadding(record, 0, this.checksPadding);
    return good === 0 ? undefined : record.subarray(0, contentLength);
  }

  /** RFC 5246 §6.2.3.2: decrypted first, and then one answer to all that may be wrong. */
  private openBlocks(type: number, version: number, fragment: Uint8Array): Uint8Array | undefined {
    const { macLength, blockLength, ivLength } = this;
    const { length } = fragment;
    if (length % blockLength !== 0 || length - ivLength < macLength + 1) return undefined;
    const record = this.cipher.update(fragment).subarray(ivLength);
    const { contentLength, good } = readPadding(record, macLength, this.checksPadding);
    const content = record.subarray(0, contentLength);
    const mac = this.mac(type, version, content);
    this.hash.digest(idle.subarray(0, this.idleLength(contentLength, record.length - macLength)));
    return (sameMac(record, contentLength, mac) & good) === 0 ? undefined : content;
  }

  private openStream(type: number, version: number, fragment: Uint8Array): Uint8Array | undefined {
    const contentLength = fragment.length - this.macLength;
    if (contentLength < 0) return undefined;
    const record = this.cipher.update(fragment);
    const content = record.subarray(0, contentLength);
    return sameMac(record, contentLength, this.mac(type, version, content)) === 0 ? undefined : content;
  }

  /** Bytes to hash besides, so that a MAC of `length` bytes costs as many compressions as one of `longest`. */
  private idleLength(length: number, longest: number): number {
    const { block, closing } = compression(this.hash);
    const beside = this.macHeadLength + closing + block - 1;
    return (Math.floor((longest + beside) / block) - Math.floor((length + beside) / block)) * block;
  }

  next(): never {
    throw new TypeError('TLS 1.2 has no key updates');
  }
}

/** Bytes of a block of DES and 3DES. */
const SHORT_BLOCK = 8;
/** 2^27 blocks at most, of which two are alike with a chance of 2^-11: Sweet32 needs 2^32 and more. */
const shortBlockRecords = 2 ** 16;

/** Keys to write with. */
export class MacWriteProtection extends MacProtection implements WriteProtection {
  readonly overhead: number;
  readonly recordLimit: number;
  readonly protectsChangeCipherSpec = true;
  readonly epoch = undefined;
  readonly direct = undefined;
  private readonly version: number;
  private readonly encryptThenMac: boolean;
  /** Plaintext bytes of the first record of a send, where it is to be a short one. */
  private readonly firstLength: 0 | 1 | undefined;
  private readonly random: (length: number) => Uint8Array;
  private sealed = 0;

  /** `random`: for the IVs. `firstLength`: bytes of the first record of a send whose IV could be known before (BEAST). */
  constructor(
    scheme: MacScheme,
    { mac, key, iv }: WriteKey,
    random: (length: number) => Uint8Array,
    firstLength: 0 | 1 | undefined,
  ) {
    super(scheme, scheme.cipher.encryptor(key, firstIv(scheme, iv)), mac);
    const isBlock = scheme.cipher.blockLength > 1;
    this.recordLimit =
      scheme.cipher.blockLength === SHORT_BLOCK ? shortBlockRecords : Number.POSITIVE_INFINITY;
    this.version = scheme.version;
    this.encryptThenMac = scheme.encryptThenMac && isBlock;
    this.firstLength = isBlock && !scheme.explicitIv ? firstLength : undefined;
    this.random = random;
    this.overhead = HEADER_LENGTH + this.ivLength + this.macLength + (isBlock ? this.blockLength : 0);
  }

  get sealedBytes(): number {
    return this.sealed;
  }

  get sealedRecords(): number {
    return this.sequence;
  }

  sealShort(type: number, fragment: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    this.seal(type, fragment, fragment.length, pieces);
    const [first = nothing] = pieces;
    return pieces.length === 1 ? first : concat(pieces);
  }

  seal(type: number, content: Uint8Array, limit: number, out: Uint8Array[]): void {
    let start = 0;
    if (this.firstLength !== undefined && type === APPLICATION_DATA && content.length > this.firstLength) {
      start = this.firstLength;
      out.push(this.sealRecord(type, content.subarray(0, start)));
    }
    for (; start < content.length; start += limit)
      out.push(this.sealRecord(type, content.subarray(start, start + limit)));
    this.sealed += content.length;
  }

  sealInto(): never {
    throw new TypeError('such ciphers do not write where they are told');
  }

  next(): never {
    throw new TypeError('TLS 1.2 has no key updates');
  }

  private sealRecord(type: number, content: Uint8Array): Uint8Array {
    const fragment = this.encryptThenMac
      ? this.sealThenMac(type, content)
      : this.cipher.update(this.block(content, this.mac(type, this.version, content)));
    this.sequence++;
    const record = new Uint8Array(HEADER_LENGTH + fragment.length);
    putHeader(record, 0, type, this.version, fragment.length);
    record.set(fragment, HEADER_LENGTH);
    return record;
  }

  /** RFC 7366 §3 */
  private sealThenMac(type: number, content: Uint8Array): Uint8Array {
    const ciphertext = this.cipher.update(this.block(content, nothing));
    const mac = this.mac(type, this.version, ciphertext);
    return concat([ciphertext, mac]);
  }

  /**
   * What is enciphered: a block of chance, whose ciphertext is the IV that nobody could foresee (RFC 4346 §6.2.3.2, 2b),
   * content, MAC, and as little padding as will do.
   */
  private block(content: Uint8Array, mac: Uint8Array): Uint8Array {
    const { ivLength, blockLength } = this;
    const length = ivLength + content.length + mac.length;
    const padding = blockLength > 1 ? blockLength - (length % blockLength) : 0;
    const block = new Uint8Array(length + padding);
    if (ivLength > 0) block.set(this.random(ivLength));
    block.set(content, ivLength);
    block.set(mac, ivLength + content.length);
    block.fill(padding - 1, length);
    return block;
  }
}

/** From the key block, or where every record brings its own: any, since what it is chained to is thrown away. */
function firstIv({ cipher, explicitIv }: MacScheme, iv: Uint8Array): Uint8Array {
  if (cipher.blockLength === 1) return nothing;
  return explicitIv ? new Uint8Array(cipher.blockLength) : iv;
}
