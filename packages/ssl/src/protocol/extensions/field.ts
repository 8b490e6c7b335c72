/**
 * An extension as one message knows it: its number, the name it has in that message's set of extensions, and its
 * shape. Each extension's file declares one field per message it may stand in (the table of RFC 8446 §4.2); the
 * fields of a message are put together in `table.ts`.
 */
import { type Codec, encodeAll } from '../../values/wire/codec.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import type { Reader } from '../../values/wire/reader.js';

/** A set of extensions that has `Name` among others. */
type Holding<Name extends string, T> = Record<Name, T | undefined>;

/** A field of a message's set of extensions. */
export interface FieldOf<Extensions> {
  /** ExtensionType */
  readonly code: number;
  /** Decodes into the set. Throws `DecodeError`. */
  read(reader: Reader, into: Extensions): void;
  /** The extension as it travels, or `undefined` when the set does not have it. */
  write(from: Extensions): RawExtension | undefined;
}

export type Field<Name extends string, T> = FieldOf<Holding<Name, T>>;

export function field<Name extends string, T>(code: number, name: Name, codec: Codec<T>): Field<Name, T> {
  return {
    code,
    read(reader, into) {
      into[name] = codec.decode(reader);
    },
    write(from) {
      const value = from[name];
      return value === undefined
        ? undefined
        : { extensionType: code, extensionData: encodeAll<T>(codec, value) };
    },
  };
}
