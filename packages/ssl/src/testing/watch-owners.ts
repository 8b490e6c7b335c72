/**
 * What connections tell their owners, recorded as it is sent, and the promises of contract §3 checked on it:
 * `ssl_closed` never before the last data; at most one of `ssl_closed` and `ssl_error`, and nothing after it; no
 * message to a process that is not the owner; every byte once and in order, whoever got it.
 */
import { type Node, Pid } from '@actor-tls/runtime';
import type { SslMessage, SslSocket } from '../processes/connection/socket.js';

/** One message on its way: `index` counts all messages of the node's connections. */
export interface OwnerMessageSent {
  readonly index: number;
  readonly to: Pid<never>;
  readonly message: SslMessage;
}

export interface OwnerWatch {
  readonly told: readonly OwnerMessageSent[];
  /** What one connection has told, to whomever. */
  of(socket: SslSocket): readonly OwnerMessageSent[];
  /** The binaries that it has delivered, joined. */
  dataOf(socket: SslSocket): Uint8Array;
  /**
   * `controllingProcess(socket, owner)` has answered: from here on only `owner` may be told. Call it when the answer
   * is there, before anything else is awaited.
   */
  handedOver(socket: SslSocket, owner: Pid<never>): void;
  /** How the connection ended as its owner was told; `undefined`: nothing was said. */
  ending(socket: SslSocket): 'ssl_closed' | 'ssl_error' | undefined;
  /** What was not as promised, a line each; empty when all is well. */
  violations(): readonly string[];
}

/** Begins to record on a node. Messages are seen by xstate's inspection, which the node pays for while it lasts. */
export function watchOwners(node: Node): OwnerWatch {
  const told: OwnerMessageSent[] = [];
  const owners = new Map<SslSocket, Pid<never>>();
  const broken: string[] = [];
  const over = new Set<SslSocket>();
  node.system.inspect((event) => {
    if (event.type !== '@xstate.event') return;
    const message: unknown = event.event;
    const to: unknown = event.actorRef;
    if (!isSslMessage(message) || !(to instanceof Pid)) return;
    const { socket } = message;
    const index = told.length;
    const entry: OwnerMessageSent = { index, to, message };
    told.push(entry);
    if (over.has(socket)) broken.push(`${index}: ${message.type} of ${socket} after its end`);
    if (message.type === 'ssl_closed' || message.type === 'ssl_error') over.add(socket);
    const owner = owners.get(socket);
    if (owner !== undefined && owner !== to)
      broken.push(`${index}: ${message.type} of ${socket} to ${to}, its owner is ${owner}`);
  });
  const of = (socket: SslSocket): readonly OwnerMessageSent[] =>
    told.filter(({ message }) => message.socket === socket);
  return {
    told,
    of,
    dataOf: (socket) =>
      Buffer.concat(
        of(socket).flatMap(({ message }) =>
          message.type === 'ssl' && message.data instanceof Uint8Array ? [message.data] : [],
        ),
      ),
    handedOver(socket, owner) {
      owners.set(socket, owner);
    },
    ending(socket) {
      const last = of(socket).at(-1)?.message.type;
      return last === 'ssl_closed' || last === 'ssl_error' ? last : undefined;
    },
    violations: () => broken,
  };
}

const types: readonly unknown[] = ['ssl', 'ssl_closed', 'ssl_error', 'ssl_passive'];

function isSslMessage(message: unknown): message is SslMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    types.includes(message.type) &&
    'socket' in message
  );
}
