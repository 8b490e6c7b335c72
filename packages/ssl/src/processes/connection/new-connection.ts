/** What a connection is started with. */
import type { Pid } from '@actor-tls/runtime';
import type { Config, SocketOptions } from '../../options/config.js';
import type { Environment } from '../environment.js';
import type { Place } from '../listener/place.js';
import type { ListenerSessions } from '../resumption/listener-sessions.js';
import type { ListenerTickets } from '../resumption/listener-tickets.js';
import type { Transport } from '../transport/transport.js';
import type { AfterHello } from './handshake-means.js';
import type { SslMessage, SslSocket } from './socket.js';

export interface NewConnection {
  readonly environment: Environment;
  readonly transport: Transport;
  readonly config: Config;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  /** The host argument of `connect`; for an upgrade the peer's address. */
  readonly host: string | undefined;
  /** Its place in the books. */
  readonly place: Place;
  /** Of its listener, if that has tickets. */
  readonly tickets?: ListenerTickets | undefined;
  /** Of its listener, or of all upgraded sockets. */
  readonly sessions?: ListenerSessions | undefined;
  /** With which options it goes on after the peer's hello; by the name asked for unless given. */
  readonly afterHello?: AfterHello | undefined;
}

/** Arguments of the connection process. */
export interface ConnectionArgs {
  readonly connection: NewConnection;
  readonly sender: Pid<unknown>;
  /** Called in `init` with what the user will hold. */
  readonly made: (socket: SslSocket) => void;
}
