/** What a user holds: a connection, or a listener. Compared by identity, shown as Erlang shows its sockets. */
import { inspect } from 'node:util';
import type { Node, Pid } from '@actor-tls/runtime';
import type { OwnerMessage } from '../delivery/delivery.js';
import type { ReceivedData } from '../delivery/received-data.js';

/** What the owner of a connection is told; `Data` is what its options make of what comes. */
export type SslMessage<Data = ReceivedData> = OwnerMessage<SslSocket<Data>, Data>;

/**
 * A TLS connection. The same object from `connect` or `transportAccept` on, and in every message to its owner. Its only
 * own property is its name: whoever compares or prints messages does not walk through the node.
 */
export class SslSocket<out Data = ReceivedData> {
  /** Exists for the type checker only: what the socket delivers. */
  declare readonly delivers?: Data;
  /** `<0.19.0>`: the pid of the connection, unique on its node. */
  readonly id: string;
  readonly #node: Node;
  readonly #connection: Pid<unknown>;
  readonly #sender: Pid<unknown>;

  constructor(node: Node, connection: Pid<unknown>, sender: Pid<unknown>) {
    this.id = connection.toString();
    this.#node = node;
    this.#connection = connection;
    this.#sender = sender;
  }

  get node(): Node {
    return this.#node;
  }

  /** The receiver: handshake, decryption, delivery, owner monitor. */
  get connection(): Pid<unknown> {
    return this.#connection;
  }

  /** The only writer. */
  get sender(): Pid<unknown> {
    return this.#sender;
  }

  toString(): string {
    return `#sslsocket${this.id}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A listening socket. */
export class SslListenSocket<out Data = ReceivedData> {
  /** Exists for the type checker only: what accepted sockets deliver. */
  declare readonly delivers?: Data;
  /** The pid of the listener, unique on its node. */
  readonly id: string;
  readonly #node: Node;
  readonly #listener: Pid<never>;

  constructor(node: Node, listener: Pid<never>) {
    this.id = listener.toString();
    this.#node = node;
    this.#listener = listener;
  }

  get node(): Node {
    return this.#node;
  }

  get listener(): Pid<never> {
    return this.#listener;
  }

  toString(): string {
    return `#ssllisten${this.id}`;
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
