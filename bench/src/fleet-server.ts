/**
 * One server of the fleet of `fleet.ts`, in a process of its own, to be killed: an echo with tickets whose keys, and memory
 * of early data, are in Redis.
 */
import { createNode, type Self, silentLogger } from '@actor-tls/runtime';
import { redisReplayStore, redisTicketKeyStore } from '@actor-tls/session-store';
import * as ssl from '@actor-tls/ssl';
import { createClient } from 'redis';
import { fleetEnv, type ServerOrder, type ServerTold } from './fleet-order.js';

const order: ServerOrder = JSON.parse(process.argv[2] ?? '{}');

/** Connections that are served at once. */
const acceptors = 64;

const client = createClient({
  url: `redis://127.0.0.1:${order.redisPort}`,
  socket: { reconnectStrategy: () => 100 },
});
client.on('error', () => undefined);
await client.connect();

const node = createNode({ logger: silentLogger });
ssl.unwrap(await ssl.start({ node, env: fleetEnv }));
const shell = node.shell();
const listener = ssl.unwrap(
  await ssl.listen(shell, order.port, {
    ip: 'loopback',
    active: false,
    cert: order.cert.map((der) => Buffer.from(der, 'base64')),
    key: { PrivateKeyInfo: Buffer.from(order.key, 'base64') },
    sessionTickets: 'stateless',
    earlyData: 'enabled',
    antiReplay: { windowSize: order.window, hashFunctions: 5, bits: 1_050_011 },
    ticketKeyLifetime: 1,
    fleet: {
      ticketKeyStore: redisTicketKeyStore(client),
      replayStore: redisReplayStore(client),
      clockTolerance: order.clockTolerance,
      // Machines that run all of this at once are slow at times, and that is not what is shown here.
      storeDeadline: 2000,
    },
    fleetSeed: Buffer.from(order.seed, 'base64'),
  }),
);

async function serve(self: Self): Promise<void> {
  for (;;) {
    const accepted = await ssl.transportAccept(self, listener);
    if ('error' in accepted) return;
    const socket = await ssl.handshake(self, accepted.ok, 10_000);
    if ('error' in socket) continue;
    await ssl.send(socket.ok, 'served');
    await ssl.recv(socket.ok, 0, 10_000);
    await ssl.close(socket.ok);
  }
}

for (let n = 0; n < acceptors; n += 1) node.spawn(serve);
process.send?.('listening');
setInterval(async () => {
  const counters = await ssl.listenerCounters(listener);
  if ('error' in counters || counters.resumption === undefined) return;
  const { resumed, refused } = counters.resumption;
  const told: ServerTold = { resumed, refused: { ...refused } };
  process.send?.(told);
}, 500);
process.on('disconnect', () => process.exit());
