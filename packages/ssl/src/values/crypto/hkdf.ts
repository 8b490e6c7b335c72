/**
 * HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446 §7.1, RFC 9147 §5.9) over any engine's HMAC.
 */
import { concat } from '../wire/join.js';
import type { LabelExpander, LabelPrefix, RecordMac } from './engine.js';

/** HMAC under one key that was prepared once. */
export interface MacKey {
  mac(data: Uint8Array): Uint8Array;
}

/** A hash's HMAC (RFC 2104) and HKDF, over keys that are prepared once. */
export abstract class HmacHash {
  abstract readonly outputLength: number;

  protected abstract macKey(key: Uint8Array): MacKey;

  hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.macKey(key).mac(data);
  }

  recordMac(key: Uint8Array): RecordMac {
    const prepared = this.macKey(key);
    return { mac: (head, content) => prepared.mac(concat([head, content])) };
  }

  hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
    return this.macKey(salt).mac(inputKeyMaterial);
  }

  hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    return expand(this.macKey(pseudoRandomKey), this.outputLength, info, length);
  }

  labels(secret: Uint8Array, prefix: LabelPrefix = 'tls13 '): LabelExpander {
    return new HkdfLabels(this.macKey(secret), this.outputLength, prefix);
  }
}

/** HKDF-Expand (RFC 5869 §2.3). Throws `RangeError` beyond 255 blocks. */
function expand(key: MacKey, outputLength: number, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * outputLength) throw new RangeError('HKDF-Expand gives at most 255 blocks');
  const output = new Uint8Array(length);
  let block = new Uint8Array(info.length + 1);
  block.set(info);
  block[info.length] = 1;
  for (let at = 0, counter = 1; at < length; counter++) {
    const mac = key.mac(block);
    output.set(at + mac.length <= length ? mac : mac.subarray(0, length - at), at);
    at += mac.length;
    if (counter === 1) block = new Uint8Array(outputLength + info.length + 1);
    block.set(mac);
    block.set(info, outputLength);
    block[block.length - 1] = counter + 1;
  }
  return output;
}

/** An HkdfLabel with the counter byte behind it; `contextAt` is where the context's bytes go. */
interface LabelBlock {
  readonly length: number;
  readonly contextLength: number;
  readonly contextAt: number;
  readonly bytes: Uint8Array;
}

// Prepared blocks by label: TLS has a dozen labels and each comes with one or two lengths. Exporter labels are the
// user's, hence the bounds. The bytes are scratch for one call.
const preparedFor: Readonly<Record<LabelPrefix, Map<string, LabelBlock[]>>> = {
  'tls13 ': new Map(),
  dtls13: new Map(),
};
const MAX_LABELS = 32;
const MAX_BLOCKS = 6;

/** Derivations from one secret. */
class HkdfLabels implements LabelExpander {
  private readonly key: MacKey;
  private readonly outputLength: number;
  private readonly prefix: LabelPrefix;

  /** `outputLength` of the hash, bytes. */
  constructor(key: MacKey, outputLength: number, prefix: LabelPrefix) {
    this.key = key;
    this.outputLength = outputLength;
    this.prefix = prefix;
  }

  expandLabel(label: string, context: Uint8Array, length: number): Uint8Array {
    const block = labelBlock(preparedFor[this.prefix], this.prefix, label, length, context.length);
    block.bytes.set(context, block.contextAt);
    // All of TLS but exporters wants at most one hash's length: T(1) is all there is.
    if (length > this.outputLength) {
      return expand(this.key, this.outputLength, block.bytes.slice(0, -1), length);
    }
    const output = this.key.mac(block.bytes);
    return length === output.length ? output : output.slice(0, length);
  }
}

function labelBlock(
  prepared: Map<string, LabelBlock[]>,
  prefix: LabelPrefix,
  label: string,
  length: number,
  contextLength: number,
): LabelBlock {
  let blocks = prepared.get(label);
  if (blocks !== undefined) {
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i];
      if (block !== undefined && block.length === length && block.contextLength === contextLength)
        return block;
    }
  }
  const block = encodeLabel(prefix, label, length, contextLength);
  if (blocks === undefined && prepared.size < MAX_LABELS) {
    blocks = [];
    prepared.set(label, blocks);
  }
  if (blocks !== undefined && blocks.length < MAX_BLOCKS) blocks.push(block);
  return block;
}

/** `struct { uint16 length; opaque label<7..255>; opaque context<0..255> } HkdfLabel` and the byte 1. */
function encodeLabel(prefix: LabelPrefix, label: string, length: number, contextLength: number): LabelBlock {
  const name = new TextEncoder().encode(`${prefix}${label}`);
  if (name.length > 255 || contextLength > 255) throw new RangeError('label or context too long');
  const contextAt = 4 + name.length;
  const bytes = new Uint8Array(contextAt + contextLength + 1);
  bytes[0] = length >> 8;
  bytes[1] = length;
  bytes[2] = name.length;
  bytes.set(name, 3);
  bytes[contextAt - 1] = contextLength;
  bytes[bytes.length - 1] = 1;
  return { length, contextLength, contextAt, bytes };
}
