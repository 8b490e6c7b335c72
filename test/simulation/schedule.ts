/**
 * One seeded run: clients and servers with several workers to each connection do what the seed says, on a network
 * with the seed's whims, while processes are killed; then all ends, and the ledger is checked.
 */
import type { Socket } from 'node:net';
import type { Node, Pid, Self } from '@actor-tls/runtime';
import { describeTree, leaksSince, type Random, seededRandom } from '@actor-tls/runtime/testing';
import * as ssl from '@actor-tls/ssl';
import { createCa, SimulatedTransport, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { type End, Ledger } from './ledger.js';
import { type Fault, mutate } from './mutations.js';

export interface RunOptions {
  /** Delivers wrongly on purpose, and nothing is killed. */
  readonly mutation?: ReturnType<Fault['make']>;
}

export interface Run {
  readonly violations: readonly string[];
  readonly trace: () => string;
  readonly counts: Counts;
}

/** What happened, so that a test can tell that enough did. */
export type Counts = Record<string, number>;

type WorkerMessage = ssl.SslMessage;
type Worker = Pid<WorkerMessage>;

const ca = createCa({ key: 'ed25519' });
const issued = ca.issue({ key: 'ed25519' });
const identity = { cert: issued.chain, key: { PrivateKeyInfo: issued.key } };
const trust = { cacerts: [ca.cert] };

/** Random bytes that all payloads are cut from. */
const noise = noiseOf(1 << 20);

const singletons = [
  'ssl_pem_cache',
  'ssl_crl_cache',
  'ssl_client_session_cache',
  'tls_client_ticket_store',
  'tls_anti_replay',
];
const supervisors = [
  'ssl_admin_sup',
  'ssl_connection_sup',
  'tls_sup',
  'tls_connection_sup',
  'tls_server_sup',
  'ssl_listen_tracker_sup',
];

/** What one side of a connection may speak. */
type Versions = readonly ('tlsv1.3' | 'tlsv1.2')[];
const tls13: Versions = ['tlsv1.3'];
const tls12: Versions = ['tlsv1.2'];
const both: Versions = [...tls13, ...tls12];

/** ms that whatever waits for the network or a limit may take. */
const patience = 120_000;

export async function runSchedule(seed: number, options: RunOptions = {}): Promise<Run> {
  const random = seededRandom(seed * 2654435761);
  const simulation = await simulateSsl({
    seed,
    network: {
      delay: random.pick([
        [0, 0],
        [1, 1],
        [0, 20],
        [5, 200],
      ] as const) ?? [1, 1],
      split: random.pick([0, 0, 0.3, 1]) ?? 0,
      cut: random.pick([0, 0, 0, 0.002, 0.02]) ?? 0,
      window: random.pick([1000, 20_000, 65_536, 300_000]) ?? 65_536,
    },
    env: { internal_active_n: random.pick([1, 3, 100]) ?? 100 },
  });
  return new Schedule(seed, random, simulation, options).run();
}

class Schedule {
  readonly #random: Random;
  readonly #simulation: Simulation;
  readonly #node: Node;
  readonly #ledger: Ledger;
  readonly #mutation: ReturnType<Fault['make']> | undefined;
  readonly #mark: ReturnType<Simulation['test']['mark']>;
  readonly #workers = new Map<Worker, End>();
  readonly #processes = new Set<Pid<never>>();
  readonly #packet: boolean;
  /** Options of both ends. */
  readonly #framing: { readonly packet: 0 | 4; readonly keyUpdateAt?: number };
  /** Of either side, records after which it asks for another handshake in TLS 1.2. */
  readonly #renegotiateAt: { readonly server: number | undefined; readonly client: number | undefined };
  /** Of the server, and of the clients, each of which draws one; all pairs have one in common. */
  readonly #versions: { readonly server: Versions; readonly clients: readonly Versions[] };
  /** By the client's end. */
  readonly #spoken = new Map<End, string>();
  /** Which sides pause after the hello, and whether the server has options by name. */
  readonly #pauses: { readonly server: boolean; readonly client: boolean; readonly hosts: boolean };
  /** What happens in pauses is drawn from here: schedules without any stay what they were. */
  readonly #whims: Random;
  readonly #stops: boolean;
  readonly #counts: Counts = { schedules: 1 };
  /** The client's end of each connection, by its port. */
  readonly #byPort = new Map<number, End>();
  readonly #transports = new Set<{ readonly transport: SimulatedTransport; readonly port: number }>();
  /** What mailboxes got, by owner, to compare with what their processes took out. */
  readonly #inbox = new Map<Pid<never>, unknown[]>();
  /** Nobody closes or leaves before the end. */
  readonly #calm: boolean;
  #listener: ssl.SslListenSocket | undefined = undefined;
  #killsLeft: number;
  #over = false;
  /** Closed by the test at the end. */
  readonly #closed = new Set<End>();

  constructor(seed: number, random: Random, simulation: Simulation, { mutation }: RunOptions) {
    this.#random = random;
    this.#simulation = simulation;
    this.#node = simulation.test.node;
    this.#ledger = new Ledger(() => simulation.test.clock.now());
    this.#mutation = mutation;
    this.#mark = simulation.test.mark();
    this.#packet = random.below(5) === 0;
    this.#versions = random.pick([
      { server: both, clients: [tls13, tls12, both] },
      { server: tls13, clients: [tls13, both] },
      { server: tls12, clients: [tls12, both] },
    ]) ?? { server: both, clients: [both] };
    const updates = this.#versions.server.includes('tlsv1.3');
    const keyUpdateAt = updates ? random.pick([undefined, undefined, 500, 20_000]) : undefined;
    this.#framing = { packet: this.#packet ? 4 : 0, ...(keyUpdateAt === undefined ? {} : { keyUpdateAt }) };
    this.#whims = seededRandom(seed * 2246822519 + 1);
    this.#pauses = {
      server: this.#whims.below(3) === 0,
      client: this.#whims.below(3) === 0,
      hosts: this.#whims.below(3) === 0,
    };
    const renewed = (): number | undefined => this.#whims.pick([undefined, undefined, 10, 100]);
    this.#renegotiateAt = { server: renewed(), client: renewed() };
    this.#stops = random.below(10) === 0 && mutation === undefined;
    this.#calm = random.below(2) === 0;
    this.#killsLeft = mutation !== undefined || random.below(2) === 0 ? 0 : 1 + random.below(4);
    this.#ledger.note(`seed ${seed}`);
  }

  async run(): Promise<Run> {
    const { test } = this.#simulation;
    const random = this.#random;
    const tree = describeTree(this.#node, 'ssl_sup');
    this.#watch();
    const acceptor = this.#process('acceptor', (self) => this.#serve(self));
    const clients = 1 + random.below(3);
    for (let client = 1; client <= clients; client++)
      this.#process(`client ${client}`, (self) => this.#connect(self));
    this.#planKill();
    for (let left = 10; left > 0; left--) {
      await test.advance(random.below(400));
      if (random.below(40) === 0) this.#cut();
      if (random.below(60) === 0 && this.#listener !== undefined)
        void this.#ledger.call(undefined, 'close(listener)', ssl.close(this.#listener));
    }
    await this.#finish(acceptor, tree);
    const { violations, trace } = this.#judge();
    await this.#simulation.stop();
    for (const line of leaksSince(this.#node, { ...this.#mark, processes: new Set(), names: new Set() }))
      violations.push(`after stop: ${line}`);
    if (this.#simulation.network.open.size > 0) violations.push('after stop: an open transport');
    return { violations, trace, counts: this.#counts };
  }

  // ── The actors ──────────────────────────────────────────────────────────────────────────────────────

  #process(name: string, body: (self: Self<WorkerMessage>) => Promise<void>): Worker {
    const pid = this.#node.spawn(async (self: Self<WorkerMessage>) => {
      try {
        await body(self);
      } catch (error) {
        if (self.alive)
          this.#ledger.seen.push(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
      } finally {
        this.#gone(pid);
      }
    });
    this.#processes.add(pid);
    this.#ledger.name(pid, name);
    return pid;
  }

  /** Accepts, and hands the connection to a worker before the handshake or after it, or keeps it. */
  async #serve(self: Self<WorkerMessage>): Promise<void> {
    const ledger = this.#ledger;
    const options = {
      ...identity,
      active: this.#activeMode(),
      ...this.#framing,
      renegotiateAt: this.#renegotiateAt.server,
      versions: this.#versions.server,
      maxHandshakes: 100,
      handshake: this.#pauses.server ? 'hello' : 'full',
      ...(this.#pauses.hosts ? { sniFun: () => this.#hostOptions() } : {}),
    } as const;
    const listened = await ledger.call(self.pid, 'listen', ssl.listen(self, 443, options));
    if ('error' in listened) return;
    this.#listener = listened.ok;
    for (;;) {
      const accepted = await ledger.call(self.pid, 'transportAccept', ssl.transportAccept(self, listened.ok));
      if ('error' in accepted) return;
      const end = this.#born(accepted.ok, self.pid);
      const peer = await ssl.peername(accepted.ok);
      this.#meet('ok' in peer ? peer.ok.port : undefined, end);
      const team = this.#team('server', end);
      const [first] = team;
      if (first === undefined) return;
      if (this.#random.below(3) === 0) {
        await ledger.handOver(self.pid, end, first);
        this.#handshake(first, end);
        continue;
      }
      const done = await this.#shake(
        self.pid,
        `handshake(${end.label})`,
        ssl.handshake(self, accepted.ok, 10_000),
      );
      if ('ok' in done) await ledger.handOver(self.pid, end, first);
      else end.ownEnd = true;
    }
  }

  #handshake(owner: Worker, end: End): void {
    const caller = { pid: owner, node: this.#node };
    const done = ssl.handshake(caller, end.socket, 10_000);
    this.#shake(owner, `handshake(${end.label})`, done).then(
      (result) => {
        if ('error' in result) end.ownEnd = true;
      },
      () => {},
    );
  }

  /** A handshake to its end: one that pauses is gone on with, given up, or forgotten. */
  async #shake(
    pid: Worker,
    name: string,
    answering: Promise<ssl.HandshakeAnswer>,
  ): Promise<ssl.Result<ssl.SslSocket>> {
    const ledger = this.#ledger;
    const answer = await ledger.call(pid, name, answering);
    if ('error' in answer || answer.ext === undefined) return answer;
    this.#count('pauses', 1);
    const { ok: socket } = answer;
    switch (this.#whims.below(12)) {
      case 0: {
        const cancelled = await ledger.call(pid, 'handshakeCancel', ssl.handshakeCancel(socket));
        return 'error' in cancelled ? cancelled : { error: 'cancelled' };
      }
      case 1:
        return { error: 'forgotten' };
      default:
        return ledger.call(pid, 'handshakeContinue', ssl.handshakeContinue(socket, {}, 10_000));
    }
  }

  /** What a function of the user's may do when it is asked for a host. */
  #hostOptions(): ssl.TlsServerOptions | undefined | Promise<ssl.TlsServerOptions | undefined> {
    this.#count('names asked', 1);
    switch (this.#whims.below(12)) {
      case 0:
        throw new Error('no such host');
      case 1:
        return new Promise(() => {});
      case 2:
        return { depth: -1 };
      case 3:
      case 4:
      case 5:
        return Promise.resolve(identity);
      case 6:
        return undefined;
      default:
        return identity;
    }
  }

  async #connect(self: Self<WorkerMessage>): Promise<void> {
    const ledger = this.#ledger;
    await this.#pause(self, this.#random.below(500));
    const options = {
      ...trust,
      active: this.#activeMode(),
      packet: this.#packet ? 4 : 0,
      renegotiateAt: this.#renegotiateAt.client,
      handshake: this.#pauses.client ? 'hello' : 'full',
      versions: this.#random.pick(this.#versions.clients) ?? both,
    } as const;
    const timeout = this.#random.below(10) === 0 ? this.#random.below(100) : 20_000;
    const connected =
      this.#random.below(5) === 0
        ? await this.#upgrade(self, options, timeout)
        : await this.#shake(self.pid, 'connect', ssl.connect(self, 'localhost', 443, options, timeout));
    if ('error' in connected) return;
    const end = this.#born(connected.ok, self.pid);
    this.#count('connections', 1);
    await this.#learnVersion(end);
    const name = await ssl.sockname(connected.ok);
    this.#meet('ok' in name ? name.ok.port : undefined, end);
    const team = this.#team('client', end);
    this.#workers.set(self.pid, end);
    if (this.#random.below(3) > 0) await ledger.handOver(self.pid, end, team[0] ?? self.pid);
    await this.#work(self, end);
  }

  async #learnVersion(end: End): Promise<void> {
    const information = await ssl.connectionInformation(end.socket, ['protocol', 'sessionResumption']);
    if ('error' in information) return;
    const { protocol, sessionResumption } = information.ok;
    this.#spoken.set(end, protocol);
    this.#count(protocol, 1);
    if (sessionResumption) this.#count('resumed', 1);
  }

  /** TLS 1.2 has no key updates. */
  #updatesKeys(end: End): boolean {
    const spoken = this.#spoken.get(end) ?? (end.peer && this.#spoken.get(end.peer));
    return spoken === 'tlsv1.3';
  }

  /** A bare connection first, which becomes a TLS one. */
  async #upgrade(
    self: Self<WorkerMessage>,
    options: ssl.TlsClientOptions,
    timeout: ssl.Timeout,
  ): Promise<ssl.Result<ssl.SslSocket>> {
    const bare = await this.#simulation.network.connect('localhost', 443, {}, 1000);
    if ('error' in bare) return bare;
    if (!self.alive) {
      bare.ok.destroy();
      return { error: 'closed' };
    }
    self.own(bare.ok, destroy);
    const upgraded = ssl.connect(
      self,
      bare.ok as unknown as Socket,
      { ...options, serverNameIndication: 'localhost' },
      timeout,
    );
    const answer = await this.#shake(self.pid, 'connect(bare)', upgraded);
    if ('ok' in answer) self.disown(bare.ok);
    else bare.ok.destroy();
    return answer;
  }

  /** Processes that share one end. */
  #team(side: string, end: End): Worker[] {
    const size = 1 + this.#random.below(3);
    return Array.from({ length: size }, (_, index) => {
      const worker = this.#process(`${side} worker ${index + 1} of ${end.label}`, (self) =>
        this.#work(self, end),
      );
      this.#workers.set(worker, end);
      return worker;
    });
  }

  async #work(self: Self<WorkerMessage>, end: End): Promise<void> {
    const random = this.#random;
    for (let left = 5 + random.below(40); left > 0 && !this.#over; left--) {
      const message = await self.receive({ after: random.below(30) });
      if (message !== 'timeout') {
        this.#take(self.pid, message);
        if (random.below(4) > 0) continue;
      }
      if (!this.#calm && random.below(150) === 0) {
        this.#ledger.note(`${this.#ledger.nameOf(self.pid)} exits`);
        return;
      }
      const done = this.#act(self, end);
      // Half of the time the next thing is begun before this one has its answer.
      if (random.below(2) === 0) await done;
      else done.catch(() => {});
    }
    for (;;) this.#take(self.pid, await self.receive());
  }

  /** One thing that a user may do. */
  async #act(self: Self<WorkerMessage>, end: End): Promise<void> {
    const random = this.#random;
    const ledger = this.#ledger;
    const { pid } = self;
    const { socket, label } = end;
    const what = random.below(this.#calm ? 96 : 100);
    if (what < 35) {
      const data = this.#payload();
      this.#count('MB', data.length / 1e6);
      await ledger.send(pid, end, data);
    } else if (what < 57) {
      const active = this.#activeMode();
      await ledger.call(pid, `setopts(${label}, active ${active})`, ssl.setopts(socket, { active }));
    } else if (what < 72) {
      const length = random.pick([0, 0, 1, 1 + random.below(4000)]) ?? 0;
      const timeout = random.pick([0, random.below(50), random.below(1000), 'infinity'] as const) ?? 0;
      await ledger.recv(pid, end, length, timeout);
    } else if (what < 86) {
      const team = [...this.#workers].flatMap(([worker, of]) => (of === end ? [worker] : []));
      await this.#handOver(pid, end, random.pick(team) ?? pid);
    } else if (what < 90) {
      if (this.#updatesKeys(end))
        await ledger.call(
          pid,
          `updateKeys(${label})`,
          ssl.updateKeys(socket, random.pick(['write', 'read_write']) ?? 'write'),
        );
      else await this.#renegotiate(pid, end);
    } else if (what === 93) {
      const mode = random.pick(['list', 'binary', 'binary'] as const) ?? 'binary';
      await ledger.call(pid, `setopts(${label}, ${mode})`, ssl.setopts(socket, { mode }));
    } else if (what < 94) {
      await ledger.call(pid, `getopts(${label})`, ssl.getopts(socket, ['active', 'mode', 'nodelay']));
    } else if (what < 96) {
      await ledger.call(pid, `getstat(${label})`, ssl.getstat(socket));
    } else if (what < 97) {
      const how = random.pick(['write', 'write', 'read', 'read_write'] as const) ?? 'write';
      if (how !== 'write') end.ownEnd = true;
      await ledger.call(pid, `shutdown(${label}, ${how})`, ssl.shutdown(socket, how));
    } else if (what < 98 && random.below(3) === 0) {
      end.ownEnd = true;
      const wish = { downgrade: random.pick([0, 1000] as const) ?? 0 };
      const bare = await ledger.call(pid, `close(${label}, downgrade)`, ssl.close(socket, wish));
      if ('ok' in bare && bare.ok instanceof SimulatedTransport) bare.ok.destroy();
    } else if (what < 98) {
      end.ownEnd = true;
      await ledger.call(pid, `close(${label})`, ssl.close(socket));
    } else await ledger.call(pid, `connectionInformation(${label})`, ssl.connectionInformation(socket));
  }

  /** In TLS 1.2, which has no key updates. */
  async #renegotiate(pid: Worker, { socket, label }: End): Promise<void> {
    const done = await this.#ledger.call(pid, `renegotiate(${label})`, ssl.renegotiate(socket));
    this.#count('ok' in done ? 'renegotiations' : 'renegotiations refused', 1);
  }

  async #handOver(by: Worker, end: End, to: Worker): Promise<void> {
    this.#count('hand-overs', 1);
    const handed = this.#ledger.handOver(by, end, to);
    if (!this.#node.isAlive(to)) end.ownEnd = true;
    await handed;
  }

  #activeMode(): boolean | 'once' | number {
    return (
      this.#random.pick([
        true,
        true,
        'once',
        'once',
        false,
        1 + this.#random.below(5),
        -this.#random.below(3),
      ]) ?? true
    );
  }

  #payload(): Buffer {
    const random = this.#random;
    const length = random.pick([1, random.below(100), random.below(5000), random.below(60_000)]) ?? 1;
    const from = random.below(noise.length - 300_000);
    return noise.subarray(from, from + (random.below(30) === 0 ? length * 4 : length));
  }

  async #pause(self: Self<WorkerMessage>, ms: number): Promise<void> {
    const message = await self.receive({ after: ms });
    if (message !== 'timeout') this.#take(self.pid, message);
  }

  // ── What is seen ────────────────────────────────────────────────────────────────────────────────────

  #watch(): void {
    const node = this.#node;
    node.system.inspect((event) => {
      if (event.type !== '@xstate.event') return;
      const to: unknown = event.actorRef;
      const message: unknown = event.event;
      if (isSslMessage(message)) {
        const pid = to as Pid<never>;
        this.#ledger.entered(pid, message);
        const inbox = this.#inbox.get(pid);
        if (inbox === undefined) this.#inbox.set(pid, [message]);
        else inbox.push(message);
      } else if (event.event.type === '$gen_call' && 'request' in event.event)
        this.#ledger.asked(to as Pid<never>, event.event['request']);
    });
    if (this.#mutation !== undefined)
      mutate(node, this.#mutation, isSslMessage, () => [...this.#workers.keys()]);
  }

  #take(pid: Worker, message: unknown): void {
    const first = this.#inbox.get(pid)?.shift();
    if (first !== message) this.#ledger.seen.push(`${this.#ledger.nameOf(pid)} took a message out of order`);
  }

  #born(socket: ssl.SslSocket, owner: Worker): End {
    const end = this.#ledger.born(socket, owner);
    if (!this.#node.isAlive(owner)) end.ownEnd = true;
    return end;
  }

  /** The two ends that use one client port. */
  #meet(port: number | undefined, end: End): void {
    if (port === undefined) return;
    for (const transport of this.#simulation.network.open) {
      const name = transport.sockname();
      const peer = transport.peername();
      if (('ok' in name && name.ok.port === port) || ('ok' in peer && peer.ok.port === port))
        this.#transports.add({ transport, port });
    }
    const other = this.#byPort.get(port);
    if (other === undefined) this.#byPort.set(port, end);
    else if (other !== end) this.#ledger.pair(other, end);
  }

  /** A process is no more: what it may have owned ends without a word to anybody. */
  #gone(pid: Pid<never>): void {
    this.#processes.delete(pid);
    for (const end of this.#ledger.ends) if (this.#ledger.mayOwn(end, pid)) end.ownEnd = true;
  }

  // ── Faults ──────────────────────────────────────────────────────────────────────────────────────────

  #planKill(): void {
    if (this.#killsLeft === 0) return;
    this.#killsLeft -= 1;
    const { test } = this.#simulation;
    const gap = this.#random.pick([50, 400, 2000]) ?? 400;
    test.atSlot(test.slot + 1 + this.#random.below(gap), () => {
      if (this.#over) return;
      this.#kill();
      this.#planKill();
    });
  }

  #kill(): void {
    const random = this.#random;
    const node = this.#node;
    const what = random.below(12);
    const connections = node.processes().filter((pid) => node.processInfo(pid)?.kind === 'tls_connection');
    const ends = [...this.#ledger.ends];
    const end = random.pick(ends);
    if (what < 6 && end !== undefined) {
      const receiver = end.socket.connection;
      const supervisor = node.processInfo(receiver)?.parent;
      const victim = what < 3 ? receiver : what < 5 ? end.socket.sender : supervisor;
      if (victim === undefined || !node.isAlive(victim)) return;
      this.#hit([end]);
      this.#strike(
        victim,
        `${['receiver', 'receiver', 'receiver', 'sender', 'sender', 'supervisor'][what]} of ${end.label}`,
      );
      return;
    }
    if (what < 9) {
      const victim = random.pick([...this.#processes]);
      if (victim === undefined) return;
      this.#strike(victim, this.#ledger.nameOf(victim));
      this.#gone(victim);
      return;
    }
    if (what === 9) {
      const listener = node.processes().find((pid) => node.processInfo(pid)?.kind === 'ssl_listener');
      if (listener !== undefined) this.#strike(listener, 'listener');
      return;
    }
    const name = random.pick(what === 10 ? singletons : supervisors) ?? '';
    const victim = node.whereis(name);
    if (victim === undefined) return;
    if (['ssl_connection_sup', 'tls_sup', 'tls_connection_sup'].includes(name)) {
      this.#hit(ends);
      this.#ledger.note(`${connections.length} connections are below the next victim`);
    }
    this.#strike(victim, name);
  }

  #strike(victim: Pid<never>, what: string): void {
    this.#count('kills', 1);
    this.#ledger.note(`kill ${what} ${victim}`);
    this.#node.exit(victim, 'kill');
  }

  /** Notes how the ends that a kill takes stood then. */
  #hit(ends: readonly End[]): void {
    for (const end of ends) {
      const context = this.#node.processInfo(end.socket.connection)?.context;
      if (context === undefined) continue;
      const shown: { state?: unknown; active?: unknown } = JSON.parse(JSON.stringify(context));
      end.kills.push({ active: shown.active !== false, established: shown.state === 'connection' });
    }
  }

  #cut(): void {
    const { network } = this.#simulation;
    const victim = this.#random.pick([...network.open]);
    if (victim === undefined) return;
    this.#count('cuts', 1);
    this.#ledger.note('the network cuts a connection');
    network.reset(victim);
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────

  async #finish(acceptor: Worker, tree: string): Promise<void> {
    const { test } = this.#simulation;
    const ledger = this.#ledger;
    const random = this.#random;
    if (this.#stops) await this.#stopAll();
    this.#over = true;
    ledger.note('the workers stop');
    await test.advance(random.pick([0, 100, 20_000]) ?? 0);
    if (this.#calm && random.below(4) > 0) {
      // All that was sent comes through before anybody closes: nothing may be missing then.
      for (const { socket, label } of ledger.ends)
        void ledger.call(undefined, `setopts(${label}, active true)`, ssl.setopts(socket, { active: true }));
      await test.advance(patience);
    }
    // One end of each connection closes; the other has to hear of it.
    const others = new Set<End>();
    this.#closeOneOfEach(others);
    await test.advance(patience);
    // Those that came to be meanwhile.
    this.#closeOneOfEach(others);
    await test.advance(patience);
    for (const end of others) {
      void ledger.call(
        undefined,
        `setopts(${end.label}, active true)`,
        ssl.setopts(end.socket, { active: true }),
      );
    }
    await test.advance(patience);
    for (const end of ledger.ends) {
      const left = this.#node.processInfo(end.socket.connection);
      if (left !== undefined)
        ledger.seen.push(`${end.label} is still there: ${JSON.stringify(left.context)}`);
    }
    for (const pid of this.#processes) if (pid !== acceptor) this.#node.exit(pid, 'kill');
    this.#node.exit(acceptor, 'kill');
    await test.advance(patience);
    const now = this.#node.whereis('ssl_sup') === undefined ? 'gone' : describeTree(this.#node, 'ssl_sup');
    if (now !== (this.#stops ? 'gone' : tree))
      ledger.seen.push(`the tree is neither whole nor gone:\n${now}`);
    for (const transport of this.#simulation.network.open)
      ledger.seen.push(`open: ${describeTransport(transport)}`);
  }

  #count(what: string, more: number): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + more;
  }

  /** The application ends while all are at work. */
  async #stopAll(): Promise<void> {
    this.#count('stops', 1);
    this.#hit([...this.#ledger.ends]);
    this.#ledger.note('the application stops');
    const { clock } = this.#simulation.test;
    const begun = clock.now();
    const stopping = this.#ledger.call(undefined, 'stop', ssl.stop(this.#node)).then(() => clock.now());
    await this.#simulation.test.advance(this.#random.below(10_000));
    const ended = await this.#simulation.run(stopping);
    // While slow peers took what was sent, an owner may have become passive: then it hears of the end when it asks.
    if (ended > begun)
      for (const end of this.#ledger.ends) end.kills.push({ active: false, established: true });
  }

  #closeOneOfEach(others: Set<End>): void {
    for (const end of this.#ledger.ends) {
      if (others.has(end) || this.#closed.has(end)) continue;
      const { peer } = end;
      const closing = peer?.ownEnd === true && !end.ownEnd ? peer : end;
      if (peer !== undefined) others.add(closing === end ? peer : end);
      this.#closed.add(closing);
      closing.ownEnd = true;
      void this.#ledger.call(undefined, `close(${closing.label})`, ssl.close(closing.socket));
    }
  }

  #judge(): { violations: string[]; trace: () => string } {
    for (const { transport, port } of this.#transports) {
      const end = this.#byPort.get(port);
      if (!transport.broken || end === undefined) continue;
      end.broken = true;
      if (end.peer !== undefined) end.peer.broken = true;
    }
    for (const end of this.#ledger.ends) {
      if (!end.starved) continue;
      this.#count('starved', 1);
      end.broken = true;
      if (end.peer !== undefined) end.peer.broken = true;
    }
    for (const end of this.#ledger.ends)
      if (!end.broken && end.peer !== undefined) this.#count('unbroken ends', 1);
    return {
      violations: this.#ledger.violations({ packet: this.#packet }),
      trace: () => this.#ledger.text(),
    };
  }
}

function destroy(transport: { destroy(): void }): void {
  transport.destroy();
}

function describeTransport(transport: SimulatedTransport): string {
  return JSON.stringify(transport.sockname());
}

function isSslMessage(message: unknown): message is ssl.SslMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'socket' in message &&
    message.socket instanceof ssl.SslSocket
  );
}

function noiseOf(length: number): Buffer {
  const random = seededRandom(1);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
  return bytes;
}
