/** Abbreviated handshakes over datagrams: the server proves first, and the client has sent what may have to be sent again. */
import { describe, expect, it } from 'vitest';
import { type Session12, sessionOf } from '../../packages/ssl/src/protocol/tls12/session.js';
import { accidents } from './accidents.js';
import { DatagramLink, type DtlsWish, dtlsPair, type Fate, intact } from './datagram-link.js';
import { offerOf } from './session-ends.js';

type Found = 'id' | 'ticket';
type Pair = ReturnType<typeof dtlsPair>;

/** Sessions that a server keeps, by id or ticket, in hex. */
type Kept = Map<string, Session12>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function keep({ server: { core, sink } }: Pair, kept: Kept): void {
  sink.askSession = (wish) => {
    const known = kept.get(hex(wish.ticket ?? wish.id));
    core.answerSession(known !== undefined && wish.fits(known) ? known : undefined);
  };
  sink.askTicket = (session) => {
    const ticket = Buffer.from(`ticket ${kept.size}`);
    kept.set(hex(ticket), session);
    core.answerTicket({ ticket, lifetimeHint: 300 });
  };
}

interface Told {
  readonly failed: readonly unknown[];
  readonly resumed: readonly unknown[];
  readonly received: readonly string[];
}

/** A full handshake over a good link, and another that brings its session over one with this fate. */
function comeBack(
  by: Found,
  fate: Fate,
  wish: DtlsWish = {},
): { link: DatagramLink; told: Told; pair: Pair } {
  const kept: Kept = new Map();
  const tickets = by === 'ticket' ? 'welcome' : 'unwanted';
  const first = dtlsPair({ ...wish, client: { sessions: { offered: undefined, tickets } } });
  keep(first, kept);
  const goodLink = new DatagramLink(first.client, first.server);
  first.client.core.start();
  goodLink.run();
  const { facts } = first.server.sink;
  const session = facts && sessionOf(facts);
  if (session !== undefined && facts !== undefined) kept.set(hex(facts.sessionId), session);
  const offered = offerOf({ core: first.client.core, sink: first.client.sink });
  const pair = dtlsPair({ ...wish, client: { sessions: { offered, tickets } } });
  keep(pair, kept);
  const { client, server } = pair;
  const link = new DatagramLink(client, server, fate);
  client.core.start();
  link.run();
  client.core.send(Buffer.from('a'));
  server.core.send(Buffer.from('b'));
  link.run();
  const told = {
    failed: [...client.sink.failures, ...server.sink.failures],
    resumed: [client.sink.facts?.sessionResumption, server.sink.facts?.sessionResumption],
    received: [client.sink.received(), server.sink.received()],
  };
  return { link, told, pair };
}

const good = { failed: [], resumed: [true, true], received: ['b', 'a'] };

describe.each(['id', 'ticket'] as const)('a session of DTLS found by %s', (by) => {
  it.each(['dtlsv1.2', 'dtlsv1'] as const)('is resumed in %s, in three datagrams', (version) => {
    const { told, link, pair } = comeBack(by, intact, { versions: [version] });
    expect(told).toEqual(good);
    expect(pair.client.sink.facts?.protocol).toBe(version);
    expect(link.sent.slice(0, -2).map(({ from }) => from)).toEqual(['client', 'server', 'client']);
    expect(link.now).toBeLessThan(100);
  });

  it.each(Object.keys(accidents))('one accident at each step: %s', (name) => {
    const accident = accidents[name] ?? intact;
    for (let step = 0; step < 3; step += 1) {
      const { link, told } = comeBack(by, (bytes, index, from) =>
        (index === step ? accident : intact)(bytes, index, from),
      );
      // Bending a byte of what nobody protects may end a handshake, but never well for one side alone.
      expect([step, told.resumed[0]]).toEqual([step, told.resumed[1]]);
      if (name === 'changed in its last byte') continue;
      expect([step, told]).toEqual([step, good]);
      expect(link.now).toBeLessThan(20_000);
    }
  });

  it('is not resumed in another version', () => {
    const kept = comeBack(by, intact, { versions: ['dtlsv1'] }).pair.client;
    const offered = offerOf({ core: kept.core, sink: kept.sink });
    expect(offered.session.version).toBe('dtlsv1');
    const { server, client } = dtlsPair({ client: { sessions: { offered, tickets: 'welcome' } } });
    const fits: boolean[] = [];
    server.sink.askSession = (wish) => {
      fits.push(wish.fits(offered.session));
      server.core.answerSession(undefined);
    };
    const link = new DatagramLink(client, server);
    client.core.start();
    link.run();
    expect(fits).toEqual([false]);
    expect(client.sink.facts?.sessionResumption).toBe(false);
  });
});

it('a client whose last flight is lost sends it again for each Finished of the server that comes, and no more', () => {
  const lost = new Set([2, 4]);
  const { told, link } = comeBack('id', (bytes, index, from) =>
    lost.has(index) ? [] : intact(bytes, index, from),
  );
  expect(told).toEqual(good);
  const senders = link.sent.map(({ from }) => from).join(' ');
  expect(senders).toBe('client server client server client server client client server');
});
