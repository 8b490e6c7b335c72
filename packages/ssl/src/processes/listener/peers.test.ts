import { beforeEach, describe, expect, it } from 'vitest';
import type { DatagramSocket } from '../transport/datagram.js';
import { Peer, Peers, placeOf } from './peers.js';

const socket: DatagramSocket = {
  backlog: 0,
  send: () => true,
  sockname: () => ({ error: 'einval' }),
  close() {},
};
const at = (port: number) => ({ address: '192.0.2.1', port });
let peers: Peers;
let left: number;

beforeEach(() => {
  let chance = 0;
  left = 0;
  peers = new Peers((length) => new Uint8Array(length).fill(++chance), 4);
});

function arrive(port: number): Peer {
  const peer = new Peer(peers, socket, at(port), 'random', () => {
    left += 1;
  });
  peers.add(peer);
  return peer;
}

/** One that has an ID, and is found by it. */
function open(port: number): Peer {
  const peer = arrive(port);
  peer.transport.paths.ownId();
  peer.transport.paths.open();
  return peer;
}

/** Whether its transport is open. */
const lives = ({ transport }: Peer): boolean => 'ok' in transport.peername();

describe('peers of a socket', () => {
  it('a newcomer takes its address, and ends who has no ID', () => {
    const first = arrive(1);
    const second = arrive(1);
    expect([lives(first), peers.at(placeOf(at(1)))]).toEqual([false, second]);
    expect(peers.counts()).toEqual({ peers: 1, places: 1, ids: 0 });
  });

  it('one whose handshake is not complete is ended, ID or not; one that is open is not', () => {
    const first = arrive(1);
    first.transport.paths.ownId();
    const second = open(1);
    const third = open(1);
    expect([first, second, third].map(lives)).toEqual([false, true, true]);
    expect(peers.counts()).toEqual({ peers: 2, places: 1, ids: 2 });
  });

  it('one that moves leaves nothing where it was', () => {
    const peer = open(1);
    for (let port = 2; port < 100; port += 1) peer.transport.paths.follow(at(port));
    expect(peers.counts()).toEqual({ peers: 1, places: 1, ids: 1 });
    expect([peers.at(placeOf(at(1))), peers.at(placeOf(at(99)))]).toEqual([undefined, peer]);
  });

  it('one that moves to where another is takes nobody’s place, and leaves it alone when it goes', () => {
    const other = arrive(2);
    const peer = open(1);
    peer.transport.paths.follow(at(2));
    expect(peers.at(placeOf(at(2)))).toBe(other);
    peer.transport.destroy();
    expect(peers.at(placeOf(at(2)))).toBe(other);
    expect([peers.counts(), left]).toEqual([{ peers: 1, places: 1, ids: 0 }, 1]);
  });

  it('one that has left gets no ID and no address any more', () => {
    const gone = arrive(1);
    gone.transport.destroy();
    expect(gone.transport.paths.ownId()).toHaveLength(0);
    gone.transport.paths.follow(at(2));
    expect(peers.counts()).toEqual({ peers: 0, places: 0, ids: 0 });
    const replaced = arrive(1);
    arrive(1);
    expect(replaced.transport.paths.ownId()).toHaveLength(0);
    expect(peers.counts()).toEqual({ peers: 1, places: 1, ids: 0 });
  });

  it('all hear that the socket is gone', () => {
    const all = [open(1), open(1), arrive(2)];
    peers.lost('ebadf');
    expect(all.map(lives)).toEqual([false, false, false]);
    expect(peers.counts()).toEqual({ peers: 0, places: 0, ids: 0 });
  });
});
