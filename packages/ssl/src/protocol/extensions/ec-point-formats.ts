/** ec_point_formats, RFC 8422 §5.1.2: of TLS 1.2 and before; nobody sends other than uncompressed points. */
import { list8, uint8 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const uncompressed = 0;

/** What we say of ourselves. */
export const ownPointFormats: readonly number[] = [uncompressed];

/** The same in ClientHello and ServerHello. */
export const ecPointFormats: Field<'ecPointFormats', readonly number[]> = field(
  11,
  'ecPointFormats',
  list8(uint8, 1, 255),
);

/** Whether the peer can read the points we send; one that says nothing can (RFC 8422 §5.1.2). */
export function readsOurPoints(formats: readonly number[] | undefined): boolean {
  return formats?.includes(uncompressed) ?? true;
}
