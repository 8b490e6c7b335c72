/**
 * Before the application stops: data that a slow peer has not taken yet gets some time to go out. Connections without
 * such data need none; their close_notify goes out when their processes are stopped.
 */
import type { Node } from '@actor-tls/runtime';
import { connectionRequests } from '../connection/connection-requests.js';
import type { Place } from './place.js';

/** ms that slow peers have, all at the same time, to take what was sent and to end their side. */
const patience = 3000;
const endOutput = { type: 'shutdown', how: 'write' } as const;

/** Settles when every slow peer has taken all and its transport has closed, or when time is up. */
export async function lastWords(node: Node, places: Iterable<Place>): Promise<void> {
  const slow = [...places].filter(isSlow);
  if (slow.length === 0) return;
  let timer: unknown;
  const timeUp = new Promise<void>((over) => {
    timer = node.clock.setTimeout(over, patience);
  });
  await Promise.race([timeUp, Promise.all(slow.map((place) => farewell(node, place)))]);
  node.clock.clearTimeout(timer);
}

/** What waits in a socket of datagrams waits for the system, and who is at the other end closes nothing. */
function isSlow({ stage, transport }: Place): boolean {
  return stage === 'established' && transport.datagrams !== true && transport.backlog > 0;
}

/** A socket that is closed too early, with unread bytes in it, is reset, and takes along what the peer has not got. */
async function farewell(node: Node, place: Place): Promise<void> {
  const { occupant } = place;
  if (occupant === undefined) return;
  const left = place.whenHungUp();
  // A connection that ends meanwhile is no failure: that is what is waited for.
  await connectionRequests.askOr(node, occupant.pid, endOutput, () => undefined, Infinity);
  await left;
}
