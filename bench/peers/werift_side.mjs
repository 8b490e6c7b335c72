/**
 * werift-dtls under the load of the DTLS rows: client and server in one process, a socket each. It has no listener for
 * many peers, and trusts any certificate. Not among our dependencies: arguments are the folder that holds its
 * `node_modules`, then PEM files of certificate and key. Commands as in `side-process.ts`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [folder = '.', certfile = '', keyfile = ''] = process.argv.slice(2);
const require = createRequire(import.meta.url);
// Its package.json names an entry that is not there (0.5.8).
const { DtlsClient, DtlsServer } = require(
  join(resolve(folder), 'node_modules/werift-dtls/lib/dtls/src/index.js'),
);
const own = { cert: readFileSync(certfile, 'latin1'), key: readFileSync(keyfile, 'latin1') };
/** ecdsa_secp256r1_sha256, as the other sides sign. */
const signatureHash = { hash: 4, signature: 3 };

/** A transport on loopback to `peer`, or to whoever has sent last. */
async function transport(peer) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let to = peer;
  const made = {
    type: 'udp',
    closed: false,
    onData: () => {},
    address: socket.address(),
    send: (data) => new Promise((done) => socket.send(data, to, '127.0.0.1', () => done())),
    close: async () => socket.close(),
  };
  socket.on('message', (data, { port }) => {
    to = peer ?? port;
    made.onData(data, ['127.0.0.1', port]);
  });
  return made;
}

/** Both ends of a connection, client first. */
async function pair() {
  const below = await transport(undefined);
  const above = await transport(below.address.port);
  const common = { ...own, signatureHash, extendedMasterSecret: true };
  const server = new DtlsServer({ ...common, transport: below });
  const client = new DtlsClient({ ...common, transport: above });
  const connected = [client, server].map((end) => new Promise((done) => end.onConnect.once(done)));
  await client.connect();
  await Promise.all(connected);
  const close = () => Promise.all([below.close(), above.close()]);
  return { client, server, close };
}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function rate(ms, operation) {
  const begin = cpu();
  let count = 0;
  while (cpu() - begin < ms) {
    for (let i = 0; i < 10; i += 1) await operation();
    count += 10;
  }
  return (count * 1000) / (cpu() - begin);
}

async function trips(ms, size) {
  const { client, server, close } = await pair();
  const message = Buffer.alloc(size, 2);
  server.onData.subscribe((data) => void server.send(data));
  let heard = () => {};
  client.onData.subscribe(() => heard());
  const result = await rate(ms, async () => {
    const back = new Promise((done) => {
      heard = done;
    });
    await client.send(message);
    await back;
  });
  await close();
  return result;
}

function measure(command) {
  const [what, first, second] = command.split(' ');
  // Its handshakes wait for timers of 100 ms: a row of them takes a quarter of an hour.
  return what === 'rtt' ? trips(Number(second), Number(first)) : Number.NaN;
}

console.log('ready werift-dtls');
for await (const command of createInterface(process.stdin)) console.log(await measure(command));
process.exit(0);
