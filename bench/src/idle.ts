/** Resident memory per idle connection, both ends, in KB. Arguments: side, connections, PEM files, version. */
import { actorSide } from './actor-side.js';
import { nodeSide } from './node-side.js';
import { dialects } from './side.js';

const [which, count = '0', certfile = '', keyfile = '', cafile = '', version] = process.argv.slice(2);
const files = { certfile, keyfile, cafile };
const dialect = dialects[version === 'tlsv1.2' ? version : 'tlsv1.3'];
const side = which === 'actor' ? await actorSide(files, dialect) : await nodeSide(files, dialect);

const resident = async (): Promise<number> => {
  const collect: unknown = Reflect.get(globalThis, 'gc');
  for (let i = 0; i < 3; i++) {
    if (typeof collect === 'function') collect();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return process.memoryUsage().rss / 1024;
};

await side.open(200);
const before = await resident();
await side.open(Number(count));
console.log(((await resident()) - before) / Number(count));
process.exit(0);
