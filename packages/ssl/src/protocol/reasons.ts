/**
 * Why a connection fails by our own finding: one row per reason with the alert it causes, the words for it, the
 * section that asks for it and, where known, the name BoringSSL's test suite gives it.
 *
 * A reason is always at least as precise as its alert, but for decryption: one reason, no detail. What the record
 * layer finds keeps its own names (`record/errors.ts`) and has its rows here too. Contract §8, §13.1 give OTP's alert
 * where RFCs leave a choice.
 */
import type { KnownAlert } from '../values/registry/alerts.js';
import type { RecordReason } from './record/errors.js';

interface ReasonRow {
  readonly alert: KnownAlert;
  /** A lower-case phrase. */
  readonly text: string;
  readonly section: string;
  /** BoGo's error name. */
  readonly bogo?: string;
  /** What a person can do about it. */
  readonly hint?: string;
}

export type HandshakeReason =
  | 'unexpected_message'
  | 'malformed_message'
  | 'malformed_extension'
  | 'unexpected_change_cipher_spec'
  | 'too_many_change_cipher_specs'
  | 'unexpected_application_data'
  | 'duplicate_extension'
  | 'misplaced_extension'
  | 'unsolicited_extension'
  | 'pre_shared_key_not_last'
  | 'missing_supported_groups'
  | 'missing_signature_algorithms'
  | 'missing_key_share'
  | 'missing_psk_modes'
  | 'psk_binder_count'
  | 'bad_psk_binder'
  | 'unknown_psk'
  | 'wrong_psk_selection'
  | 'wrong_early_data_answer'
  | 'too_much_early_data'
  | 'older_version_after_early_data'
  | 'unsupported_version'
  | 'wrong_selected_version'
  | 'downgrade_detected'
  | 'inappropriate_fallback'
  | 'wrong_legacy_version'
  | 'wrong_session_id_echo'
  | 'resumption_changed'
  | 'resumption_changed_master_secret'
  | 'wrong_compression'
  | 'wrong_cipher_suite'
  | 'cipher_suite_changed'
  | 'wrong_group'
  | 'bad_key_share'
  | 'duplicate_key_share'
  | 'key_share_outside_groups'
  | 'useless_retry'
  | 'retry_for_known_share'
  | 'client_hello_changed'
  | 'missing_cookie'
  | 'wrong_legacy_cookie'
  | 'late_version'
  | 'wrong_cookie'
  | 'no_suitable_cipher'
  | 'no_suitable_groups'
  | 'no_suitable_signature_algorithm'
  | 'no_application_protocol'
  | 'wrong_application_protocol'
  | 'two_application_protocols'
  | 'no_next_protocol'
  | 'wrong_use_srtp'
  | 'wrong_connection_id'
  | 'wrong_new_connection_ids'
  | 'too_many_cids_requested'
  | 'wrong_max_fragment_length'
  | 'wrong_record_size_limit'
  | 'unrecognized_name'
  | 'wrong_renegotiation_info'
  | 'renegotiation_changes_peer'
  | 'renegotiation_changes_terms'
  | 'wrong_encrypt_then_mac'
  | 'weak_dh'
  | 'unknown_user'
  | 'no_uncompressed_points'
  | 'wrong_certificate_type'
  | 'wrong_certificate_context'
  | 'unknown_compression'
  | 'bad_compressed_certificate'
  | 'empty_certificate_list'
  | 'certificate_required'
  | 'certificate_rejected'
  | 'wrong_signature_scheme'
  | 'bad_signature'
  | 'bad_finished'
  | 'wrong_key_update_request'
  | 'too_many_key_updates'
  | 'too_many_certificate_requests'
  | 'too_many_warnings'
  | 'too_many_renegotiations'
  | 'user_canceled'
  | 'local_failure'
  | 'internal_error';

export type Reason = HandshakeReason | RecordReason;

export const reasons: Readonly<Record<Reason, ReasonRow>> = {
  unexpected_message: {
    alert: 'unexpected_message',
    text: 'a handshake message that may not stand here',
    section: 'RFC 8446 §4',
    bogo: 'UNEXPECTED_MESSAGE',
  },
  malformed_message: {
    alert: 'decode_error',
    text: 'a message does not have its shape',
    section: 'RFC 8446 §6.2',
    bogo: 'DECODE_ERROR',
  },
  malformed_extension: {
    alert: 'decode_error',
    text: 'an extension does not have its shape',
    section: 'RFC 8446 §6.2',
    bogo: 'ERROR_PARSING_EXTENSION',
  },
  unexpected_change_cipher_spec: {
    alert: 'unexpected_message',
    text: 'a change_cipher_spec record outside the handshake or with other content than 1',
    section: 'RFC 8446 §5',
    bogo: 'BAD_CHANGE_CIPHER_SPEC',
  },
  too_many_change_cipher_specs: {
    alert: 'unexpected_message',
    text: 'more change_cipher_spec records than a middlebox needs to see',
    section: 'RFC 8446 §D.4',
    bogo: 'TOO_MANY_EMPTY_FRAGMENTS',
  },
  unexpected_application_data: {
    alert: 'unexpected_message',
    text: 'application data during the handshake',
    section: 'RFC 8446 §5',
    bogo: 'UNEXPECTED_RECORD',
  },
  duplicate_extension: {
    alert: 'illegal_parameter',
    text: 'an extension stands twice in a message',
    section: 'RFC 8446 §4.2',
    bogo: 'DUPLICATE_EXTENSION',
  },
  misplaced_extension: {
    alert: 'illegal_parameter',
    text: 'an extension stands in a message it is not made for',
    section: 'RFC 8446 §4.2',
    bogo: 'UNEXPECTED_EXTENSION',
  },
  unsolicited_extension: {
    alert: 'unsupported_extension',
    text: 'an extension answers what was not asked',
    section: 'RFC 8446 §4.2',
    bogo: 'UNEXPECTED_EXTENSION',
  },
  pre_shared_key_not_last: {
    alert: 'illegal_parameter',
    text: 'pre_shared_key is not the last extension of the ClientHello',
    section: 'RFC 8446 §4.2.11',
    bogo: 'PRE_SHARED_KEY_MUST_BE_LAST',
  },
  missing_supported_groups: {
    alert: 'missing_extension',
    text: 'no supported_groups beside key_share',
    section: 'RFC 8446 §9.2',
  },
  missing_signature_algorithms: {
    alert: 'missing_extension',
    text: 'no signature_algorithms though certificates are to authenticate',
    section: 'RFC 8446 §4.2.3, §9.2',
  },
  missing_key_share: {
    alert: 'missing_extension',
    text: 'no key_share',
    section: 'RFC 8446 §9.2',
    bogo: 'MISSING_KEY_SHARE',
  },
  missing_psk_modes: {
    alert: 'missing_extension',
    text: 'pre_shared_key without psk_key_exchange_modes',
    section: 'RFC 8446 §4.2.9',
    bogo: 'MISSING_EXTENSION',
  },
  psk_binder_count: {
    alert: 'illegal_parameter',
    text: 'not one binder for each identity of pre_shared_key',
    section: 'RFC 8446 §4.2.11',
    bogo: 'PSK_IDENTITY_BINDER_COUNT_MISMATCH',
  },
  // The RFC names no alert; OTP's is this one.
  bad_psk_binder: {
    alert: 'illegal_parameter',
    text: 'a binder of pre_shared_key is not made with the key that its identity names',
    section: 'RFC 8446 §4.2.11',
    bogo: 'DIGEST_CHECK_FAILED',
  },
  // §6.2: an alert of its own would tell a stranger which identities there are.
  unknown_psk: {
    alert: 'decrypt_error',
    text: 'the client offers keys that we do not know, and we have nothing else to be known by',
    section: 'RFC 8446 §4.2.11',
  },
  wrong_psk_selection: {
    alert: 'illegal_parameter',
    text: 'the server selects a pre-shared key that was not offered or does not go with the suite',
    section: 'RFC 8446 §4.2.11',
    bogo: 'PSK_IDENTITY_NOT_FOUND',
  },
  wrong_early_data_answer: {
    alert: 'illegal_parameter',
    text: 'the server accepts early data and not what it was sent under',
    section: 'RFC 8446 §4.2.10',
  },
  too_much_early_data: {
    alert: 'unexpected_message',
    text: 'more early data than max_early_data_size allows',
    section: 'RFC 8446 §4.2.10',
    bogo: 'TOO_MUCH_READ_EARLY_DATA',
  },
  older_version_after_early_data: {
    alert: 'protocol_version',
    text: 'the server answers early data with a version that has none',
    section: 'RFC 8446 §D.3',
    bogo: 'WRONG_VERSION_ON_EARLY_DATA',
  },
  unsupported_version: {
    alert: 'protocol_version',
    text: 'no protocol version in common',
    section: 'RFC 8446 §4.2.1',
    bogo: 'UNSUPPORTED_PROTOCOL',
    hint: 'compare versions',
  },
  wrong_selected_version: {
    alert: 'illegal_parameter',
    text: 'the server selects a version that was not offered',
    section: 'RFC 8446 §4.2.1',
    bogo: 'UNSUPPORTED_PROTOCOL',
  },
  downgrade_detected: {
    alert: 'illegal_parameter',
    text: 'the server can do better than the version it selects',
    section: 'RFC 8446 §4.1.3',
    bogo: 'TLS13_DOWNGRADE',
  },
  inappropriate_fallback: {
    alert: 'inappropriate_fallback',
    text: 'the client falls back though we can do better',
    section: 'RFC 7507 §3',
    bogo: 'INAPPROPRIATE_FALLBACK',
  },
  wrong_legacy_version: {
    alert: 'illegal_parameter',
    text: 'legacy_version is not TLS 1.2',
    section: 'RFC 8446 §4.1.2, §4.1.3',
  },
  wrong_session_id_echo: {
    alert: 'illegal_parameter',
    text: 'legacy_session_id_echo is not what was sent',
    section: 'RFC 8446 §4.1.3',
    bogo: 'SERVER_ECHOED_INVALID_SESSION_ID',
  },
  resumption_changed: {
    alert: 'illegal_parameter',
    text: 'the server resumes the session under another version or suite, or with records protected otherwise',
    section: 'RFC 5246 §7.4.1.3',
    bogo: 'OLD_SESSION_CIPHER_NOT_RETURNED',
  },
  resumption_changed_master_secret: {
    alert: 'handshake_failure',
    text: 'a session is to be resumed with another master secret than it was made with, extended or plain',
    section: 'RFC 7627 §5.3',
    bogo: 'RESUMED_EMS_SESSION_WITHOUT_EMS_EXTENSION',
  },
  wrong_compression: {
    alert: 'illegal_parameter',
    text: 'a compression method other than null',
    section: 'RFC 8446 §4.1.2, §4.1.3',
    bogo: 'INVALID_COMPRESSION_LIST',
  },
  wrong_cipher_suite: {
    alert: 'illegal_parameter',
    text: 'the server selects a cipher suite that was not offered',
    section: 'RFC 8446 §4.1.3',
    bogo: 'WRONG_CIPHER_RETURNED',
  },
  cipher_suite_changed: {
    alert: 'illegal_parameter',
    text: 'ServerHello and HelloRetryRequest select different cipher suites',
    section: 'RFC 8446 §4.1.4',
    bogo: 'WRONG_CIPHER_RETURNED',
  },
  wrong_group: {
    alert: 'illegal_parameter',
    text: 'a group that was not offered',
    section: 'RFC 8446 §4.2.8',
    bogo: 'WRONG_CURVE',
  },
  bad_key_share: {
    alert: 'illegal_parameter',
    text: 'a public key that its group does not have',
    section: 'RFC 8446 §4.2.8.1, §4.2.8.2, §7.4.2',
    bogo: 'BAD_ECPOINT',
  },
  duplicate_key_share: {
    alert: 'illegal_parameter',
    text: 'two shares for one group',
    section: 'RFC 8446 §4.2.8',
    bogo: 'DUPLICATE_KEY_SHARE',
  },
  key_share_outside_groups: {
    alert: 'illegal_parameter',
    text: 'a share for a group that supported_groups does not name',
    section: 'RFC 8446 §4.2.8',
  },
  useless_retry: {
    alert: 'illegal_parameter',
    text: 'a HelloRetryRequest that changes nothing',
    section: 'RFC 8446 §4.1.4',
    bogo: 'EMPTY_HELLO_RETRY_REQUEST',
  },
  retry_for_known_share: {
    alert: 'illegal_parameter',
    text: 'a HelloRetryRequest for a group whose share was sent already',
    section: 'RFC 8446 §4.2.8',
    bogo: 'WRONG_CURVE',
  },
  client_hello_changed: {
    alert: 'illegal_parameter',
    text: 'the second ClientHello differs where it may not',
    section: 'RFC 8446 §4.1.2',
  },
  missing_cookie: {
    alert: 'missing_extension',
    text: 'the second ClientHello does not give back the cookie',
    section: 'RFC 8446 §4.2.2',
  },
  wrong_legacy_cookie: {
    alert: 'illegal_parameter',
    text: 'a ClientHello of DTLS 1.3 with the cookie of an older version',
    section: 'RFC 9147 §5.3',
    bogo: 'DECODE_ERROR',
  },
  late_version: {
    alert: 'illegal_parameter',
    text: 'DTLS 1.3 of a server that has asked for a cookie as older ones do',
    section: 'RFC 9147 §5.1',
    bogo: 'INVALID_MESSAGE',
  },
  wrong_cookie: {
    alert: 'illegal_parameter',
    text: 'a cookie that is none of ours, is too old, or was given to another ClientHello',
    section: 'RFC 8446 §4.2.2',
  },
  no_suitable_cipher: {
    alert: 'insufficient_security',
    text: 'no cipher suite in common',
    section: 'RFC 8446 §4.1.1',
    bogo: 'NO_SHARED_CIPHER',
    hint: 'compare ciphers',
  },
  no_suitable_groups: {
    alert: 'insufficient_security',
    text: 'no group in common',
    section: 'RFC 8446 §4.1.1',
    bogo: 'NO_SHARED_GROUP',
    hint: 'compare supportedGroups',
  },
  no_suitable_signature_algorithm: {
    alert: 'insufficient_security',
    text: 'no own certificate fits the signature algorithms of the peer',
    section: 'RFC 8446 §4.4.2.2',
    bogo: 'NO_COMMON_SIGNATURE_ALGORITHMS',
    hint: 'compare signatureAlgs, or give a key of another kind in certsKeys',
  },
  no_application_protocol: {
    alert: 'no_application_protocol',
    text: 'no application protocol in common',
    section: 'RFC 7301 §3.2',
    bogo: 'NO_APPLICATION_PROTOCOL',
    hint: 'compare the ALPN lists',
  },
  wrong_application_protocol: {
    alert: 'illegal_parameter',
    text: 'the server selects an application protocol that was not offered',
    section: 'RFC 7301 §3.1',
    bogo: 'INVALID_ALPN_PROTOCOL',
  },
  two_application_protocols: {
    alert: 'illegal_parameter',
    text: 'the server answers ALPN and NPN',
    section: 'draft-agl-tls-nextprotoneg-04 §3',
    bogo: 'NEGOTIATED_BOTH_NPN_AND_ALPN',
  },
  no_next_protocol: {
    alert: 'handshake_failure',
    text: 'the server advertises no application protocol of ours, and there is no default',
    section: 'draft-agl-tls-nextprotoneg-04 §3',
    hint: 'compare nextProtocolsAdvertised and clientPreferredNextProtocols, or give a default',
  },
  wrong_use_srtp: {
    alert: 'illegal_parameter',
    text: 'the server selects an SRTP profile or identifier that was not offered',
    section: 'RFC 5764 §4.1.3',
    bogo: 'BAD_SRTP_PROTECTION_PROFILE_LIST',
  },
  wrong_connection_id: {
    alert: 'illegal_parameter',
    text: 'the server agrees to connection IDs in a version that has none, or to checks of addresses without IDs',
    section: 'RFC 9146 §3, RFC 9853 §3',
  },
  wrong_new_connection_ids: {
    alert: 'illegal_parameter',
    text: 'connection IDs to be used at once and none among them, one of no bytes, or an unknown use',
    section: 'RFC 9147 §9',
  },
  too_many_cids_requested: {
    alert: 'too_many_cids_requested',
    text: 'the peer asks for connection IDs again and again and uses none',
    section: 'RFC 9147 §9',
  },
  wrong_max_fragment_length: {
    alert: 'illegal_parameter',
    text: 'max_fragment_length is none of the four, or not the one that was asked for',
    section: 'RFC 6066 §4',
  },
  wrong_record_size_limit: {
    alert: 'illegal_parameter',
    text: 'record_size_limit is less than 64 or more than the version has, or stands beside max_fragment_length',
    section: 'RFC 8449 §4, §5',
  },
  unrecognized_name: {
    alert: 'unrecognized_name',
    text: 'a server name that is empty or ends in a dot',
    section: 'RFC 6066 §3',
  },
  wrong_renegotiation_info: {
    alert: 'handshake_failure',
    text: 'renegotiation_info speaks of another handshake than this one',
    section: 'RFC 5746 §3.4, §3.6',
    bogo: 'RENEGOTIATION_MISMATCH',
  },
  renegotiation_changes_peer: {
    alert: 'illegal_parameter',
    text: 'after a renegotiation the peer would be another one than before',
    section: 'RFC 7627 §1',
    bogo: 'SERVER_CERT_CHANGED',
    hint: 'renegotiateIdentity lets it change',
  },
  renegotiation_changes_terms: {
    alert: 'handshake_failure',
    text: 'a renegotiation would change the version, the name of the server or the extended master secret',
    section: 'RFC 7627 §5.4',
    bogo: 'RENEGOTIATION_EMS_MISMATCH',
  },
  wrong_encrypt_then_mac: {
    alert: 'illegal_parameter',
    text: 'encrypt_then_mac with a suite that has no CBC',
    section: 'RFC 7366 §3',
    bogo: 'UNEXPECTED_EXTENSION',
  },
  weak_dh: {
    alert: 'insufficient_security',
    text: 'a group of finite-field Diffie-Hellman that is too small, too large or none',
    section: 'RFC 5246 §7.4.3, RFC 5054 §2.5.3',
    bogo: 'BAD_DH_P_LENGTH',
  },
  unknown_user: {
    alert: 'unknown_psk_identity',
    text: 'no key is known for this user',
    section: 'RFC 4279 §2, RFC 5054 §2.5.1.3',
    bogo: 'PSK_IDENTITY_NOT_FOUND',
  },
  no_uncompressed_points: {
    alert: 'illegal_parameter',
    text: 'ec_point_formats without the uncompressed form',
    section: 'RFC 8422 §5.1.2',
    bogo: 'ERROR_PARSING_EXTENSION',
  },
  wrong_certificate_type: {
    alert: 'illegal_parameter',
    text: 'the certificate has another kind of key than the cipher suite asks for',
    section: 'RFC 5246 §7.4.2',
    bogo: 'WRONG_CERTIFICATE_TYPE',
  },
  wrong_certificate_context: {
    alert: 'illegal_parameter',
    text: 'certificate_request_context is not the one of the request',
    section: 'RFC 8446 §4.3.2, §4.4.2',
    bogo: 'DECODE_ERROR',
  },
  unknown_compression: {
    alert: 'illegal_parameter',
    text: 'a certificate compressed by an algorithm that was not offered',
    section: 'RFC 8879 §4',
    bogo: 'UNKNOWN_CERT_COMPRESSION_ALG',
  },
  bad_compressed_certificate: {
    alert: 'bad_certificate',
    text: 'a compressed certificate that is no such stream, not of the length that it says, or longer than allowed',
    section: 'RFC 8879 §4, §5',
    bogo: 'CERT_DECOMPRESSION_FAILED',
    hint: 'maxHandshakeSize allows more',
  },
  empty_certificate_list: {
    alert: 'decode_error',
    text: 'a server without certificate',
    section: 'RFC 8446 §4.4.2.4',
    bogo: 'PEER_DID_NOT_RETURN_A_CERTIFICATE',
  },
  certificate_required: {
    alert: 'certificate_required',
    text: 'the client shows no certificate',
    section: 'RFC 8446 §4.4.2.4',
    bogo: 'PEER_DID_NOT_RETURN_A_CERTIFICATE',
    hint: 'have it give cert and key, or leave failIfNoPeerCert out',
  },
  certificate_rejected: {
    alert: 'bad_certificate',
    text: 'the certificates of the peer were judged and found wanting; the verdict names the alert',
    section: 'RFC 8446 §4.4.2.4',
    bogo: 'CERTIFICATE_VERIFY_FAILED',
  },
  wrong_signature_scheme: {
    alert: 'illegal_parameter',
    text: 'a signature scheme that was not offered or does not fit the key',
    section: 'RFC 8446 §4.4.3',
    bogo: 'WRONG_SIGNATURE_TYPE',
  },
  bad_signature: {
    alert: 'decrypt_error',
    text: 'CertificateVerify does not verify',
    section: 'RFC 8446 §4.4.3',
    bogo: 'BAD_SIGNATURE',
    hint: 'does its key fit its certificate?',
  },
  bad_finished: {
    alert: 'decrypt_error',
    text: 'Finished does not verify',
    section: 'RFC 8446 §4.4.4',
    bogo: 'DIGEST_CHECK_FAILED',
  },
  wrong_key_update_request: {
    alert: 'illegal_parameter',
    text: 'request_update is neither 0 nor 1',
    section: 'RFC 8446 §4.6.3',
  },
  too_many_key_updates: {
    alert: 'unexpected_message',
    text: 'KeyUpdates that nobody asked for, without any data between them',
    section: 'ours, against idle work',
    bogo: 'TOO_MANY_KEY_UPDATES',
  },
  too_many_certificate_requests: {
    alert: 'unexpected_message',
    text: 'CertificateRequests faster than answers to them leave',
    section: 'ours, RFC 8446 §4.6.2 sets no bound',
    bogo: 'TOO_MANY_CERTIFICATE_REQUESTS',
  },
  too_many_renegotiations: {
    alert: 'unexpected_message',
    text: 'wishes to renegotiate, one after the other, that were refused',
    section: 'ours, against idle work',
  },
  too_many_warnings: {
    alert: 'unexpected_message',
    text: 'warnings again and again, and no data',
    section: 'ours, against idle work',
    bogo: 'TOO_MANY_WARNING_ALERTS',
  },
  user_canceled: {
    alert: 'user_canceled',
    text: 'the user gives the handshake up',
    section: 'RFC 8446 §6.1',
  },
  local_failure: {
    alert: 'internal_error',
    text: 'the surroundings of the core end the connection; they name the alert',
    section: 'RFC 8446 §6.2',
  },
  internal_error: {
    alert: 'internal_error',
    text: 'a fault of ours',
    section: 'RFC 8446 §6.2',
    bogo: 'INTERNAL_ERROR',
  },

  unknown_content_type: {
    alert: 'unexpected_message',
    text: 'a record of a type that TLS does not have',
    section: 'RFC 8446 §5.1',
    bogo: 'UNEXPECTED_RECORD',
  },
  unexpected_record_type: {
    alert: 'unexpected_message',
    text: 'a record of a type that may not stand here',
    section: 'RFC 8446 §5',
    bogo: 'UNEXPECTED_RECORD',
  },
  wrong_record_version: {
    alert: 'protocol_version',
    text: 'this is not TLS',
    section: 'RFC 8446 §5.1',
    bogo: 'WRONG_VERSION_NUMBER',
  },
  record_overflow: {
    alert: 'record_overflow',
    text: 'a record is longer than allowed',
    section: 'RFC 8446 §5.1, §5.2',
    bogo: 'DATA_LENGTH_TOO_LONG',
  },
  bad_record_mac: {
    alert: 'bad_record_mac',
    text: 'a record cannot be decrypted',
    section: 'RFC 8446 §5.2',
    bogo: 'DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  },
  no_inner_content_type: {
    alert: 'unexpected_message',
    text: 'a protected record without content type',
    section: 'RFC 8446 §5.4',
    bogo: 'INVALID_OUTER_RECORD_TYPE',
  },
  empty_fragment: {
    alert: 'unexpected_message',
    text: 'a record without content',
    section: 'RFC 8446 §5.1, §5.4',
    bogo: 'UNEXPECTED_RECORD',
  },
  too_many_empty_records: {
    alert: 'unexpected_message',
    text: 'empty records without end',
    section: 'ours, against idle work',
    bogo: 'TOO_MANY_EMPTY_FRAGMENTS',
  },
  malformed_alert: {
    alert: 'decode_error',
    text: 'an alert record that does not hold one alert',
    section: 'RFC 8446 §6',
    bogo: 'BAD_ALERT',
  },
  too_much_skipped_early_data: {
    alert: 'unexpected_message',
    text: 'rejected early data beyond the limit',
    section: 'RFC 8446 §4.2.10',
    bogo: 'TOO_MUCH_SKIPPED_EARLY_DATA',
  },
  interleaved_handshake_message: {
    alert: 'unexpected_message',
    text: 'another record in the middle of a handshake message',
    section: 'RFC 8446 §5.1',
    bogo: 'UNEXPECTED_RECORD',
  },
  excess_handshake_data: {
    alert: 'unexpected_message',
    text: 'handshake bytes on both sides of a key change',
    section: 'RFC 8446 §5.1',
    bogo: 'EXCESS_HANDSHAKE_DATA',
  },
  handshake_message_too_large: {
    alert: 'handshake_failure',
    text: 'a handshake message longer than max_handshake_size',
    section: 'contract §13.1',
    bogo: 'EXCESSIVE_MESSAGE_SIZE',
    hint: 'maxHandshakeSize allows more',
  },
  sequence_number_overflow: {
    alert: 'internal_error',
    text: 'too many records under one key',
    section: 'RFC 8446 §5.3',
  },
  malformed_ack: {
    alert: 'decode_error',
    text: 'an ACK that is no list of record numbers',
    section: 'RFC 9147 §7',
    bogo: 'DECODE_ERROR',
  },
  wrong_ack: {
    alert: 'illegal_parameter',
    text: 'an ACK of records of a later epoch than its own',
    section: 'RFC 9147 §7.2',
    bogo: 'DECODE_ERROR',
  },
  too_many_forgeries: {
    alert: 'bad_record_mac',
    text: 'more records failed to open under one key than its cipher bears',
    section: 'RFC 9147 §4.5.3',
  },
};

/** Thrown by handlers; `protocol/core.ts` alone catches it and sends the alert of the reason, or the one given. */
export class AlertError extends Error {
  override readonly name = 'AlertError';
  readonly reason: Reason;
  /** More about it in OTP's terms, for the text. */
  readonly detail: unknown;
  readonly alert: KnownAlert;

  constructor(reason: Reason, detail?: unknown, alert: KnownAlert = reasons[reason].alert) {
    super(reason);
    this.reason = reason;
    this.detail = detail;
    this.alert = alert;
  }
}
