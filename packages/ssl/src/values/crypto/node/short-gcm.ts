/**
 * AES-GCM (SP 800-38D) for short records without a cipher context for each: making one, with what malloc and the
 * collector do for it, is nearly all that such a record costs, and node:crypto has no way to give it another nonce.
 *
 * A lasting AES-ECB cipher encrypts the counter blocks of the records to come in one call, their nonces being known in
 * advance; the rest is done by the WebAssembly of `ghash.ts`.
 *
 * A direction that is in use has a slot of the module's memory: the table of its H, and keystream made ahead, which is
 * wiped as it is used. A thread has so many slots, and who needs one when all are taken gets that of a direction that
 * was not in use lately: its slot is wiped and its cipher dropped. So thousands of idle connections hold no more than that.
 * Memory of slots that were never dealt out is never touched.
 */
import { type Cipher, createCipheriv } from 'node:crypto';
import type { DirectOpener, DirectSealer } from '../engine.js';
import { type Ghash, loadGhash } from './ghash.js';
import type { SecretInput } from './platform.js';

/**
 * Longest plaintext, bytes, the byte behind it not counted. At 64 bytes it costs a seventh of what a context costs, at
 * 512 a third to a half, at 1,024 half to two thirds; at some 1,500 to 2,000 as much.
 */
const LONGEST = 1024;
/** Records that a direction does otherwise first: to begin costs half as much again as one, and many keys see few. */
const WARM_UP = 4;
/** Records whose counter blocks are encrypted in one call, once it is seen that they come. */
const AHEAD = 16;
/** Nonces in a row that were not those foreseen, after which a direction is done otherwise for ever. */
const SURPRISES = 8;

const BLOCK = 16;
const NONCE = 12;
const TAG = 16;
const TABLE = 256;
/** Blocks of keystream in a slot. */
const STREAM = 256;
const SLOT = TABLE + STREAM * BLOCK;
/** Slots that a thread has: at first, and when more directions than that are in use. */
const FEW_SLOTS = 256;
const SLOTS = 4096;
/**
 * Memory of the module: in front of DATA additional data, behind it a record. Only for the time of a call: what is left
 * of a call is ciphertext and tag. Slots are behind it.
 */
const DATA = 4096;
const LONGEST_AAD = 1024;
const FIRST_SLOT = 65_536;
/** Up to so many bytes a loop copies faster than a call. */
const LOOP = 80;

const noBytes: Uint8Array = new Uint8Array(0);
const zeros: Uint8Array = new Uint8Array(BLOCK);
const counters: Uint8Array = new Uint8Array(STREAM * BLOCK);
const counterWords: DataView = new DataView(counters.buffer);
/** Of the module; empty until the first direction asks. */
let memory: Uint8Array = noBytes;

const views: (Uint8Array | undefined)[] = new Array<undefined>(LONGEST + 2 + TAG).fill(undefined);

/** Who has each slot. Not kept alive by it: the cipher of a closed connection goes with the connection. */
const holders: (WeakRef<Direction> | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
/** 1: in use since the hand came by. */
const recent: Uint8Array = new Uint8Array(SLOTS);
let hand = 0;
/** Slots that are dealt out, and how many directions that had lost theirs took one since the hand was at the first. */
let dealt = FEW_SLOTS;
let comingBack = 0;

export function shortSealer(key: SecretInput, keyLength: number): ShortSealer | undefined {
  const ghash = load();
  return ghash && new ShortSealer(ghash, key, keyLength);
}

export function shortOpener(key: SecretInput, keyLength: number): ShortOpener | undefined {
  const ghash = load();
  return ghash && new ShortOpener(ghash, key, keyLength);
}

function load(): Ghash | undefined {
  const ghash = loadGhash();
  if (ghash !== undefined && memory.length === 0) memory = new Uint8Array(ghash.memory.buffer);
  return ghash;
}

/** One direction under one key. */
abstract class Direction {
  protected readonly ghash: Ghash;
  private readonly key: SecretInput;
  private readonly keyLength: number;
  /** Records that were done otherwise. */
  private others = 0;
  private keystream: Keystream | undefined = undefined;
  private hopeless = false;
  private wasDisplaced = false;

  constructor(ghash: Ghash, key: SecretInput, keyLength: number) {
    this.ghash = ghash;
    this.key = key;
    this.keyLength = keyLength;
  }

  /** A record was done otherwise. */
  count(): void {
    if (this.others < WARM_UP) this.others += 1;
  }

  /** Its slot is another's now. */
  displaced(): void {
    this.keystream = undefined;
    this.others = 0;
    this.wasDisplaced = true;
  }

  protected get ready(): boolean {
    return this.others === WARM_UP && !this.hopeless;
  }

  protected start(): Keystream {
    this.keystream ??= new Keystream(this.key, this.keyLength, takeSlot(this, this.wasDisplaced), this.ghash);
    return this.keystream;
  }

  /** Nonces cannot be foreseen. */
  protected giveUp(keystream: Keystream): void {
    this.hopeless = true;
    this.stop(keystream);
  }

  protected stop(keystream: Keystream): void {
    freeSlot(keystream.slot);
    this.keystream = undefined;
  }
}

export class ShortSealer extends Direction implements DirectSealer {
  get limit(): number {
    return this.ready ? LONGEST : 0;
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    trailer: number,
    out: Uint8Array,
    at: number,
    sequence: number,
  ): number {
    const { length } = plaintext;
    const body = trailer < 0 ? length : length + 1;
    const end = at + body + TAG;
    if (length > LONGEST || aad.length > LONGEST_AAD || !(at >= 0 && end <= out.length)) throw noRoom();
    const keystream = this.start();
    const stream = keystream.take(nonce, sequence, body);
    putAad(aad);
    memory.set(plaintext, DATA);
    if (trailer >= 0) memory[DATA + length] = trailer;
    this.ghash.seal(keystream.table, stream, DATA, aad.length, body);
    out.set(recordView(body + TAG), at);
    if (keystream.surprises === SURPRISES) this.giveUp(keystream);
    return end;
  }
}

export class ShortOpener extends Direction implements DirectOpener {
  get limit(): number {
    return this.ready ? LONGEST + 1 + TAG : 0;
  }

  allocate(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    chunk: Uint8Array,
    at: number,
    length: number,
    out: Uint8Array,
    outAt: number,
    sequence: number,
  ): boolean {
    const body = length - TAG;
    const outEnd = outAt + body;
    if (length > LONGEST + 1 + TAG || aad.length > LONGEST_AAD) throw noRoom();
    if (!(at >= 0 && at + length <= chunk.length)) throw noRoom();
    if (!(outAt >= 0 && outEnd <= out.length)) throw noRoom();
    if (body < 0) return false;
    const keystream = this.start();
    const stream = keystream.take(nonce, sequence, body);
    putAad(aad);
    if (length > LOOP) memory.set(chunk.subarray(at, at + length), DATA);
    else for (let i = 0; i < length; i++) memory[DATA + i] = chunk[at + i] ?? 0;
    if (this.ghash.open(keystream.table, stream, DATA, aad.length, body) === 0) {
      out.fill(0, outAt, outEnd);
      this.stop(keystream);
      return false;
    }
    out.set(recordView(body), outAt);
    memory.fill(0, DATA, DATA + body);
    if (keystream.surprises === SURPRISES) this.giveUp(keystream);
    return true;
  }
}

/** The first bytes behind DATA. Views are kept: making one costs as much as copying 80 bytes in a loop. */
function recordView(length: number): Uint8Array {
  let view = views[length];
  if (view === undefined) {
    view = memory.subarray(DATA, DATA + length);
    views[length] = view;
  }
  return view;
}

function noRoom(): RangeError {
  return new RangeError('no room for the record, or a longer one than is taken here');
}

function putAad(aad: Uint8Array): void {
  const start = DATA - ((aad.length + BLOCK - 1) & -BLOCK);
  for (let i = 0; i < aad.length; i++) memory[start + i] = aad[i] ?? 0;
  for (let i = start + aad.length; i < DATA; i++) memory[i] = 0;
}

/** The counter blocks of one direction, encrypted ahead into its slot. */
class Keystream {
  readonly slot: number;
  /** Address of the table. */
  readonly table: number;
  /** Nonces in a row that were not foreseen. */
  surprises = 0;
  private readonly cipher: Cipher;
  private readonly stream: number;
  /** The record that the keystream begins with, and how many it is for; the next that it may be used for. */
  private first = 0;
  private made = 0;
  private next = 0;
  private used = 0;
  /** Blocks for each of them, and the most that one has needed. */
  private blocks = 0;
  private widest = 0;
  private ahead = 1;
  /** The first one's nonce. */
  private nonce0 = 0;
  private nonce1 = 0;
  private nonce2 = 0;
  /**
   * How the next nonce comes of the last: the record's number is XORed in, or one is added, as OpenSSL does in TLS 1.2
   * from a random number on.
   */
  private order: 'xor' | 'sum' = 'xor';

  constructor(key: SecretInput, keyLength: number, slot: number, ghash: Ghash) {
    this.slot = slot;
    this.table = FIRST_SLOT + slot * SLOT;
    this.stream = this.table + TABLE;
    this.cipher = createCipheriv(keyLength === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null);
    this.cipher.setAutoPadding(false);
    this.encrypt(zeros, this.table);
    ghash.expand(this.table);
  }

  /** Address of the keystream for a record, E(J0) first. Each is given out once, and for the nonce that it was made for. */
  take(nonce: Uint8Array, sequence: number, bytes: number): number {
    if (nonce.length !== NONCE) throw new RangeError('a nonce has 12 bytes');
    const blocks = 1 + ((bytes + BLOCK - 1) >> 4);
    recent[this.slot] = 1;
    let index = sequence - this.first;
    if (
      !(index >= this.next && index < this.made) ||
      blocks > this.blocks ||
      !this.isForeseen(nonce, index, this.order)
    ) {
      this.make(nonce, sequence, blocks);
      index = 0;
    }
    this.next = index + 1;
    this.used += 1;
    if (blocks > this.widest) this.widest = blocks;
    return this.stream + index * this.blocks * BLOCK;
  }

  private isForeseen(nonce: Uint8Array, index: number, order: 'xor' | 'sum'): boolean {
    return (
      word(nonce, 8) === this.foreseen(index, order) &&
      word(nonce, 4) === this.nonce1 &&
      word(nonce, 0) === this.nonce0
    );
  }

  /** The last word of the nonce of a record after the first. Where it runs over, the word before it will differ. */
  private foreseen(index: number, order: 'xor' | 'sum'): number {
    const { first, nonce2 } = this;
    return order === 'sum' ? (nonce2 + index) | 0 : nonce2 ^ (first ^ (first + index));
  }

  private make(nonce: Uint8Array, sequence: number, blocks: number): void {
    this.learn(nonce, sequence);
    const width = Math.max(blocks, this.widest);
    const count = Math.min(this.ahead, Math.floor(STREAM / width));
    const before = this.made * this.blocks * BLOCK;
    this.first = sequence;
    this.nonce0 = word(nonce, 0);
    this.nonce1 = word(nonce, 4);
    this.nonce2 = word(nonce, 8);
    this.blocks = width;
    this.made = count;
    this.used = 0;
    this.widest = 0;
    let at = 0;
    for (let index = 0; index < count; index++) {
      const word2 = this.foreseen(index, this.order);
      for (let block = 1; block <= width; block++, at += BLOCK) {
        counterWords.setInt32(at, this.nonce0);
        counterWords.setInt32(at + 4, this.nonce1);
        counterWords.setInt32(at + 8, word2);
        counterWords.setInt32(at + 12, block);
      }
    }
    this.encrypt(counters.subarray(0, at), this.stream);
    if (at < before) memory.fill(0, this.stream + at, this.stream + before);
  }

  /** What the last keystream tells for the next: how nonces go on, and how many records to make it for. */
  private learn(nonce: Uint8Array, sequence: number): void {
    const { made, next, used } = this;
    if (made === 0) return;
    const index = sequence - this.first;
    if (index >= next) {
      const other = this.order === 'xor' ? 'sum' : 'xor';
      if (!this.isForeseen(nonce, index, this.order)) {
        if (!this.isForeseen(nonce, index, other)) {
          this.surprises += 1;
          this.ahead = 1;
          return;
        }
        this.order = other;
      }
      this.surprises = 0;
    }
    this.ahead = 2 * used >= made ? Math.min(2 * this.ahead, AHEAD) : Math.max(1, this.ahead >> 1);
  }

  private encrypt(blocks: Uint8Array, to: number): void {
    const made = this.cipher.update(blocks);
    memory.set(made, to);
    made.fill(0);
  }
}

/** Four bytes as a signed number. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

/**
 * The slot that nobody has, or that of a direction which was not in use since the hand came by, wiped. Where many come
 * back who had one, there are too few: then the first of as many again.
 */
function takeSlot(holder: Direction, comesBack: boolean): number {
  if (comesBack) comingBack += 1;
  const slot = comingBack > dealt / 4 && dealt < SLOTS ? moreSlots() : idleSlot();
  hand = (slot + 1) % dealt;
  if (hand === 0) comingBack = 0;
  holders[slot]?.deref()?.displaced();
  freeSlot(slot);
  holders[slot] = new WeakRef(holder);
  return slot;
}

function moreSlots(): number {
  const slot = dealt;
  dealt *= 2;
  comingBack = 0;
  return slot;
}

function idleSlot(): number {
  for (; recent[hand] === 1; hand = (hand + 1) % dealt) recent[hand] = 0;
  return hand;
}

function freeSlot(slot: number): void {
  const address = FIRST_SLOT + slot * SLOT;
  memory.fill(0, address, address + SLOT);
  holders[slot] = undefined;
  recent[slot] = 0;
}
