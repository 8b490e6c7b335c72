/** DTLS 1.3 with stacks that others wrote, both ways; `peers13.ts` says which, and where they come from. */
import * as ssl from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';
import type { LossyLink } from '../support/lossy-link.js';
import { openNat } from '../support/nat.js';
import { describeIfNamed, report } from '../support/report.js';
import type { Child } from './child.js';
import {
  accept,
  type Case,
  command,
  connectTo,
  echoed,
  ended,
  infoOf,
  lines,
  listen,
  lossy,
  material,
  pair,
  pause,
  portOf,
  type Role,
  run,
  tellsLine,
} from './pairs13.js';
import type { InteropGroup } from './peer.js';
import { dimpl, type Peer13, pion13, type Wishes, wolfssl } from './peers13.js';

const told = (peer: Peer13, us: Role, what: string): void =>
  report(`interop: DTLS 1.3, our ${us}, ${peer.name}, ${what}`, { ok: 1 });

/** Every third datagram of each direction, but for the first `until`, so that all handshakes come to an end. */
const everyThird: LossyLink['lose'] = (number) => number % 3 === 0 && number < 16;

const groupCase = (group: InteropGroup): Case => ({
  name: `${group} alone`,
  wishes: { groups: [group] },
  // Our first hello has another share.
  ours: { supportedGroups: [group === 'x25519' ? 'secp256r1' : 'x25519', group] },
});

function casesOf(peer: Peer13): readonly Case[] {
  return [
    ...peer.suites.map((suite) => ({ name: suite, wishes: { suite }, ours: { ciphers: [suite] } })),
    ...peer.groups.map(groupCase),
    { name: 'a certificate with P-384', key: 'ec384' },
    { name: 'client certificates', wishes: { ask: true } },
    { name: 'no cookie', wishes: { cookie: false } },
    { name: 'every third datagram lost', lose: everyThird, ours: { flightTimeout: 200 } },
    { name: 'small datagrams', wishes: { mtu: 400, ask: true }, ours: { mtu: 400 } },
  ];
}

/** A server that gives tickets: our client is known by them, twice. */
async function comesBackTo(peer: Peer13, more: readonly string[] = []): Promise<void> {
  const one: Case = { name: 'tickets', ours: { sessionTickets: 'auto' } };
  const child = run(peer, 'server', one, more);
  const port = await portOf(child);
  for (const n of [1, 2, 3]) {
    const socket = await connectTo(port, one);
    await echoed({ us: 'client', socket, child, link: await lossy(port, one), one }, `number ${n}`);
    await pause(100);
    expect((await infoOf(socket)).sessionResumption).toBe(n > 1);
    await ssl.close(socket);
    await tellsLine(child, 'CLOSED', n);
  }
  told(peer, 'client', one.name);
}

const roles = ['client', 'server'] as const;

describe.each([dimpl, pion13, wolfssl])('$name', (peer) => {
  describeIfNamed(`${peer.name}, DTLS 1.3`, peer.why, () => {
    describe.each(roles)('our %s', (us) => {
      it.each(casesOf(peer))('$name', async (one) => {
        const at = await pair(peer, us, one);
        await echoed(at, 'first');
        await echoed(at, 'second');
        expect((await infoOf(at.socket)).protocol).toBe('dtlsv1.3');
        await ended(at, us === 'client' ? 'we' : 'they');
        told(peer, us, one.name);
      });

      it('ends by the close_notify of either side', async () => {
        const at = await pair(peer, us, { name: 'an end' });
        await ended(at, us === 'client' ? 'they' : 'we');
        told(peer, us, "the other side's close_notify");
      });

      it('is asked for another share than that of its first hello', async () => {
        const one: Case =
          us === 'server'
            ? {
                name: 'another share',
                wishes: { groups: ['x25519', 'secp256r1'] },
                ours: { supportedGroups: ['secp256r1'] },
              }
            : {
                name: 'another share',
                wishes: { groups: ['secp256r1'] },
                ours: { supportedGroups: ['x25519', 'secp256r1'] },
              };
        const at = await pair(peer, us, one);
        await echoed(at, 'retried');
        told(peer, us, one.name);
      });

      it('agrees on the newest version that both have', async () => {
        const both: Case = { name: 'both versions', ours: { versions: ['dtlsv1.3', 'dtlsv1.2'] } };
        const newest = await pair(peer, us, both, ['both=1']);
        expect((await infoOf(newest.socket)).protocol).toBe('dtlsv1.3');
        await echoed(newest, 'newest');
        await ssl.close(newest.socket);
        const old = await pair(peer, us, { ...both, ours: { versions: ['dtlsv1.2'] } }, ['both=1']);
        expect((await infoOf(old.socket)).protocol).toBe('dtlsv1.2');
        await echoed(old, 'older');
        told(peer, us, both.name);
      });

      it('has datagrams as long as Ethernet takes', async () => {
        const at = await pair(peer, us, { name: 'long datagrams' }, ['mtu=1450']);
        for (const length of [1000, 1200, 1400]) await echoed(at, 'x'.repeat(length));
        told(peer, us, 'long datagrams');
      });

      it('takes new keys as often as we want', async () => {
        const at = await pair(peer, us, { name: 'updates', ours: { flightTimeout: 200 } });
        for (let n = 0; n < 6; n += 1) {
          const which = n % 2 === 0 ? 'write' : 'read_write';
          expect(await ssl.updateKeys(at.socket, which)).toEqual({ ok: true });
          await echoed(at, `update ${n}`);
          await pause(120);
          await echoed(at, `after ${n}`);
        }
        told(peer, us, 'our key updates');
      });
    });
  });
});

describeIfNamed('dimpl alone, DTLS 1.3', dimpl.why, () => {
  it.each(roles)('has the same keys for SRTP, our %s', async (us) => {
    const useSrtp = { protectionProfiles: [Uint8Array.of(0, 7)] };
    const at = await pair(dimpl, us, { name: 'SRTP', ours: { useSrtp } });
    const ours = await ssl.exportKeyMaterial(at.socket, 'EXTRACTOR-dtls_srtp', 'no_context', 56);
    const keys = Buffer.from(ssl.unwrap(ours)).toString('hex');
    await tellsLine(at.child, `SRTP AEAD_AES_128_GCM ${keys}`);
    told(dimpl, us, 'SRTP');
  });

  it.each(roles)('takes new keys after so many records, our %s', async (us) => {
    const at = await pair(dimpl, us, { name: 'updates' }, ['update=8', 'rto=200']);
    for (let n = 0; n < 60; n += 1) await echoed(at, `message ${n}`);
    told(dimpl, us, 'its key updates');
  });
});

describeIfNamed('pion/dtls alone, DTLS 1.3', pion13.why, () => {
  it.each(roles)('takes new keys when it is told to, our %s', async (us) => {
    const at = await pair(pion13, us, { name: 'updates' });
    for (let n = 0; n < 6; n += 1) {
      command(at.child, n % 2 === 0 ? 'update' : 'update both');
      await tellsLine(at.child, 'UPDATED', n + 1);
      await echoed(at, `update ${n}`);
    }
    told(pion13, us, 'its key updates');
  });

  it.each(roles)('works with a key that both have, our %s', async (us) => {
    const psk = { key: Buffer.alloc(32, 9), identity: 'device' };
    const one: Case = {
      name: 'a key agreed beforehand',
      wishes: { psk, suite: 'TLS_AES_128_GCM_SHA256' },
    };
    const at = await pair(pion13, us, one);
    await echoed(at, 'known');
    told(pion13, us, one.name);
  });

  it('resumes with the tickets of our server', async () => {
    const one: Case = { name: 'tickets', ours: { sessionTickets: 'stateless' } };
    const [listener, port] = await listen(one);
    const child = run(pion13, 'client', one, [`port=${port}`, 'name=localhost', 'tickets=1']);
    for (const n of [1, 2, 3]) {
      if (n > 1) command(child, 'again');
      const socket = await accept(listener);
      await tellsLine(child, 'READY', n);
      expect((await infoOf(socket)).sessionResumption).toBe(n > 1);
      await echoed({ us: 'server', socket, child, link: await lossy(port, one), one }, `number ${n}`);
    }
    told(pion13, 'server', one.name);
  });

  it('gives tickets that our client comes back with', () => comesBackTo(pion13, ['tickets=1']));
});

describeIfNamed('wolfSSL alone, DTLS 1.3', wolfssl.why, () => {
  const more: readonly Case[] = [
    { name: 'a certificate with RSA', key: 'rsa' },
    { name: 'a certificate with Ed25519', key: 'ed25519' },
    { name: 'a certificate with P-521', key: 'ec521' },
  ];
  describe.each(roles)('our %s', (us) => {
    it.each(more)('$name', async (one) => {
      await echoed(await pair(wolfssl, us, one), 'known');
      told(wolfssl, us, one.name);
    });

    it('exports the same keys', async () => {
      const at = await pair(wolfssl, us, { name: 'exporters' });
      const ours = await ssl.exportKeyMaterial(at.socket, 'EXPERIMENTAL words', 'no_context', 32);
      command(at.child, 'export EXPERIMENTAL words');
      await tellsLine(at.child, `KEYS ${Buffer.from(ssl.unwrap(ours)).toString('hex')}`);
      told(wolfssl, us, 'exporters');
    });
  });

  it.each(['x25519mlkem768', 'secp256r1mlkem768'] as const)(
    'asks our client for a share of %s, whose hello then comes in pieces',
    async (group) => {
      const one: Case = {
        name: group,
        wishes: { groups: [group], more: ['frag=1'] },
        ours: { supportedGroups: ['x25519', group] },
      };
      const at = await pair(wolfssl, 'client', one);
      await echoed(at, 'hybrid');
      expect(at.link.longest.server).toBeLessThanOrEqual(1232);
      told(wolfssl, 'client', group);
    },
  );

  it('refuses our certificate, and our server is told', async () => {
    const [listener, port] = await listen({ name: 'refused' });
    const other = { cafile: material.servers.rsa.certfile };
    run(wolfssl, 'client', { name: 'refused', wishes: other }, [`port=${port}`, 'name=localhost']);
    await expect(accept(listener)).rejects.toThrow(/received CLIENT ALERT: Fatal - (Unknown|Bad)/);
    told(wolfssl, 'server', 'a refusal of our certificate');
  });

  it('hears that our client refuses its certificate', async () => {
    const one: Case = { name: 'refused', ours: { cacertfile: material.servers.rsa.certfile } };
    const child = run(wolfssl, 'server', one);
    await expect(connectTo(await portOf(child), one)).rejects.toThrow('Unknown CA');
    await tellsLine(child, 'ERROR -313');
    told(wolfssl, 'client', 'a refusal of its certificate');
  });

  it.each(roles)('does not come to an end with another key, our %s', async (us) => {
    const psk = (byte: number): NonNullable<Wishes['psk']> => ({
      key: Buffer.alloc(32, byte),
      identity: 'device',
    });
    const one: Case = { name: 'another key', wishes: { psk: psk(1), suite: 'TLS_AES_128_GCM_SHA256' } };
    const theirs: Case = { ...one, wishes: { ...one.wishes, psk: psk(2) } };
    if (us === 'client') {
      const port = await portOf(run(wolfssl, 'server', theirs));
      await expect(connectTo(port, one)).rejects.toThrow();
    } else {
      const [listener, port] = await listen(one);
      run(wolfssl, 'client', theirs, [`port=${port}`]);
      await expect(accept(listener)).rejects.toThrow();
    }
    told(wolfssl, us, one.name);
  });

  it('is asked by our server who it is when all is done', async () => {
    const options = { verify: 'verify_peer', cacertfile: material.cafile, postHandshakeAuth: true } as const;
    const one: Case = { name: 'asked later', wishes: { identity: material.client }, ours: options };
    const [listener, port] = await listen({ ...one, wishes: {} });
    const child = run(wolfssl, 'client', one, [`port=${port}`, 'name=localhost']);
    const socket = await accept(listener);
    expect(await ssl.peercert(socket)).toEqual({ error: 'no_peercert' });
    const shown = ssl.unwrap(await ssl.requestCertificate(socket, 5000));
    expect(await ssl.peercert(socket)).toEqual({ ok: shown });
    // Once: its transcript of a second answer holds the first one too, which RFC 8446 §4.4 has not.
    await echoed({ us: 'server', socket, child, link: await lossy(port, one), one }, 'known');
    told(wolfssl, 'server', one.name);
  });

  it.each(roles)('takes new keys when it is told to, our %s', async (us) => {
    const at = await pair(wolfssl, us, { name: 'updates' });
    for (let n = 0; n < 6; n += 1) {
      command(at.child, 'update');
      await tellsLine(at.child, 'UPDATING 1', n + 1);
      await echoed(at, `update ${n}`);
      await pause(60);
      await echoed(at, `after ${n}`);
    }
    told(wolfssl, us, 'its key updates');
  });

  it.each(roles)('works with a key that both have, our %s', async (us) => {
    const psk = { key: Buffer.alloc(32, 9), identity: 'device' };
    const one: Case = {
      name: 'a key agreed beforehand',
      wishes: { psk, suite: 'TLS_AES_128_GCM_SHA256' },
    };
    const at = await pair(wolfssl, us, one);
    await echoed(at, 'known');
    command(at.child, 'state');
    await tellsLine(at.child, 'STATE no certificate');
    told(wolfssl, us, one.name);
  });

  it('resumes with the tickets of our server', async () => {
    const one: Case = { name: 'tickets', ours: { sessionTickets: 'stateless' } };
    const [listener, port] = await listen(one);
    const child = run(wolfssl, 'client', one, [`port=${port}`, 'name=localhost']);
    const first = await accept(listener);
    await echoed({ us: 'server', socket: first, child, link: await lossy(port, one), one }, 'first');
    for (const n of [2, 3]) {
      command(child, 'again');
      const next = await accept(listener);
      await tellsLine(child, 'READY', n);
      expect(lines(child).filter((line) => line.includes(' resumed '))).toHaveLength(n - 1);
      await echoed({ us: 'server', socket: next, child, link: await lossy(port, one), one }, `number ${n}`);
    }
    told(wolfssl, 'server', one.name);
  });

  it('gives tickets that our client comes back with', () => comesBackTo(wolfssl));

  it.each(['stateful', 'stateless'] as const)(
    'says something early to our server, under a ticket that is %s',
    async (sessionTickets) => {
      const guard = sessionTickets === 'stateless' ? ({ antiReplay: '10k' } as const) : {};
      const ours = { sessionTickets, ...guard, earlyData: 'enabled' } as const;
      const one: Case = { name: 'early data', wishes: { groups: ['x25519'] }, ours };
      const [listener, port] = await listen(one);
      const child = run(wolfssl, 'client', one, [`port=${port}`, 'name=localhost', 'early=a reading']);
      const link = await lossy(port, one);
      await echoed({ us: 'server', socket: await accept(listener), child, link, one }, 'first');
      command(child, 'again');
      const socket = await accept(listener);
      await tellsLine(child, 'SAID EARLY 9');
      expect(await ssl.recv(socket, 0, 5000)).toEqual({ ok: Buffer.from('a reading'), earlyData: true });
      await echoed({ us: 'server', socket, child, link, one }, 'later');
      told(wolfssl, 'server', `early data, ${sessionTickets}`);
    },
  );

  it('hears what our client says early', async () => {
    const ours = { sessionTickets: 'auto', supportedGroups: ['x25519'] } as const;
    const one: Case = { name: 'early data', wishes: { groups: ['x25519'], cookie: false }, ours };
    const child = run(wolfssl, 'server', one, ['early=4096']);
    const port = await portOf(child);
    const link = await lossy(port, one);
    for (const said of [undefined, 'reading 1', 'reading 2']) {
      const earlyData = said === undefined ? {} : { earlyData: Buffer.from(said) };
      const socket = await connectTo(port, { ...one, ours: { ...ours, ...earlyData } });
      if (said !== undefined) {
        await tellsLine(child, `EARLY ${said}`);
        expect(await infoOf(socket)).toMatchObject({ earlyDataStatus: 'accepted', sessionResumption: true });
      }
      await echoed({ us: 'client', socket, child, link, one }, `behind ${said}`);
      await pause(100);
      await ssl.close(socket);
    }
    told(wolfssl, 'client', 'early data');
  });

  it('asks our client who it is when all is done', async () => {
    const at = await pair(wolfssl, 'client', {
      name: 'asked later',
      ours: { ...material.client, postHandshakeAuth: true },
    });
    await echoed(at, 'who knows');
    command(at.child, 'who');
    await tellsLine(at.child, 'ASKING 1');
    await pause(300);
    await echoed(at, 'known');
    command(at.child, 'state');
    await tellsLine(at.child, 'STATE certificate, all acknowledged');
    told(wolfssl, 'client', 'asked later');
  });
});

/** Ours, and the ID that wolfSSL's side wants to be called by. */
const ids = [
  { ours: true, theirs: 'beefcafe' },
  { ours: 4, theirs: '0102030405060708090a' },
  { ours: true, theirs: '-' },
  { ours: 0, theirs: 'beef' },
] as const;

/** Both IDs are in use, by their lengths. */
async function hasIds(child: Child, { ours, theirs }: (typeof ids)[number]): Promise<void> {
  const length = theirs === '-' ? 0 : theirs.length / 2;
  await tellsLine(child, 'READY');
  expect(lines(child).find((line) => line.startsWith('READY'))).toMatch(
    new RegExp(` cid ${length} ${ours === true ? 8 : ours}$`),
  );
}

describeIfNamed('wolfSSL with connection IDs of DTLS 1.3', wolfssl.why, () => {
  it.each(ids)('as a client that moves: ours $ours, theirs $theirs', async (each) => {
    const { ours, theirs } = each;
    const one: Case = { name: 'moves', ours: { connectionId: ours } };
    const at = await pair(wolfssl, 'server', one, [`cid=${theirs}`]);
    await hasIds(at.child, each);
    await echoed(at, 'before');
    for (let n = 0; ours !== 0 && n < 3; n += 1) {
      command(at.child, 'move');
      await echoed(at, `after ${n}`);
    }
    expect(await ssl.updateKeys(at.socket, 'read_write')).toEqual({ ok: true });
    await pause(100);
    await echoed(at, 'new keys');
    told(wolfssl, 'server', `connection IDs, ours ${ours}, theirs ${theirs}`);
  });

  it.each(ids)('as a server that we move from: ours $ours, theirs $theirs', async (each) => {
    const { ours, theirs } = each;
    const one: Case = { name: 'moves', ours: { connectionId: ours } };
    const child = run(wolfssl, 'server', one, [`cid=${theirs}`]);
    const nat = await openNat(await portOf(child));
    try {
      const socket = await connectTo(nat.port, one);
      const at = { us: 'client', socket, child, link: await lossy(nat.port, one), one } as const;
      await hasIds(child, each);
      await echoed(at, 'before');
      for (let n = 0; theirs !== '-' && n < 3; n += 1) {
        await nat.move();
        await echoed(at, `after ${n}`);
      }
      expect(await ssl.updateKeys(socket, 'read_write')).toEqual({ ok: true });
      await pause(100);
      await echoed(at, 'new keys');
      await ssl.close(socket);
    } finally {
      nat.stop();
    }
    told(wolfssl, 'client', `connection IDs, ours ${ours}, theirs ${theirs}`);
  });
});
