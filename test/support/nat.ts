/** A NAT of the test's own on loopback: towards the server its clients share one port, and can be given another at any time. */
import { createSocket, type Socket } from 'node:dgram';

export interface Nat {
  /** Where clients find the server. */
  readonly port: number;
  /** Where the server sees the clients. */
  readonly outside: number;
  /** Another port; what comes to the one before is lost. */
  move(): Promise<void>;
  /** What the server has sent, and to which port of those that are open. */
  readonly came: { readonly bytes: Uint8Array; readonly to: number }[];
  /** Looks at what a client sends; false: it is lost. */
  watch: (datagram: Uint8Array) => boolean;
  stop(): void;
}

export async function openSocket(port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(port, '127.0.0.1', done));
  return socket;
}

/** `first`: the port that it has towards the server at first; 0: any. */
export async function openNat(server: number, first = 0): Promise<Nat> {
  const inside = await openSocket();
  const open: Socket[] = [];
  const came: Nat['came'] = [];
  const clients = new Set<number>();
  const openOutside = async (own = 0): Promise<Socket> => {
    const socket = await openSocket(own);
    const { port } = socket.address();
    socket.on('message', (bytes) => {
      came.push({ bytes, to: port });
      for (const client of clients) inside.send(bytes, client, '127.0.0.1');
    });
    open.push(socket);
    return socket;
  };
  let outside = await openOutside(first);
  const nat: Nat = {
    port: inside.address().port,
    came,
    watch: () => true,
    get outside() {
      return outside.address().port;
    },
    async move() {
      const old = outside;
      outside = await openOutside();
      open.splice(open.indexOf(old), 1);
      old.close();
    },
    stop() {
      for (const socket of [inside, ...open.splice(0)]) socket.close();
    },
  };
  inside.on('message', (bytes, { port }) => {
    clients.add(port);
    if (nat.watch(bytes)) outside.send(bytes, server, '127.0.0.1');
  });
  return nat;
}
