/** Finished (RFC 8446 §4.4.4): how it is sent, and what is wrong with the peer's. */
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Finished } from '../../values/wire/messages/finished.js';
import type { MessageChannel } from '../channel.js';
import { AlertError } from '../reasons.js';
import type { Transcript } from '../transcript.js';
import type { TrafficSecret } from './key-schedule.js';
import { send } from './send.js';

/** `secret`: our own handshake traffic secret. */
export function sendFinished(secret: TrafficSecret, transcript: Transcript, channel: MessageChannel): void {
  const verifyData = secret.finishedKey().mac(transcript.digest());
  send(channel, transcript, 'finished', { verifyData });
}

/**
 * `secret`: the peer's handshake traffic secret; `digest`: of the transcript before the message. A length other than
 * the hash's is a message without its shape (§6.2, decode_error); only then is it a matter of the value.
 */
export function checkVerifyData(
  { verifyData }: Finished,
  secret: TrafficSecret,
  digest: Uint8Array,
  engine: CryptoEngine,
): void {
  const expected = secret.finishedKey().mac(digest);
  if (verifyData.length !== expected.length)
    throw new AlertError('malformed_message', `verify_data of ${verifyData.length} bytes`);
  if (!engine.equal(expected, verifyData)) throw new AlertError('bad_finished');
}
