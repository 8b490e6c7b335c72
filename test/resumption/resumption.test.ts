/** Resumption by tickets of TLS 1.3, from `listen` and `connect` to the counters, over loopback. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { host, meet, part, resumes } from './two-ends.js';

let node: Node;
let self: Self;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node }));
});
afterAll(async () => {
  await ssl.stop(node);
});

const kinds = ['stateful', 'stateless', 'stateful_with_cert', 'stateless_with_cert'] as const;

describe.each(kinds)('tickets of a server that is %s', (sessionTickets) => {
  it('bring a client back without certificates', async () => {
    const at = await host(self, { sessionTickets });
    const auto = { sessionTickets: 'auto' } as const;
    expect(await resumes(self, at, auto)).toBe(false);
    expect(await resumes(self, at, auto)).toBe(true);
    expect(await resumes(self, at, auto)).toBe(true);
    expect(await at.counters()).toMatchObject({ full: 1, resumed: 2, issued: 9 });
    await at.close();
  });
});
