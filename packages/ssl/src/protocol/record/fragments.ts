/**
 * Handshake messages from fragments that come in any order, twice, and cut anew (RFC 6347 §4.2.2, §4.2.3). A few messages
 * ahead of the next are kept. What contradicts what came before is passed over. Memory grows with what has arrived, and
 * not with what was announced.
 */
import { datagramHeaderLength } from '../../values/wire/message-table.js';
import { putDatagramHeader } from './dtls-layout.js';
import { threeBytes } from './layout.js';
import type { HandshakeMessage } from './reassembly.js';

/** A fragment as it stands in a record. */
export interface Fragment {
  readonly code: number;
  /** Bytes of the whole message. */
  readonly length: number;
  /** message_seq */
  readonly number: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Messages that may have come in part, the next one included: a server's first flight has five. */
const ahead = 8;
/** Pieces of one message: one for as many bytes, and some besides. */
const leastPiece = 64;
const morePieces = 32;
/** What a piece costs besides its bytes. */
const pieceCost = 128;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Partial {
  readonly code: number;
  readonly length: number;
  /** In order, without overlaps. */
  readonly pieces: Piece[];
  have: number;
}

export class Fragments {
  private readonly maxLength: number;
  private readonly partials: Map<number, Partial> = new Map();
  private expected = 0;
  private bytes = 0;

  /** `maxLength`: of one message's body, and of all that waits. */
  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  /** Bytes that may wait. */
  private get most(): number {
    return this.maxLength + ahead * morePieces * pieceCost;
  }

  /** Number of the message that is to be given out next. */
  get next(): number {
    return this.expected;
  }

  /** Bytes of memory that fragments keep. */
  get held(): number {
    return this.bytes;
  }

  /** The first message has this number. */
  beginAt(number: number): void {
    this.expected = number;
  }

  /** What waits is dropped: nothing reaches across a change of keys. */
  clear(): void {
    this.partials.clear();
    this.bytes = 0;
  }

  /** False when the fragment cannot be, contradicts others or is too much. */
  add({ code, length, number, offset, bytes }: Fragment): boolean {
    if (number < this.expected || number >= this.expected + ahead) return false;
    if (length > this.maxLength || offset + bytes.length > length) return false;
    const known = this.partials.get(number);
    if (known !== undefined && (known.code !== code || known.length !== length)) return false;
    if (bytes.length === 0 && length > 0) return false;
    const partial = known ?? { code, length, pieces: [], have: 0 };
    if (partial.pieces.length > morePieces + length / leastPiece) return false;
    if (!this.fill(partial, offset, bytes)) return false;
    this.partials.set(number, partial);
    return true;
  }

  /** The next message, once it is whole. */
  take(): HandshakeMessage | undefined {
    const partial = this.partials.get(this.expected);
    if (partial === undefined || partial.have < partial.length) return undefined;
    const { code, length, pieces } = partial;
    const raw = new Uint8Array(datagramHeaderLength + length);
    putDatagramHeader(raw, 0, code, this.expected, length);
    for (const { offset, bytes } of pieces) raw.set(bytes, datagramHeaderLength + offset);
    this.partials.delete(this.expected);
    this.bytes -= length + pieces.length * pieceCost;
    this.expected += 1;
    return { type: 'message', code, raw };
  }

  /** Of what overlaps, what came first stays. False when the pieces that are new are too much. */
  private fill(partial: Partial, offset: number, bytes: Uint8Array): boolean {
    const { pieces } = partial;
    const end = offset + bytes.length;
    const first = firstBehind(pieces, offset);
    if (this.extend(partial, first, offset, bytes)) return true;
    /** What stands in the place of the pieces from `first` to `next`. */
    const row: Piece[] = [];
    let fresh = 0;
    let at = offset;
    const add = (to: number): void => {
      if (to <= at) return;
      row.push(pieceOf(bytes, offset, at, to));
      fresh += to - at;
    };
    let next = first;
    for (let piece = pieces[next]; piece !== undefined && piece.offset < end; piece = pieces[next]) {
      add(piece.offset);
      row.push(piece);
      at = piece.offset + piece.bytes.length;
      next += 1;
    }
    add(end);
    const cost = fresh + (row.length - (next - first)) * pieceCost;
    if (this.bytes + cost > this.most) return false;
    if (fresh > 0) pieces.splice(first, next - first, ...row);
    partial.have += fresh;
    this.bytes += cost;
    return true;
  }

  /** What comes right behind a piece, as all does that is in order, makes that longer. `first`: what is behind both. */
  private extend(partial: Partial, first: number, offset: number, bytes: Uint8Array): boolean {
    const { pieces, length } = partial;
    const before = pieces[first - 1];
    const behind = pieces[first];
    if (before === undefined || before.offset + before.bytes.length !== offset) return false;
    if (behind !== undefined && behind.offset < offset + bytes.length) return false;
    if (this.bytes + bytes.length > this.most) return false;
    pieces[first - 1] = longer(before, bytes, length - before.offset);
    partial.have += bytes.length;
    this.bytes += bytes.length;
    return true;
  }
}

/** The same with more bytes behind it: its memory doubles, so that bytes that come one by one are copied a few times in all. */
function longer({ offset, bytes: before }: Piece, bytes: Uint8Array, most: number): Piece {
  const length = before.length + bytes.length;
  const fits = length <= before.buffer.byteLength;
  const memory = fits ? new Uint8Array(before.buffer) : new Uint8Array(Math.min(most, 2 * length));
  if (!fits) memory.set(before);
  memory.set(bytes, before.length);
  return { offset, bytes: memory.subarray(0, length) };
}

/** Index of the first piece that ends behind `at`. */
function firstBehind(pieces: readonly Piece[], at: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece !== undefined && piece.offset + piece.bytes.length <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A copy, so that a byte does not keep the whole datagram: `slice` of a Buffer would be a view. */
function pieceOf(bytes: Uint8Array, offset: number, from: number, to: number): Piece {
  return { offset: from, bytes: new Uint8Array(bytes.subarray(from - offset, to - offset)) };
}

/** The fragments in a record's content; `undefined` when it is not made of whole ones. */
export function fragmentsIn(content: Uint8Array): readonly Fragment[] | undefined {
  const found: Fragment[] = [];
  for (let at = 0; at < content.length; ) {
    const fragment = fragmentAt(content, at);
    if (fragment === undefined) return undefined;
    found.push(fragment);
    at += datagramHeaderLength + fragment.bytes.length;
  }
  return found;
}

/** Whether a message ends with it. */
export function endsMessage({ offset, bytes, length }: Fragment): boolean {
  return offset + bytes.length === length;
}

/** The fragment that begins at `at`; `undefined` when it does not stand there whole. */
export function fragmentAt(content: Uint8Array, at: number): Fragment | undefined {
  if (content.length - at < datagramHeaderLength) return undefined;
  const length = threeBytes(content, at + 9);
  const begin = at + datagramHeaderLength;
  if (begin + length > content.length) return undefined;
  return {
    code: content[at] ?? 0,
    length: threeBytes(content, at + 1),
    number: ((content[at + 4] ?? 0) << 8) | (content[at + 5] ?? 0),
    offset: threeBytes(content, at + 6),
    bytes: content.subarray(begin, begin + length),
  };
}
