import { expect, it } from 'vitest';
import type { DatagramSocket } from './datagram.js';
import { PeerTransport } from './peer-transport.js';

const socket: DatagramSocket = {
  backlog: 0,
  send: () => true,
  sockname: () => ({ error: 'einval' }),
  close() {},
};

/** Lengths of the datagrams that have waited, once somebody reads them. */
async function read(transport: PeerTransport): Promise<number[]> {
  const got: number[] = [];
  transport.start({
    onChunk: (chunk) => got.push(chunk.length),
    onEnd() {},
    onClosed() {},
    onDrain() {},
  });
  await Promise.resolve();
  return got;
}

const peer = { address: '192.0.2.1', port: 4711 };

it('empty datagrams do not wait, however many come', async () => {
  const transport = new PeerTransport(socket, peer, () => {});
  for (let n = 0; n < 10_000; n += 1) transport.arrived(new Uint8Array(0));
  transport.arrived(Uint8Array.of(1));
  expect(await read(transport)).toEqual([1]);
  transport.arrived(new Uint8Array(0));
  expect(transport.statistics().recvCnt).toBe(1);
});

it('short datagrams that wait cost what they hold in memory: few of them, before and after somebody has accepted', async () => {
  const transport = new PeerTransport(socket, peer, () => {});
  for (let n = 0; n < 10_000; n += 1) transport.arrived(Uint8Array.of(1));
  const got = await read(transport);
  expect(got.length).toBe(Math.floor(8192 / 129));
  transport.pause();
  for (let n = 0; n < 100_000; n += 1) transport.arrived(Uint8Array.of(1));
  transport.resume();
  await Promise.resolve();
  expect(got.length).toBe(Math.floor(8192 / 129) + Math.floor(65_536 / 129));
});
