/** What a peer of TLS 1.2 may repeat without end, and where it ends: wishes to renegotiate, warnings, empty records. */
import { TurnBudget, type WriteHalf } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import { holding } from './held-channel.js';
import { connected, type End, exchange, tls12 } from './two-cores.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const bytesOf = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));
const config = tls12;

interface Flooded {
  readonly victim: End;
  readonly other: End;
  readonly write: WriteHalf;
  /** Application data of no length, which a write half never makes. */
  readonly emptyRecord: () => Uint8Array;
}

/** A connection whose other end is in our hands. */
function flooded(who: 'client' | 'server', budget?: TurnBudget): Flooded {
  const held = holding();
  const ends = connected(
    { config, ...(who === 'client' ? { budget } : held.override) },
    { config: { ...config, clientRenegotiation: false }, ...(who === 'server' ? { budget } : held.override) },
  );
  const other = ends[who === 'client' ? 'server' : 'client'];
  const emptyRecord = (): Uint8Array => held.channel.forge(23);
  return { victim: ends[who], other, write: other.core.split(), emptyRecord };
}

/** HelloRequest to a client, a ClientHello to a server. */
function wish(who: 'client' | 'server', write: WriteHalf): Uint8Array[] {
  if (who === 'client') return write.sealHandshake(new Uint8Array(4));
  const hello = Uint8Array.of(1, 0, 0, 41, 3, 3, ...new Uint8Array(32), 0, 0, 2, 0xc0, 0x2b, 1, 0);
  return write.sealHandshake(hello);
}

/** An alert of 2 bytes with header, explicit nonce and tag. */
const refusal = 5 + 8 + 2 + 16;

/** A client whose write half nobody gives back refuses as a server does whose clients may not begin. */
function refusing(who: 'client' | 'server'): ReturnType<typeof flooded> {
  const ends = flooded(who);
  if (who === 'client') ends.victim.core.split();
  return ends;
}

/** How often a victim has refused. */
function refusals({ sink }: End): number {
  return sink.owed.length + sink.take().length / refusal;
}

describe.each(['client', 'server'] as const)('a %s that hears wishes to renegotiate and refuses', (who) => {
  test('does so once for all that came together', () => {
    const { victim, other, write } = refusing(who);
    victim.core.receive(bytesOf(Array.from({ length: 8 }, () => wish(who, write)).flat()));
    expect(refusals(victim)).toBe(1);
    expect(victim.sink.failures).toEqual([]);
    other.core.join(write);
    other.core.send(text('on'));
    exchange(victim, other);
    expect(victim.sink.received()).toBe('on');
  });

  test('does so once for all of a burst with data between them, and keeps nothing of it', () => {
    const { victim, write } = refusing(who);
    const pair = (): Uint8Array[] => [...wish(who, write), ...write.sealApplicationData(text('x'))];
    victim.core.receive(bytesOf(Array.from({ length: 1000 }, pair).flat()));
    expect(refusals(victim)).toBe(1);
    expect(victim.sink.received()).toHaveLength(1000);
    expect(victim.core.held).toBe(0);
    expect(victim.sink.failures).toEqual([]);
  });

  test('tells the holder of the write half once, and writes nothing itself', () => {
    const { victim, write } = flooded(who);
    victim.core.split();
    victim.core.receive(bytesOf(Array.from({ length: 8 }, () => wish(who, write)).flat()));
    expect(victim.sink.owed).toEqual(['no_renegotiation']);
    expect(victim.sink.take()).toHaveLength(0);
  });

  test('ends it after eight without any data, empty data is none', () => {
    const { victim, write, emptyRecord } = refusing(who);
    for (let count = 0; count < 8; count += 1) victim.core.receive(bytesOf(wish(who, write)));
    expect(victim.sink.failures).toEqual([]);
    victim.core.receive(emptyRecord());
    victim.core.receive(bytesOf(wish(who, write)));
    expect(victim.sink.failures).toMatchObject([
      { alert: 'unexpected_message', reason: 'too_many_renegotiations' },
    ]);
  });
});

describe.each(['client', 'server'] as const)('a %s of TLS 1.2', (who) => {
  test('passes over four warnings in a row, and any number with data between them', () => {
    const { victim, write, emptyRecord } = flooded(who);
    const warning = (): Uint8Array[] => write.sealAlert(1, 100);
    for (let count = 0; count < 100; count += 1)
      victim.core.receive(bytesOf([...warning(), ...warning(), ...write.sealApplicationData(text('x'))]));
    expect(victim.sink.failures).toEqual([]);
    for (let count = 0; count < 4; count += 1) victim.core.receive(bytesOf(warning()));
    expect(victim.sink.failures).toEqual([]);
    victim.core.receive(emptyRecord());
    victim.core.receive(bytesOf(warning()));
    expect(victim.sink.failures).toMatchObject([{ reason: 'too_many_warnings' }]);
  });

  test('reads 32 empty records in a row and no more', () => {
    const { victim, write, emptyRecord } = flooded(who);
    victim.core.receive(bytesOf(Array.from({ length: 32 }, () => emptyRecord())));
    victim.core.receive(bytesOf(write.sealApplicationData(text('x'))));
    expect(victim.sink.failures).toEqual([]);
    victim.core.receive(bytesOf(Array.from({ length: 33 }, () => emptyRecord())));
    expect(victim.sink.failures).toMatchObject([{ reason: 'too_many_empty_records' }]);
  });

  test('works off so much of a flood in one turn and the rest in others', () => {
    const records = 64;
    const { victim, write } = flooded(who, new TurnBudget(records, 1 << 20));
    const each = (): Uint8Array[] => write.sealApplicationData(text('x'));
    victim.core.resume();
    victim.core.receive(bytesOf(Array.from({ length: 1000 }, each).flat()));
    expect(victim.sink.received().length).toBeLessThanOrEqual(records);
    let turns = 1;
    for (; victim.core.needsRest; turns += 1) victim.core.resume();
    expect(victim.sink.received()).toHaveLength(1000);
    expect(turns).toBeGreaterThanOrEqual(1000 / records);
  });

  test('gets on with no key update: there is none in its version', () => {
    const { victim, write } = flooded(who);
    expect(victim.core.updateKeys('read_write')).toBe(false);
    victim.core.receive(bytesOf(write.sealHandshake(Uint8Array.of(24, 0, 0, 1, 0))));
    expect(victim.sink.failures).toMatchObject([{ reason: 'unexpected_message' }]);
  });
});
