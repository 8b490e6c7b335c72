import { describe, expect, it } from 'vitest';
import { SimulatedNetwork, SimulatedTransport } from '../transport/simulated.js';
import { Census } from './census.js';
import type { Place } from './place.js';

const clock = { setTimeout: () => undefined, clearTimeout: () => undefined };
const traits = { random: () => 0, delay: [1, 1], split: 0, cut: 0, window: 1 } as const;

function from(address: string): SimulatedTransport {
  const here = { address: '127.0.0.1', port: 443 };
  return new SimulatedTransport(new SimulatedNetwork(clock, traits), 'localhost', here, { address, port: 1 });
}

function house(maxHandshakes: number, maxHandshakesPerAddress: number | 'infinity' = 'infinity') {
  const limits = { maxHandshakes, maxHandshakesPerAddress, maxHandshakeBytes: 1000 } as const;
  const { door, tally } = new Census(10_000).openListener(limits);
  const come = (address: string): Place | undefined => door.admit(from(address));
  /** One whose handshake has begun. */
  const silent = (address: string): Place => {
    const place = come(address);
    if (place === undefined) throw new Error('not admitted');
    place.accepted();
    place.progress('silent', 0);
    return place;
  };
  return { door, tally, come, silent };
}

describe('the door of a listener', () => {
  it('a network of IPv6 addresses is one stranger, and an IPv4 address inside IPv6 is itself', () => {
    const { come, door } = house(100, 1);
    expect(come('2001:db8:0:1::1')).toBeDefined();
    expect(come('2001:db8:0:1:ffff::2')).toBeUndefined();
    expect(come('2001:db8:0:2::1')).toBeDefined();
    expect(come('fe80::1%eth0')).toBeDefined();
    expect(come('fe80::2')).toBeUndefined();
    expect(come('::ffff:192.0.2.1')).toBeDefined();
    expect(come('192.0.2.1')).toBeUndefined();
    expect(come('192.0.2.2')).toBeDefined();
    expect(door.counters().refusedAddress).toBe(3);
  });

  it('gives up nobody who waits for us: then the newcomer is sent away', () => {
    const { come, silent, door } = house(2);
    come('192.0.2.1');
    silent('192.0.2.2').progress('ours', 0);
    expect(come('192.0.2.3')).toBeUndefined();
    expect(door.counters()).toMatchObject({ refusedHandshakes: 1, displacedFull: 0 });
  });

  it('gives up the silent before those who have said hello, and each the longest there first', () => {
    const { come, silent } = house(3);
    const talking = silent('192.0.2.1');
    const [older, newer] = [silent('192.0.2.2'), silent('192.0.2.3')];
    talking.progress('talking', 0);
    const stages = (): readonly string[] => [talking, older, newer].map(({ stage }) => stage);
    come('192.0.2.4');
    expect(stages()).toEqual(['talking', 'failed', 'silent']);
    come('192.0.2.5');
    expect(stages()).toEqual(['talking', 'failed', 'failed']);
    come('192.0.2.6');
    expect(stages()).toEqual(['failed', 'failed', 'failed']);
    expect(come('192.0.2.7')).toBeUndefined();
  });

  it('frees a place when the handshake succeeds, fails or its process ends', () => {
    const { come, silent, tally } = house(1);
    silent('192.0.2.1').established();
    silent('192.0.2.1').failed('timeout');
    silent('192.0.2.1').gone();
    expect(come('192.0.2.1')).toBeDefined();
    expect(tally.counters()).toMatchObject({ established: 1, live: 1, failed: { timeout: 1, crashed: 1 } });
  });

  it('gives up who holds most when all hold more than the budget, and forgets what it held', () => {
    const { door, silent } = house(10);
    const [small, large, more] = [silent('192.0.2.1'), silent('192.0.2.2'), silent('192.0.2.3')];
    small.progress('silent', 100);
    large.progress('silent', 600);
    more.progress('silent', 299);
    expect(door.counters()).toMatchObject({ heldBytes: 999, displacedMemory: 0 });
    small.progress('silent', 102);
    expect(large.stage).toBe('failed');
    expect(door.counters()).toMatchObject({ heldBytes: 401, displacedMemory: 1 });
    more.progress('talking', 0);
    small.established();
    expect(door.counters().heldBytes).toBe(0);
  });
});
