import { beforeEach, expect, it } from 'vitest';
import type { DatagramSocket } from './datagram.js';
import { PeerPaths } from './peer-paths.js';

const at = (port: number) => ({ address: '192.0.2.1', port });
let sent: string[];
let moves: string[];
let paths: PeerPaths;

beforeEach(() => {
  sent = [];
  moves = [];
  const socket: DatagramSocket = {
    backlog: 0,
    send({ length }, { port }) {
      sent.push(`${length} to ${port}`);
      return true;
    },
    sockname: () => ({ error: 'einval' }),
    close() {},
  };
  let issued = 0;
  paths = new PeerPaths(socket, at(1), {
    issueId: () => Uint8Array.of(++issued),
    retireId() {},
    opened() {},
    moved: (from, to) => moves.push(`${from.port} to ${to.port}`),
  });
});

function send(length: number): readonly string[] {
  paths.send(new Uint8Array(length), () => {});
  return sent.splice(0);
}

it('another address gets copies as far as its allowance goes, and the peer all', () => {
  expect(send(100)).toEqual(['100 to 1']);
  paths.allow(at(2), 150);
  expect(send(100)).toEqual(['100 to 1', '100 to 2']);
  expect(send(51)).toEqual(['51 to 1']);
  expect(send(50)).toEqual(['50 to 1', '50 to 2']);
  paths.allow(at(2), 60);
  expect(send(60)).toEqual(['60 to 1', '60 to 2']);
});

it('what is written to the other address alone counts too', () => {
  paths.allow(at(2), 100);
  paths.writeTo([new Uint8Array(60), new Uint8Array(60)], at(2));
  expect(sent.splice(0)).toEqual(['60 to 2']);
  expect(send(41)).toEqual(['41 to 1']);
});

it('one address takes the allowance of the other, and none is left once it is forgotten', () => {
  paths.allow(at(2), 1000);
  paths.allow(at(3), 10);
  expect(send(10)).toEqual(['10 to 1', '10 to 3']);
  paths.allow(at(3), 1000);
  paths.forget();
  expect(send(10)).toEqual(['10 to 1']);
});

it('a peer that has moved is sent all at its new address', () => {
  paths.allow(at(2), 1000);
  paths.follow(at(2));
  expect(paths.current).toEqual(at(2));
  expect(moves).toEqual(['1 to 2']);
  expect(send(10)).toEqual(['10 to 2']);
});

it('has one connection ID, whoever asks', () => {
  expect([paths.ownId(), paths.ownId()]).toEqual([Uint8Array.of(1), Uint8Array.of(1)]);
});
