import { startGenServer } from '@actor-tls/runtime';
import { createTestNode, type TestNode } from '@actor-tls/runtime/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { DatagramReceiver, DatagramSocket } from '../transport/datagram.js';
import type { TransportListener } from '../transport/transport.js';
import { Demultiplexer, type DemultiplexerArgs, demultiplexerServer } from './demultiplexer.js';

let kit: TestNode;
beforeEach(() => {
  kit = createTestNode();
});
afterEach(() => kit.stop());

/** The shortest hello that there is: one suite, no cookie, no extensions. */
const body = [0xfe, 0xfd, ...new Array<number>(32).fill(7), 0, 0, 0, 2, 0xc0, 0x2f, 1, 0];
const size = body.length;
const fragment = [1, 0, 0, size, 0, 0, 0, 0, 0, 0, 0, size, ...body];
const hello = Uint8Array.of(22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, fragment.length, ...fragment);

/** A demultiplexer whose socket has such a backlog, and how many replies it has been given. */
async function open(backlog: () => number) {
  let replies = 0;
  let receiver: DatagramReceiver | undefined;
  let listener: TransportListener | undefined;
  const socket: DatagramSocket = {
    get backlog() {
      return backlog();
    },
    send() {
      replies += 1;
      return true;
    },
    sockname: () => ({ error: 'einval' }),
    close() {},
  };
  const args: DemultiplexerArgs = {
    port: 0,
    idLength: 0,
    options: {},
    provider: {
      async open(_port, _options, opened) {
        receiver = opened;
        return { ok: socket };
      },
      connect: async () => ({ error: 'enetunreach' }),
    },
    engine: defaultEngine,
    receiver: { onAccept() {}, onListenerClosed() {} },
    made(made) {
      listener = made;
    },
  };
  await startGenServer(kit.node.shell(), demultiplexerServer, args);
  const knock = (times: number): void => {
    for (let n = 0; n < times; n += 1) receiver?.onDatagram(hello, { address: '192.0.2.1', port: 1 + n });
  };
  return {
    knock,
    close: () => listener?.close(),
    replies: () => replies,
    seen: () => (listener instanceof Demultiplexer ? listener.toJSON() : undefined),
  };
}

it('strangers get no replies while much waits in the socket: they are dropped, and counted', async () => {
  let waiting = 65_536;
  const { knock, replies, seen } = await open(() => waiting);
  knock(1);
  expect(replies()).toBe(1);
  waiting += 1;
  knock(1000);
  expect(replies()).toBe(1);
  expect(seen()).toEqual({ peers: 0, places: 0, ids: 0, unproved: 0, dropped: 1000, asked: 1 });
  waiting = 0;
  knock(1);
  expect(replies()).toBe(2);
});

it('strangers get no replies when nobody listens any more', async () => {
  const { knock, close, replies, seen } = await open(() => 0);
  close();
  knock(10);
  expect(replies()).toBe(0);
  expect(seen()).toEqual({ peers: 0, places: 0, ids: 0, unproved: 0, dropped: 10, asked: 0 });
});
