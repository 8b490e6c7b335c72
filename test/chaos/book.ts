/**
 * What the applications of a chaos test know: numbered frames that clients send and servers acknowledge, and what was
 * done to each connection.
 *
 * A frame is connection, number, length (four bytes each) and bytes that follow from the first two. An acknowledgement
 * is the frame's number. A server notes a frame before it acknowledges it.
 */
import { seededRandom } from '@actor-tls/runtime/testing';

const header = 12;
const noise = noiseOf(1 << 17);

export function frameOf(connection: number, number: number, length: number): Buffer {
  const frame = Buffer.alloc(header + length);
  frame.writeUInt32BE(connection, 0);
  frame.writeUInt32BE(number, 4);
  frame.writeUInt32BE(length, 8);
  payloadOf(connection, number, length).copy(frame, header);
  return frame;
}

/** Acknowledgement of one frame. */
export function acknowledgementOf(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function payloadOf(connection: number, number: number, length: number): Buffer {
  const from = (connection * 7919 + number * 104_729) % (noise.length - length);
  return noise.subarray(from, from + length);
}

/** One connection as its applications saw it. */
export class Story {
  readonly id: number;
  readonly frames: number;
  /** Numbers that the server got, in order. */
  readonly arrived: number[] = [];
  /** Numbers that the client knows to have arrived, in order. */
  readonly acknowledged: number[] = [];
  /** One of its processes was killed. */
  disturbed = false;
  /** What contradicts the rules. */
  readonly wrong: string[] = [];

  constructor(id: number, frames: number) {
    this.id = id;
    this.frames = frames;
  }

  /** What was violated, a line each. */
  violations(): string[] {
    const found = this.wrong.map((line) => `${this.id}: ${line}`);
    if (!countsUp(this.arrived)) found.push(`${this.id}: arrived ${this.arrived.join(' ')}`);
    if (!countsUp(this.acknowledged)) found.push(`${this.id}: acknowledged ${this.acknowledged.join(' ')}`);
    if (this.acknowledged.length > this.arrived.length)
      found.push(`${this.id}: ${this.acknowledged.length} acknowledged, ${this.arrived.length} arrived`);
    if (!this.disturbed && this.acknowledged.length < this.frames)
      found.push(
        `${this.id}: nobody disturbed it, and ${this.acknowledged.length} of ${this.frames} came through`,
      );
    return found;
  }
}

/** All connections of one test. */
export class Book {
  readonly stories = new Map<number, Story>();

  open(id: number, frames: number): Story {
    const story = new Story(id, frames);
    this.stories.set(id, story);
    return story;
  }

  /** Takes whole frames off the front, notes each and gives their numbers; the rest waits for more. */
  read(bytes: Buffer): {
    readonly numbers: readonly number[];
    readonly rest: Buffer;
    readonly story: Story | undefined;
  } {
    const numbers: number[] = [];
    let story: Story | undefined;
    let at = 0;
    while (bytes.length - at >= header) {
      const id = bytes.readUInt32BE(at);
      const number = bytes.readUInt32BE(at + 4);
      const length = bytes.readUInt32BE(at + 8);
      const end = at + header + length;
      story = this.stories.get(id);
      if (story === undefined || length > noise.length)
        throw new Error(`a frame of no connection: ${id}, ${length} B`);
      if (end > bytes.length) break;
      if (!bytes.subarray(at + header, end).equals(payloadOf(id, number, length)))
        story.wrong.push(`frame ${number} is not what was sent`);
      story.arrived.push(number);
      numbers.push(number);
      at = end;
    }
    return { numbers, rest: bytes.subarray(at), story };
  }

  violations(): string[] {
    return [...this.stories.values()].flatMap((story) => story.violations());
  }
}

function countsUp(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => number === index);
}

function noiseOf(length: number): Buffer {
  const random = seededRandom(2);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
  return bytes;
}
