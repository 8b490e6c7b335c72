/** A port of loopback that nobody listens on just now, for a peer that has to be told one. */
import { createSocket } from 'node:dgram';

export async function freeUdpPort(): Promise<number> {
  const probe = createSocket('udp4');
  await new Promise<void>((done) => probe.bind(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise<void>((done) => probe.close(done));
  return port;
}
