/**
 * Datagrams that somebody on the way bends, cuts, joins, doubles and makes up once keys protect them (a bent hello ends a
 * handshake, as it has to), with connection IDs and without: none of it ends a connection, nothing of it is taken for data, and
 * what is kept of it is bounded.
 */
import { type Random, seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { DatagramLink, type DtlsWish, dtlsPair, type Fate } from './datagram-link.js';

const connectionId = { length: 6, check: 'enhanced' } as const;
const withIds: DtlsWish = { client: { config: { connectionId } }, server: { config: { connectionId } } };

/** Another datagram in place of this one, or besides. */
function made(bytes: Uint8Array, seen: readonly Uint8Array[], random: Random): Uint8Array {
  const other = seen[random.below(Math.max(seen.length, 1))] ?? bytes;
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 1:
      return bytes.map((byte, at) =>
        random.below(30) === 0 || at === 0 ? byte ^ (1 << random.below(8)) : byte,
      );
    case 2:
      return bytes.map((byte, at) => (at < 20 && random.below(6) === 0 ? random.below(256) : byte));
    case 3:
      return Uint8Array.of(...other, ...bytes);
    case 4:
      return Uint8Array.of(...bytes, ...other.subarray(random.below(other.length)));
    case 5:
      return Uint8Array.of(
        0x20 | random.below(32),
        ...Array.from({ length: random.below(60) }, () => random.below(256)),
      );
    default:
      return other;
  }
}

/** Every datagram arrives, and before it or behind it something that is none of the peer's. */
function noisy(seed: number, begun: () => boolean): Fate {
  const random = seededRandom(seed);
  const seen: Uint8Array[] = [];
  return (bytes) => {
    seen.push(bytes);
    if (!begun()) return [{ after: 2, bytes }];
    const strange = Array.from({ length: random.below(4) }, () => ({
      after: random.below(4),
      bytes: made(bytes, seen, random),
    }));
    return [{ after: 2, bytes }, ...strange];
  };
}

describe.each(['dtlsv1.3', 'dtlsv1.2'] as const)('%s beside somebody who makes up datagrams', (version) => {
  it.each([
    ['without connection IDs', {}],
    ['with connection IDs', withIds],
  ] as const)('%s: each message comes once, and the connection stands', (_how, wish) => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const { client, server } = dtlsPair({ versions: [version], ...wish });
      const begun = (): boolean => client.sink.establishedCount > 0 && server.sink.establishedCount > 0;
      const link = new DatagramLink(client, server, noisy(seed, begun));
      client.core.start();
      link.run();
      expect([seed, client.sink.establishedCount, server.sink.establishedCount]).toEqual([seed, 1, 1]);
      for (let n = 0; n < 20; n += 1) {
        client.core.send(Buffer.from(`<${n}>`));
        server.core.send(Buffer.from(`[${n}]`));
        if (version === 'dtlsv1.3' && n % 7 === 0) client.core.updateKeys('read_write');
        link.run();
      }
      const all = Array.from({ length: 20 }, (_none, n) => n);
      expect([seed, server.sink.received()]).toEqual([seed, all.map((n) => `<${n}>`).join('')]);
      expect([seed, client.sink.received()]).toEqual([seed, all.map((n) => `[${n}]`).join('')]);
      expect([seed, client.sink.failures, server.sink.failures]).toEqual([seed, [], []]);
      expect(client.core.held + server.core.held).toBeLessThan(66_000);
    }
  });
});
