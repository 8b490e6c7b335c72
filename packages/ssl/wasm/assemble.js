/**
 * Assembles `ghash.wat` into a source file that holds the module's bytes: `npm run wasm`. With `--check` it only says
 * whether that file is what the assembler makes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('ghash.wat', import.meta.url);
const target = new URL('../src/values/crypto/node/ghash-module.ts', import.meta.url);

const { parseWat } = await wabt();
const module = parseWat('ghash.wat', readFileSync(source, 'utf8'));
module.resolveNames();
module.validate();
const bytes = Buffer.from(module.toBinary({}).buffer);
const text = `/** What \`npm run wasm\` makes of \`packages/ssl/wasm/ghash.wat\`, base64. */
export const ghashModule: string =
  '${bytes.toString('base64')}';
`;

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('ghash-module.ts is not made of ghash.wat: npm run wasm');
  process.exitCode = 1;
}
