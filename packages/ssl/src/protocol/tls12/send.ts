/** Sending the messages of TLS 1.2. */
import { type Tls12Bodies, tls12Messages } from '../../values/wire/tls12-messages.js';
import { type Send, senderOf } from '../channel.js';

export const send: Send<Tls12Bodies> = senderOf(tls12Messages);
