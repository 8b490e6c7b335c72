/**
 * How connections with foreign stacks change keys and end: key updates, close from each side, half-close, reset; all but
 * key updates in TLS 1.2 too.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { erlang } from './erlang.js';
import { gnutls } from './gnutls.js';
import { createMaterial, type Material } from './material.js';
import { nodeTls } from './node-tls.js';
import { openssl } from './openssl.js';
import { echoServer, inProcess, sslNode } from './ours.js';

let node: Node;
let material: Material;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const text = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
const clientOptions = (version: 'tlsv1.3' | 'tlsv1.2'): ssl.TlsClientOptions => ({
  versions: [version],
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
});

for (const [peer, program] of [
  [openssl, 'openssl'],
  [gnutls, 'gnutls-cli'],
  [erlang, 'escript'],
  [nodeTls, undefined],
] as const) {
  const body = (): void => {
    it('goes on under new keys, ours alone and then both, as often as we like', async () => {
      const their = await peer.echoServer({ ...material.servers.ec256, version: 'tlsv1.3' });
      try {
        await inProcess(node, async (self) => {
          const socket = ssl.unwrap(
            await ssl.connect(
              self,
              '127.0.0.1',
              their.port,
              { ...clientOptions('tlsv1.3'), active: false },
              patience,
            ),
          );
          for (const kind of ['write', 'read_write', 'write', 'read_write', 'read_write'] as const) {
            const line = `after ${kind}\n`;
            expect(await ssl.updateKeys(socket, kind)).toEqual({ ok: true });
            ssl.unwrap(await ssl.send(socket, line));
            expect(text(ssl.unwrap(await ssl.recv(socket, line.length, patience)))).toBe(line);
          }
          await ssl.close(socket);
        });
        report(`interop: key updates, ${peer.name}`, { ok: 1 });
      } finally {
        await their.stop();
      }
    });
  };
  if (program === undefined) describe(`key updates with ${peer.name}`, body);
  else describeWithPeer(`key updates with ${peer.name}`, program, body);
}

describeWithPeer('key updates that OpenSSL begins', 'openssl', () => {
  it('our server follows them and answers those that ask for ours', async () => {
    const our = await echoServer(node, material.servers.ec256);
    // Without -quiet, a line `k` or `K` makes s_client update its keys, the capital one asking for ours too.
    const client = start('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${our.port}`, '-tls1_3', '-CAfile', material.cafile],
    ]);
    try {
      const answered = (word: string) => client.until(() => client.stdout().includes(`\n${word}\n`));
      await client.until(() => client.stdout().includes('Verify return code: 0'));
      for (const [command, word] of [
        ['k', 'first'],
        ['K', 'second'],
        ['K', 'third'],
      ]) {
        client.process.stdin.write(`${command}\n`);
        await client.until(
          () =>
            client.stderr().split('KEYUPDATE').length > ['first', 'second', 'third'].indexOf(word ?? '') + 1,
        );
        client.process.stdin.write(`\n${word}\n`);
        await answered(word ?? '');
      }
      report('interop: key updates, OpenSSL', { ok: 3 });
    } finally {
      await client.stop();
      await our.stop();
    }
  });
});

/** With OpenSSL's option for it. */
const versions = [
  ['tlsv1.3', '-tls1_3'],
  ['tlsv1.2', '-tls1_2'],
] as const;
for (const [version, flag] of versions) {
  describeWithPeer(`endings with OpenSSL, ${version}`, 'openssl', () => {
    it('s_client closes: the owner gets the last data, then ssl_closed', async () => {
      await inProcess(node, async (self) => {
        const listener = ssl.unwrap(
          await ssl.listen(self, 0, { ip: '127.0.0.1', versions: [version], ...material.servers.ec256 }),
        );
        const { port } = ssl.unwrap(await ssl.sockname(listener));
        const client = start('openssl', [
          's_client',
          '-connect',
          `127.0.0.1:${port}`,
          '-CAfile',
          material.cafile,
        ]);
        try {
          const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
          const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
          client.process.stdin.write('last words\n');
          const got: string[] = [];
          for (;;) {
            const message = await self.receive();
            if (message.type === 'ssl') {
              got.push(text(message.data));
              if (got.join('') === 'last words\n') client.process.stdin.write('Q\n');
            } else {
              expect(message).toEqual({ type: 'ssl_closed', socket });
              break;
            }
          }
          expect(got.join('')).toBe('last words\n');
          await client.exited;
        } finally {
          await client.stop();
          await ssl.close(listener);
        }
      });
    });

    it('we close: s_server sees the end and lives on for the next client', async () => {
      const { port, child: server } = await startOnFreePort((at) =>
        start('openssl', [
          ...['s_server', '-accept', `127.0.0.1:${at}`, '-cert', material.servers.ec256.certfile],
          ...['-key', material.servers.ec256.keyfile, flag, '-naccept', '3'],
        ]),
      );
      try {
        for (const word of ['one', 'two']) {
          await inProcess(node, async (self) => {
            const socket = ssl.unwrap(
              await ssl.connect(self, '127.0.0.1', port, clientOptions(version), patience),
            );
            ssl.unwrap(await ssl.send(socket, `${word}\n`));
            expect(await ssl.close(socket)).toEqual({ ok: true });
            expect(await ssl.close(socket)).toEqual({ ok: true });
          });
          await server.until(() => server.stdout().includes(`${word}\n`));
        }
        await server.exited;
        expect(server.stdout().toString()).not.toMatch(/error/i);
      } finally {
        await server.stop();
      }
    });
  });

  describe(`endings with node:tls, ${version}`, () => {
    const credentials = () => ({
      cert: readFileSync(material.servers.ec256.certfile),
      key: readFileSync(material.servers.ec256.keyfile),
    });
    const port = (server: net.Server): number => {
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : 0;
    };

    it('we close our half: the peer hears the end, goes on sending, and we read to the last byte', async () => {
      const heard: string[] = [];
      const server = tls.createServer({ ...credentials(), allowHalfOpen: true }, (socket) => {
        socket.on('data', (chunk) => heard.push(chunk.toString()));
        socket.on('end', () => {
          heard.push('end');
          socket.write('a'.repeat(100_000), () => setImmediate(() => socket.end('z')));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        await inProcess(node, async (self) => {
          const options = { ...clientOptions(version), active: false } as const;
          const socket = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port(server), options, patience));
          ssl.unwrap(await ssl.send(socket, 'question'));
          expect(await ssl.shutdown(socket, 'write')).toEqual({ ok: true });
          expect(await ssl.send(socket, 'more')).toEqual({ error: 'closed' });
          const answer = text(ssl.unwrap(await ssl.recv(socket, 100_001, patience)));
          expect(answer).toBe(`${'a'.repeat(100_000)}z`);
          expect(await ssl.recv(socket, 0, patience)).toEqual({ error: 'closed' });
          await ssl.close(socket);
        });
        expect(heard).toEqual(['question', 'end']);
      } finally {
        server.close();
      }
    });

    it('the peer resets the transport: the owner hears ssl_closed once, and the next call closed', async () => {
      const server = net.createServer((transport) => {
        transport.on('error', () => {});
        const socket = new tls.TLSSocket(transport, { isServer: true, ...credentials() });
        socket.on('error', () => {});
        socket.once('data', () => transport.resetAndDestroy());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        await inProcess(node, async (self) => {
          const socket = ssl.unwrap(
            await ssl.connect(self, '127.0.0.1', port(server), clientOptions(version), patience),
          );
          ssl.unwrap(await ssl.send(socket, 'x'));
          expect(await self.receive()).toEqual({ type: 'ssl_closed', socket });
          expect(await ssl.send(socket, 'y')).toEqual({ error: 'closed' });
          expect(await ssl.recv(socket, 0)).toEqual({ error: 'closed' });
        });
      } finally {
        server.close();
      }
    });

    it('the transport ends in the middle of the handshake: closed', async () => {
      const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        await inProcess(node, async (self) => {
          const outcome = await ssl.connect(
            self,
            '127.0.0.1',
            port(server),
            clientOptions(version),
            patience,
          );
          expect(outcome).toEqual({ error: 'closed' });
        });
      } finally {
        server.close();
      }
    });

    it('a peer that never answers: timeout', async () => {
      const server = net.createServer((socket) => socket.on('error', () => {}));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        await inProcess(node, async (self) => {
          const outcome = await ssl.connect(self, '127.0.0.1', port(server), clientOptions(version), 200);
          expect(outcome).toEqual({ error: 'timeout' });
        });
      } finally {
        server.close();
      }
    });

    it('both ends of node:tls close in order when a server process of ours dies', async () => {
      await inProcess(node, async (self) => {
        const listener = ssl.unwrap(
          await ssl.listen(self, 0, { ip: '127.0.0.1', versions: [version], ...material.servers.ec256 }),
        );
        const { port: at } = ssl.unwrap(await ssl.sockname(listener));
        const peer = tls.connect({
          port: at,
          host: '127.0.0.1',
          servername: 'localhost',
          ca: readFileSync(material.cafile),
        });
        const ended = new Promise<string>((resolve) => {
          peer.on('end', () => resolve('end'));
          peer.on('error', (error) => resolve(String(error)));
        });
        peer.resume();
        const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, patience));
        const worker = self.spawn(async (it: typeof self) => {
          await it.receive();
        });
        const socket = ssl.unwrap(await ssl.handshake(self, accepted, patience));
        ssl.unwrap(await ssl.controllingProcess(socket, worker));
        node.exit(worker, 'kill');
        // The owner's death closes the connection with close_notify, which node:tls reports as an orderly end.
        expect(await ended).toBe('end');
        await ssl.close(listener);
      });
    });
  });
}
