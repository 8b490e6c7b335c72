/** A script's shell keeps Node alive while it waits; what only idles does not. Shown with programs of their own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';

const runtime = new URL('../../packages/runtime/dist/index.js', import.meta.url).href;

function run(program: string): { readonly status: number | null; readonly output: string } {
  const source = `import { createNode, silentLogger } from ${JSON.stringify(runtime)};
    const node = createNode({ logger: silentLogger });
    ${program}`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
    timeout: patience,
  });
  return { status: ended.status, output: ended.stdout.trim() };
}

describe('a program', () => {
  it('whose shell waits for what a timer will send lives until then, and no longer', () => {
    const ended = run(`const self = node.shell();
      self.sendAfter(50, self.pid, { type: 'tick' });
      console.log((await self.receive('tick')).type);
      console.log(await self.receive({ after: 20 }));`);
    expect(ended).toEqual({ status: 0, output: 'tick\ntimeout' });
  });

  it('whose processes only wait ends, and so does one whose shell was ended while it waited', () => {
    const ended = run(`node.spawn(async (self) => { await self.receive({ after: 3_600_000 }); });
      const self = node.shell();
      self.receive().catch((error) => console.log(error.reason));
      setTimeout(() => node.stop(), 10);`);
    expect(ended).toEqual({ status: 0, output: 'shutdown' });
  });
});
