/**
 * What a message looked like, without what was in it: crash reports go to logs, and the message in work may hold what a
 * peer has sent under encryption, a password or a key.
 */
import { Pid } from './pid.js';
import { Ref } from './ref.js';

const mostFields = 16;
const longestTag = 64;
const deepest = 3;

/**
 * Types, names of fields, sizes, pids, numbers and booleans of single fields; of texts only those of fields that are
 * named `type`.
 */
export function outline(message: unknown): unknown {
  return outlineOf(message, 0);
}

function outlineOf(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return `<${value.length} characters>`;
    case 'object':
      return value === null ? null : outlineOfObject(value, depth);
    case 'function':
      return '<function>';
    case 'symbol':
    case 'bigint':
      return `<${typeof value}>`;
    default:
      return value;
  }
}

function outlineOfObject(value: object, depth: number): unknown {
  if (value instanceof Pid || value instanceof Ref) return String(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`;
  if (Array.isArray(value)) return `<${value.length} items>`;
  if (depth >= deepest || !isOpen(value, depth)) return `<${value.constructor?.name ?? 'object'}>`;
  const fields = Object.entries(value).slice(0, mostFields);
  return Object.fromEntries([
    ...tagOf(value),
    ...fields.map(([key, field]) => [key, fieldOf(key, field, depth)]),
  ]);
}

/** Objects of a class are open where they are the message itself: those of the runtime wrap a user's. */
function isOpen(value: object, depth: number): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return depth === 0 || proto === Object.prototype || proto === null;
}

/** The runtime's own messages have their `type` on the prototype. */
function tagOf(value: object): readonly (readonly [string, unknown])[] {
  const type: unknown = Object.hasOwn(value, 'type') ? undefined : Reflect.get(value, 'type');
  return type === undefined ? [] : [['type', fieldOf('type', type, 0)]];
}

function fieldOf(key: string, value: unknown, depth: number): unknown {
  const isTag = key === 'type' && typeof value === 'string' && value.length <= longestTag;
  return isTag ? value : outlineOf(value, depth + 1);
}
