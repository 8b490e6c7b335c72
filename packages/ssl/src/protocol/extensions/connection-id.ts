/** connection_id, RFC 9146 §3: records find their connection by an ID, whatever address they come from. DTLS only. */
import type { ConnectionIdTerms, PathCheck } from '../../values/connection-id.js';
import { type Codec, opaque8, struct } from '../../values/wire/codec.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

/** What both sides have said. */
export interface AgreedConnectionIds {
  /** That of records which come to us; may be empty: those have none then. */
  readonly own: Uint8Array;
  /** That of records which we send, likewise. */
  readonly peer: Uint8Array;
  /** Whether both answer checks of their addresses (RFC 9853 §3). */
  readonly checks: boolean;
  /** How we want to make sure of a new address. */
  readonly check: PathCheck;
}

/** Of a hello. */
export interface ConnectionIdExtensions {
  readonly connectionId: ConnectionId | undefined;
  readonly returnRoutability: true | undefined;
}

export interface ConnectionId {
  readonly cid: Uint8Array;
}

const code = 54;
const connectionIdData: Codec<ConnectionId> = struct<ConnectionId>({ cid: opaque8(0, 255) });

/** In both hellos. */
export const connectionId: Field<'connectionId', ConnectionId> = field(
  code,
  'connectionId',
  connectionIdData,
);

/** A server's answer. `own`: asked for when there is somebody to tell it. */
export function selectConnectionIds(
  { connectionId: offered, returnRoutability }: ConnectionIdExtensions,
  wanted: Pick<ConnectionIdTerms, 'check'> | undefined,
  own: () => Uint8Array,
): AgreedConnectionIds | undefined {
  if (offered === undefined || wanted === undefined) return undefined;
  // RFC 9853 §3: without IDs there are no checks.
  const checks = returnRoutability === true;
  return { own: own(), peer: Uint8Array.from(offered.cid), checks, check: wanted.check };
}

/** A client reads the answer. `possible`: whether the version has IDs. Throws `wrong_connection_id`. */
export function acceptConnectionIds(
  answer: ConnectionIdExtensions,
  offered: ConnectionIdExtensions,
  wanted: Pick<ConnectionIdTerms, 'check'> | undefined,
  possible: boolean,
): AgreedConnectionIds | undefined {
  const checks = answer.returnRoutability === true;
  if (answer.connectionId === undefined) {
    if (checks) throw new AlertError('wrong_connection_id');
    return undefined;
  }
  if (!possible || offered.connectionId === undefined || wanted === undefined)
    throw new AlertError('wrong_connection_id');
  const { check } = wanted;
  return { own: offered.connectionId.cid, peer: Uint8Array.from(answer.connectionId.cid), checks, check };
}

/** As a ServerHello says it. */
export function connectionIdAnswer(agreed: AgreedConnectionIds | undefined): ConnectionIdExtensions {
  return {
    connectionId: agreed && { cid: agreed.own },
    returnRoutability: agreed?.checks === true ? true : undefined,
  };
}
