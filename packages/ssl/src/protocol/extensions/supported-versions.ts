/** supported_versions, RFC 8446 §4.2.1. */
import { list8, uint16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const code = 43;

export const supportedVersionsOffer: Field<'supportedVersions', readonly number[]> = field(
  code,
  'supportedVersions',
  list8(uint16, 2, 254),
);
/** In ServerHello and HelloRetryRequest. */
export const selectedVersion: Field<'selectedVersion', number> = field(code, 'selectedVersion', uint16);
