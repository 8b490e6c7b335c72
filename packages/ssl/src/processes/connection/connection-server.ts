/** The connection process as a gen_server: its callbacks. */
import type { GenServer } from '@actor-tls/runtime';
import { Connection } from './connection.js';
import { isConnectionRequest } from './connection-requests.js';
import type { ConnectionArgs } from './new-connection.js';

export const connectionServer: GenServer<Connection, ConnectionArgs> = {
  label: 'tls_connection',
  init(self, args) {
    self.trapExit(true);
    return { ok: new Connection(self, args) };
  },
  handleCall(request, from, connection) {
    return isConnectionRequest(request) ? connection.call(request, from) : undefined;
  },
  handleInfo(message, connection) {
    return connection.info(message);
  },
  terminate(reason, connection) {
    connection.terminate(reason);
  },
};
