/** Sending the messages of TLS 1.2 and before. */
import { type Tls12Bodies, tls10Messages, tls12Messages } from '../../values/wire/tls12-messages.js';
import { type MessageChannel, type Send, senderOf } from '../channel.js';
import type { Negotiated12 } from './negotiated.js';

const senders: Readonly<Record<Negotiated12['version']['signatures'], Send<Tls12Bodies>>> = {
  named: senderOf(tls12Messages),
  by_key: senderOf(tls10Messages),
};

export function send<K extends keyof Tls12Bodies & string>(
  channel: MessageChannel,
  { version, messages }: Pick<Negotiated12, 'version' | 'messages'>,
  type: K,
  body: Tls12Bodies[K],
): void {
  senders[version.signatures](channel, messages, type, body);
}
