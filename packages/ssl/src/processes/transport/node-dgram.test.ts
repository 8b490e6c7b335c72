import { Socket } from 'node:dgram';
import { afterEach, expect, it, vi } from 'vitest';
import type { DatagramSocket } from './datagram.js';
import { nodeDgram } from './node-dgram.js';
import type { Address } from './transport.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** An open socket, node's own below it, and the ports that were heard from. */
async function open(): Promise<{ socket: DatagramSocket; below: Socket; heard: number[]; own: Address }> {
  const bind = vi.spyOn(Socket.prototype, 'bind');
  const heard: number[] = [];
  const opened = await nodeDgram.open(
    0,
    { ip: '127.0.0.1' },
    { onDatagram: (_bytes, { port }) => heard.push(port), onSocketClosed() {} },
  );
  const below = bind.mock.contexts[0];
  if ('error' in opened || !(below instanceof Socket)) throw new Error('not open');
  const own = opened.ok.sockname();
  if ('error' in own) throw new Error('not open');
  return { socket: opened.ok, below, heard, own: own.ok };
}

it('what comes from port 0, which nothing can be sent to, is dropped', async () => {
  const { socket, below, heard } = await open();
  const from = { address: '127.0.0.1', family: 'IPv4', size: 1 } as const;
  below.emit('message', Buffer.of(1), { ...from, port: 0 });
  below.emit('message', Buffer.of(1), { ...from, port: 4711 });
  expect(heard).toEqual([4711]);
  socket.close();
});

it('a datagram that node throws at is lost like one that the system refuses, and the next one is sent', async () => {
  const { socket, heard, own } = await open();
  let drained = 0;
  const sent = (port: number): boolean =>
    socket.send(Uint8Array.of(1), { address: '127.0.0.1', port }, () => {
      drained += 1;
    });
  expect(sent(0)).toBe(true);
  expect(socket.backlog).toBe(0);
  expect(sent(own.port)).toBe(true);
  await vi.waitFor(() => expect(heard).toEqual([own.port]));
  expect([socket.backlog, drained]).toEqual([0, 0]);
  socket.close();
});

it('a socket that cannot connect is no socket: the caller hears why', async () => {
  vi.spyOn(Socket.prototype, 'connect').mockImplementation((_port, ...rest: unknown[]) => {
    const done = rest.at(-1);
    if (typeof done === 'function')
      process.nextTick(() => done(Object.assign(new Error('connect'), { code: 'ENETUNREACH' })));
  });
  const close = vi.spyOn(Socket.prototype, 'close');
  const told = await nodeDgram.connect(
    '127.0.0.1',
    4711,
    {},
    { onDatagram() {}, onSocketClosed() {} },
    'infinity',
  );
  expect(told).toEqual({ error: 'enetunreach' });
  expect(close).toHaveBeenCalledTimes(1);
});

it.runIf(process.platform === 'linux')(
  'a broadcast address, which the system lets nobody connect to',
  async () => {
    const receiver = { onDatagram() {}, onSocketClosed() {} };
    expect(await nodeDgram.connect('255.255.255.255', 4711, {}, receiver, 'infinity')).toEqual({
      error: 'eacces',
    });
  },
);
