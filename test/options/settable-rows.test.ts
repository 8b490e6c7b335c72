/** What the rows call settable at any time is what a transport over node:net takes and tells, and nothing else. */
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { transportRows } from '../../packages/ssl/src/options/socket-options.js';
import { nodeNet } from '../../packages/ssl/src/processes/transport/node-net.js';

it('a live transport sets and tells the options whose rows say so', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connected = await nodeNet.connect('127.0.0.1', port, {}, 5000);
  if ('error' in connected) throw new Error(JSON.stringify(connected.error));
  const transport = connected.ok;
  for (const [name, { settable }] of Object.entries(transportRows)) {
    expect(transport.setOptions({ [name]: true }), name).toBe(settable === 'always' ? 'ok' : 'einval');
    expect(transport.getOption(name), name).toEqual(
      settable === 'always' ? { ok: true } : { error: 'einval' },
    );
  }
  transport.destroy();
  server.close();
});
