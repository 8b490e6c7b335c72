import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { describeWithPeer, type Peer } from '../support/report.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('program.ts', import.meta.url));

function onRuntime(peer: Peer, ...args: readonly string[]): void {
  describeWithPeer(`the whole package in ${peer}`, peer, () => {
    it('listens, connects, judges, streams, upgrades, and ends by itself', async () => {
      const { stdout, stderr } = await run(peer, [...args, program], { timeout: 60_000 });
      expect({ happened: JSON.parse(stdout), stderr }).toEqual({
        happened: {
          information: { protocol: 'tlsv1.3' },
          echoed: true,
          'after new keys': 'new keys',
          'after our end': { error: 'closed' },
          'another host': true,
          'nobody listens': { error: 'econnrefused' },
          upgraded: 'upgraded',
        },
        stderr: '',
      });
    }, 70_000);
  });
}

onRuntime('deno', 'run', '--no-check', '--allow-all');
onRuntime('bun', 'run');
