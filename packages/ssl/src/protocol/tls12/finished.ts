/** change_cipher_spec and Finished (RFC 5246 §7.1, §7.4.9): a side changes its keys, and its first message proves them. */
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Finished } from '../../values/wire/messages/finished.js';
import type { MessageChannel } from '../channel.js';
import { AlertError } from '../reasons.js';
import type { Dependencies } from '../settings.js';
import { type Keys12, type Negotiated12, recordTerms } from './negotiated.js';
import { type RecordSettings, readProtection, writeProtection } from './record-keys.js';
import { send } from './send.js';

/** What changing keys takes. */
interface Changing {
  readonly config: RecordSettings;
  readonly dependencies: Dependencies;
  readonly channel: MessageChannel;
}

/** Our change_cipher_spec and Finished, a client's NextProtocol between them; the flight leaves. */
export function finishFlight(
  negotiated: Negotiated12,
  { master, block }: Keys12,
  side: 'client' | 'server',
  { config, dependencies, channel }: Changing,
): void {
  const { messages, alpn, nextProtocol } = negotiated;
  channel.addChangeCipherSpec();
  channel.installWriteKeys(
    writeProtection(recordTerms(negotiated), block[side], config, dependencies.random),
  );
  if (side === 'client' && nextProtocol === 'due' && alpn !== undefined)
    send(channel, negotiated, 'next_protocol', { selectedProtocol: alpn });
  const verifyData = master.verifyData(side, messages.digest());
  negotiated.verifyData[side] = verifyData;
  send(channel, negotiated, 'finished', { verifyData });
  channel.finishFlight();
}

/** The peer's change_cipher_spec came. */
export function changeReadKeys(
  negotiated: Negotiated12,
  { block }: Keys12,
  side: 'client' | 'server',
  { config, channel }: Changing,
): void {
  channel.installReadKeys(readProtection(recordTerms(negotiated), block[side], config));
}

/** The peer's Finished, which is not among the messages yet. `side`: the peer's. Throws `bad_finished`. */
export function checkFinished(
  { verifyData }: Finished,
  negotiated: Negotiated12,
  { master }: Keys12,
  side: 'client' | 'server',
  engine: CryptoEngine,
): void {
  const expected = master.verifyData(side, negotiated.messages.digest());
  if (!engine.equal(expected, verifyData)) throw new AlertError('bad_finished');
  negotiated.verifyData[side] = expected;
}
