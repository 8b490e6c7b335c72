/**
 * What the public types promise. `npm run types` compiles this file, and each `@ts-expect-error` fails it when the line
 * below compiles after all; the test asks the compiler for the very words that a user reads.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { Node, Pid, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { expect, expectTypeOf, it } from 'vitest';
import { root } from '../docs/markdown.js';

declare const self: Self<ssl.SslMessage>;
declare const byteSelf: Self<ssl.SslMessage<Buffer>>;
declare const node: Node;
declare const duplex: Duplex;
declare const port: number;
declare const anyClientOptions: ssl.TlsClientOptions;
declare const anyServerOptions: ssl.TlsServerOptions;
declare function work(self: Self<ssl.SslMessage>): Promise<void>;

/** Compiled and never run. */
export async function dataByOptions(): Promise<void> {
  const plain = ssl.unwrap(await ssl.connect(self, 'localhost', port, { active: false }));
  expectTypeOf(plain).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  expectTypeOf(ssl.unwrap(await ssl.recv(plain, 0))).toEqualTypeOf<Buffer>();
  expectTypeOf(ssl.unwrap(await ssl.connect(self, 'localhost', port))).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  expectTypeOf(
    ssl.unwrap(await ssl.connect(self, [127, 0, 0, 1], port, { packet: 'line' }, 5)),
  ).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  const list = ssl.unwrap(await ssl.connect(self, 'localhost', port, { mode: 'list' }));
  expectTypeOf(ssl.unwrap(await ssl.recv(list, 0))).toEqualTypeOf<readonly number[]>();
  const http = ssl.unwrap(await ssl.connect(self, duplex, { packet: 'http_bin', mode: 'list' }));
  expectTypeOf(ssl.unwrap(await ssl.recv(http, 0))).toEqualTypeOf<ssl.HttpPacket>();
  // What the types cannot know they do not claim.
  const headed = ssl.unwrap(await ssl.connect(self, duplex, { header: 4 }));
  const unknown = ssl.unwrap(await ssl.connect(self, 'localhost', port, anyClientOptions));
  expectTypeOf(headed).toEqualTypeOf<ssl.SslSocket>();
  expectTypeOf(unknown).toEqualTypeOf<ssl.SslSocket>();
}

export async function dataOfServers(): Promise<void> {
  const lines = ssl.unwrap(await ssl.listen(self, 0, { packet: 'line', certfile: 'x' }));
  const accepted = ssl.unwrap(await ssl.transportAccept(self, lines));
  expectTypeOf(ssl.unwrap(await ssl.handshake(self, accepted))).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  expectTypeOf(ssl.unwrap(await ssl.handshake(self, accepted, 5000))).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  const alpn = { alpnPreferredProtocols: ['h2'] };
  expectTypeOf(ssl.unwrap(await ssl.handshake(self, accepted, alpn, 5))).toEqualTypeOf<
    ssl.SslSocket<Buffer>
  >();
  expectTypeOf(
    ssl.unwrap(await ssl.handshake(self, accepted, { packet: 'http' })),
  ).toEqualTypeOf<ssl.SslSocket>();
  expectTypeOf(ssl.unwrap(await ssl.handshake(self, duplex, {}))).toEqualTypeOf<ssl.SslSocket<Buffer>>();
  expectTypeOf(ssl.unwrap(await ssl.listen(self, 0, anyServerOptions))).toEqualTypeOf<ssl.SslListenSocket>();
  // @ts-expect-error: a plain stream has no listener whose options it could have
  await ssl.handshake(self, duplex);
}

export async function owners(socket: ssl.SslSocket, bytes: ssl.SslSocket<Buffer>): Promise<void> {
  for await (const message of [byteSelf.receive()])
    if (message.type === 'ssl') expectTypeOf(message.data).toEqualTypeOf<Buffer>();
  await ssl.connect(byteSelf, 'localhost', port, { packet: 4 });
  // @ts-expect-error: who takes bytes only would get lists
  await ssl.connect(byteSelf, 'localhost', port, { mode: 'list' });
  // @ts-expect-error: who takes bytes only may get anything
  await ssl.connect(byteSelf, 'localhost', port, anyClientOptions);
  await ssl.controllingProcess(bytes, byteSelf.pid);
  await ssl.controllingProcess(bytes, self.pid);
  // @ts-expect-error: as above, by a hand-over
  await ssl.controllingProcess(socket, byteSelf.pid);
  const sent: Pid<ssl.SslMessage> = self.pid;
  expectTypeOf(sent).not.toBeAny();
}

export async function shells(): Promise<void> {
  const shell = node.shell();
  await work(shell);
  await work(node.shell());
  await ssl.connect(shell, 'localhost', port);
  expectTypeOf(await shell.receive()).toEqualTypeOf<unknown>();
  expectTypeOf(await shell.receive<ssl.SslMessage>()).toEqualTypeOf<ssl.SslMessage>();
  expectTypeOf(await node.shell<ssl.SslMessage>().receive()).toEqualTypeOf<ssl.SslMessage>();
  // @ts-expect-error: a process that takes numbers is no owner of a socket
  await ssl.connect(node.shell<number>(), 'localhost', port);
}

export async function options(socket: ssl.SslSocket, bytes: ssl.SslSocket<Buffer>): Promise<void> {
  await ssl.setopts(socket, {
    active: 'once',
    packet: 'http',
    mode: 'list',
    header: 3,
    packetSize: 5,
    nodelay: true,
  });
  await ssl.setopts(bytes, { active: 5, packet: 4, mode: 'binary', keepalive: false });
  // @ts-expect-error: no option of that name
  await ssl.setopts(socket, { actif: true });
  // @ts-expect-error: an option of connect and listen
  await ssl.setopts(socket, { verify: 'verify_none' });
  // @ts-expect-error: no packet mode
  await ssl.setopts(socket, { packet: 3 });
  // @ts-expect-error: the socket's type would be untrue
  await ssl.setopts(bytes, { mode: 'list' });
  // @ts-expect-error: likewise
  await ssl.setopts(bytes, { packet: 'http' });
  const asked = ssl.unwrap(await ssl.getopts(socket, ['active', 'nodelay']));
  expectTypeOf(asked.nodelay).toEqualTypeOf<boolean>();
  expectTypeOf(asked.active).toEqualTypeOf<boolean | 'once' | number>();
  // @ts-expect-error: not asked for
  asked.mode;
  // @ts-expect-error: no option of that name
  await ssl.getopts(socket, ['verfy']);
}

export async function ends(socket: ssl.SslSocket): Promise<void> {
  expectTypeOf(await ssl.close(socket)).toEqualTypeOf<ssl.Ok>();
  expectTypeOf(await ssl.close(socket, 5000)).toEqualTypeOf<ssl.Ok>();
  expectTypeOf(await ssl.close(socket, { downgrade: 5000 })).toEqualTypeOf<ssl.Downgraded | ssl.Failed>();
}

export async function information(socket: ssl.SslSocket): Promise<void> {
  const some = ssl.unwrap(await ssl.connectionInformation(socket, ['protocol', 'sniHostname', 'keylog']));
  expectTypeOf(some.protocol).toExtend<string>();
  expectTypeOf(some.sniHostname).toEqualTypeOf<string | undefined>();
  expectTypeOf(some.keylog).toEqualTypeOf<readonly string[] | undefined>();
  // @ts-expect-error: not asked for
  some.ciphers;
  // @ts-expect-error: no item of that name
  await ssl.connectionInformation(socket, ['protocoll']);
  expectTypeOf(ssl.unwrap(await ssl.connectionInformation(socket)).depth).toEqualTypeOf<number>();
}

const folder = `${root}test/types/.generated/`;

/** What the compiler says of a program, without its place. */
async function complaints(text: string): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const imports = "import * as ssl from '@actor-tls/ssl';\nimport type { Duplex } from 'node:stream';\n";
  const given = 'export async function f(self: ssl.Caller, socket: ssl.SslSocket, duplex: Duplex) {\n';
  writeFileSync(`${folder}program.ts`, `${imports}${given}${text}\n}\n`);
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }),
  );
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const compiled = await promisify(execFile)(process.execPath, [
    tsc,
    '-p',
    folder,
    '--pretty',
    'false',
  ]).catch((error: { readonly stdout: string }) => error);
  rmSync(folder, { recursive: true });
  return compiled.stdout
    .split('\n')
    .flatMap((line) => /error TS\d+: (.*)$/.exec(line)?.[1] ?? (line === '' ? [] : line));
}

it('one error, which names what was meant, is all that a misspelt option costs', {
  timeout: 120_000,
}, async () => {
  const said = await complaints(`
    await ssl.connect(self, 'localhost', 443, { cacert: [] });
    await ssl.connect(self, duplex, { cacert: [] });
    await ssl.listen(self, 443, { certFile: 'x' });
    await ssl.handshake(self, socket, { certFile: 'x' });
    await ssl.handshake(self, duplex, { certFile: 'x' });
    await ssl.connect(self, 'localhost', 443, { verify: 'verify_pear' });
    await ssl.connect(self, 'localhost', '443');
    await ssl.close(socket, { downgrad: 5 });
  `);
  const meant = (given: string, type: string, option: string): unknown =>
    expect.stringMatching(
      `^Object literal may only specify known properties, but '${given}' does not exist in type '${type}<.*>'. Did you mean to write '${option}'\\?$`,
    );
  expect(said).toEqual([
    meant('cacert', 'TlsClientOptions', 'cacerts'),
    meant('cacert', 'TlsClientOptions', 'cacerts'),
    meant('certFile', 'TlsServerOptions', 'certfile'),
    meant('certFile', 'TlsServerOptions', 'certfile'),
    meant('certFile', 'TlsServerOptions', 'certfile'),
    expect.stringContaining("'\"verify_pear\"' is not assignable to type 'Verify"),
    "Argument of type 'string' is not assignable to parameter of type 'number'.",
    expect.stringMatching(
      /^Object literal .* 'downgrad' does not exist .* Did you mean to write 'downgrade'\?$/,
    ),
  ]);
});
