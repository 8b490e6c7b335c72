/** signature_algorithms and signature_algorithms_cert, RFC 8446 §4.2.3; the same in ClientHello and CertificateRequest. */
import { type Codec, list16, uint16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const schemeList: Codec<readonly number[]> = list16(uint16, 2, 65534);

export const signatureAlgorithms: Field<'signatureAlgorithms', readonly number[]> = field(
  13,
  'signatureAlgorithms',
  schemeList,
);
export const signatureAlgorithmsCert: Field<'signatureAlgorithmsCert', readonly number[]> = field(
  50,
  'signatureAlgorithmsCert',
  schemeList,
);
