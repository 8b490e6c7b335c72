/** Sending the messages of TLS 1.2 and before. */
import type { Tls12Bodies } from '../../values/wire/tls12-messages.js';
import { type MessageChannel, senderOf } from '../channel.js';
import type { Negotiated12 } from './negotiated.js';

export function send<K extends keyof Tls12Bodies & string>(
  channel: MessageChannel,
  { version, messages }: Pick<Negotiated12, 'version' | 'messages'>,
  type: K,
  body: Tls12Bodies[K],
): void {
  senderOf(version.messages)(channel, messages, type, body);
}
