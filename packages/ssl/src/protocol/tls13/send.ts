/** Sending the messages of TLS 1.3. */
import { type HandshakeBodies, tls13Messages } from '../../values/wire/handshake.js';
import { type Send, senderOf } from '../channel.js';

export const send: Send<HandshakeBodies> = senderOf(tls13Messages);
