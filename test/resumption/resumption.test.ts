/** Resumption by tickets of TLS 1.3, from `listen` and `connect` to the counters, over loopback (RFC 8446 §2.2, §4.6.1). */
import { inspect } from 'node:util';
import {
  createNode,
  type Node,
  type ObservedChild,
  type ObservedProcess,
  observe,
  type Self,
  silentLogger,
} from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionTicket, type TicketContent } from '../../packages/ssl/src/values/session-ticket.js';
import type { VerifyFun } from '../../packages/ssl/src/values/x509/verify-fun.js';
import {
  asking,
  ca,
  clientCertificate,
  host,
  known,
  localhost,
  meet,
  part,
  resumes,
  served,
  trusting,
} from './two-ends.js';

let node: Node;
let self: Self;
/** ms that the wall clock is ahead. */
let ahead: number;

async function begin(env: Record<string, unknown> = {}): Promise<void> {
  ahead = 0;
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node, env, wallClock: () => Date.now() + ahead }));
}

beforeEach(() => begin());
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

async function again(env: Record<string, unknown>): Promise<void> {
  await ssl.stop(node);
  node.stop();
  await begin(env);
}

const auto = { sessionTickets: 'auto' } as const;
const manual = { sessionTickets: 'manual' } as const;
const stateless = { sessionTickets: 'stateless' } as const;
const stateful = { sessionTickets: 'stateful' } as const;
const kinds = ['stateful', 'stateless', 'stateful_with_cert', 'stateless_with_cert'] as const;

/** Another function at each call, all of which do the same. */
function lenient(): VerifyFun {
  return (_certificate, event, state) =>
    event === 'valid' || event === 'valid_peer' ? { valid: state } : { unknown: state };
}

/** The tickets that a manual client's owner has been sent. */
async function tickets(amount = 3): Promise<readonly ssl.SessionTicket[]> {
  const found: ssl.SessionTicket[] = [];
  while (found.length < amount) {
    const message = await self.receive({ type: 'session_ticket' }, { after: 5000 });
    const ticket: unknown = Object(message).ticket;
    if (!(ticket instanceof SessionTicket)) throw new Error('no ticket');
    found.push(ticket);
  }
  return found;
}

/** A ticket in which a thief has written what he likes; its identity and key are the server's. */
function forged(ticket: ssl.SessionTicket, changes: Partial<TicketContent>): ssl.SessionTicket {
  const content = ticket.content();
  if (content === undefined) throw new Error('no ticket');
  return new SessionTicket({ ...content, ...changes });
}

describe.each(kinds)('tickets of a server that is %s', (sessionTickets) => {
  it('bring a client back without certificates, again and again', async () => {
    const at = await host(self, { sessionTickets });
    expect(await resumes(self, at, auto)).toBe(false);
    expect(await resumes(self, at, auto)).toBe(true);
    expect(await resumes(self, at, auto)).toBe(true);
    expect(await at.counters()).toMatchObject({ full: 1, resumed: 2, issued: 9 });
  });

  it('bring a client back that had shown a certificate, and keep it if they are of the kind', async () => {
    const at = await host(self, { sessionTickets, ...asking, failIfNoPeerCert: true });
    expect(await resumes(self, at, { ...auto, ...known })).toBe(false);
    const meeting = await meet(self, at, { ...auto, ...known });
    expect(meeting.server['sessionResumption']).toBe(true);
    const peer = await ssl.peercert(meeting.serverSocket);
    expect(peer).toEqual(
      sessionTickets.endsWith('_with_cert')
        ? { ok: new Uint8Array(clientCertificate) }
        : { error: 'no_peercert' },
    );
    await part(meeting);
  });

  it('go with the process that keeps them, and outlive one that only seals; connections do not end', async () => {
    const at = await host(self, { sessionTickets });
    const standing = await meet(self, at, auto);
    expect(await resumes(self, at, auto)).toBe(true);
    const [name = ''] = ticketProcesses();
    const store = node.whereis(name);
    if (store === undefined) throw new Error('no store');
    node.exit(store, 'kill');
    await expect.poll(() => node.whereis(name) ?? store).not.toBe(store);
    const areKept = sessionTickets.startsWith('stateful');
    expect(await resumes(self, at, auto)).toBe(!areKept);
    expect(await resumes(self, at, auto)).toBe(true);
    expect((await at.counters()).refused.unknown).toBe(areKept ? 1 : 0);
    ssl.unwrap(await ssl.send(standing.clientSocket, 'still here'));
    expect(ssl.unwrap(await ssl.recv(standing.serverSocket, 10, 5000))).toEqual(Buffer.from('still here'));
    await part(standing);
  });
});

describe('a client', () => {
  it('knows the server by the certificates that it has shown', async () => {
    const at = await host(self, stateless);
    await resumes(self, at, auto);
    const meeting = await meet(self, at, auto);
    expect(meeting.client['sessionResumption']).toBe(true);
    expect(await ssl.peercert(meeting.clientSocket)).toEqual({ ok: new Uint8Array(localhost.cert) });
    await part(meeting);
  });

  it('offers a ticket once, so that its connections cannot be linked', async () => {
    const at = await host(self, { ...stateless });
    await part(await meet(self, at, auto));
    const before = observedTickets();
    const [one, two, three] = [
      await meet(self, at, auto),
      await meet(self, at, auto),
      await meet(self, at, auto),
    ];
    expect(before).toBe(3);
    expect([one, two, three].map(({ client }) => client['sessionResumption'])).toEqual([true, true, true]);
    // Each has brought three and used one.
    expect(observedTickets()).toBe(9);
    for (const meeting of [one, two, three]) await part(meeting);
  });

  it('does not resume what it has judged by another trust, function, name or certificate of its own', async () => {
    const at = await host(self, { ...stateless, ...asking });
    await resumes(self, at, auto);
    const stranger = createCa({ subject: 'a stranger' });
    const verifyFun = lenient();
    for (const options of [
      { cacerts: [ca.cert, stranger.cert] },
      { verifyFun },
      { depth: 3 },
      { serverNameIndication: 'other.example' },
      { ...known },
      { verify: 'verify_none' as const },
    ])
      expect(await resumes(self, at, { ...auto, ...options }), inspect(options)).toBe(false);
    expect(await resumes(self, at, auto)).toBe(true);
    expect(await resumes(self, at, { ...auto, verifyFun })).toBe(true);
    expect((await at.counters()).refused).toEqual({ expired: 0, unknown: 0, replay: 0, policy: 0, suite: 0 });
  });

  it('with tickets disabled asks for none and offers none', async () => {
    const at = await host(self, stateless);
    await resumes(self, at, auto);
    expect(await resumes(self, at)).toBe(false);
    expect(await at.counters()).toMatchObject({ full: 2, resumed: 0 });
  });

  it('goes on without its store, and finds it again', async () => {
    const at = await host(self, stateless);
    await resumes(self, at, auto);
    const store = node.whereis('tls_client_ticket_store');
    if (store === undefined) throw new Error('no store');
    node.exit(store, 'kill');
    expect(await resumes(self, at, auto)).toBe(false);
    await expect.poll(() => node.whereis('tls_client_ticket_store')).toBeDefined();
    await resumes(self, at, auto);
    expect(await resumes(self, at, auto)).toBe(true);
  });

  it('keeps as many tickets as it is told to', async () => {
    await again({ client_session_ticket_store_size: 2 });
    const at = await host(self, stateless);
    await part(await meet(self, at, auto));
    expect(observedTickets()).toBe(2);
  });
});

function observed(): readonly ObservedProcess[] {
  const all = (child: ObservedChild): readonly ObservedProcess[] =>
    'pid' in child ? [child, ...child.children.flatMap(all)] : [];
  return observe(node).tree.flatMap(all);
}

/** Names of the processes of listeners with tickets. */
function ticketProcesses(): readonly string[] {
  return observed().flatMap(({ name }) => (/_(?:ticket|replay)_\d+$/.test(name ?? '') ? [name ?? ''] : []));
}

function observedTickets(): unknown {
  return observed().find(({ name }) => name === 'tls_client_ticket_store')?.counts?.['size'];
}

describe('tickets in the hands of a user (manual)', () => {
  it('are messages to the owner, and bring the connection back when they are given', async () => {
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    const [ticket, second] = await tickets();
    expect(ticket).toMatchObject({
      sni: 'localhost',
      cipherSuite: { cipher: 'aes_256_gcm', hash: 'sha384' },
    });
    expect(Math.abs((ticket?.timestamp ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await resumes(self, at, manual)).toBe(false);
    expect(await resumes(self, at, { ...manual, useTicket: [ticket].flatMap((one) => one ?? []) })).toBe(
      true,
    );
    // Through a file, for example.
    const kept = second?.toBytes() ?? new Uint8Array();
    expect(await resumes(self, at, { ...manual, useTicket: [kept] })).toBe(true);
  });

  it('show none of their secrets', async () => {
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    const [ticket] = await tickets();
    const psk = Buffer.from(ticket?.content()?.psk ?? []);
    expect(psk.length).toBe(48);
    const shown = `${inspect(ticket, { depth: 9, showHidden: true })} ${JSON.stringify(ticket)} ${inspect(observe(node), { depth: 20 })}`;
    for (const text of [psk.toString('hex').slice(0, 16), `${psk[0]}, ${psk[1]}, ${psk[2]}`])
      expect(shown).not.toContain(text);
  });

  it.each([
    ['stateful', 'once', false],
    ['stateless', 'as long as they live', true],
  ] as const)('of a %s server are good %s', async (sessionTickets, _howLong, twice) => {
    const at = await host(self, { sessionTickets });
    await part(await meet(self, at, manual));
    const [first] = await tickets();
    const options = { ...manual, useTicket: first === undefined ? [] : [first] };
    expect(await resumes(self, at, options)).toBe(true);
    expect(await resumes(self, at, options)).toBe(twice);
  });

  it('what is none is passed over, of a list the first that is good counts', async () => {
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const [one, two] = await tickets();
    if (one === undefined || two === undefined) throw new Error('no tickets');
    expect(await resumes(self, at, { ...manual, useTicket: [one] })).toBe(true);
    expect(await resumes(self, at, { ...manual, useTicket: [new Uint8Array(9), one, two] })).toBe(true);
    expect(await at.counters()).toMatchObject({ resumed: 2 });
  });
});

describe('a ticket that was stolen', () => {
  it('is worth nothing without its key: the handshake fails, and the ticket is not used up', async () => {
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const [ticket] = await tickets();
    if (ticket === undefined) throw new Error('no ticket');
    const thief = forged(ticket, { psk: new Uint8Array(48).fill(7) });
    await expect(meet(self, at, { ...manual, useTicket: [thief] })).rejects.toMatchObject({
      reason: { tls_alert: ['illegal_parameter', expect.any(String)] },
    });
    expect(await resumes(self, at, { ...manual, useTicket: [ticket] })).toBe(true);
  });

  it('opens no other name than the one it was made under', async () => {
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    const [ticket, other] = await tickets();
    await part(await meet(self, at, { ...manual, serverNameIndication: 'other.example' }));
    const [elsewhere] = await tickets();
    if (ticket === undefined || other === undefined || elsewhere === undefined) throw new Error('no ticket');
    const { sni, policy } = elsewhere.content() ?? { sni: '', policy: new Uint8Array(32) };
    const thief = {
      ...manual,
      serverNameIndication: 'other.example',
      useTicket: [forged(ticket, { sni, policy })],
    };
    expect(await resumes(self, at, thief)).toBe(false);
    expect((await at.counters()).refused.policy).toBe(1);
    expect(await resumes(self, at, { ...manual, useTicket: [other] })).toBe(true);
  });
});

describe('a server resumes nothing that it has judged by what holds no more', () => {
  const seed = new Uint8Array(32).fill(5);
  const seeded = { ...stateless, statelessTicketsSeed: seed, ...asking } as const;

  /** Whether a ticket of the first server brings its client back at the second: same seed, perhaps other options. */
  async function moved(
    first: ssl.TlsServerOptions,
    second: ssl.TlsServerOptions,
    client: ssl.TlsClientOptions = known,
  ): Promise<boolean> {
    const one = await host(self, { ...seeded, ...first });
    await part(await meet(self, one, { ...manual, ...client }));
    const [ticket] = await tickets();
    const two = await host(self, { ...seeded, ...second });
    const outcome = await resumes(self, two, {
      ...manual,
      ...client,
      useTicket: ticket === undefined ? [] : [ticket],
    });
    const { refused } = await two.counters();
    expect(refused.policy).toBe(outcome ? 0 : 1);
    await one.close();
    await two.close();
    return outcome;
  }

  it('another server with the same seed and options takes its tickets', async () => {
    expect(await moved({}, {})).toBe(true);
  });

  it('a certificate that changed', async () => {
    const renewed = ca.issue({ names: ['localhost'] });
    expect(await moved({}, { cert: renewed.chain, key: { PrivateKeyInfo: renewed.key } })).toBe(false);
  });

  it('a CA that changed', async () => {
    const stranger = createCa({ subject: 'a stranger' });
    expect(await moved({}, { cacerts: [ca.cert, stranger.cert] })).toBe(false);
  });

  it('a client certificate that is demanded now', async () => {
    expect(await moved({}, { failIfNoPeerCert: true })).toBe(false);
  });

  it('options that are stricter', async () => {
    expect(await moved({}, { depth: 1 })).toBe(false);
    expect(await moved({}, { minKeySize: 3072 })).toBe(false);
  });

  it('a function of the user’s, which nobody can look into', async () => {
    const verifyFun = lenient();
    expect(await moved({}, { verifyFun })).toBe(false);
    expect(await moved({ verifyFun }, { verifyFun })).toBe(true);
    expect(await moved({ verifyFun }, { verifyFun: lenient() })).toBe(false);
    expect(await moved({ verifyFun: [verifyFun, 1] }, { verifyFun: [verifyFun, 2] })).toBe(false);
  });

  it('options that one connection was given in handshake/2', async () => {
    const at = await host(self, { ...stateless, ...asking });
    await resumes(self, at, { ...auto, ...known });
    at.later = { depth: 2 };
    expect(await resumes(self, at, { ...auto, ...known })).toBe(false);
    expect(await resumes(self, at, { ...auto, ...known })).toBe(true);
  });

  it('a client certificate that has expired since', async () => {
    const shortly = ca.issue({ names: ['c.example'], notAfter: new Date(Date.now() + 3_600_000) });
    const options = { ...auto, cert: shortly.chain, key: { PrivateKeyInfo: shortly.key } };
    const at = await host(self, { ...stateless, ...asking });
    await resumes(self, at, options);
    expect(await resumes(self, at, options)).toBe(true);
    ahead = 3_590_000;
    // Not what the server does: a client looks at the server's certificates, and they are good.
    expect(await resumes(self, at, options)).toBe(true);
    ahead = 3_602_000;
    await expect(resumes(self, at, options)).rejects.toThrow();
    expect((await at.counters()).refused.expired).toBe(1);
  });

  it('a client that is known by no certificate, where one is demanded in handshake/2', async () => {
    const at = await host(self, { ...stateless, ...asking });
    await resumes(self, at, auto);
    expect(await resumes(self, at, auto)).toBe(true);
    at.later = { failIfNoPeerCert: true };
    await expect(resumes(self, at, auto)).rejects.toMatchObject({
      reason: { tls_alert: ['certificate_required', expect.any(String)] },
    });
  });
});

describe('time', () => {
  it('a ticket is refused when its lifetime is over, by the server’s clock too', async () => {
    await again({ server_session_ticket_lifetime: 100 });
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    const [one, two] = await tickets();
    if (one === undefined || two === undefined) throw new Error('no tickets');
    expect(one.content()?.lifetime).toBe(100);
    ahead = 99_000;
    expect(await resumes(self, at, { ...manual, useTicket: [one] })).toBe(true);
    ahead = 101_000;
    const lying = forged(two, { received: Date.now() + ahead, lifetime: 1000 });
    expect(await resumes(self, at, { ...manual, useTicket: [lying] })).toBe(false);
    expect((await at.counters()).refused.expired).toBe(1);
  });

  it('a chain of resumptions ends seven days after the certificates were judged', async () => {
    await again({ server_session_ticket_lifetime: 604_800 });
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    let [ticket] = await tickets();
    for (const days of [2, 4, 6]) {
      ahead = days * 86_400_000;
      await part(await meet(self, at, { ...manual, useTicket: ticket === undefined ? [] : [ticket] }));
      [ticket] = await tickets();
      expect(ticket?.content()?.lifetime).toBeLessThanOrEqual((7 - days) * 86_400);
    }
    ahead = 7 * 86_400_000 - 2_000;
    const last = await meet(self, at, { ...manual, useTicket: ticket === undefined ? [] : [ticket] });
    expect(last.server['sessionResumption']).toBe(true);
    await part(last);
    const [brief] = await tickets();
    expect(brief?.content()?.lifetime).toBeLessThanOrEqual(2);
  });

  it('where certificates are looked up in CRLs no resumption puts that off', async () => {
    await again({ server_session_ticket_lifetime: 100 });
    const at = await host(self, { ...stateless, ...asking, crlCheck: 'best_effort' });
    await part(await meet(self, at, { ...manual, ...known }));
    const [ticket] = await tickets();
    ahead = 60_000;
    await part(
      await meet(self, at, { ...manual, ...known, useTicket: ticket === undefined ? [] : [ticket] }),
    );
    const [next] = await tickets();
    expect(next?.content()?.lifetime).toBeLessThanOrEqual(40);
  });

  it('a client does not offer a ticket when the server’s certificates have expired', async () => {
    const shortly = ca.issue({ names: ['localhost'], notAfter: new Date(Date.now() + 1_000_000) });
    const at = await host(self, { ...stateless, cert: shortly.chain, key: { PrivateKeyInfo: shortly.key } });
    await resumes(self, at, auto);
    ahead = 1_001_500;
    await expect(resumes(self, at, auto)).rejects.toMatchObject({
      reason: { tls_alert: ['certificate_expired', expect.any(String)] },
    });
  });
});

describe('a server', () => {
  it('asks for a share by HelloRetryRequest and resumes all the same', async () => {
    const at = await host(self, { ...stateless, supportedGroups: ['secp256r1'] });
    const client = { ...auto, supportedGroups: ['x25519', 'secp256r1'] as const };
    expect(await resumes(self, at, client)).toBe(false);
    expect(await resumes(self, at, client)).toBe(true);
  });

  it('whose kind one connection changes in handshake/2 has no tickets for it', async () => {
    const at = await host(self, stateful);
    await resumes(self, at, auto);
    at.later = { sessionTickets: 'stateless' };
    expect(await resumes(self, at, auto)).toBe(false);
    at.later = { sessionTickets: 'disabled' };
    expect(await resumes(self, at, auto)).toBe(false);
    expect((await at.counters()).issued).toBe(3);
    at.later = undefined;
    expect(await resumes(self, at, auto)).toBe(true);
  });

  it('says why it refuses: no suite with the ticket’s hash', async () => {
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const [ticket] = await tickets();
    const only = { ...manual, ciphers: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'] };
    at.later = { ciphers: ['TLS_AES_128_GCM_SHA256'] };
    expect(await resumes(self, at, { ...only, useTicket: ticket === undefined ? [] : [ticket] })).toBe(false);
    expect((await at.counters()).refused).toMatchObject({ suite: 1 });
  });

  it('sends as many tickets as it is told to', async () => {
    await again({ server_session_tickets_amount: 1, server_session_ticket_store_size: 2 });
    const at = await host(self, stateful);
    for (let i = 0; i < 3; i += 1) await part(await meet(self, at, auto));
    expect(await at.counters()).toMatchObject({ issued: 3, kept: { size: 1 }, resumed: 2 });
  });

  it('shows its counters and what its processes hold to observers', async () => {
    const at = await host(self, { ...stateless, antiReplay: '10k' });
    await resumes(self, at, auto);
    await resumes(self, at, auto);
    expect(await at.counters()).toMatchObject({
      resumed: 1,
      antiReplay: { fresh: 1, seen: 0, bytes: 39_384 },
      kept: { size: 0 },
    });
    const counts = observed().flatMap((one) => one.counts ?? []);
    expect(counts).toContainEqual(expect.objectContaining({ filters: 1, bytes: 39_384, fresh: 1 }));
    expect(counts).toContainEqual(
      expect.objectContaining({ resumption: expect.objectContaining({ full: 1, resumed: 1 }) }),
    );
    // The store of clients says what became of theirs.
    expect(counts).toContainEqual(
      expect.objectContaining({ size: 5, locked: 0, full: 1, resumed: 1, refused: 0, taken: 6 }),
    );
  });

  it('has processes for its tickets that end with it', async () => {
    const at = await host(self, { ...stateless, antiReplay: '10k' });
    expect(ticketProcesses()).toHaveLength(2);
    await at.close();
    await expect.poll(ticketProcesses).toEqual([]);
    await host(self, {});
    expect(ticketProcesses()).toEqual([]);
  });

  it('of TLS 1.2 alone takes no such option, and one of both versions serves an older client', async () => {
    const refused = await ssl.listen(self, 0, { ...served, ...stateless, versions: ['tlsv1.2'] });
    expect(refused).toMatchObject({ error: { options: ['dependency', {}] } });
    const at = await host(self, stateless);
    const older = await meet(self, at, { ...trusting, versions: ['tlsv1.2'] });
    expect(older.server['protocol']).toBe('tlsv1.2');
    await part(older);
    expect(await at.counters()).toMatchObject({ issued: 0 });
  });
});
