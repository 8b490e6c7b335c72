/** The echo of the README: an acceptor that hands each connection over to a process of its own. */
import type { Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';

export async function echo(self: Self, port: number, options: ssl.TlsServerOptions): Promise<never> {
  const listener = ssl.unwrap(await ssl.listen(self, port, { ...options, active: false }));
  for (;;) {
    const socket = ssl.unwrap(await ssl.transportAccept(self, listener));
    ssl.unwrap(await ssl.handshake(self, socket));
    const worker = self.spawn((owner: Self<ssl.SslMessage>) => serve(owner, socket));
    await ssl.controllingProcess(socket, worker);
  }
}

async function serve(self: Self<ssl.SslMessage>, socket: ssl.SslSocket): Promise<void> {
  await ssl.setopts(socket, { active: 'once' });
  const message = await self.receive();
  if (message.type !== 'ssl' || !(message.data instanceof Uint8Array)) return;
  await ssl.send(socket, message.data);
  return serve(self, socket);
}
