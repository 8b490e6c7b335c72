// Runs in a folder where the packed packages are installed: writes the files that the README shows, each named by its
// first line, and runs them as the README says. `hello` has to come back from the server.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const readme = readFileSync(process.argv[2], 'utf8');
process.chdir(new URL('.', import.meta.url).pathname);
for (const [, text, name] of readme.matchAll(/```ts\n(\/\/ (\S+\.mjs)\n[\s\S]*?)```/g))
  writeFileSync(name, text);

execFileSync(process.execPath, ['certificates.mjs'], { stdio: 'inherit' });
const server = spawn(process.execPath, ['server.mjs'], { stdio: 'inherit' });
try {
  await listening(8443);
  const said = execFileSync(process.execPath, ['client.mjs'], { encoding: 'utf8', timeout: 20_000 });
  if (said !== 'hello\n') throw new Error(`the client said ${said}`);
  console.log('the client heard hello');
} finally {
  server.kill();
}

async function listening(port) {
  for (let tries = 0; tries < 50; tries++) {
    const socket = createConnection(port, '127.0.0.1');
    const connected = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (connected) return;
    await setTimeout(200);
  }
  throw new Error('nobody listens');
}
