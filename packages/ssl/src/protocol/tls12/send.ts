/** Sending the messages of TLS 1.2 and before. */
import type { MessageTable } from '../../values/wire/message-table.js';
import {
  dtls10Messages,
  dtls12Messages,
  type Tls12Bodies,
  tls10Messages,
  tls12Messages,
} from '../../values/wire/tls12-messages.js';
import { type MessageChannel, type Send, senderOf } from '../channel.js';
import type { Negotiated12 } from './negotiated.js';

const senders: ReadonlyMap<MessageTable<Tls12Bodies>, Send<Tls12Bodies>> = new Map(
  [tls12Messages, tls10Messages, dtls12Messages, dtls10Messages].map((table) => [table, senderOf(table)]),
);

export function send<K extends keyof Tls12Bodies & string>(
  channel: MessageChannel,
  { version, messages }: Pick<Negotiated12, 'version' | 'messages'>,
  type: K,
  body: Tls12Bodies[K],
): void {
  senders.get(version.messages)?.(channel, messages, type, body);
}
