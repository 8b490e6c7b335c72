/** status_request, RFC 6066 §8, RFC 8446 §4.4.2.1: asking for a stapled OCSP response, and the response. */
import { type Codec, empty, list16, opaque16, opaque24, rest } from '../../values/wire/codec.js';
import { DecodeError } from '../../values/wire/reader.js';
import { type Field, field } from './field.js';

const code = 5;
/** CertificateStatusType */
export const ocspStatusType = 1;

/** OCSPStatusRequest. */
export interface StatusRequest {
  /** DER ResponderIDs, none: any responder that the server trusts. */
  readonly responderIds: readonly Uint8Array[];
  /** DER Extensions of RFC 6960, or nothing. */
  readonly requestExtensions: Uint8Array;
}

const responderIds: Codec<readonly Uint8Array[]> = list16(opaque16(1, 65535), 0, 65535);
const requestExtensions: Codec<Uint8Array> = opaque16(0, 65535);

/** A request of another type is one that nobody can answer: `unknown`. */
const certificateStatusRequest: Codec<StatusRequest | 'unknown'> = {
  decode(reader) {
    if (reader.uint8() !== ocspStatusType) {
      rest.decode(reader);
      return 'unknown';
    }
    return { responderIds: responderIds.decode(reader), requestExtensions: requestExtensions.decode(reader) };
  },
  encode(writer, request) {
    if (request === 'unknown') throw new RangeError('a request of an unknown type');
    writer.uint8(ocspStatusType);
    responderIds.encode(writer, request.responderIds);
    requestExtensions.encode(writer, request.requestExtensions);
  },
};

const ocspResponse: Codec<Uint8Array> = opaque24(1, 0xffffff);

/** CertificateStatus: DER of the OCSPResponse. */
const certificateStatusResponse: Codec<Uint8Array> = {
  decode(reader) {
    if (reader.uint8() !== ocspStatusType) throw new DecodeError('a certificate status of an unknown type');
    return ocspResponse.decode(reader);
  },
  encode(writer, response) {
    writer.uint8(ocspStatusType);
    ocspResponse.encode(writer, response);
  },
};

/** In ClientHello. */
export const statusRequest: Field<'statusRequest', StatusRequest | 'unknown'> = field(
  code,
  'statusRequest',
  certificateStatusRequest,
);
/** In CertificateRequest, where RFC 8446 says it is empty and some send what a ClientHello has: not looked at. */
export const statusWanted: Field<'statusWanted', Uint8Array> = field(code, 'statusWanted', rest);
/** In a CertificateEntry. */
export const certificateStatus: Field<'certificateStatus', Uint8Array> = field(
  code,
  'certificateStatus',
  certificateStatusResponse,
);
/** In the ServerHello of TLS 1.2: a CertificateStatus message may follow (RFC 6066 §8). */
export const statusAccepted: Field<'statusAccepted', true> = field(code, 'statusAccepted', empty);
