/** A path of the test's own on loopback, between any number of clients and one server, that loses what it is told to lose. */
import type { Socket } from 'node:dgram';
import { openSocket } from './nat.js';

export interface LossyLink {
  /** Where clients find the server. */
  readonly port: number;
  /** Which datagrams get lost, by the number that each has in its direction. */
  lose: (number: number, towards: 'server' | 'client', datagram: Uint8Array) => boolean;
  readonly lost: { server: number; client: number };
  /** Bytes of the longest datagram in each direction, of those that were lost too. */
  readonly longest: { server: number; client: number };
  stop(): void;
}

export async function openLossyLink(server: number): Promise<LossyLink> {
  const inside = await openSocket();
  const outside = new Map<number, Promise<Socket>>();
  const seen = { server: 0, client: 0 };
  const link: LossyLink = {
    port: inside.address().port,
    lose: () => false,
    lost: { server: 0, client: 0 },
    longest: { server: 0, client: 0 },
    stop() {
      inside.close();
      for (const socket of outside.values()) void socket.then((open) => open.close());
    },
  };
  const passes = (towards: 'server' | 'client', datagram: Uint8Array): boolean => {
    seen[towards] += 1;
    link.longest[towards] = Math.max(link.longest[towards], datagram.length);
    const lost = link.lose(seen[towards], towards, datagram);
    if (lost) link.lost[towards] += 1;
    return !lost;
  };
  const open = async (client: number): Promise<Socket> => {
    const socket = await openSocket();
    socket.on('message', (bytes) => {
      if (passes('client', bytes)) inside.send(bytes, client, '127.0.0.1');
    });
    return socket;
  };
  inside.on('message', (bytes, { port }) => {
    const socket = outside.get(port) ?? open(port);
    outside.set(port, socket);
    if (passes('server', bytes)) void socket.then((way) => way.send(bytes, server, '127.0.0.1'));
  });
  return link;
}
