/** NewConnectionId and RequestConnectionId (RFC 9147 §9), of DTLS 1.3 alone. */
import { type Codec, list16, opaque8, struct, uint8 } from '../codec.js';
import { type MessageTable, messageTable } from '../message-table.js';

export interface NewConnectionId {
  readonly cids: readonly Uint8Array[];
  /** ConnectionIdUsage: 0 cid_immediate, 1 cid_spare; anything else is illegal. */
  readonly usage: number;
}

export interface RequestConnectionId {
  /** How many are wished for. */
  readonly numCids: number;
}

const newConnectionId: Codec<NewConnectionId> = struct<NewConnectionId>({
  cids: list16(opaque8(0, 255), 0, 65_535),
  usage: uint8,
});
const requestConnectionId: Codec<RequestConnectionId> = struct<RequestConnectionId>({ numCids: uint8 });

interface Bodies {
  request_connection_id: RequestConnectionId;
  new_connection_id: NewConnectionId;
}

export const connectionIdMessages: MessageTable<Bodies> = messageTable<Bodies>({
  request_connection_id: { code: 9, body: requestConnectionId },
  new_connection_id: { code: 10, body: newConnectionId },
});
