/**
 * What TLS 1.3 sends after the handshake (RFC 8446 §4.6), as plain functions: the machine is gone by then. Those that
 * write serve the core before the halves are split, and the sender process after.
 */
import { decodeHandshake, encodeHandshake } from '../../values/wire/handshake.js';
import { newSessionTicketColumn, readExtensions } from '../extensions/table.js';
import { AlertError } from '../reasons.js';
import type { WriteHalf } from '../record/write-half.js';

/** Whether the peer is to update its keys too (§4.6.3). */
export type KeyUpdateRequest = 'update_not_requested' | 'update_requested';

/** Longest piece of data after which the limit of `key_update_at` is looked at again, bytes. */
const pieceLength = 1 << 20;

/** The KeyUpdate message, then new keys; one record for the transport. */
export function sealKeyUpdate(write: WriteHalf, request: KeyUpdateRequest): Uint8Array[] {
  const message = encodeHandshake('key_update', { requestUpdate: request === 'update_requested' ? 1 : 0 });
  const pieces = write.sealHandshake(message);
  if (request === 'update_requested') write.countRequest();
  write.rekey();
  return pieces;
}

/** Application data as records, with a KeyUpdate before it when one is due (contract §13.2). */
export function sealData(write: WriteHalf, data: Uint8Array): Uint8Array[] {
  if (data.length <= pieceLength && !write.keyUpdateDue) return write.sealApplicationData(data);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += pieceLength) {
    if (write.keyUpdateDue) pieces.push(...sealKeyUpdate(write, 'update_requested'));
    pieces.push(...write.sealApplicationData(data.subarray(at, at + pieceLength)));
  }
  return pieces;
}

/** Whether the peer asks for our update too. Throws `wrong_key_update_request`, `DecodeError`. */
export function readKeyUpdate(raw: Uint8Array): KeyUpdateRequest {
  const { requestUpdate } = decodeHandshake('key_update', raw);
  switch (requestUpdate) {
    case 0:
      return 'update_not_requested';
    case 1:
      return 'update_requested';
    default:
      throw new AlertError('wrong_key_update_request', { request_update: requestUpdate });
  }
}

/** Checks a ticket (§4.6.1). It is not kept yet: we offer no PSK. */
export function readNewSessionTicket(raw: Uint8Array): void {
  const { extensions } = decodeHandshake('new_session_ticket', raw);
  readExtensions(newSessionTicketColumn, extensions);
}
