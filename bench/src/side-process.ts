/**
 * One of the sides on Node, asked over standard input (`remote-side.ts`). By itself it serves a profiler:
 *
 *   echo 'handshake 5000' | node --cpu-prof bench/dist/side-process.js actor cert.pem key.pem ca.pem
 */
import { createInterface } from 'node:readline';
import { type CryptoEngine, nobleEngine } from '@actor-tls/ssl/core';
import { actorSide } from './actor-side.js';
import { nodeSide } from './node-side.js';
import { dialectOf, type Side } from './side.js';

const [which, certfile = '', keyfile = '', cafile = '', version] = process.argv.slice(2);
const files = { certfile, keyfile, cafile };
const dialect = dialectOf(version);
const side: Side =
  which === 'node' ? await nodeSide(files, dialect) : await actorSide(files, dialect, await engineOf(which));

async function engineOf(name: string | undefined): Promise<CryptoEngine | undefined> {
  if (name === 'ffi') return (await import('@actor-tls/ssl/ffi')).ffiEngine();
  return name === 'noble' ? nobleEngine : undefined;
}

function measure(command: string): Promise<number> {
  const [what, first, second, third, fourth] = command.split(' ');
  switch (what) {
    case 'handshake':
      return side.handshakes(Number(first));
    case 'unseen':
      return side.unseenHandshakes(Number(first));
    case 'cold':
      return side.coldHandshakes(Number(first));
    case 'resumed':
      return side.resumedHandshakes(Number(first), second === 'id' ? second : 'ticket');
    case 'hybrid':
      return side.hybridHandshakes(Number(first));
    case 'firstbyte':
      return side.firstByte(Number(second), first === 'early' ? first : 'resumed');
    case 'bulk':
      return side.bulk(Number(second), Number(first));
    case 'stream':
      return side.stream(Number(second), Number(first));
    case 'slow':
      return side.bulkBesideSlow(Number(second), Number(first));
    case 'rtt':
      return side.trips(Number(second), Number(first));
    case 'crowd':
      return side.crowd(Number(second), Number(first), Number(third), Number(fourth));
    case 'open':
      return side.open(Number(first));
    case 'fairness':
      return side.slowestEcho(first === 'keyUpdates' ? first : 'records', Number(second));
    default:
      throw new Error(`no such measure: ${command}`);
  }
}

console.log(`ready Node ${process.versions.node}`);
for await (const command of createInterface(process.stdin)) console.log(await measure(command));
process.exit(0);
