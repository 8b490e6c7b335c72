// The exports map of every package against what the build left: each target must exist with its declarations
// beside it, no built test may be shipped, and each name must stand under one path of a package only.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const problems = [];
for (const name of readdirSync('packages')) {
  const root = join('packages', name);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const homes = new Map();
  for (const [path, target] of Object.entries(manifest.exports)) {
    for (const file of Object.values(target)) {
      if (!existsSync(join(root, file))) problems.push(`${manifest.name} ${path}: ${file} was not built`);
    }
    if (target.types !== target.default.replace(/\.js$/, '.d.ts')) {
      problems.push(`${manifest.name} ${path}: types and code are different files`);
    }
    if (!existsSync(join(root, target.default))) continue;
    const module = await import(pathToFileURL(join(root, target.default)).href);
    for (const exported of Object.keys(module)) {
      const home = homes.get(exported);
      if (home === undefined) homes.set(exported, path);
      else problems.push(`${manifest.name}: ${exported} is exported by ${home} and by ${path}`);
    }
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
