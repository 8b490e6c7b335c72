/**
 * Connections of DTLS 1.3 between us and a program of `peers13.ts`, with a path between them that can lose datagrams. What
 * is opened by a test goes with it.
 */
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type LossyLink, openLossyLink } from '../support/lossy-link.js';
import { type Child, start } from './child.js';
import { createMaterial, type KeyName, type Material } from './material.js';
import { sslNode } from './ours.js';
import type { PeerCredentials } from './peer.js';
import { dimpl, type Peer13, removePeers13, type Wishes } from './peers13.js';

export let material: Material;

let node: Node;
let self: Self<ssl.SslMessage>;
const children: Child[] = [];
const links: LossyLink[] = [];
const listeners: ssl.SslListenSocket[] = [];

beforeAll(async () => {
  material = createMaterial();
  node = await sslNode();
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  for (const link of links.splice(0)) link.stop();
  for (const listener of listeners.splice(0)) await ssl.close(listener);
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
  removePeers13();
});

export type Role = 'client' | 'server';

/** What a test is about; where nothing is said both sides do as they do by themselves. */
export interface Case {
  readonly name: string;
  readonly key?: KeyName;
  readonly wishes?: Wishes;
  readonly ours?: ssl.TlsClientOptions & ssl.TlsServerOptions;
  readonly lose?: LossyLink['lose'];
}

/** One connection: our end, and the program at the other. */
export interface Pair {
  readonly us: Role;
  readonly socket: ssl.SslSocket;
  readonly child: Child;
  readonly link: LossyLink;
  readonly one: Case;
}

export const lines = (child: Child): readonly string[] => child.stdout().toString('latin1').split('\n');
export const command = (child: Child, line: string): void => {
  child.process.stdin.write(`${line}\n`);
};

export function tellsLine(child: Child, begins: string, times = 1): Promise<void> {
  return child.until(() => lines(child).filter((line) => line.startsWith(begins)).length >= times, 8_000);
}

export async function portOf(child: Child): Promise<number> {
  await tellsLine(child, 'PORT');
  return Number(lines(child)[0]?.slice(5));
}

const identityOf = (one: Case): PeerCredentials => material.servers[one.key ?? 'ec256'];

export function run(peer: Peer13, role: Role, one: Case, more: readonly string[] = []): Child {
  const asked = one.wishes?.ask === true;
  // dimpl cannot be without a certificate.
  const own = role === 'server' ? identityOf(one) : asked || peer === dimpl ? material.client : undefined;
  const wishes = { cafile: material.cafile, ...(own ? { identity: own } : {}), ...one.wishes };
  const child = start(peer.program, [role, ...peer.words(wishes), ...more]);
  children.push(child);
  return child;
}

export async function lossy(port: number, one: Case): Promise<LossyLink> {
  const link = await openLossyLink(port);
  if (one.lose) link.lose = one.lose;
  links.push(link);
  return link;
}

const overDatagrams = { protocol: 'dtls', versions: ['dtlsv1.3'], active: false } as const;

function pskOptions({ psk }: Wishes): Pick<ssl.TlsClientOptions, 'userLookupFun'> {
  if (psk === undefined) return {};
  const find: ssl.UserLookupFun = (_type, name) =>
    Buffer.from(name).toString() === psk.identity ? { ok: psk.key } : 'error';
  return { userLookupFun: [find, undefined] };
}

function ourServerOptions(one: Case): ssl.TlsServerOptions {
  const { wishes = {} } = one;
  return {
    ...overDatagrams,
    ip: '127.0.0.1',
    ...identityOf(one),
    ...(wishes.ask ? { verify: 'verify_peer', failIfNoPeerCert: true, cacertfile: material.cafile } : {}),
    ...pskOptions(wishes),
    ...one.ours,
  };
}

function ourClientOptions(one: Case): ssl.TlsClientOptions {
  const { wishes = {} } = one;
  return {
    ...overDatagrams,
    cacertfile: material.cafile,
    serverNameIndication: 'localhost',
    ...(wishes.ask ? material.client : {}),
    ...pskOptions(wishes),
    ...(wishes.psk ? { pskIdentity: wishes.psk.identity } : {}),
    ...one.ours,
  };
}

export async function connectTo(port: number, one: Case): Promise<ssl.SslSocket> {
  return ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, ourClientOptions(one), 12_000));
}

export async function listen(one: Case): Promise<[ssl.SslListenSocket, number]> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, ourServerOptions(one)));
  listeners.push(listener);
  return [listener, ssl.unwrap(await ssl.sockname(listener)).port];
}

export async function accept(listener: ssl.SslListenSocket): Promise<ssl.SslSocket> {
  const socket = ssl.unwrap(await ssl.transportAccept(self, listener, 12_000));
  return ssl.unwrap(await ssl.handshake(self, socket, 12_000));
}

export async function pair(peer: Peer13, us: Role, one: Case, more: readonly string[] = []): Promise<Pair> {
  if (us === 'client') {
    const child = run(peer, 'server', one, more);
    const link = await lossy(await portOf(child), one);
    const socket = await connectTo(link.port, one);
    await tellsLine(child, 'READY');
    link.lose = () => false;
    return { us, socket, child, link, one };
  }
  const [listener, port] = await listen(one);
  const link = await lossy(port, one);
  const child = run(peer, 'client', one, [`port=${link.port}`, 'name=localhost', ...more]);
  const socket = await accept(listener).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said: ${lines(child).join(' / ')}${child.stderr()}`);
  });
  await tellsLine(child, 'READY');
  // Data that is lost is nobody's fault.
  link.lose = () => false;
  return { us, socket, child, link, one };
}

/** A text goes to the other end and comes back. */
export async function echoed({ us, socket, child }: Pair, text: string): Promise<void> {
  if (us === 'server') command(child, `send ${text}`);
  else ssl.unwrap(await ssl.send(socket, text));
  const came = ssl.unwrap(await ssl.recv(socket, 0, 12_000));
  expect(String(came)).toBe(text);
  if (us === 'server') ssl.unwrap(await ssl.send(socket, came as Uint8Array));
  await tellsLine(child, `GOT ${text}`);
}

/** close_notify, of ours or of theirs. */
export async function ended({ socket, child }: Pair, who: 'we' | 'they'): Promise<void> {
  if (who === 'we') {
    await ssl.close(socket);
    await tellsLine(child, 'CLOSED');
  } else {
    command(child, 'close');
    expect(await ssl.recv(socket, 0, 12_000)).toEqual({ error: 'closed' });
  }
}

export async function infoOf(socket: ssl.SslSocket): Promise<Partial<ssl.ConnectionInformation>> {
  return ssl.unwrap(await ssl.connectionInformation(socket));
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
