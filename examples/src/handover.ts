/** The echo of the README: an acceptor that hands its connection over to a process of its own. */
import type { Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';

export async function echo(self: Self, port: number, options: ssl.TlsServerOptions): Promise<void> {
  const listener = ssl.unwrap(await ssl.listen(self, port, { ...options, active: false }));
  const socket = ssl.unwrap(await ssl.transportAccept(self, listener));
  ssl.unwrap(await ssl.handshake(self, socket));
  const worker = self.spawn(async (owner: Self<ssl.SslMessage>) => {
    for (let it = await owner.receive(); it.type === 'ssl'; it = await owner.receive())
      if (it.data instanceof Uint8Array) await ssl.send(socket, it.data);
  });
  await ssl.controllingProcess(socket, worker);
  await ssl.setopts(socket, { active: true });
}
