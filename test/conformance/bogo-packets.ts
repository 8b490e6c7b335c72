/**
 * BoGo's datagrams: framed on a stream, with words of its own between them about a clock that moves only when it says so
 * (its PORTING.md, `packeted_bio`).
 */

/** What stands in front of a datagram, or of a word. */
const opcode = {
  packet: 0x50, // P
  timeout: 0x54, // T
  timeoutHeard: 0x74, // t
  mtu: 0x4d, // M
  expectTimeout: 0x45, // E
  initialTimeout: 0x55, // U
} as const;
/** "No timer" among the times that are expected. */
const never = 0xffff_ffff_ffff_ffffn;

/** Who is told. */
export interface PacketUser {
  packet(datagram: Buffer): void;
  /** Bytes for the stream. */
  answer(bytes: Buffer): void;
  /** The timer that was set has run out. */
  timeUp(): void;
  /** Something is expected that is not so. */
  violated(what: string): void;
  /** A word that we do not follow. */
  unimplemented(what: string): void;
}

export function framed(datagram: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = opcode.packet;
  head.writeUInt32BE(datagram.length, 1);
  return Buffer.concat([head, datagram]);
}

export class Packets {
  readonly #user: PacketUser;
  #waiting: Buffer = Buffer.alloc(0);
  /** ns */
  #now = 0n;
  /** ns, when the timer runs out */
  #due: bigint | undefined = undefined;

  constructor(user: PacketUser) {
    this.#user = user;
  }

  /** In so many ms; `undefined`: never. */
  setTimer(ms: number | undefined): void {
    this.#due = ms === undefined ? undefined : this.#now + BigInt(Math.round(ms * 1_000_000));
  }

  feed(chunk: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#waiting.length < length) return;
      const word = this.#waiting.subarray(0, length);
      this.#waiting = this.#waiting.subarray(length);
      this.#take(word);
    }
  }

  /** Bytes of the word that comes next, as far as it says so. */
  #length(): number | undefined {
    const [first] = this.#waiting;
    if (first === opcode.mtu || first === opcode.initialTimeout) return 5;
    if (first !== opcode.packet) return 9;
    return this.#waiting.length < 5 ? undefined : 5 + this.#waiting.readUInt32BE(1);
  }

  #take(word: Buffer): void {
    const user = this.#user;
    switch (word[0]) {
      case opcode.packet:
        user.packet(word.subarray(5));
        return;
      case opcode.timeout:
        user.answer(Buffer.of(opcode.timeoutHeard));
        this.#advance(word.readBigUInt64BE(1));
        return;
      case opcode.expectTimeout:
        this.#check(word.readBigUInt64BE(1));
        return;
      default:
        user.unimplemented(`opcode ${word[0]}`);
    }
  }

  #advance(by: bigint): void {
    this.#now += by;
    if (this.#due === undefined || this.#due > this.#now) return;
    this.#due = undefined;
    this.#user.timeUp();
  }

  #check(expected: bigint): void {
    const found = this.#due === undefined ? never : this.#due - this.#now;
    if (found !== expected) this.#user.violated(`a timer in ${found} ns`);
  }
}
