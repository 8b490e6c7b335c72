/**
 * Alert descriptions (RFC 8446 §6, RFC 5246 §7.2): number, OTP's atom, and the title that OTP puts into texts.
 *
 * The mixed case of a few titles is OTP's own (contract §9.1).
 */

export type AlertLevel = 'warning' | 'fatal';

export type KnownAlert =
  | 'close_notify'
  | 'unexpected_message'
  | 'bad_record_mac'
  | 'decryption_failed_reserved'
  | 'record_overflow'
  | 'decompression_failure'
  | 'handshake_failure'
  | 'no_certificate_reserved'
  | 'bad_certificate'
  | 'unsupported_certificate'
  | 'certificate_revoked'
  | 'certificate_expired'
  | 'certificate_unknown'
  | 'illegal_parameter'
  | 'unknown_ca'
  | 'access_denied'
  | 'decode_error'
  | 'decrypt_error'
  | 'too_many_cids_requested'
  | 'export_restriction'
  | 'protocol_version'
  | 'insufficient_security'
  | 'internal_error'
  | 'inappropriate_fallback'
  | 'user_canceled'
  | 'no_renegotiation'
  | 'missing_extension'
  | 'unsupported_extension'
  | 'certificate_unobtainable'
  | 'unrecognized_name'
  | 'bad_certificate_status_response'
  | 'bad_certificate_hash_value'
  | 'unknown_psk_identity'
  | 'certificate_required'
  | 'no_application_protocol';

interface AlertRow {
  readonly code: number;
  readonly title: string;
}

const rows: Readonly<Record<KnownAlert, AlertRow>> = {
  close_notify: { code: 0, title: 'Close Notify' },
  unexpected_message: { code: 10, title: 'Unexpected Message' },
  bad_record_mac: { code: 20, title: 'Bad Record MAC' },
  decryption_failed_reserved: { code: 21, title: 'Decryption Failed Reserved' },
  record_overflow: { code: 22, title: 'Record Overflow' },
  decompression_failure: { code: 30, title: 'Decompression Failure' },
  handshake_failure: { code: 40, title: 'Handshake Failure' },
  no_certificate_reserved: { code: 41, title: 'No Certificate Reserved' },
  bad_certificate: { code: 42, title: 'Bad Certificate' },
  unsupported_certificate: { code: 43, title: 'Unsupported Certificate' },
  certificate_revoked: { code: 44, title: 'Certificate Revoked' },
  certificate_expired: { code: 45, title: 'Certificate Expired' },
  certificate_unknown: { code: 46, title: 'Certificate Unknown' },
  illegal_parameter: { code: 47, title: 'Illegal Parameter' },
  unknown_ca: { code: 48, title: 'Unknown CA' },
  access_denied: { code: 49, title: 'Access Denied' },
  decode_error: { code: 50, title: 'Decode Error' },
  decrypt_error: { code: 51, title: 'Decrypt Error' },
  too_many_cids_requested: { code: 52, title: 'Too Many CIDs Requested' },
  export_restriction: { code: 60, title: 'Export Restriction' },
  protocol_version: { code: 70, title: 'Protocol Version' },
  insufficient_security: { code: 71, title: 'Insufficient Security' },
  internal_error: { code: 80, title: 'Internal Error' },
  inappropriate_fallback: { code: 86, title: 'Inappropriate Fallback' },
  user_canceled: { code: 90, title: 'User Canceled' },
  no_renegotiation: { code: 100, title: 'No Renegotiation' },
  missing_extension: { code: 109, title: 'Missing extension' },
  unsupported_extension: { code: 110, title: 'Unsupported Extension' },
  certificate_unobtainable: { code: 111, title: 'Certificate Unobtainable' },
  unrecognized_name: { code: 112, title: 'Unrecognized Name' },
  bad_certificate_status_response: { code: 113, title: 'Bad Certificate Status Response' },
  bad_certificate_hash_value: { code: 114, title: 'Bad Certificate Hash Value' },
  unknown_psk_identity: { code: 115, title: 'Unknown Psk Identity' },
  certificate_required: { code: 116, title: 'Certificate required' },
  no_application_protocol: { code: 120, title: 'No application protocol' },
};

/** OTP's atom of an alert; what a peer sends and nobody knows is `unsupported/unknown_alert`. */
export type AlertDescription = KnownAlert | 'unsupported/unknown_alert';

export const knownAlerts: readonly KnownAlert[] = Object.keys(rows).filter(isKnownAlert);

function isKnownAlert(name: string): name is KnownAlert {
  return Object.hasOwn(rows, name);
}

const byCode: ReadonlyMap<number, KnownAlert> = new Map(
  knownAlerts.map((description) => [rows[description].code, description]),
);

/** The byte on the wire. */
export function alertCode(description: KnownAlert): number {
  return rows[description].code;
}

/** The alert with this byte; total. */
export function alertByCode(code: number): AlertDescription {
  return byCode.get(code) ?? 'unsupported/unknown_alert';
}

/** The words OTP uses for it, as in `Fatal - Unknown CA`; the byte, when given, names an unknown one. */
export function alertTitle(description: AlertDescription, code?: number): string {
  if (description !== 'unsupported/unknown_alert') return rows[description].title;
  return code === undefined ? 'unsupported/unknown alert' : `unsupported/unknown alert: ${code}`;
}
