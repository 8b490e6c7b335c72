/**
 * How handshake messages travel, as the handlers see it. Over a stream it is `StreamTransport`; over datagrams,
 * flights with retransmission will be another.
 */
import type { MessageTable } from '../values/wire/message-table.js';
import type { ReadProtection, WriteProtection } from './record/protection.js';

export interface MessageTransport {
  /** Adds a whole message to the flight; nothing leaves before `finishFlight`. */
  addMessage(message: Uint8Array): void;
  /** Adds the record that middleboxes want to see (RFC 8446 §D.4). */
  addChangeCipherSpec(): void;
  /** The flight leaves, in one write. */
  finishFlight(): void;
  /** It is our turn, with the keys as they are. Throws when handshake bytes wait already. */
  endPeerFlight(): void;
  /** What comes from now on is under these keys. Throws when handshake bytes wait already (RFC 8446 §5.1). */
  installReadKeys(protection: ReadProtection): void;
  /** What is added from now on leaves under these keys. */
  installWriteKeys(protection: WriteProtection): void;
  /** At most so many bytes of rejected early data are thrown away (RFC 8446 §4.2.10). */
  skipEarlyData(bytes: number): void;
}

/** What handshake messages are fed to when they are sent. */
interface Transcribing {
  add(message: Uint8Array): void;
}

/** Sends a handshake message: the only way, since it feeds the transcript too. Answers the encoded message. */
export type Send<Bodies> = <K extends keyof Bodies & string>(
  transport: MessageTransport,
  transcript: Transcribing,
  type: K,
  body: Bodies[K],
) => Uint8Array;

/** The way to send the messages of one version family. */
export function senderOf<Bodies>(messages: MessageTable<Bodies>): Send<Bodies> {
  return (transport, transcript, type, body) => {
    const message = messages.encode(type, body);
    transcript.add(message);
    transport.addMessage(message);
    return message;
  };
}
