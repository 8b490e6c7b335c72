/**
 * A client comes back a hundred thousand times while ticket keys turn, and memory stays as it is:
 *
 *   node --expose-gc bench/dist/resumptions.js [times]
 *
 * Prints a line for each tenth and fails when the last tenths hold more than the first ones did.
 */
import { createNode, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';

const times = Number(process.argv[2] ?? 100_000);
/** Bytes that a heap may be larger by at the end, for what a collection leaves. */
const tolerance = 8 << 20;
const { gc } = globalThis;
if (gc === undefined) {
  console.error('run with --expose-gc, to tell what stays from what is not collected yet');
  process.exit(1);
}

const node = createNode({ logger: silentLogger });
const self = node.shell();
ssl.unwrap(await ssl.start({ node }));
const ca = createCa();
const { chain, key } = ca.issue({ names: ['localhost'] });
const listener = ssl.unwrap(
  await ssl.listen(self, 0, {
    ip: 'loopback',
    active: false,
    cert: chain,
    key: { PrivateKeyInfo: key },
    sessionTickets: 'stateless',
    antiReplay: '100k',
    earlyData: 'enabled',
  }),
);
const { port } = ssl.unwrap(await ssl.sockname(listener));
const client: ssl.TlsClientOptions = {
  cacerts: [ca.cert],
  serverNameIndication: 'localhost',
  active: false,
  sessionTickets: 'auto',
};

/** Keys turn a hundred times in a run, where the listener can turn them. */
const rotate: unknown = Reflect.get(ssl, 'rotateTicketKeys');
let resumed = 0;

async function comeBack(): Promise<void> {
  const serving = ssl.transportAccept(self, listener).then(async (accepted) => {
    const socket = ssl.unwrap(accepted);
    ssl.unwrap(await ssl.handshake(self, socket, 10_000));
    ssl.unwrap(await ssl.send(socket, 'x'));
    return socket;
  });
  const socket = ssl.unwrap(await ssl.connect(self, 'localhost', port, client, 10_000));
  ssl.unwrap(await ssl.recv(socket, 1, 10_000));
  const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(socket, ['sessionResumption']));
  if (sessionResumption) resumed += 1;
  await ssl.close(socket);
  await ssl.close(await serving);
}

const held: number[] = [];
const began = performance.now();
for (let n = 1; n <= times; n += 1) {
  await comeBack();
  if (typeof rotate === 'function' && n % Math.ceil(times / 100) === 0) await rotate(listener);
  if (n % Math.ceil(times / 10) !== 0) continue;
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  held.push(heapUsed + arrayBuffers);
  const rate = Math.round(n / ((performance.now() - began) / 1000));
  console.log(`${n}: ${resumed} resumed, ${(held.at(-1) ?? 0) >> 10} KB, ${rate} a second`);
}
console.log(JSON.stringify(await ssl.listenerCounters(listener)));
await ssl.stop(node);
node.stop();

const grown = Math.max(...held.slice(-2)) - Math.max(...held.slice(1, 3));
if (resumed < times - 1 || grown > tolerance) {
  console.error(`${times - resumed} were not resumed, the heap has grown by ${grown} bytes`);
  process.exitCode = 1;
}
