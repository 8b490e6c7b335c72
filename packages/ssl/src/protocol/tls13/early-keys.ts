/**
 * Where the keys of early data stand (RFC 8446 §4.2.10, RFC 9147 §5.6, §6.1). Over a stream they are the client's only ones
 * until EndOfEarlyData; over datagrams they have an epoch beside that of the handshake, and no message ends them.
 */
import type { MessageChannel } from '../channel.js';
import type { ReadProtection, WriteProtection } from '../record/protection.js';

/** What ends early data. */
export type EarlyEnd =
  /** EndOfEarlyData (RFC 8446 §4.5). */
  | 'message'
  /** The client's Finished, whose keys are others (RFC 9147 §5.6). */
  | 'finished';

/** As the channel has it. */
export function earlyEndOf({ readEarlyWith }: MessageChannel): EarlyEnd {
  return readEarlyWith === undefined ? 'message' : 'finished';
}

/** A client: its hello is out, and early data may follow. */
export function openEarlyKeys(early: WriteProtection, channel: MessageChannel): void {
  if (channel.writeEarlyWith === undefined) channel.installWriteKeys(early);
  else channel.writeEarlyWith(early);
}

/** RFC 8446 §4.1.4: a retry comes in between, and the second hello goes in the clear. */
export function withdrawEarlyKeys(channel: MessageChannel): void {
  if (channel.writeEarlyWith === undefined) channel.dropWriteKeys();
  else channel.writeEarlyWith(undefined);
}

/** A client's handshake keys, while the server may still accept what was sent early. */
export function keepEarlyKeys(handshake: () => WriteProtection, channel: MessageChannel): void {
  if (channel.writeEarlyWith !== undefined) channel.installWriteKeys(handshake());
}

/** Nothing more is sent early: the server has refused it, or EndOfEarlyData stands before this. */
export function closeEarlyKeys(handshake: () => WriteProtection, channel: MessageChannel): void {
  if (channel.writeEarlyWith === undefined) channel.installWriteKeys(handshake());
  else channel.writeEarlyWith(undefined);
}

/** A server that accepts early data. */
export function readEarlyKeys(
  early: ReadProtection,
  handshake: () => ReadProtection,
  channel: MessageChannel,
): void {
  if (channel.readEarlyWith === undefined) channel.installReadKeys(early);
  else {
    channel.installReadKeys(handshake());
    channel.readEarlyWith(early);
  }
}
