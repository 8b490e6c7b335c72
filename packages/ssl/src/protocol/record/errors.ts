/**
 * What can be wrong with records and with the framing of handshake messages (RFC 8446 §5).
 * `protocol/reasons.ts` says which alert each of them causes.
 */

export type RecordReason =
  /** A content type that no TLS record has (§5.1: unexpected_message). */
  | 'unknown_content_type'
  /** A known content type that may not stand here: unprotected after keys, application data before (§5). */
  | 'unexpected_record_type'
  /** The major byte of legacy_record_version is not 3: this is not TLS (protocol_version). */
  | 'wrong_record_version'
  /** A fragment longer than 2^14, or than 2^14+256 when protected (§5.1, §5.2: record_overflow). */
  | 'record_overflow'
  /** Too short to hold a tag, or its authentication failed (§5.2: bad_record_mac). One reason, no detail. */
  | 'bad_record_mac'
  /** A protected record that holds nothing but zeros (§5.4: unexpected_message). */
  | 'no_inner_content_type'
  /** A handshake, alert or change_cipher_spec record without content (§5.1, §5.4: unexpected_message). */
  | 'empty_fragment'
  /** More empty application data records in a row than anybody needs (unexpected_message). */
  | 'too_many_empty_records'
  /** An alert record that does not hold exactly one alert (§6: decode_error). */
  | 'malformed_alert'
  /** Rejected early data went on beyond max_early_data_size (§4.2.10: unexpected_message). */
  | 'too_much_skipped_early_data'
  /** Records of another type between the fragments of a handshake message (§5.1: unexpected_message). */
  | 'interleaved_handshake_message'
  /** A handshake message's bytes on both sides of a key change (§5.1: unexpected_message). */
  | 'excess_handshake_data'
  /** A handshake message longer than `max_handshake_size` announces itself (handshake_failure, as OTP). */
  | 'handshake_message_too_large'
  /** Own or peer's sequence number would leave the safe integers (§5.3: must not wrap; internal_error). */
  | 'sequence_number_overflow'
  /** An ACK that is no list of record numbers (RFC 9147 §7: decode_error). */
  | 'malformed_ack'
  /** During the handshake an ACK of records that its sender cannot have opened yet (RFC 9147 §7.2: illegal_parameter). */
  | 'wrong_ack'
  /** More records failed to open under one key than its cipher bears (RFC 9147 §4.5.3: bad_record_mac). */
  | 'too_many_forgeries';

/** Thrown by the record layer and the reassembler; the connection is over. */
export class RecordError extends Error {
  readonly reason: RecordReason;

  constructor(reason: RecordReason) {
    super(reason);
    this.name = 'RecordError';
    this.reason = reason;
  }
}
