/** A NAT of the test's own on loopback, for one client: towards its server it can take another port at any time. */
import { createSocket, type Socket } from 'node:dgram';

export interface Nat {
  /** Where the client finds its server. */
  readonly port: number;
  /** Where the server sees the client. */
  readonly outside: number;
  /** Another port; what comes to the one before is lost, unless it is to be kept open. */
  move(before?: 'closed' | 'open'): Promise<void>;
  /** What the server sent to all ports that are open, with the port it came to. */
  readonly came: { readonly bytes: Uint8Array; readonly to: number }[];
  /** Looks at what the client sends; false: it is lost. */
  watch: (datagram: Uint8Array) => boolean;
  /** Sends to the server from a port of one's own, and answers which. */
  sendFrom(sender: Socket, datagram: Uint8Array): void;
  stop(): void;
}

export async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return socket;
}

export async function openNat(server: number): Promise<Nat> {
  const inside = await openSocket();
  const open: Socket[] = [];
  const came: Nat['came'] = [];
  let client: number | undefined;
  const openOutside = async (): Promise<Socket> => {
    const socket = await openSocket();
    socket.on('message', (bytes) => {
      came.push({ bytes, to: socket.address().port });
      if (client !== undefined) inside.send(bytes, client, '127.0.0.1');
    });
    open.push(socket);
    return socket;
  };
  let outside = await openOutside();
  inside.on('message', (bytes, { port }) => {
    client = port;
    if (nat.watch(bytes)) outside.send(bytes, server, '127.0.0.1');
  });
  const nat: Nat = {
    port: inside.address().port,
    came,
    watch: () => true,
    get outside() {
      return outside.address().port;
    },
    async move(before = 'closed') {
      const old = outside;
      outside = await openOutside();
      if (before === 'open') return;
      open.splice(open.indexOf(old), 1);
      old.close();
    },
    sendFrom: (sender, datagram) => sender.send(datagram, server, '127.0.0.1'),
    stop() {
      for (const socket of [inside, ...open.splice(0)]) socket.close();
    },
  };
  return nat;
}
