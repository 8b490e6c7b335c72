/** A server and clients that meet again, over loopback: what the tests of resumption say in one word. */
import type { Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';

export const ca = createCa();
export const localhost = ca.issue({ names: ['localhost', 'other.example'] });
const someClient = ca.issue({ subject: 'a client', names: ['client.example'] });

/** A server's certificate. */
export const served: ssl.TlsServerOptions = {
  cert: localhost.chain,
  key: { PrivateKeyInfo: localhost.key },
};
/** A client that trusts it. */
export const trusting: ssl.TlsClientOptions = { cacerts: [ca.cert], serverNameIndication: 'localhost' };
/** A client with a certificate of its own. */
export const known: ssl.TlsClientOptions = {
  cert: someClient.chain,
  key: { PrivateKeyInfo: someClient.key },
};
export const clientCertificate: Uint8Array = someClient.cert;
/** A server that asks for it. */
export const asking: ssl.TlsServerOptions = { verify: 'verify_peer', cacerts: [ca.cert] };

export interface Meeting {
  readonly client: Readonly<Record<string, unknown>>;
  readonly server: Readonly<Record<string, unknown>>;
  readonly clientSocket: ssl.SslSocket;
  readonly serverSocket: ssl.SslSocket;
}

export interface Host {
  readonly listener: ssl.SslListenSocket;
  readonly port: number;
  /** Options of `handshake/2` for the connections to come. */
  later: ssl.TlsServerOptions | undefined;
  counters(): Promise<NonNullable<ssl.ListenerCounters['resumption']>>;
  /** Of TLS 1.2 and before. */
  sessions(): Promise<ssl.SessionCounters>;
  close(): Promise<void>;
}

export async function host(self: Self, options: ssl.TlsServerOptions): Promise<Host> {
  const listening: ssl.TlsServerOptions = { ...served, ...options, ip: 'loopback', active: false };
  const listener = ssl.unwrap(await ssl.listen(self, 0, listening));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return {
    listener,
    port,
    later: undefined,
    async counters() {
      const counters = await ssl.listenerCounters(listener);
      if ('error' in counters || counters.resumption === undefined) throw new Error('no counters');
      return counters.resumption;
    },
    async sessions() {
      const counters = await ssl.listenerCounters(listener);
      if ('error' in counters || counters.sessions === undefined) throw new Error('no counters');
      return counters.sessions;
    },
    async close() {
      await ssl.close(listener);
    },
  };
}

/** Both ends of one connection; throws what either answers. The client has got its tickets when this resolves. */
export async function meet(
  self: Self,
  { listener, port, later }: Host,
  options: ssl.TlsClientOptions = {},
): Promise<Meeting> {
  const serving = ssl.transportAccept(self, listener, 5000).then(async (accepted) => {
    const socket = ssl.unwrap(accepted);
    return later === undefined ? ssl.handshake(self, socket, 5000) : ssl.handshake(self, socket, later, 5000);
  });
  const client = await ssl.connect(self, 'localhost', port, { ...trusting, active: false, ...options }, 5000);
  const server = await serving;
  const clientSocket = ssl.unwrap(client);
  const serverSocket = ssl.unwrap(server);
  ssl.unwrap(await ssl.send(serverSocket, 'x'));
  // What comes behind the tickets: then they are here.
  if (options.active === undefined) ssl.unwrap(await ssl.recv(clientSocket, 1, 5000));
  return {
    client: ssl.unwrap(await ssl.connectionInformation(clientSocket)),
    server: ssl.unwrap(await ssl.connectionInformation(serverSocket)),
    clientSocket,
    serverSocket,
  };
}

/** Meets and parts; whether it was by a ticket, by both ends' account. */
export async function resumes(self: Self, at: Host, options: ssl.TlsClientOptions = {}): Promise<boolean> {
  const meeting = await meet(self, at, options);
  await part(meeting);
  const { client, server } = meeting;
  if (client['sessionResumption'] !== server['sessionResumption']) throw new Error('the ends disagree');
  return client['sessionResumption'] === true;
}

export async function part({ clientSocket, serverSocket }: Meeting): Promise<void> {
  await ssl.close(clientSocket);
  await ssl.close(serverSocket);
}
