// The exports map of every package against what the build left: each target must exist with its declarations
// beside it, no built test may be shipped, and each name must stand under one path of a package only.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const exportsOf = async (file) => Object.keys(await import(pathToFileURL(file).href));

const problems = [];
for (const name of readdirSync('packages')) {
  const root = join('packages', name);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const homes = new Map();
  for (const [path, target] of Object.entries(manifest.exports)) {
    for (const file of Object.values(target)) {
      if (!existsSync(join(root, file))) problems.push(`${manifest.name} ${path}: ${file} was not built`);
    }
    // Where there are two, the types are those of Node's, and the other one's exports are among them.
    const main = target.node ?? target.default;
    if (target.types !== main.replace(/\.js$/, '.d.ts')) {
      problems.push(`${manifest.name} ${path}: types and code are different files`);
    }
    if (!existsSync(join(root, main)) || !existsSync(join(root, target.default))) continue;
    const names = await exportsOf(join(root, main));
    const missing = (await exportsOf(join(root, target.default))).filter((name) => !names.includes(name));
    if (missing.length > 0) problems.push(`${manifest.name} ${path}: ${missing} is not exported on Node`);
    for (const exported of names) {
      const home = homes.get(exported);
      if (home === undefined) homes.set(exported, path);
      else problems.push(`${manifest.name}: ${exported} is exported by ${home} and by ${path}`);
    }
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
