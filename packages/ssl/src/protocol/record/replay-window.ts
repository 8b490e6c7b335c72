/** Which records of an epoch have come (RFC 6347 §4.1.2.6): the newest 64 are remembered, older ones count as come. */

/** Records that may overtake one and find it still let in. */
const span = 64;

export class ReplayWindow {
  /** The newest record that came. */
  private newest = -1;
  /** A bit for each of the 32 newest, and of the 32 before those; bit 0 is the newest. */
  private recent = 0;
  private older = 0;

  /** Whether it is newer than all that came. */
  isNewest(sequence: number): boolean {
    return sequence > this.newest;
  }

  /** Whether a record is new. Ask before it is opened, and `add` it once it has proved to be the peer's. */
  isNew(sequence: number): boolean {
    const behind = this.newest - sequence;
    if (behind < 0) return true;
    if (behind >= span) return false;
    return ((behind < 32 ? this.recent >>> behind : this.older >>> (behind - 32)) & 1) === 0;
  }

  add(sequence: number): void {
    const ahead = sequence - this.newest;
    if (ahead > 0) {
      this.advance(ahead);
      this.newest = sequence;
    }
    const behind = this.newest - sequence;
    if (behind < 32) this.recent |= 1 << behind;
    else if (behind < span) this.older |= 1 << (behind - 32);
  }

  /** Whether it had come before; now it has. */
  meet(sequence: number): boolean {
    const isNew = this.isNew(sequence);
    if (isNew) this.add(sequence);
    return !isNew;
  }

  private advance(by: number): void {
    if (by >= span) {
      this.recent = 0;
      this.older = 0;
    } else if (by >= 32) {
      this.older = by === 32 ? this.recent : this.recent << (by - 32);
      this.recent = 0;
    } else {
      this.older = (this.older << by) | (this.recent >>> (32 - by));
      this.recent <<= by;
    }
  }
}
