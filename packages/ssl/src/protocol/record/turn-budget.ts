/**
 * How much of its input a connection works off in one go, so that one peer cannot keep all others waiting. Whoever
 * runs several connections in one thread gives each core a budget and lets the others run when it is used up.
 */

export interface Budget {
  /** Nothing more in this turn. */
  readonly spent: boolean;
  /**
   * Half of it is gone. It is refilled better now, between two chunks, than in the middle of the next one, of which
   * the rest would have to be copied.
   */
  readonly low: boolean;
  /** One record or message of that many bytes. */
  spend(bytes: number): void;
  /** Another turn. */
  refill(): void;
}

/**
 * Records, or handshake messages, of one turn. One costs some 5 to 10 µs however short it is, a KeyUpdate 30 µs and
 * counts twice: as record and as message.
 */
const turnRecords = 64;
/** Bytes of one turn: 32 full records, or twice what one read from a socket brings at most. */
const turnBytes = 524_288;

export class TurnBudget implements Budget {
  private readonly records: number;
  private readonly bytes: number;
  private usedRecords = 0;
  private usedBytes = 0;

  /** Without arguments: what is right between many connections of one thread. */
  constructor(records: number = turnRecords, bytes: number = turnBytes) {
    this.records = records;
    this.bytes = bytes;
  }

  get spent(): boolean {
    return this.usedRecords >= this.records || this.usedBytes >= this.bytes;
  }

  get low(): boolean {
    return this.usedRecords * 2 >= this.records || this.usedBytes * 2 >= this.bytes;
  }

  spend(bytes: number): void {
    this.usedRecords += 1;
    this.usedBytes += bytes;
  }

  refill(): void {
    this.usedRecords = 0;
    this.usedBytes = 0;
  }
}

/** For a core that has its thread to itself: all input in one go. Never spent, so that all may share it. */
export const boundless: Budget = new TurnBudget(Infinity, Infinity);
