/** Middlebox compatibility mode (RFC 8446 §D.4), in every pairing: who shows a session id, who sends change_cipher_spec, and where. */
import { describe, expect, test } from 'vitest';
import { plainRecord } from './bend.js';
import { expectToTalk } from './talk.js';
import { client, connected, type End, exchange, server } from './two-cores.js';

const changeCipherSpec = 20;
const pairings = [true, false].flatMap((ours) =>
  [true, false].flatMap((theirs) => [true, false].map((retry) => [ours, theirs, retry] as const)),
);

/** Types of the records that an end has written, in order. */
function types({ sink }: End): readonly number[] {
  const bytes = Buffer.concat(sink.writes.flat());
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) found.push(bytes[at] ?? 0);
  return found;
}

const shown = (end: End): number => types(end).filter((type) => type === changeCipherSpec).length;

describe.each(pairings)('client %s, server %s, retry %s', (ours, theirs, retry) => {
  test('shake hands, with one change_cipher_spec from each side that wants it', () => {
    const ends = connected(
      { config: { middleboxCompMode: ours } },
      { config: { middleboxCompMode: theirs, ...(retry && { supportedGroups: ['secp256r1'] as const }) } },
    );
    expectToTalk(ends);
    expect(ends.client.sink.facts?.sessionId).toHaveLength(ours ? 32 : 0);
    expect(shown(ends.client)).toBe(ours ? 1 : 0);
    // A server answers a session id, which asks for it.
    expect(shown(ends.server)).toBe(ours && theirs ? 1 : 0);
    // Before the second flight, be it the second hello; behind the ServerHello or HelloRetryRequest.
    if (ours) expect(types(ends.client).indexOf(changeCipherSpec)).toBe(1);
    if (ours && theirs) expect(types(ends.server).indexOf(changeCipherSpec)).toBe(1);
  });
});

test.each([true, false])(
  'a change_cipher_spec more than needed is dropped, whatever the mode: %s',
  (mode) => {
    const config = { middleboxCompMode: mode };
    const ends = { client: client({ config }), server: server({ config }) };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    ends.server.core.receive(plainRecord(changeCipherSpec, [1]));
    ends.client.core.receive(plainRecord(changeCipherSpec, [1]));
    exchange(ends.client, ends.server);
    expectToTalk(ends);
  },
);
