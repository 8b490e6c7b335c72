/** Much data both ways at once, on real sockets: a blocked send stops nobody's reading, and each send stays whole. */
import { createServer, type TLSSocket } from 'node:tls';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Book, frameOf } from './book.js';

const ca = createCa();
const issued = ca.issue({ subject: 'localhost', names: ['localhost'] });
const trust = { cacerts: [ca.cert], serverNameIndication: 'localhost' };
const mega = 1 << 20;

let node: Node;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node }));
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});

/** A passive connection over loopback, both ends of it. */
async function pair(owner: Self): Promise<readonly [client: ssl.SslSocket, server: ssl.SslSocket]> {
  const identity = { cert: issued.chain, key: { PrivateKeyInfo: issued.key } };
  const listener = ssl.unwrap(await ssl.listen(owner, 0, { ...identity, ip: '127.0.0.1', active: false }));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const connecting = ssl.connect(owner, '127.0.0.1', port, { ...trust, active: false });
  const accepted = ssl.unwrap(await ssl.transportAccept(owner, listener));
  const server = ssl.unwrap(await ssl.handshake(owner, accepted));
  const client = ssl.unwrap(await connecting);
  await ssl.close(listener);
  return [client, server];
}

it('a send that the peer does not read holds up no reading, and comes through when it does', async () => {
  const [client, server] = await pair(node.shell());
  const up = Buffer.alloc(32 * mega, 'up');
  const down = Buffer.alloc(16 * mega, 'down');
  let upDone = false;
  const sendingUp = ssl.send(client, up).then((result) => {
    upDone = true;
    return result;
  });
  const sendingDown = ssl.send(server, down);
  const got = ssl.unwrap(await ssl.recv(client, down.length));
  expect(down.equals(Buffer.from(got as Uint8Array))).toBe(true);
  expect(await sendingDown).toEqual({ ok: true });
  expect(upDone).toBe(false);
  const late = ssl.unwrap(await ssl.recv(server, up.length));
  expect(up.equals(Buffer.from(late as Uint8Array))).toBe(true);
  expect(await sendingUp).toEqual({ ok: true });
  await ssl.close(client);
});

it('a peer of node:tls that only writes is read all the same', async () => {
  const down = Buffer.alloc(8 * mega, 'down');
  let accept: (socket: TLSSocket) => void = () => {};
  const accepted = new Promise<TLSSocket>((resolve) => {
    accept = resolve;
  });
  const server = createServer({ cert: issued.certPem, key: issued.keyPem }, (socket) =>
    accept(socket.pause()),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const self = node.shell();
  const client = ssl.unwrap(await ssl.connect(self, '127.0.0.1', address.port, { ...trust, active: false }));
  const peer = await accepted;
  const up = Buffer.alloc(16 * mega, 'up');
  let upDone = false;
  const sendingUp = ssl.send(client, up).then((result) => {
    upDone = true;
    return result;
  });
  peer.write(down);
  const got = ssl.unwrap(await ssl.recv(client, down.length));
  expect(down.equals(Buffer.from(got as Uint8Array))).toBe(true);
  expect(upDone).toBe(false);
  let arrived = 0;
  const all = new Promise<void>((resolve) => {
    peer.on('data', (chunk: Buffer) => {
      arrived += chunk.length;
      if (arrived === up.length) resolve();
    });
  });
  peer.resume();
  expect(await sendingUp).toEqual({ ok: true });
  await all;
  await ssl.close(client);
  peer.destroy();
  await new Promise((closed) => server.close(closed));
});

it('sends of several processes stay whole and in each one’s order, both ways at once', async () => {
  const senders = 4;
  const frames = 60;
  const sockets = await pair(node.shell());
  const books = [new Book(), new Book()];
  const working: Promise<void>[] = [];
  let over: () => void = () => {};
  const end = new Promise<void>((resolve) => {
    over = resolve;
  });
  for (const [at, socket] of sockets.entries()) {
    const theirs = books[1 - at];
    const ours = books[at];
    if (theirs === undefined || ours === undefined) throw new Error('two ends');
    for (let sender = 0; sender < senders; sender++) {
      const story = theirs.open(sender, frames);
      working.push(
        inProcess(async () => {
          for (let number = 0; number < frames; number++) {
            const length = (number * 7919 * (sender + 1)) % 100_000;
            ssl.unwrap(await ssl.send(socket, frameOf(sender, number, length)));
            story.acknowledged.push(number);
          }
        }),
      );
    }
    working.push(
      inProcess(async (self) => {
        ssl.unwrap(await ssl.controllingProcess(socket, self.pid));
        let bytes: Buffer = Buffer.alloc(0);
        for (let left = senders * frames; left > 0; ) {
          ssl.unwrap(await ssl.setopts(socket, { active: left % 3 === 0 ? 2 : 'once' }));
          const message = await self.receive();
          if (message.type === 'ssl_passive') continue;
          if (message.type !== 'ssl' || !(message.data instanceof Uint8Array)) throw new Error(message.type);
          const { numbers, rest } = ours.read(Buffer.concat([bytes, message.data]));
          bytes = rest;
          left -= numbers.length;
        }
      }, end),
    );
  }
  await Promise.all(working);
  over();
  for (const book of books) expect(book.violations()).toEqual([]);
  await ssl.close(sockets[0]);
});

/**
 * A process of its own, and when its work is done. It lives on until `end`: a connection ends with its owner, so an owner
 * that has read all must outlive whoever still sends or reads, at either end.
 */
function inProcess(body: (self: Self<ssl.SslMessage>) => Promise<void>, end?: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self: Self<ssl.SslMessage>) => {
      try {
        await body(self);
        resolve();
        await end;
      } catch (error) {
        reject(error);
      }
    });
  });
}
