// Runs in a folder where the packed packages are installed: every path of every exports map must load.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const scope = new URL('node_modules/@actor-tls/', import.meta.url);
for (const name of readdirSync(fileURLToPath(scope))) {
  const manifest = JSON.parse(readFileSync(new URL(`${name}/package.json`, scope), 'utf8'));
  for (const path of Object.keys(manifest.exports)) {
    const specifier = path === '.' ? manifest.name : `${manifest.name}${path.slice(1)}`;
    const module = await import(specifier);
    console.log(`${specifier}: ${Object.keys(module).length} exports`);
  }
}
