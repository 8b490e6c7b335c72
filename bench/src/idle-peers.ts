/**
 * Resident memory per idle peer of one UDP socket, the server's end alone, in KB. Arguments as those of `idle.ts`; the
 * clients are a process of their own, which this one starts: itself with a port in place of the side.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createNode } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { certificateCurve, dialectOf, group, residentKb } from './side.js';

const [which = '', count = '0', certfile = '', keyfile = '', cafile = '', version] = process.argv.slice(2);
const { suite } = dialectOf(version);
const common = {
  protocol: 'dtls',
  versions: ['dtlsv1.2'],
  ciphers: [suite],
  eccs: [group, certificateCurve],
  active: false,
} as const;
const node = createNode({ name: 'bench' });
ssl.unwrap(await ssl.start({ node }));
const self = node.shell();

/** Opens as many as each line asks for, and says so. */
async function clients(port: number): Promise<void> {
  const options = { ...common, cacertfile: cafile, serverNameIndication: 'localhost' } as const;
  for await (const more of createInterface(process.stdin)) {
    for (let left = Number(more); left > 0; left -= 1)
      ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, options));
    console.log('open');
  }
}

async function server(): Promise<void> {
  const options = { ...common, certfile, keyfile, ip: '127.0.0.1' } as const;
  const listener = ssl.unwrap(await ssl.listen(self, 0, options));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const script = fileURLToPath(import.meta.url);
  const theirs = [script, String(port), count, certfile, keyfile, cafile, version ?? ''];
  const peers = spawn(process.execPath, theirs, { stdio: ['pipe', 'pipe', 'inherit'] });
  peers.once('close', () => process.exit(1));
  const opened = createInterface(peers.stdout)[Symbol.asyncIterator]();
  const open = async (more: number): Promise<void> => {
    peers.stdin.write(`${more}\n`);
    for (let left = more; left > 0; left -= 1) {
      const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
      ssl.unwrap(await ssl.handshake(self, accepted));
    }
    await opened.next();
  };
  await open(200);
  const before = await residentKb();
  await open(Number(count));
  console.log(((await residentKb()) - before) / Number(count));
  process.exit(0);
}

if (which === 'actor') await server();
else await clients(Number(which));
process.exit(0);
