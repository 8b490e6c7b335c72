/** supported_groups, RFC 8446 §4.2.7. A server may send its own for the client's next connection. */
import { type Codec, list16, uint16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const code = 10;
const namedGroupList: Codec<readonly number[]> = list16(uint16, 2, 65535);

export const supportedGroupsOffer: Field<'supportedGroups', readonly number[]> = field(
  code,
  'supportedGroups',
  namedGroupList,
);
export const supportedGroupsHint: Field<'supportedGroups', readonly number[]> = field(
  code,
  'supportedGroups',
  namedGroupList,
);
