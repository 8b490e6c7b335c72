/**
 * Handshake messages of one version family: a number and a shape per HandshakeType, and the header in front of each
 * body (RFC 8446 §4, RFC 5246 §7.4): type, length of three bytes; over datagrams also a number and the place of a
 * fragment (RFC 6347 §4.2.2). A family's messages are declared in one table, since the same type has other bodies in
 * TLS 1.3 and before.
 */
import { type Codec, decodeAll } from './codec.js';
import { Writer } from './writer.js';

/** The rows: HandshakeType's byte, and the body. */
export type MessageRows<Bodies> = {
  readonly [K in keyof Bodies]: { readonly code: number; readonly body: Codec<Bodies[K]> };
};

/** A message that came: its body, and the bytes for the transcript. */
export type MessageOf<Bodies, K extends keyof Bodies & string = keyof Bodies & string> = {
  readonly [P in K]: { readonly type: P; readonly body: Bodies[P]; readonly raw: Uint8Array };
}[K];

export interface MessageTable<Bodies> {
  /** All types, in the order of the rows. */
  readonly types: readonly (keyof Bodies & string)[];
  /** The byte on the wire. */
  code(type: keyof Bodies & string): number;
  /** The type with this byte; `undefined` when this family has none. */
  byCode(code: number): (keyof Bodies & string) | undefined;
  /** Decodes a whole message, header included; the body must fill it exactly. Throws `DecodeError`. */
  decode<K extends keyof Bodies & string>(type: K, message: Uint8Array): Bodies[K];
  /** A whole message with its header. */
  encode<K extends keyof Bodies & string>(type: K, body: Bodies[K]): Uint8Array;
}

/** Bytes of type and length in front of a body. */
export const handshakeHeaderLength = 4;

/** The same over datagrams: message_seq, fragment_offset and fragment_length stand behind them. */
export const datagramHeaderLength = 12;

/** What stands in front of a body: over a stream, or over datagrams, where messages are numbered when they are sent. */
export type Framing = 'stream' | 'datagrams';

/** One for all, since encoding is synchronous. */
const scratch = new Writer();

export function messageTable<Bodies>(
  rows: MessageRows<Bodies>,
  framing: Framing = 'stream',
): MessageTable<Bodies> {
  const headerLength = framing === 'stream' ? handshakeHeaderLength : datagramHeaderLength;
  const types = Object.keys(rows).filter((type): type is keyof Bodies & string => type in rows);
  const byCode: ((keyof Bodies & string) | undefined)[] = Array.from({ length: 256 }, () => undefined);
  for (const type of types) byCode[rows[type].code] = type;
  return {
    types,
    code: (type) => rows[type].code,
    byCode: (code) => byCode[code],
    decode: (type, message) => decodeAll(rows[type].body, message.subarray(headerLength)),
    encode(type, body) {
      const row = rows[type];
      scratch.reset();
      scratch.uint8(row.code);
      const mark = scratch.open(3);
      if (framing === 'stream') {
        row.body.encode(scratch, body);
        scratch.close(mark, 3);
        return scratch.finish();
      }
      scratch.uint16(0);
      scratch.uint24(0);
      const whole = scratch.open(3);
      row.body.encode(scratch, body);
      scratch.close(whole, 3);
      const message = scratch.finish();
      message.copyWithin(1, 9, datagramHeaderLength);
      return message;
    },
  };
}
