/**
 * A thousand connections on real sockets, each handed from acceptor to worker to worker under load, while workers,
 * connections and caches are killed: what the peer's application acknowledged arrived once and in order, who was not
 * hit notices nothing, and nothing is left at the end.
 */
import { connect as connectTls } from 'node:tls';
import { createNode, type Node, type Pid, type Self, silentLogger } from '@actor-tls/runtime';
import { describeTree, leaksSince, markLeaks, type Random, seededRandom } from '@actor-tls/runtime/testing';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { report } from '../support/report.js';
import { acknowledgementOf, Book, frameOf, type Story } from './book.js';

const ca = createCa();
const issued = ca.issue({ subject: 'localhost', names: ['localhost'] });

/** Client connections that are open at a time. */
const crowd = 60;
const singletons = [
  'ssl_pem_cache',
  'ssl_crl_cache',
  'ssl_client_session_cache',
  'tls_client_ticket_store',
  'tls_anti_replay',
];

/** From one worker to the next: the socket, and what the old one had got of it. */
interface Take {
  readonly type: 'take';
  readonly serving: Serving;
  readonly rest: Buffer;
}
type WorkerMessage = ssl.SslMessage | Take | { readonly type: 'DOWN' };
type Worker = Pid<WorkerMessage>;

/** One accepted connection. */
interface Serving {
  readonly socket: ssl.SslSocket;
  readonly port: number;
  readonly workers: Worker[];
  story: Story | undefined;
}

class Chaos {
  readonly node: Node;
  readonly book: Book = new Book();
  readonly random: Random = seededRandom(7);
  readonly counts = {
    connections: 0,
    'tlsv1.3': 0,
    'tlsv1.2': 0,
    frames: 0,
    'hand-overs': 0,
    renegotiations: 0,
    kills: 0,
    'cut short': 0,
  };
  /** By the client's port; a port may come again. */
  readonly serving = new Map<number, Serving>();
  readonly clients = new Map<
    Story,
    { readonly pid: Pid<never>; readonly socket: ssl.SslSocket | undefined }
  >();
  /** Server ends that were hit before their client was known. */
  readonly hitPorts = new Set<number>();
  readonly byPort = new Map<number, Story>();
  readonly #killable: 'both ends' | 'server';
  #port = 0;
  #strikesInHandshake = 0;
  #cacheKills = 8;
  #failedHandshakes = 0;

  constructor(node: Node, killable: 'both ends' | 'server') {
    this.node = node;
    this.#killable = killable;
  }

  // ── The server ──────────────────────────────────────────────────────────────────────────────────────

  async listen(): Promise<Pid<never>> {
    let opened: (port: number) => void = () => {};
    const port = new Promise<number>((resolve) => {
      opened = resolve;
    });
    const owner = this.node.spawn(async (self: Self<WorkerMessage>) => {
      const options = {
        cert: issued.chain,
        key: { PrivateKeyInfo: issued.key },
        ip: '127.0.0.1',
        active: false,
      } as const;
      const listener = ssl.unwrap(await ssl.listen(self, 0, options));
      for (let i = 0; i < 8; i++)
        self.spawnLink((acceptor: Self<WorkerMessage>) => this.#accept(acceptor, listener));
      opened(ssl.unwrap(await ssl.sockname(listener)).port);
      await self.receive();
    });
    this.#port = await port;
    return owner;
  }

  get port(): number {
    return this.#port;
  }

  async #accept(self: Self<WorkerMessage>, listener: ssl.SslListenSocket): Promise<void> {
    for (;;) {
      const accepted = await ssl.transportAccept(self, listener);
      if ('error' in accepted) return;
      const peer = await ssl.peername(accepted.ok);
      if ('error' in peer) continue;
      const serving: Serving = { socket: accepted.ok, port: peer.ok.port, workers: [], story: undefined };
      this.serving.set(serving.port, serving);
      this.hitPorts.delete(serving.port);
      this.byPort.delete(serving.port);
      const shaken = await ssl.handshake(self, accepted.ok, patience);
      if ('error' in shaken) continue;
      await this.#handOver(self, serving, Buffer.alloc(0));
    }
  }

  /** To a new worker; what came before the hand-over goes with it, what comes after it comes by itself. */
  async #handOver(self: Self<WorkerMessage>, serving: Serving, rest: Buffer): Promise<void> {
    const { socket } = serving;
    const old = self.pid;
    const worker: Worker = self.spawn((next: Self<WorkerMessage>) => this.#work(next, old));
    serving.workers.push(worker);
    this.counts['hand-overs'] += 1;
    await ssl.controllingProcess(socket, worker);
    const pieces = [rest];
    for (;;) {
      const message = await self.receive((one) => 'socket' in one && one.socket === socket, { after: 0 });
      if (message === 'timeout') break;
      if (message.type === 'ssl' && message.data instanceof Uint8Array)
        pieces.push(Buffer.from(message.data));
      else if (message.type !== 'ssl_passive') await ssl.close(socket);
    }
    self.send(worker, { type: 'take', serving, rest: Buffer.concat(pieces) });
  }

  async #work(self: Self<WorkerMessage>, predecessor: Pid<never>): Promise<void> {
    self.monitor(predecessor);
    const taken = await self.receive((one) => one.type === 'take' || one.type === 'DOWN');
    // What the old one had got is lost with it: the connection ends with its owner.
    if (taken.type !== 'take') return;
    const { serving } = taken;
    const { socket } = serving;
    let bytes = taken.rest;
    let left = 1 + this.random.below(6);
    let active: boolean | 'once' | number = this.random.pick([true, 'once', 3] as const) ?? true;
    for (;;) {
      const { numbers, rest, story } = this.book.read(bytes);
      bytes = rest;
      if (story !== undefined) {
        serving.story = story;
      }
      for (const number of numbers)
        if ('error' in (await ssl.send(socket, acknowledgementOf(number)))) return;
      left -= numbers.length;
      if (this.random.below(8) === 0) this.#renegotiate(socket);
      if (left <= 0 && serving.workers.length < 4) return this.#handOver(self, serving, bytes);
      if ('error' in (await ssl.setopts(socket, { active }))) return;
      active = 'once';
      const message = await self.receive((one) => 'socket' in one && one.socket === socket);
      if (message.type === 'ssl' && message.data instanceof Uint8Array)
        bytes = Buffer.concat([bytes, message.data]);
      else if (message.type === 'ssl_closed' || message.type === 'ssl_error') return;
    }
  }

  // ── The clients ─────────────────────────────────────────────────────────────────────────────────────

  story(id: number): Story {
    this.counts.connections += 1;
    return this.book.open(id, 1 + this.random.below(20));
  }

  frames(story: Story): Buffer[] {
    this.counts.frames += story.frames;
    return Array.from({ length: story.frames }, (_, number) =>
      frameOf(
        story.id,
        number,
        this.random.pick([0, this.random.below(100), this.random.below(patience)]) ?? 0,
      ),
    );
  }

  /** A client of ours: sends and reads at the same time. Ends when all is acknowledged or the connection is over. */
  async client(id: number): Promise<void> {
    const story = this.story(id);
    const version = this.random.pick(['tlsv1.3', 'tlsv1.2'] as const) ?? 'tlsv1.3';
    const pid = this.node.spawn(async (self: Self<ssl.SslMessage>) => {
      const connected = await ssl.connect(
        self,
        '127.0.0.1',
        this.#port,
        { cacerts: [ca.cert], serverNameIndication: 'localhost', active: false, versions: [version] },
        patience,
      );
      // Of a process that was killed as it connected nobody waits for an answer: that is no failed handshake.
      if ('error' in connected) return self.alive ? this.#failed(story) : undefined;
      const socket = connected.ok;
      this.counts[version] += 1;
      this.clients.set(story, { pid: self.pid, socket });
      const name = await ssl.sockname(socket);
      this.#met('ok' in name ? name.ok.port : undefined, story);
      const frames = this.frames(story);
      const sending = (async () => {
        for (const frame of frames) {
          if (this.random.below(8) === 0) this.#renegotiate(socket);
          if ('error' in (await ssl.send(socket, frame))) return;
        }
      })();
      while (story.acknowledged.length < story.frames) {
        const answer = await ssl.recv(socket, 4);
        if ('error' in answer) break;
        if (answer.ok instanceof Uint8Array) story.acknowledged.push(Buffer.from(answer.ok).readUInt32BE(0));
      }
      await sending;
      await ssl.close(socket);
    });
    if (!this.clients.has(story)) this.clients.set(story, { pid, socket: undefined });
    while (this.node.isAlive(pid)) await later(2);
    this.clients.delete(story);
  }

  /** In TLS 1.2, between any two sends; node:tls does not know what is asked of it. */
  #renegotiate(socket: ssl.SslSocket): void {
    if (this.#killable === 'server') return;
    void ssl.renegotiate(socket).then((done) => {
      if ('ok' in done) this.counts.renegotiations += 1;
    });
  }

  /** A client by node:tls. */
  nodeClient(id: number): Promise<void> {
    const story = this.story(id);
    const maxVersion = this.random.pick(['TLSv1.3', 'TLSv1.2'] as const) ?? 'TLSv1.3';
    return new Promise((resolve) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: this.#port,
        ca: ca.certPem,
        servername: 'localhost',
        maxVersion,
      });
      let bytes = Buffer.alloc(0);
      const close = (): void => {
        if (!socket.authorized) this.#failed(story);
        resolve();
      };
      // node:tls leaves a socket open that got a fatal alert.
      socket.on('error', () => socket.destroy());
      socket.on('close', close);
      socket.on('secureConnect', () => {
        this.counts[maxVersion === 'TLSv1.3' ? 'tlsv1.3' : 'tlsv1.2'] += 1;
        this.#met(socket.localPort, story);
        for (const frame of this.frames(story)) socket.write(frame);
      });
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        while (bytes.length >= 4) {
          story.acknowledged.push(bytes.readUInt32BE(0));
          bytes = bytes.subarray(4);
        }
        if (story.acknowledged.length >= story.frames) socket.end();
      });
    });
  }

  /** The client's port is known now: was the other end hit before? Without a port this end was. */
  #met(port: number | undefined, story: Story): void {
    if (port === undefined || this.hitPorts.has(port)) story.disturbed = true;
    else this.byPort.set(port, story);
  }

  /** There may be as many of these as were hit before their client was known. */
  #failed(story: Story): void {
    this.#failedHandshakes += 1;
    story.disturbed = true;
  }

  // ── The chaos ───────────────────────────────────────────────────────────────────────────────────────

  /** Two strikes to five clients, whatever the machine's speed. */
  async strike(): Promise<void> {
    if (this.random.below(5) > 1) return;
    await later(this.random.below(60));
    const what = this.random.below(10);
    if (what === 0) {
      // More of them than the tree bears in an hour would end it, as they should.
      if (this.#cacheKills-- > 0) this.#kill(this.node.whereis(this.random.pick(singletons) ?? ''));
    } else if (what < 4 && this.#killable === 'both ends') this.#strikeClient();
    else this.#strikeServer();
  }

  #strikeClient(): void {
    const [story, client] = this.random.pick([...this.clients]) ?? [];
    if (story === undefined || client === undefined) return;
    story.disturbed = true;
    this.#kill(this.random.below(2) === 0 ? client.pid : this.#processOf(client.socket));
  }

  #strikeServer(): void {
    const serving = this.random.pick(
      [...this.serving.values()].filter(({ socket }) => this.node.isAlive(socket.connection)),
    );
    if (serving === undefined) return;
    if (serving.story === undefined) {
      this.hitPorts.add(serving.port);
      const story = this.byPort.get(serving.port);
      if (story !== undefined) story.disturbed = true;
      this.#strikesInHandshake += 1;
    } else serving.story.disturbed = true;
    const worker = this.random.pick(serving.workers);
    this.#kill(this.random.below(2) === 0 && worker !== undefined ? worker : this.#processOf(serving.socket));
  }

  /** Receiver, sender, or the supervisor of both. */
  #processOf(socket: ssl.SslSocket | undefined): Pid<never> | undefined {
    if (socket === undefined) return undefined;
    const supervisor = this.node.processInfo(socket.connection)?.parent;
    return this.random.pick([socket.connection, socket.sender, supervisor]);
  }

  #kill(pid: Pid<never> | undefined): void {
    if (pid === undefined || !this.node.isAlive(pid)) return;
    this.counts.kills += 1;
    this.node.exit(pid, 'kill');
  }

  /** The rules, at the end. */
  violations(): string[] {
    const found = this.book.violations();
    if (this.#failedHandshakes > this.#strikesInHandshake)
      found.push(`${this.#failedHandshakes} handshakes failed, ${this.#strikesInHandshake} were hit`);
    for (const story of this.book.stories.values())
      if (story.acknowledged.length < story.frames) this.counts['cut short'] += 1;
    return found;
  }
}

/** Runs so many clients, a crowd at a time. */
async function many(count: number, client: (id: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await client(next++);
  };
  await Promise.all(Array.from({ length: crowd }, one));
}

function later(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}

async function run(name: string, count: number, peer: 'ours' | 'node:tls'): Promise<void> {
  const node = createNode({ logger: silentLogger });
  const before = markLeaks(node);
  const env = { alert_timeout: 300 };
  ssl.unwrap(await ssl.start({ node, env }));
  const tree = describeTree(node);
  const chaos = new Chaos(node, peer === 'ours' ? 'both ends' : 'server');
  const listener = await chaos.listen();
  await many(count, async (id) => {
    const striking = chaos.strike();
    await (peer === 'ours' ? chaos.client(id) : chaos.nodeClient(id));
    await striking;
  });
  const violations = chaos.violations();
  report(name, chaos.counts);
  expect(violations.join('\n')).toBe('');
  expect(chaos.counts['tlsv1.3']).toBeGreaterThan(count / 4);
  expect(chaos.counts['tlsv1.2']).toBeGreaterThan(count / 4);
  if (peer === 'ours') expect(chaos.counts.renegotiations).toBeGreaterThan(count / 4);
  expect(chaos.counts['cut short']).toBeGreaterThan(count / 20);
  expect(chaos.counts['cut short']).toBeLessThan(count / 2);
  node.exit(listener, 'kill');
  for (let waited = 0; waited < patience && describeTree(node) !== tree; waited += 20) await later(20);
  expect(describeTree(node)).toBe(tree);
  ssl.unwrap(await ssl.stop(node));
  node.stop();
  for (let waited = 0; waited < patience && leaksSince(node, before).length > 0; waited += 20)
    await later(20);
  expect(leaksSince(node, before)).toEqual([]);
}

it('a thousand connections under kills lose nothing that was acknowledged', () => run('chaos', 1000, 'ours'));

it('three hundred clients of node:tls lose nothing that was acknowledged', () =>
  run('chaos with node:tls', 300, 'node:tls'));
