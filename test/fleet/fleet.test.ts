/** The fleet of `npm run fleet` in short: as many processes, fewer clients and copies. Its figures are for the long one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../docs/markdown.js';
import { describeWithRedis } from '../support/redis-server.js';

describeWithRedis('three server processes with one Redis', () => {
  it('take each other’s tickets while keys rotate and servers are killed, and no early data twice', async () => {
    const program = `${root}bench/dist/fleet.js`;
    const args = [program, '--seconds', '6', '--replays', '500', '--clients', '2'];
    const { stdout } = await promisify(execFile)(process.execPath, args).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(stdout).toMatch(/taken twice 0;/);
    expect(stdout.trim().split('\n').at(-1)).toBe('the fleet is well');
  });
});
