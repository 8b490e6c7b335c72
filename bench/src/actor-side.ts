/** actor-tls: processes that own their connections. */
import { readFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { createNode, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import type { CryptoEngine } from '@actor-tls/ssl/core';
import { createCa } from '@actor-tls/ssl/testing';
import { clearParseCache } from '../../packages/ssl/dist/values/x509/parse-cache.js';
import { clearVerdicts } from '../../packages/ssl/dist/values/x509/verdict-cache.js';
import { actorResumption } from './actor-resumption.js';
import {
  askEvery,
  besideHostile,
  certificateCurve,
  costOfEach,
  cpu,
  type Dialect,
  group,
  type Material,
  pipelined,
  rate,
  type Side,
  slowPause,
  slowSize,
} from './side.js';

/** The one certificate of a PEM file. */
function derOf(file: string): Uint8Array {
  const lines = readFileSync(file, 'latin1').split('\n');
  return Buffer.from(lines.filter((line) => !line.startsWith('-----')).join(''), 'base64');
}

type Owner = Self<ssl.SslMessage>;

export async function actorSide(
  files: Material,
  { version, suite }: Dialect,
  engine?: CryptoEngine,
): Promise<Side> {
  const node = createNode({ name: 'bench' });
  ssl.unwrap(await ssl.start({ node, ...(engine === undefined ? {} : { engine }) }));
  const groups =
    version === 'tlsv1.3'
      ? ({ supportedGroups: [group] } as const)
      : // What is known of each other would make short handshakes of all after the first.
        ({ eccs: [group, certificateCurve], reuseSessions: false } as const);
  const protocol = version === 'dtlsv1.2' ? 'dtls' : 'tls';
  const common = { protocol, versions: [version], ciphers: [suite], ...groups, active: false } as const;
  const self = node.shell<ssl.SslMessage>();
  const acceptor = node.shell<ssl.SslMessage>();
  const { certfile, keyfile, cafile } = files;
  const listener = ssl.unwrap(
    await ssl.listen(acceptor, 0, { ...common, certfile, keyfile, ip: '127.0.0.1', backlog: 512 }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const client = { ...common, cacertfile: cafile, serverNameIndication: 'localhost' } as const;

  const trusted = derOf(cafile);
  /** A CA that nobody asks about; its signature is what tells one trust store from the next. */
  const stranger = createCa({ subject: 'a stranger' }).cert.slice();
  let turn = 0;
  /** Both ends of a new connection, client first. */
  const pair = async (
    options: ssl.TlsClientOptions = client,
  ): Promise<readonly [ssl.SslSocket, ssl.SslSocket]> => {
    const connecting = ssl.connect(self, '127.0.0.1', port, options);
    const accepted = ssl.unwrap(await ssl.transportAccept(acceptor, listener));
    const served = ssl.unwrap(await ssl.handshake(acceptor, accepted));
    return [ssl.unwrap(await connecting), served];
  };
  const handshake = async (options?: ssl.TlsClientOptions): Promise<void> => {
    const [ours, theirs] = await pair(options);
    await ssl.close(ours);
    await ssl.close(theirs);
  };
  /** Hands the server's end to a process of its own. */
  const serve = async (socket: ssl.SslSocket, body: (owner: Owner) => Promise<void>): Promise<void> => {
    ssl.unwrap(await ssl.controllingProcess(socket, node.spawn(body)));
  };
  const echo =
    (socket: ssl.SslSocket) =>
    async (owner: Owner): Promise<void> => {
      for (;;) {
        const message = await owner.receive();
        if (message.type !== 'ssl') return;
        await ssl.send(socket, bytes(message));
      }
    };
  const bytes = (message: ssl.SslMessage): Uint8Array => {
    if (message.type === 'ssl' && message.data instanceof Uint8Array) return message.data;
    throw new Error(`the connection ended: ${message.type}`);
  };

  /** MB per second of what the server sends until its connection ends. */
  const flood = async (ms: number, send: (theirs: ssl.SslSocket) => Promise<void>): Promise<number> => {
    const [ours, theirs] = await pair();
    await serve(theirs, () => send(theirs));
    ssl.unwrap(await ssl.setopts(ours, { active: true }));
    const begin = cpu();
    let received = 0;
    while (cpu() - begin < ms)
      for (const next = received + askEvery; received < next; )
        received += bytes(await self.receive()).length;
    const result = received / 1e3 / (cpu() - begin);
    await ssl.close(ours);
    self.flush();
    return result;
  };

  const sending =
    (size: number) =>
    async (theirs: ssl.SslSocket): Promise<void> => {
      const chunk = Buffer.alloc(size, 1);
      while ('ok' in (await ssl.send(theirs, chunk)));
    };
  /** A new connection whose server sends back what it gets; the client's end, whose messages come to us. */
  const echoing = async (): Promise<ssl.SslSocket> => {
    const [ours, theirs] = await pair();
    await serve(theirs, echo(theirs));
    ssl.unwrap(await ssl.setopts(theirs, { active: true }));
    ssl.unwrap(await ssl.setopts(ours, { active: true }));
    return ours;
  };
  const trip = async (ours: ssl.SslSocket, message: Uint8Array): Promise<void> => {
    await ssl.send(ours, message);
    for (let left = message.length; left > 0; ) left -= bytes(await self.receive()).length;
  };
  const talkers: ssl.SslSocket[] = [];

  return {
    handshakes: (ms) => rate(ms, () => handshake()),
    unseenHandshakes: (ms) =>
      rate(ms, () => {
        // The trust store keeps its own certificates: what goes is the leaf and all that is known of it.
        clearParseCache();
        clearVerdicts();
        return handshake();
      }),
    coldHandshakes: (ms) =>
      rate(ms, () => {
        // Another trust store each time, as stores are shared by content and keep their verdicts.
        clearParseCache();
        turn += 1;
        new DataView(stranger.buffer).setUint32(stranger.length - 4, turn);
        const { cacertfile: _, ...others } = client;
        return handshake({ ...others, cacerts: [trusted, stranger.slice()] });
      }),
    ...actorResumption(node, files, { version, suite, openssl: '' }),
    bulk: (ms, size) => flood(ms, sending(size)),
    stream: (ms, size) =>
      flood(ms, async (theirs) => {
        const chunk = Buffer.alloc(size, 1);
        for (let last: ssl.Result<true> = { ok: true }; 'ok' in last; ) {
          for (let i = 1; i < pipelined; i++) void ssl.send(theirs, chunk);
          last = await ssl.send(theirs, chunk);
        }
      }),
    async bulkBesideSlow(ms, size) {
      const [slow, flooding] = await pair();
      await serve(flooding, () => sending(size)(flooding));
      const reading = (async () => {
        while ('ok' in (await ssl.recv(slow, slowSize))) await rest(slowPause);
      })();
      const result = await flood(ms, sending(size));
      await ssl.close(slow);
      await reading;
      return result;
    },
    async trips(ms, size) {
      const ours = await echoing();
      const message = Buffer.alloc(size, 2);
      const result = await rate(ms, () => trip(ours, message));
      await ssl.close(ours);
      self.flush();
      return result;
    },
    async crowd(ms, size, open, talking) {
      if (talkers.length === 0) {
        for (let i = talking; i < open; i++) await pair();
        for (let i = 0; i < talking; i++) talkers.push(await echoing());
      }
      const message = Buffer.alloc(size, 2);
      let next = 0;
      return rate(ms, async () => {
        const talker = talkers[next++ % talkers.length];
        if (talker !== undefined) await trip(talker, message);
      });
    },
    async slowestEcho(kind, records) {
      const ours = await echoing();
      const message = Buffer.alloc(64, 2);
      const slowest = await besideHostile(
        port,
        kind,
        records,
        async () => {
          const accepted = ssl.unwrap(await ssl.transportAccept(acceptor, listener));
          const socket = ssl.unwrap(await ssl.handshake(acceptor, accepted));
          const drained = new Promise<void>((resolve) => {
            const owner = node.spawn(async (self: Owner) => {
              while ((await self.receive()).type === 'ssl');
              resolve();
            });
            void ssl.controllingProcess(socket, owner).then(() => ssl.setopts(socket, { active: true }));
          });
          return { drained };
        },
        () => trip(ours, message),
      );
      await ssl.close(ours);
      self.flush();
      return slowest;
    },
    open: (count) => costOfEach(count, () => pair()),
    async close() {
      ssl.unwrap(await ssl.stop(node));
    },
  };
}
