/** Sending the messages of TLS 1.3. */
import { type Tls13Bodies, tls13Messages } from '../../values/wire/tls13-messages.js';
import { type Send, senderOf } from '../channel.js';

export const send: Send<Tls13Bodies> = senderOf(tls13Messages);
