/**
 * One seeded run of clients that come back, in TLS 1.3 or 1.2: tickets, sessions and early data while keys turn, stores and filters are killed at any
 * step, a fleet's stores answer late or never, and first flights are sent again. Then all that was seen is judged.
 */

import type { Self } from '@actor-tls/runtime';
import { describeTree, type Random, seededRandom } from '@actor-tls/runtime/testing';
import type { KeysAnswer, ReplayStore, StoredKeys, TicketKeyStore } from '@actor-tls/session-store';
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { clientHelloColumn, readExtensions } from '../../packages/ssl/src/protocol/extensions/table.js';
import { decodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';

const ca = createCa({ key: 'ed25519' });
const issued = ca.issue({ key: 'ed25519' });
const identity = { cert: issued.chain, key: { PrivateKeyInfo: issued.key } };

export type ResumptionCounts = Record<
  | 'connections'
  | 'resumed'
  | 'resumed in 1.2'
  | 'tickets offered'
  | 'early accepted'
  | 'early rejected'
  | 'kills'
  | 'rotations'
  | 'replays',
  number
>;

export interface ResumptionRun {
  readonly violations: readonly string[];
  readonly counts: ResumptionCounts;
}

/** One end of a connection of the network. */
type Wire = Extract<Awaited<ReturnType<Simulation['network']['connect']>>, { readonly ok: unknown }>['ok'];

/** Kinds of processes that may be lost. */
const mortal = [
  ...['ticket_tracker', 'server_ticket_store', 'anti_replay', 'client_ticket_store'],
  'session_cache',
];
/** ms in which whatever was lost or late is over, refusals of a filter that began anew included. */
const quiet = 120_000;

export async function runResumption(seed: number): Promise<ResumptionRun> {
  const random = seededRandom(seed * 2654435761 + 7);
  const simulation = await simulateSsl({
    seed,
    network: {
      delay: random.pick([
        [0, 0],
        [1, 1],
        [0, 20],
      ] as const) ?? [1, 1],
      split: random.pick([0, 0.3]) ?? 0,
    },
  });
  return new Schedule(random, simulation, seed % 3 === 0).run();
}

/** Stores of a fleet that take their time, or all of it. */
class LateStores implements TicketKeyStore, ReplayStore {
  readonly #late: () => Promise<void>;
  readonly #seen = new Set<string>();
  #keys: StoredKeys | undefined;

  constructor(late: () => Promise<void>) {
    this.#late = late;
  }

  async read(known: string | undefined): Promise<KeysAnswer> {
    await this.#late();
    return { keys: this.#keys !== undefined && this.#keys.tag === known ? 'unchanged' : this.#keys };
  }

  async replace(expected: string | undefined, keys: StoredKeys): Promise<KeysAnswer> {
    await this.#late();
    if (this.#keys?.tag !== expected) return { keys: this.#keys };
    this.#keys = keys;
    return { keys: 'unchanged' };
  }

  async claim(element: Uint8Array): Promise<'new' | 'seen'> {
    const name = Buffer.from(element).toString('hex');
    const answer = this.#seen.has(name) ? 'seen' : 'new';
    this.#seen.add(name);
    await this.#late();
    return answer;
  }
}

class Schedule {
  readonly #random: Random;
  readonly #simulation: Simulation;
  readonly #violations: string[] = [];
  readonly #counts: ResumptionCounts = {
    connections: 0,
    resumed: 0,
    'resumed in 1.2': 0,
    'tickets offered': 0,
    'early accepted': 0,
    'early rejected': 0,
    kills: 0,
    rotations: 0,
    replays: 0,
  };
  /** Ports of the servers. */
  readonly #ports: readonly number[];
  readonly #options: ssl.TlsServerOptions;
  readonly #older: boolean;
  /** Nobody is late or lost any more. */
  #calm = false;
  /** Identities of tickets by hex, as the wire has seen them. */
  readonly #offered = new Set<string>();
  /** What clients have sent, each connection's in pieces. */
  readonly #sent: Uint8Array[][] = [];
  /** How often an early piece of data came to an owner. */
  readonly #cameEarly = new Map<string, number>();
  #nextEarly = 0;

  constructor(random: Random, simulation: Simulation, older: boolean) {
    this.#random = random;
    this.#simulation = simulation;
    this.#tap();
    const stores = new LateStores(() => this.#late());
    const fleet = { ticketKeyStore: stores, replayStore: stores };
    const stateless = { sessionTickets: 'stateless', antiReplay: '10k' } as const;
    const kind = random.below(3);
    this.#older = older;
    // A session of TLS 1.2 is of one server, and no fleet's.
    this.#ports = kind === 2 && !this.#older ? [443, 444] : [443];
    const tickets =
      kind === 0 ? { sessionTickets: 'stateful' as const } : kind === 1 ? stateless : { ...stateless, fleet };
    this.#options = this.#older
      ? { ...identity, active: false, versions: ['tlsv1.2'], olderSessionTickets: random.below(2) === 0 }
      : { ...identity, ...tickets, earlyData: 'enabled', active: false, versions: ['tlsv1.3'] };
  }

  async run(): Promise<ResumptionRun> {
    const { test } = this.#simulation;
    const { node } = test;
    const tree = describeTree(node, 'ssl_sup');
    const listening = this.#ports.map((port) => this.#serve(port));
    await test.advance(1000);
    const listeners = await Promise.all(listening);
    const clients = Array.from({ length: 1 + this.#random.below(3) }, (_, n) => this.#client(n, listeners));
    this.#planKill(1 + this.#random.below(4));
    await test.advance(400_000);
    await test.run(Promise.all(clients));
    this.#calm = true;
    await test.advance(quiet);
    await this.#comesBackByItself();
    this.#judge();
    for (const listener of listeners) await test.run(ssl.close(listener));
    await test.advance(quiet);
    const now = describeTree(node, 'ssl_sup');
    if (now !== tree) this.#violations.push(`the tree is not whole:\n${now}`);
    if (this.#simulation.network.open.size > 0) this.#violations.push('an open transport');
    await this.#simulation.stop();
    return { violations: this.#violations, counts: this.#counts };
  }

  // ── The actors ──────────────────────────────────────────────────────────────────────────────────────

  async #serve(port: number): Promise<ssl.SslListenSocket> {
    const self = this.#simulation.test.node.shell();
    const listener = ssl.unwrap(await ssl.listen(self, port, this.#options));
    void (async () => {
      for (;;) {
        const accepted = await ssl.transportAccept(self, listener);
        if ('error' in accepted) return;
        void this.#answer(self, accepted.ok);
      }
    })();
    return listener;
  }

  /** Says whether the connection was resumed, having read what came early, if anything did. */
  async #answer(self: Self, socket: ssl.SslSocket): Promise<void> {
    const shaken = await ssl.handshake(self, socket, 30_000);
    // A flight that was sent again ends here.
    if ('error' in shaken) return;
    const information = ssl.unwrap(await ssl.connectionInformation(socket));
    if (Number(information.earlyBytes) > 0) {
      const came = ssl.unwrap(await ssl.recv(socket, Number(information.earlyBytes), 30_000));
      const text = String(came);
      this.#cameEarly.set(text, (this.#cameEarly.get(text) ?? 0) + 1);
    }
    await ssl.send(socket, information.sessionResumption ? 'y' : 'n');
    await ssl.recv(socket, 0, 60_000);
    await ssl.close(socket);
  }

  async #client(n: number, listeners: readonly ssl.SslListenSocket[]): Promise<void> {
    const random = this.#random;
    const self = this.#simulation.test.node.shell();
    for (let left = 4 + random.below(6); left > 0; left -= 1) {
      await this.#wait(random.pick([0, 10, 500, 6000]) ?? 0);
      if (random.below(4) === 0) await this.#rotate(random.pick(listeners));
      await this.#meet(self, `client ${n}`);
      if (random.below(3) === 0) await this.#sendAgain();
    }
  }

  async #meet(
    self: Self,
    name: string,
    port: number = this.#random.pick(this.#ports) ?? 443,
  ): Promise<boolean> {
    const random = this.#random;
    this.#nextEarly += 1;
    const early = random.below(2) === 0 && !this.#older ? `early ${this.#nextEarly}.` : '';
    const trust = { cacerts: [ca.cert], active: false } as const;
    const options = this.#older
      ? ({ ...trust, versions: ['tlsv1.2'] } as const)
      : ({ ...trust, sessionTickets: 'auto' } as const);
    const wish = early === '' ? options : { ...options, earlyData: Buffer.from(early) };
    const connected = await ssl.connect(self, 'localhost', port, wish, 30_000);
    if ('error' in connected) {
      this.#violations.push(`${name}: connect ${JSON.stringify(connected.error)}`);
      return false;
    }
    const socket = connected.ok;
    const { sessionResumption, earlyDataStatus } = ssl.unwrap(await ssl.connectionInformation(socket));
    const said = await ssl.recv(socket, 1, 60_000);
    if (!('ok' in said) || String(said.ok) !== (sessionResumption ? 'y' : 'n'))
      this.#violations.push(`${name}: the ends disagree: ${JSON.stringify(said)}`);
    this.#counts.connections += 1;
    if (sessionResumption) this.#counts[this.#older ? 'resumed in 1.2' : 'resumed'] += 1;
    if (early !== '') this.#judgeEarly(name, early, earlyDataStatus === 'accepted');
    await ssl.close(socket);
    return sessionResumption;
  }

  /** Whoever is told that early data was accepted has been heard, and nobody else. */
  #judgeEarly(name: string, early: string, accepted: boolean): void {
    this.#counts[accepted ? 'early accepted' : 'early rejected'] += 1;
    const came = this.#cameEarly.get(early) ?? 0;
    if (came !== (accepted ? 1 : 0))
      this.#violations.push(`${name}: ${early} came ${came} times, accepted: ${accepted}`);
  }

  async #rotate(listener: ssl.SslListenSocket | undefined): Promise<void> {
    if (listener === undefined) return;
    this.#counts.rotations += 1;
    await ssl.rotateTicketKeys(listener);
  }

  /** Somebody in between sends what a client has said once more, to any server. */
  async #sendAgain(): Promise<void> {
    const flight = this.#random.pick(this.#sent);
    const port = this.#random.pick(this.#ports) ?? 443;
    if (flight === undefined) return;
    this.#counts.replays += 1;
    const bytes = Buffer.concat(flight);
    const wire = await this.#connectUntapped(port);
    wire?.write([bytes]);
    await this.#wait(500);
    wire?.destroy();
  }

  // ── What is late and lost ───────────────────────────────────────────────────────────────────────────

  #late(): Promise<void> {
    const late = this.#calm ? 1 : (this.#random.pick([0, 1, 50, 240, 260, 2000, Infinity]) ?? 0);
    return this.#wait(late);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulation.test.clock.setTimeout(resolve, ms);
    });
  }

  #planKill(left: number): void {
    const { test } = this.#simulation;
    if (left === 0) return;
    test.atSlot(test.slot + 1 + this.#random.below(600), () => {
      const { node } = test;
      const victims = node.processes().filter((pid) => mortal.includes(node.processInfo(pid)?.kind ?? ''));
      const victim = this.#calm ? undefined : this.#random.pick(victims);
      if (victim === undefined) return;
      this.#counts.kills += 1;
      node.exit(victim, 'kill');
      this.#planKill(left - 1);
    });
  }

  // ── The wire ────────────────────────────────────────────────────────────────────────────────────────

  #connectUntapped: (port: number) => Promise<Wire | undefined> = () => Promise.resolve(undefined);

  /** All that clients say is seen before it leaves. */
  #tap(): void {
    const { network } = this.#simulation;
    const connect = network.connect.bind(network);
    this.#connectUntapped = async (port) => {
      const answer = await connect('localhost', port, {}, 10_000);
      return 'ok' in answer ? answer.ok : undefined;
    };
    network.connect = async (...args) => {
      const answer = await connect(...args);
      if ('ok' in answer) this.#watch(answer.ok);
      return answer;
    };
  }

  #watch(transport: Wire): void {
    const sent: Uint8Array[] = [];
    this.#sent.push(sent);
    const write = transport.write.bind(transport);
    transport.write = (pieces) => {
      if (sent.length === 0) this.#hello(Buffer.concat(pieces));
      sent.push(...pieces.map((piece) => Uint8Array.from(piece)));
      return write(pieces);
    };
  }

  /** RFC 8446 appendix C.4: a ticket is offered once. */
  #hello(flight: Buffer): void {
    const message = flight.subarray(5, 5 + flight.readUInt16BE(3));
    const { extensions } = decodeHandshake('client_hello', message);
    const { preSharedKey } = readExtensions(clientHelloColumn, extensions);
    for (const { identity: ticket } of preSharedKey?.identities ?? []) {
      const name = Buffer.from(ticket).toString('hex');
      this.#counts['tickets offered'] += 1;
      if (this.#offered.has(name)) this.#violations.push('a ticket was offered twice');
      this.#offered.add(name);
    }
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────

  /** When nothing fails any more a client is known again, at each door: a ticket is kept for one port. */
  async #comesBackByItself(): Promise<void> {
    const { test } = this.#simulation;
    const self = test.node.shell();
    for (const port of this.#ports) {
      for (let n = 0; n < 2; n += 1) await test.run(this.#meet(self, 'the last client', port));
      if (!(await test.run(this.#meet(self, 'the last client', port))))
        this.#violations.push(`resumption does not come back, port ${port}`);
    }
  }

  #judge(): void {
    for (const [early, times] of this.#cameEarly)
      if (times > 1) this.#violations.push(`${early} came ${times} times`);
  }
}
