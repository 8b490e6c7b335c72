/**
 * How handshake messages, data and alerts travel, in both directions. Over a stream it is `StreamChannel`, over datagrams
 * `FlightChannel`, which sends flights again. The core and the handlers know nothing but this.
 */
import type { Path } from '../values/path.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { MessageTable } from '../values/wire/message-table.js';
import type { AgreedConnectionIds } from './extensions/connection-id.js';
import type { EarlyWriter } from './record/early-epoch.js';
import type { EpochKeys, ReadProtection, WriteProtection } from './record/protection.js';
import type { InboundRecord } from './record/read-half.js';
import type { HandshakeMessage } from './record/reassembly.js';
import type { RecordLimit } from './record/record-limit.js';
import type { WriteHalf } from './record/write-half.js';

/** What came in: a whole handshake message, or a record that holds none. */
export type Inbound = HandshakeMessage | Exclude<InboundRecord, { readonly type: 'handshake' }>;

/** Who writes: this channel, the holder of the half that was given away, or nobody any more. */
export type Writer = WriteHalf | 'split' | 'closed';

/** What the handlers of a handshake use. */
export interface MessageChannel {
  /** Adds a whole message to the flight; nothing leaves before `finishFlight`. */
  addMessage(message: Uint8Array): void;
  /** Adds change_cipher_spec: the last record under the old keys, or a show for middleboxes (RFC 8446 §D.4). */
  addChangeCipherSpec(): void;
  /** The flight leaves, in one write. */
  finishFlight(): void;
  /** It is our turn, with the keys as they are. Throws when handshake bytes wait already. */
  endPeerFlight(): void;
  /** What comes from now on is under these keys. Throws when handshake bytes wait already (RFC 8446 §5.1). */
  installReadKeys(protection: ReadProtection): void;
  /** What is added from now on leaves under these keys. */
  installWriteKeys(protection: WriteProtection): void;
  /** What is added from now on leaves in the clear again: early data that was refused leaves no keys (RFC 8446 §4.1.4). */
  dropWriteKeys(): void;
  /** Version of our unprotected records from now on (RFC 8446 §5.1). */
  setRecordVersion(version: number): void;
  /** The version is agreed: records that name another are none of ours (RFC 5246 §6.2.1). */
  expectRecordVersion(version: number): void;
  /** Records that come from now on are no longer than this. */
  limitReading(limit: RecordLimit): void;
  /** Records that leave from now on are no longer than this. */
  limitWriting(limit: RecordLimit): void;
  /** Over datagrams: what the hellos have agreed on for the keys to come (RFC 9146 §3). */
  useConnectionIds?(agreed: AgreedConnectionIds | undefined): void;
  /** Over datagrams: early data leaves under these keys, beside all else; `undefined`: no more of it does (RFC 9147 §6.1). */
  writeEarlyWith?(protection: WriteProtection | undefined): void;
  /** Over datagrams: early data is read under these besides, until the handshake is complete. */
  readEarlyWith?(protection: ReadProtection): void;
  /** At most so many bytes of rejected early data are thrown away (RFC 8446 §4.2.10). */
  skipEarlyData(bytes: number): void;
}

/** What the core uses besides. */
export interface Channel extends MessageChannel {
  /** Bytes from the transport; they stay unchanged until `next` has answered `undefined` and `detach` ran. */
  feed(chunk: Uint8Array, path?: Path): void;
  /** Copies all that waits out of the chunks fed, which may then be overwritten. */
  detach(): void;
  /** What came in next; `undefined` when more bytes are needed or the budget is spent. Throws `RecordError`. */
  next(): Inbound | undefined;
  /** All bytes fed that are no records of ours any more. */
  takeRest(): Uint8Array;
  /** Bytes of memory that input keeps which is not worked off. */
  readonly held: number;
  /** The following generation of the peer's keys (RFC 8446 §4.6.3). Throws as `installReadKeys`. */
  rekeyRead(): void;
  /** The peer's keys, of TLS 1.3: what its Finished is made with, and how much has come under them. */
  readonly readKeys: EpochKeys | undefined;
  /** An alert ends the flight: messages not sealed yet are dropped, what was sealed before goes first. */
  sendAlert(level: 1 | 2, code: number): void;
  /** Who writes now. */
  readonly writer: Writer;
  /** Over datagrams: who writes early data; elsewhere it is the writer of all. */
  readonly earlyWriter?: EarlyWriter | undefined;
  /** Gives the write half away. Throws `TypeError` when it is not here. */
  split(): WriteHalf;
  /** Takes it back. Throws `TypeError` unless it was given away. */
  join(half: WriteHalf): void;
  /** Nothing more is written. */
  closeWrite(): void;
  /** Over datagrams: the version is agreed, and this channel goes on. */
  agree?(version: ProtocolVersion): Channel;
  /**
   * Over datagrams, where change_cipher_spec has no place in the order of messages: whether it came, asked when it is the
   * next step.
   */
  takeChangeCipherSpec?(): boolean;
  /** Over datagrams: the handshake is complete, and data may be given out. */
  handshakeDone?(): void;
  /** Over datagrams: another one begins, whose messages are numbered anew (RFC 6347 §4.2.2). */
  handshakeAgain?(): void;
  /** Over datagrams: a server's wish for one leaves, and is repeated until it has an answer (RFC 6347 §4.2.4). */
  requestHello?(message: Uint8Array): void;
  /** Over datagrams: there will be no other handshake, neither the one that has begun nor the one that was asked for. */
  handshakeRefused?(): void;
  /** The time that the sink was asked for is over. */
  timeUp?(): void;
  /** Over datagrams: a hello has told the peer our connection ID, and records may bear it. */
  offerConnectionId?(own: Uint8Array): void;
  /** Over datagrams: the time is over that a check of an address was given. */
  pathTimeUp?(): void;
  /** Over datagrams: records that were none of the peer's, or came twice, and were passed over. */
  readonly discarded?: number;
}

/** Where messages go that make up a flight. */
export type Outbox = Pick<MessageChannel, 'addMessage'>;

/** What handshake messages are fed to when they are sent. */
interface Transcribing {
  add(message: Uint8Array): void;
}

/** Sends a handshake message: the only way, since it feeds the transcript too. Answers the encoded message. */
export type Send<Bodies> = <K extends keyof Bodies & string>(
  channel: Outbox,
  transcript: Transcribing,
  type: K,
  body: Bodies[K],
) => Uint8Array;

/** The way to send the messages of one version family. */
export function senderOf<Bodies>(messages: MessageTable<Bodies>): Send<Bodies> {
  return (channel, transcript, type, body) => {
    const message = messages.encode(type, body);
    // First, since over datagrams the channel numbers it.
    channel.addMessage(message);
    transcript.add(message);
    return message;
  };
}
