/** Times of 2^31 ms and more, which Node's own timers take for no time at all. */
import { connect as tcpConnect } from 'node:net';
import { httpFetch } from '@actor-tls/crl-cache';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const ca = createCa();
const leaf = ca.issue();
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
const trust = { cacerts: [ca.cert] };
const most = 2 ** 31 - 1;

let node: Node;
let self: Self;
/** What Node was asked to wait for and cannot. */
let tooLong: number[];

beforeEach(async () => {
  tooLong = [];
  const original = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((run, ms, ...rest) => {
    if (ms !== undefined && !(ms <= most)) tooLong.push(ms);
    return original(run, ms, ...rest);
  });
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell();
});

afterEach(async () => {
  await ssl.stop(node);
  node.stop();
  vi.restoreAllMocks();
});

it.each([2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])('%d ms are waited for in every call', async (long) => {
  const server = { ...identity, ip: '127.0.0.1', active: false };
  const listener = ssl.unwrap(await ssl.listen(self, 0, server));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const accepting = ssl.transportAccept(self, listener, long);
  const connecting = ssl.connect(self, 'localhost', port, { ...trust, active: false }, long);
  const accepted = ssl.unwrap(await ssl.handshake(self, ssl.unwrap(await accepting), long));
  const client = ssl.unwrap(await connecting);
  const receiving = ssl.recv(client, 1, long);
  ssl.unwrap(await ssl.send(accepted, 'x'));
  expect(String(ssl.unwrap(await receiving))).toBe('x');
  const closing = ssl.close(client, { downgrade: long });
  await ssl.close(accepted, { downgrade: long });
  await closing;
  await ssl.close(listener);
  const { signal } = new AbortController();
  const limits = { timeout: long, maxBytes: 10, maxRedirects: 0 };
  expect(await httpFetch(`http://127.0.0.1:${port}/`, limits, signal)).toMatchObject({
    error: 'unreachable',
  });
  expect(tooLong).toEqual([]);
});

it('a silent peer is waited for, not given up at once', async () => {
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ...identity, ip: '127.0.0.1' }));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const tcp = tcpConnect(port, '127.0.0.1');
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 2 ** 31));
  const shaking = ssl.handshake(self, accepted, 2 ** 31);
  // A timer that fires at once has fired before one that was set later and waits longer.
  expect(await Promise.race([shaking, self.receive({ after: 20 })])).toBe('timeout');
  tcp.destroy();
  expect(await shaking).toEqual({ error: 'closed' });
});

it('in simulated time a month is a month', async () => {
  const month = 30 * 24 * 3_600_000;
  const world = await simulateSsl();
  const shell = world.test.node.shell();
  const listener = ssl.unwrap(await world.run(ssl.listen(shell, 443, identity)));
  let answer: unknown;
  void ssl.transportAccept(shell, listener, month).then((result) => {
    answer = result;
  });
  await world.test.advance(month - 1);
  expect(answer).toBeUndefined();
  await world.test.advance(1);
  expect(answer).toEqual({ error: 'timeout' });
  await world.stop();
});
