/** certificate_authorities, RFC 8446 §4.2.4: DER distinguished names. */
import { list16, opaque16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const certificateAuthorities: Field<'certificateAuthorities', readonly Uint8Array[]> = field(
  47,
  'certificateAuthorities',
  list16(opaque16(1, 65535), 3, 65535),
);

/** Names as the extension can hold them: as many as fit, `undefined` when there are none. */
export function namedAuthorities(names: readonly Uint8Array[]): readonly Uint8Array[] | undefined {
  let left = 65_535;
  const fitting = names.filter((name) => {
    left -= 2 + name.length;
    return left >= 0;
  });
  return fitting.length > 0 ? fitting : undefined;
}
