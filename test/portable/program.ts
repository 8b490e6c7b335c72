/**
 * The whole package as a program uses it: listen, connect, judge, hand over, stream against a slow reader, upgrade a
 * plain socket, close, stop. Run by other runtimes than Node; the last line is what happened, as JSON.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { defaultNode, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';

const ca = createCa();
const leaf = ca.issue();
ssl.unwrap(await ssl.start());
const self = defaultNode().shell();
const trusting = { cacerts: [ca.cert], active: false } as const;
const happened: Record<string, unknown> = {};

const listener = ssl.unwrap(
  await ssl.listen(self, 0, {
    cert: leaf.chain,
    key: { PrivateKeyInfo: leaf.key },
    ip: 'loopback',
    active: false,
    logLevel: 'none',
  }),
);
const { port } = ssl.unwrap(await ssl.sockname(listener));

async function echo(owner: Self<ssl.SslMessage>, socket: ssl.SslSocket): Promise<void> {
  for (;;) {
    await ssl.setopts(socket, { active: 'once' });
    const message = await owner.receive();
    if (message.type !== 'ssl' || !(message.data instanceof Uint8Array)) return;
    await ssl.send(socket, message.data);
  }
}

self.spawn(async (accepting: Self) => {
  for (;;) {
    const accepted = await ssl.transportAccept(accepting, listener);
    if ('error' in accepted) return;
    const shaken = await ssl.handshake(accepting, accepted.ok, 5000);
    if ('error' in shaken) continue;
    const worker = accepting.spawn((owner: Self<ssl.SslMessage>) => echo(owner, shaken.ok));
    await ssl.controllingProcess(shaken.ok, worker);
  }
});

const socket = ssl.unwrap(await ssl.connect(self, 'localhost', port, trusting));
happened['information'] = ssl.unwrap(await ssl.connectionInformation(socket, ['protocol']));

// More than all buffers hold: the echo has to wait for us, and nothing may be lost over it.
const data = new Uint8Array(8_000_000).map((_, i) => i * 7 + (i >> 8));
const sent = ssl.send(socket, data);
await new Promise((later) => setTimeout(later, 300));
const back = ssl.unwrap(await ssl.recv(socket, data.length));
ssl.unwrap(await sent);
happened['echoed'] = back instanceof Uint8Array && Buffer.compare(data, back) === 0;

ssl.unwrap(await ssl.updateKeys(socket, 'read_write'));
ssl.unwrap(await ssl.send(socket, 'new keys'));
happened['after new keys'] = String(ssl.unwrap(await ssl.recv(socket, 8)));
ssl.unwrap(await ssl.shutdown(socket, 'write'));
happened['after our end'] = await ssl.recv(socket, 0, 5000);
await ssl.close(socket);

const elsewhere = { ...trusting, serverNameIndication: 'elsewhere.example', logLevel: 'none' } as const;
const refused = await ssl.connect(self, 'localhost', port, elsewhere, 5000);
happened['another host'] = /hostname_check_failed/.test(ssl.formatError(refused));
happened['nobody listens'] = await ssl.connect(self, 'localhost', 1, trusting, 5000);

const plain = createConnection(port, '127.0.0.1');
await once(plain, 'connect');
const upgraded = ssl.unwrap(await ssl.connect(self, plain, { cacerts: [ca.cert] }));
ssl.unwrap(await ssl.send(upgraded, 'upgraded'));
happened['upgraded'] = String(ssl.unwrap(await ssl.recv(upgraded, 8)));
await ssl.close(upgraded);

await ssl.close(listener);
await ssl.stop();
defaultNode().stop();
console.log(JSON.stringify(happened));
