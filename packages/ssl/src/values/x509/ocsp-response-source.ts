/** Where a server has the OCSP response from that it staples to its certificate (RFC 6066 §8). */

/** A DER OCSPResponse, or a function that has a current one; `undefined` staples nothing. */
export type OcspResponseSource =
  | Uint8Array
  | ((request: OcspStapleRequest) => Uint8Array | undefined | Promise<Uint8Array | undefined>);

/** What a client's status_request is about. */
export interface OcspStapleRequest {
  /** DER of the own certificate. */
  readonly certificate: Uint8Array;
  /** DER of the certificate above it, if it is part of the chain. */
  readonly issuer: Uint8Array | undefined;
  readonly serverName: string | undefined;
  /** DER of the request's OCSP Extensions (a nonce, RFC 8954), empty when there are none. */
  readonly requestExtensions: Uint8Array;
}
