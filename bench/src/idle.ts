/** Resident memory per idle connection, both ends, in KB. Arguments: side, connections, PEM files, version. */
import { actorSide } from './actor-side.js';
import { nodeSide } from './node-side.js';
import { dialectOf, residentKb } from './side.js';

const [which, count = '0', certfile = '', keyfile = '', cafile = '', version] = process.argv.slice(2);
const files = { certfile, keyfile, cafile };
const dialect = dialectOf(version);
const side = which === 'actor' ? await actorSide(files, dialect) : await nodeSide(files, dialect);

await side.open(200);
const before = await residentKb();
await side.open(Number(count));
console.log(((await residentKb()) - before) / Number(count));
process.exit(0);
