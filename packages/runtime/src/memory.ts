/**
 * How much memory a process holds: an estimate, since all processes share a heap. It counts the process, its mailbox
 * with what the messages carry, and what its state says of itself.
 */
import { Call } from './call.js';
import { Cast, IoTurn } from './messages.js';
import { Pid } from './pid.js';
import type { Process } from './process.js';

/** A process's state that says how many bytes it holds in buffers. */
export interface MemoryUse {
  memoryUse(): number;
}

/** Bytes of a process without a message, about. */
const bareProcess = 400;
const slotBytes = 8;
const objectBytes = 32;
/** Messages that are looked at; of the others the like is assumed. */
const sample = 100;
/** Values that are looked at in one message, and how deep. */
const width = 64;
const depth = 4;

/** Bytes, estimated, in a time that is bounded whatever waits in the mailbox. */
export function memoryOf(process: Process): number {
  const { mailbox } = process;
  const slots = mailbox === undefined ? 0 : slotBytes * mailbox.capacity;
  return bareProcess + slots + payloads(process) + stated(process.body.context(process));
}

function payloads({ mailbox }: Process): number {
  if (mailbox === undefined || mailbox.length === 0) return 0;
  const seen = Math.min(mailbox.length, sample);
  let bytes = 0;
  for (let index = 0; index < seen; index += 1) bytes += new Scales().weigh(carried(mailbox.at(index)), 0);
  return Math.round((bytes * mailbox.length) / seen);
}

/** What an envelope of the runtime carries; the envelope itself leads to half the node. */
function carried(message: unknown): unknown {
  if (message instanceof Call || message instanceof Cast) return message.request;
  return message instanceof IoTurn ? message.argument : message;
}

/** A state that cannot say it, or has a method of that name for something else, spoils nobody's picture of the node. */
function stated(context: unknown): number {
  if (!mayHoldMemory(context)) return 0;
  try {
    const bytes = context.memoryUse();
    return typeof bytes === 'number' && bytes >= 0 ? bytes : 0;
  } catch {
    return 0;
  }
}

function mayHoldMemory(context: unknown): context is { memoryUse(): unknown } {
  return (
    typeof context === 'object' &&
    context !== null &&
    'memoryUse' in context &&
    typeof context.memoryUse === 'function'
  );
}

/** Weighs one message, as long as it has patience. */
class Scales {
  #left = width;

  weigh(value: unknown, level: number): number {
    this.#left -= 1;
    if (typeof value === 'string') return value.length;
    if (typeof value !== 'object' || value === null || value instanceof Pid) return 0;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
    return objectBytes + (level === depth ? 0 : this.#inside(value, level));
  }

  #inside(value: object, level: number): number {
    let bytes = 0;
    if (Array.isArray(value)) {
      // By number: who asks a list for its keys has a text made of every index, 0.3 s for a million numbers.
      const seen = Math.min(value.length, this.#left);
      for (let index = 0; index < seen; index += 1) bytes += this.#field(value, index, level);
      return bytes;
    }
    for (const key in value) {
      if (this.#left <= 0) break;
      bytes += this.#field(value, key, level);
    }
    return bytes;
  }

  /** Own data and no getters: to weigh a message must not run anybody's code. */
  #field(value: object, key: PropertyKey, level: number): number {
    const field = this.#left <= 0 ? undefined : Object.getOwnPropertyDescriptor(value, key);
    return field !== undefined && 'value' in field ? this.weigh(field.value, level + 1) : 0;
  }
}
