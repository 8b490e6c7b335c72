import { type GenServer, type Pid, type Self, startGenServer } from '@actor-tls/runtime';
import {
  createTestNode,
  expectNoLeaks,
  leaksSince,
  markLeaks,
  type TestNode,
} from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { ReadHalf } from '../../protocol/record/read-half.js';
import { HandshakeReassembler } from '../../protocol/record/reassembly.js';
import { Tls13ReadProtection, Tls13WriteProtection } from '../../protocol/record/tls13-protection.js';
import { WriteHalf } from '../../protocol/record/write-half.js';
import { TrafficSecret } from '../../protocol/tls13/key-schedule.js';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import { Secret } from '../../values/secret.js';
import { settingsOf } from '../environment.js';
import type { Transport } from '../transport/transport.js';
import { Line } from './line.js';
import { type SenderNotice, senderServer, WriteHalfReturned } from './sender.js';

const hash = defaultEngine.hash('sha256');
const aead = defaultEngine.aead('aes_128_gcm');
if (hash === undefined || aead === undefined) throw new Error('no engine');
/** Traffic secret of the n-th handshake. */
const secret = (n: number) => new TrafficSecret(hash, new Secret(new Uint8Array(32).fill(n)));

/** The peer: opens all that is written, in order; a handshake message changes the keys as it says. */
class Peer {
  /** Bytes of data, by what their first byte says of who has sent them. */
  readonly data: Buffer[] = [];
  handshakes = 0;
  /** Between the two messages of a handshake. */
  #shaking = false;
  #chunk: Uint8Array = new Uint8Array();
  readonly #read: ReadHalf = new ReadHalf();

  constructor() {
    this.#install(1);
  }

  receive(pieces: readonly Uint8Array[]): void {
    this.#chunk = new Uint8Array(Buffer.concat(pieces));
    this.#read.feed(this.#chunk);
    for (let record = this.#read.next(); record !== undefined; record = this.#read.next()) {
      if (record.type === 'handshake') this.#shake(record.data);
      else if (this.#shaking) throw new Error('data within a handshake');
      else this.data.push(Buffer.from(record.data));
    }
  }

  #shake(message: Uint8Array): void {
    this.#shaking = !this.#shaking;
    if (this.#shaking) return;
    this.handshakes += 1;
    this.#install(message[0] ?? 0);
  }

  #install(n: number): void {
    if (aead === undefined) return;
    this.#read.install(new Tls13ReadProtection(aead, secret(n)), new HandshakeReassembler(1000).aligned());
  }
}

/** A transport that fills up and drains as chance will have it. */
class Chancy implements Transport {
  readonly peer: Peer = new Peer();
  onDrain: () => void = () => {};
  backlog = 0;
  destroyed = false;
  readonly #test: TestNode;

  constructor(test: TestNode) {
    this.#test = test;
  }

  write(pieces: readonly Uint8Array[]): boolean {
    this.peer.receive(pieces);
    if (this.backlog === 0 && this.#test.random.below(3) > 0) return true;
    if (this.backlog === 0)
      this.#test.clock.setTimeout(() => {
        this.backlog = 0;
        this.onDrain();
      }, 1 + this.#test.random.below(3));
    this.backlog += 1;
    return false;
  }
  start(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    this.destroyed = true;
  }
  release(): void {}
  setOptions(): 'ok' {
    return 'ok';
  }
  peername = () => ({ error: 'einval' });
  sockname = () => ({ error: 'einval' });
  getOption = () => ({ error: 'einval' });
  statistics(): never {
    throw new Error('not counted');
  }
}

/** The receiver, which runs so many handshakes again while others send. */
class Receiver {
  readonly line: Line;
  readonly #self: Self;
  readonly #test: TestNode;
  readonly #handshakes: number;
  #done = 0;

  constructor(self: Self, test: TestNode, transport: Transport, sender: Pid<unknown>, handshakes: number) {
    this.#self = self;
    this.#test = test;
    this.#handshakes = handshakes;
    this.line = new Line(self, transport, sender, settings, { said: () => undefined });
    const half = new WriteHalf(1e9);
    if (aead !== undefined) half.install(new Tls13WriteProtection(aead, secret(1)));
    this.line.handOver({
      type: 'connection',
      half,
      receiver: self.pid,
      packet: 'raw',
      sendTimeout: 'infinity',
      tickets: 'none',
      renegotiateAt: 2 ** 28,
    });
    this.#later('again');
  }

  hear(message: unknown): void {
    if (message === 'again') this.line.takeBack();
    else if (message instanceof WriteHalfReturned && this.line.returned(message.half))
      this.#begin(message.half);
    else if (message instanceof Finish) this.#finish(message.half);
  }

  #begin(half: WriteHalf): void {
    this.line.write(half.sealHandshake(Uint8Array.of(0)));
    this.line.flush();
    this.#later(new Finish(half));
  }

  #finish(half: WriteHalf): void {
    this.#done += 1;
    const generation = 2 + (this.#done % 200);
    this.line.write(half.sealHandshake(Uint8Array.of(generation)));
    if (aead !== undefined) half.install(new Tls13WriteProtection(aead, secret(generation)));
    this.line.handOverAgain(half);
    if (this.#done < this.#handshakes) this.#later('again');
  }

  #later(message: unknown): void {
    this.#self.sendAfter(this.#test.random.below(4), this.#self.pid, message);
  }
}

class Finish {
  readonly half: WriteHalf;
  constructor(half: WriteHalf) {
    this.half = half;
  }
}

const settings = settingsOf(createTestNode().node);

interface World {
  readonly test: TestNode;
  readonly transport: Chancy;
  readonly sender: Pid<unknown>;
  readonly receiver: Receiver;
}

async function world(seed: number, handshakes: number): Promise<World> {
  const test = createTestNode({ seed, trace: 'off' });
  const transport = new Chancy(test);
  const sender = started(await test.run(startGenServer(test.node, senderServer, transport)));
  const drained: SenderNotice = { type: 'drained' };
  transport.onDrain = () => test.node.cast(sender, drained);
  const made: Receiver[] = [];
  const server: GenServer<Receiver, undefined> = {
    init(self) {
      const receiver = new Receiver(self, test, transport, sender, handshakes);
      made.push(receiver);
      return { ok: receiver };
    },
    handleInfo: (message, receiver) => receiver.hear(message),
  };
  started(await test.run(startGenServer(test.node, server, undefined)));
  const [receiver] = made;
  if (receiver === undefined) throw new Error('no receiver');
  return { test, transport, sender, receiver };
}

function started(result: Awaited<ReturnType<typeof startGenServer>>): Pid<unknown> {
  if (result === 'ignore' || !('ok' in result)) throw new Error('not started');
  return result.ok;
}

/** Sends numbered lines, each of a length of its own, awaiting each. */
async function talk({ test, sender }: World, name: string, lines: number): Promise<string> {
  let said = '';
  for (let line = 0; line < lines; line += 1) {
    const text = `${name}${line}:${'.'.repeat(test.random.below(8) === 0 ? 200_000 : test.random.below(500))};`;
    said += text;
    const answer: unknown = await test.node.call(
      sender,
      { type: 'send', data: new TextEncoder().encode(text) },
      Infinity,
    );
    expect(answer).toEqual({ ok: true });
  }
  return said;
}

describe('a sender that gives the write half back and takes it again', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'loses, doubles and reorders no byte under load, seed %i',
    async (seed) => {
      const it = await world(seed, 60);
      const names = ['a', 'b', 'c', 'd'];
      const said = await it.test.run(Promise.all(names.map((name) => talk(it, name, 60))));
      await it.test.advance(1000);
      const { peer } = it.transport;
      expect(peer.handshakes).toBe(60);
      const lines = Buffer.concat(peer.data).toString().split(';').slice(0, -1);
      for (const [index, name] of names.entries())
        expect(
          lines
            .filter((line) => line.startsWith(name))
            .map((line) => `${line};`)
            .join(''),
        ).toBe(said[index]);
      expect(lines).toHaveLength(240);
      await it.test.stop();
    },
  );
});

describe('a send that had to wait', () => {
  it('leaves no timer of its sendTimeout behind once it is answered', async () => {
    const test = createTestNode({ trace: 'off' });
    let full = true;
    const transport = new Chancy(test);
    transport.write = () => !full;
    const sender = started(await test.run(startGenServer(test.node, senderServer, transport)));
    const half = new WriteHalf(1e9);
    if (aead !== undefined) half.install(new Tls13WriteProtection(aead, secret(1)));
    const begin: SenderNotice = {
      type: 'connection',
      half,
      receiver: test.node.shell().pid,
      packet: 'raw',
      sendTimeout: 30_000,
      tickets: 'none',
      renegotiateAt: 2 ** 28,
    };
    test.node.cast(sender, begin);
    await test.advance(1);
    const before = markLeaks(test.node);
    const answers = Array.from({ length: 50 }, () =>
      test.node.call(sender, { type: 'send', data: new Uint8Array(100) }, Infinity),
    );
    await test.advance(10);
    expect(leaksSince(test.node, before)).toEqual(['50 timers of the node']);
    full = false;
    const drained: SenderNotice = { type: 'drained' };
    test.node.cast(sender, drained);
    expect(await test.run(Promise.all(answers))).toEqual(answers.map(() => ({ ok: true })));
    expectNoLeaks(test.node, before);
    await test.stop();
  });
});
