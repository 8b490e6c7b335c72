/**
 * One peer sends tiny records in a burst, another waits for its echoes: what is counted is the records that were worked
 * off between an honest message and its answer, which a busy machine does not change.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { Core, nodeEngine, type Sink, sealKeyUpdate, type WriteHalf } from '@actor-tls/ssl/core';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holding } from '../protocol/held-channel.js';
import { clientOptions, tls12 } from '../protocol/two-cores.js';

const ca = createCa();
const leaf = ca.issue();
const leafKey = nodeEngine.importPublicKey(
  new X509Certificate(leaf.cert).publicKey.export({ type: 'spki', format: 'der' }),
);
let node: Node;
let self: Self<ssl.SslMessage>;

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 200 } }));
  self = node.shell();
});

afterAll(async () => {
  await ssl.stop(node);
});

type Version = 'tlsv1.3' | 'tlsv1.2';

/** What a client without processes of ours writes with. */
interface Hand {
  readonly write: WriteHalf;
  /** Application data of no length, which a write half never makes. */
  readonly empty: () => Uint8Array;
}

async function rawClient(port: number, version: Version): Promise<Hand & { socket: Socket }> {
  const held = holding();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const write = await new Promise<WriteHalf>((resolve) => {
    const ignore = (): void => {};
    const sink: Sink = {
      write: (pieces) => void socket.write(Buffer.concat(pieces)),
      deliver: ignore,
      established: () => resolve(core.split()),
      peerClosed: ignore,
      failed: ignore,
      askVerdict: () => leafKey && core.answerVerdict({ ok: leafKey }),
      askSignature: ignore,
      owes: ignore,
    };
    const core = Core.client(
      clientOptions({ ...held.override, ...(version === 'tlsv1.2' && { config: tls12 }) }),
      sink,
    );
    socket.on('data', (chunk: Uint8Array) => core.receive(chunk));
    socket.on('error', ignore);
    socket.on('connect', () => core.start());
  });
  return { socket, write, empty: () => held.channel.forge(23) };
}

const byte = ({ write }: Hand): Uint8Array[] => write.sealApplicationData(Uint8Array.of(1));

/** A wish to renegotiate: a hello that is whole, and no more than that. */
const hello = Uint8Array.of(1, 0, 0, 41, 3, 3, ...new Uint8Array(32), 0, 0, 2, 0xc0, 0x2b, 1, 0);
const empties = (hand: Hand): Uint8Array[] => [
  ...Array.from({ length: 31 }, () => hand.empty()),
  ...byte(hand),
];

/** What a burst repeats: records that hold one byte altogether, so that bytes received tell how many were read. */
const bursts: readonly [Version, string, number, (hand: Hand) => Uint8Array[]][] = [
  ['tlsv1.3', 'records of one byte', 1, byte],
  [
    'tlsv1.3',
    'key updates',
    2,
    (hand) => [...sealKeyUpdate(hand.write, 'update_not_requested'), ...byte(hand)],
  ],
  [
    'tlsv1.3',
    'requests for key updates',
    2,
    (hand) => [...sealKeyUpdate(hand.write, 'update_requested'), ...byte(hand)],
  ],
  ['tlsv1.3', 'empty records', 32, empties],
  ['tlsv1.2', 'records of one byte', 1, byte],
  ['tlsv1.2', 'warnings', 2, (hand) => [...hand.write.sealAlert(1, 100), ...byte(hand)]],
  ['tlsv1.2', 'wishes to renegotiate', 2, (hand) => [...hand.write.sealHandshake(hello), ...byte(hand)]],
  ['tlsv1.2', 'empty records', 32, empties],
];
/** Records in a burst. */
const total = 16_000;
/** Records of a turn, and turns that an echo may take: there and back, and each process on the way. */
const turn = 64;
const turns = 12;

describe('beside a peer that sends a burst', () => {
  it.each(bursts)(
    'in %s of %s, an honest echo waits for a few turns, whatever waits at the other door',
    async (...args) => {
      const [version, , records, repeated] = args;
      const listener = ssl.unwrap(
        await ssl.listen(self, 0, {
          cert: leaf.chain,
          key: { PrivateKeyInfo: leaf.key },
          ip: 'loopback',
          active: true,
          // Each wish gets its refusal.
          clientRenegotiation: false,
        }),
      );
      const { port } = ssl.unwrap(await ssl.sockname(listener));
      let readOfBurst = 0;
      const accept = async (hear: (data: Uint8Array, socket: ssl.SslSocket) => void): Promise<void> => {
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 5000));
        const owner = node.spawn(async (mine: Self<ssl.SslMessage>) => {
          for (;;) {
            const message = await mine.receive();
            if (message.type !== 'ssl') return;
            if (message.data instanceof Uint8Array) hear(message.data, message.socket);
          }
        });
        const served = ssl.unwrap(await ssl.handshake(self, accepted, 5000));
        ssl.unwrap(await ssl.controllingProcess(served, owner));
      };
      const raw = rawClient(port, version);
      await accept((data) => {
        readOfBurst += data.length * records;
      });
      const hand = await raw;
      const { socket } = hand;
      const connecting = ssl.connect(self, '127.0.0.1', port, {
        cacerts: [ca.cert],
        serverNameIndication: 'localhost',
        active: false,
      });
      await accept((data, served) => void ssl.send(served, data));
      const honest = ssl.unwrap(await connecting);
      const echo = async (): Promise<void> => {
        await ssl.send(honest, 'x');
        ssl.unwrap(await ssl.recv(honest, 1, 60_000));
      };
      await echo();
      socket.write(Buffer.concat(Array.from({ length: total / records }, () => repeated(hand)).flat()));

      let most = 0;
      let echoes = 0;
      for (; readOfBurst < total; echoes += 1) {
        const before = readOfBurst;
        await echo();
        most = Math.max(most, readOfBurst - before);
      }
      expect(most).toBeLessThanOrEqual(turns * turn);
      expect(echoes).toBeGreaterThanOrEqual(total / (turns * turn));
      socket.destroy();
      await once(socket, 'close');
      await ssl.close(honest);
      await ssl.close(listener);
      self.flush();
    },
  );
});
