/** What a user holds: a connection, or a listener. Compared by identity, shown as Erlang shows its sockets. */
import { inspect } from 'node:util';
import type { Node, Pid } from '@actor-tls/runtime';
import type { OwnerMessage } from './delivery.js';

/** What the owner of a connection is told (contract §3). */
export type SslMessage = OwnerMessage<SslSocket>;

/** A TLS connection. The same object from `connect` or `transportAccept` on, and in every message to its owner. */
export class SslSocket {
  /** The receiver: handshake, decryption, delivery, owner monitor. */
  readonly connection: Pid<unknown>;
  /** The only writer. */
  readonly sender: Pid<unknown>;
  readonly node: Node;

  constructor(node: Node, connection: Pid<unknown>, sender: Pid<unknown>) {
    this.node = node;
    this.connection = connection;
    this.sender = sender;
  }

  toString(): string {
    return `#sslsocket${this.connection.toString()}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A listening socket. */
export class SslListenSocket {
  readonly listener: Pid<never>;
  readonly node: Node;

  constructor(node: Node, listener: Pid<never>) {
    this.node = node;
    this.listener = listener;
  }

  toString(): string {
    return `#ssllisten${this.listener.toString()}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

for (const shown of [SslSocket, SslListenSocket])
  Object.defineProperty(shown.prototype, inspect.custom, {
    value(this: SslSocket | SslListenSocket): string {
      return this.toString();
    },
  });
