/** What is counted of a node: its connections, clients and servers apart, and the memory of unfinished handshakes. */

import { type ClientResumptionCounters, ClientResumptionTally } from '../resumption/client-tally.js';
import { type ResumptionCounters, ResumptionTally } from '../resumption/resumption-tally.js';
import { type SessionCounters, SessionTally } from '../resumption/session-tally.js';
import type { Transport } from '../transport/transport.js';
import { Door, type DoorLimits } from './door.js';
import { HandshakeMemory } from './handshake-memory.js';
import { Place } from './place.js';
import { type ConnectionCounters, Tally } from './tally.js';

/** What a node's connections did. */
export interface NodeCounters {
  readonly client: ConnectionCounters;
  readonly server: ConnectionCounters;
  /** Bytes that unfinished handshakes of both sides hold now. */
  readonly heldBytes: number;
  /** Handshakes given up because those of the whole node held too much. */
  readonly displacedMemory: number;
  /** Of TLS 1.3: all clients; and servers that have tickets, upgraded sockets included. */
  readonly resumption: { readonly client: ClientResumptionCounters; readonly server: ResumptionCounters };
  /** Of TLS 1.2 and before: all servers, upgraded sockets included. */
  readonly sessions: SessionCounters;
}

/** The options of a listener that its books need. */
export interface ListenerLimits extends DoorLimits {
  readonly maxHandshakeBytes: number | 'infinity';
}

/** The books of one listener. */
export interface ListenerBooks {
  readonly door: Door;
  readonly tally: Tally;
}

export class Census {
  readonly #clients: Tally = new Tally();
  readonly #servers: Tally = new Tally();
  readonly #memory: HandshakeMemory;
  readonly resumption: { readonly client: ClientResumptionTally; readonly server: ResumptionTally } = {
    client: new ClientResumptionTally(),
    server: new ResumptionTally(),
  };

  readonly sessions: SessionTally = new SessionTally();

  /** `maxHandshakeBytes`: what all unfinished handshakes may hold together. */
  constructor(maxHandshakeBytes: number) {
    this.#memory = new HandshakeMemory(maxHandshakeBytes);
  }

  /** A place for a connection that came by no listener: a client's, or an upgraded socket's. */
  place(transport: Transport, side: 'client' | 'server'): Place {
    const tally = side === 'client' ? this.#clients : this.#servers;
    const place = new Place(transport, { tally, memory: this.#memory, door: undefined });
    place.accepted();
    return place;
  }

  openListener(limits: ListenerLimits): ListenerBooks {
    const { maxHandshakeBytes: bytes } = limits;
    const tally = new Tally(this.#servers);
    const memory = new HandshakeMemory(bytes === 'infinity' ? Infinity : bytes, this.#memory);
    return { tally, door: new Door(limits, tally, memory) };
  }

  /** All connections of the node. */
  present(): readonly Place[] {
    return [...this.#clients.present, ...this.#servers.present];
  }

  /** `nodeCounters` */
  counters(): NodeCounters {
    return {
      client: this.#clients.counters(),
      server: this.#servers.counters(),
      heldBytes: this.#memory.held,
      displacedMemory: this.#memory.displaced,
      resumption: {
        client: this.resumption.client.counters(),
        server: this.resumption.server.counters(),
      },
      sessions: this.sessions.counters(),
    };
  }
}
