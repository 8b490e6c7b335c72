/** change_cipher_spec and Finished (RFC 5246 §7.1, §7.4.9): a side changes its keys, and its first message proves them. */
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Finished } from '../../values/wire/messages/finished.js';
import type { MessageChannel } from '../channel.js';
import { AlertError } from '../reasons.js';
import { Tls12ReadProtection, Tls12WriteProtection } from '../record/tls12-protection.js';
import type { Keys12, Negotiated12 } from './negotiated.js';
import { send } from './send.js';

/** Our change_cipher_spec and Finished; the flight leaves. */
export function finishFlight(
  { messages, suite }: Negotiated12,
  { master, block }: Keys12,
  side: 'client' | 'server',
  channel: MessageChannel,
): void {
  channel.addChangeCipherSpec();
  channel.installWriteKeys(new Tls12WriteProtection(suite.aead, suite.nonceForm, block[side]));
  send(channel, messages, 'finished', { verifyData: master.verifyData(side, messages.digest()) });
  channel.finishFlight();
}

/** The peer's change_cipher_spec came. */
export function changeReadKeys(
  { suite }: Negotiated12,
  { block }: Keys12,
  side: 'client' | 'server',
  channel: MessageChannel,
): void {
  channel.installReadKeys(new Tls12ReadProtection(suite.aead, suite.nonceForm, block[side]));
}

/** The peer's Finished, which is not among the messages yet. `side`: the peer's. Throws `bad_finished`. */
export function checkFinished(
  { verifyData }: Finished,
  { messages }: Negotiated12,
  { master }: Keys12,
  side: 'client' | 'server',
  engine: CryptoEngine,
): void {
  const expected = master.verifyData(side, messages.digest());
  if (!engine.equal(expected, verifyData)) throw new AlertError('bad_finished');
}
