/**
 * The main job: TLS connections as supervised actors, shown on this machine's loopback.
 *
 * Starts the applications, makes a throw-away CA in memory, has a client talk to the echo server, kills the worker
 * under it, and has the client come again. Then it stays up for `openssl s_client`, or stops in order (`--once`).
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  createNode,
  ensureAllStarted,
  type Node,
  type NodeSnapshot,
  observe,
  renderTree,
  type Self,
  silentLogger,
  stopApplication,
} from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { busyWorker, echoApplication, echoPort } from './echo.js';

const usage = `usage: npm start -- [--port N] [--cert FILE [--key FILE]] [--once] [--json]

  --port N     listen on this port (default: any free one)
  --cert FILE  PEM file with the server's certificate and its chain, and the key unless --key is given
  --key FILE   PEM file with its private key
  --once       one round, then stop in order
  --json       print one JSON document and nothing else: what happened, and the whole tree`;

/** ms that clients have to finish after Ctrl-C; a second one stops at once. */
const drain = 3000;

/** What is said to the user and ends the run with status 1. */
class Refusal extends Error {}

interface Arguments {
  readonly port: number;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly mode: 'once' | 'stay';
  readonly output: 'text' | 'json';
}

/** One thing that happened, for the JSON document. */
interface Happening {
  readonly what: string;
  readonly [detail: string]: unknown;
}

/** Says what happens as it happens, or gathers it for one document at the end. */
class Report {
  readonly #output: 'text' | 'json';
  readonly #happened: Happening[] = [];
  readonly #trees: Record<string, NodeSnapshot> = {};

  constructor(output: 'text' | 'json') {
    this.#output = output;
  }

  /** `text` is what a person reads of it. */
  happened(happening: Happening, text: string): void {
    this.#happened.push(happening);
    if (this.#output === 'text') console.log(text);
  }

  tree(when: string, snapshot: NodeSnapshot): void {
    this.#trees[when] = snapshot;
    if (this.#output === 'text') console.log(`\nThe tree ${when}:\n\n${renderTree(snapshot)}\n`);
  }

  end(): void {
    if (this.#output === 'json') {
      console.log(JSON.stringify({ happened: this.#happened, trees: this.#trees }, undefined, 2));
    }
  }
}

async function main(args: Arguments): Promise<void> {
  const report = new Report(args.output);
  const failedHandshakes: ssl.SslReason[] = [];
  const identity = serverIdentity(args);
  const node = createNode({ name: 'demo@localhost', logger: silentLogger });
  const echo = echoApplication({
    port: args.port,
    tls: { ...identity.server, ip: 'loopback', active: false },
    drain,
    onFailedHandshake: (reason) => failedHandshakes.push(reason),
  });
  // Starts ssl first, since echo names it among the applications that it needs.
  const started = await ensureAllStarted(node, echo);
  if ('error' in started) throw new Refusal(`cannot listen on port ${args.port}: ${causeOf(started.error)}`);
  const port = await echoPort(node);
  report.happened(
    { what: 'listening', port, certificate: identity.origin },
    `The echo server listens on 127.0.0.1:${port} with ${identity.text}.`,
  );
  try {
    await round(node, port, identity.client, report);
  } catch (error) {
    await stopInOrder(node);
    throw new Refusal(failureText(error, failedHandshakes));
  }
  if (args.mode === 'stay') {
    // Before anybody is told of it: who is quick must not kill us.
    const interruption = interrupted();
    report.happened(
      { what: 'staying up', try: sClient(port) },
      `Still up. In another terminal type:\n\n  ${sClient(port)}\n\nand some lines. Ctrl-C stops the tree in order:\n` +
        `nobody new is let in, those who are there have ${drain / 1000} s to finish, then they are told close_notify.`,
    );
    report.end();
    await interruption;
    if (args.output === 'text') console.log('');
  }
  const { established, failed, bytesIn, bytesOut } = served(node);
  await stopInOrder(node);
  report.happened(
    { what: 'stopped', processesLeft: node.processCount, established, failed, bytesIn, bytesOut },
    'Stopped in order: the echo server first, then ssl; the connections said close_notify.\n' +
      `It had served ${established} connections, ${bytesIn} bytes in and ${bytesOut} out.`,
  );
  if (args.mode === 'once') report.end();
  node.stop();
}

/** A client talks, loses its connection to a kill, and comes again. */
async function round(node: Node, port: number, options: ssl.TlsClientOptions, report: Report): Promise<void> {
  const self = node.shell();
  const first = await talk(self, port, options);
  report.happened(
    { what: 'echoed', ...first.details },
    `A client is connected (${first.details.protocol}, ${first.details.cipher}); ${first.details.bytes} bytes came back unchanged.`,
  );
  report.tree('before', observe(node));

  const name = (await busyWorker(node)) ?? '';
  const victim = node.whereis(name);
  if (victim === undefined) throw new Error('no worker has the connection');
  self.monitor(victim);
  node.exit(victim, 'kill');
  await self.receive('DOWN');
  const message = await self.receive(isSslMessage);
  const successor = await restarted(node, name);
  report.happened(
    { what: 'worker killed', worker: name, pid: victim, client: message.type, restartedAs: successor },
    `The worker ${name} ${victim} is killed. Its connection closes, the client is told ${message.type}, ` +
      `nobody else notices,\nand its supervisor has started ${name} anew as ${successor}.`,
  );

  const second = await talk(self, port, options);
  report.happened(
    { what: 'echoed', ...second.details },
    `The client comes again; ${second.details.bytes} bytes came back unchanged.`,
  );
  report.tree('after', observe(node));
  await ssl.close(second.connection);
}

interface Talk {
  readonly connection: ssl.SslSocket;
  readonly details: { readonly protocol: string; readonly cipher: string; readonly bytes: number };
}

/** Connects, sends some bytes and waits until they are all back. */
async function talk(self: Self, port: number, options: ssl.TlsClientOptions): Promise<Talk> {
  const connection = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, options, 5000));
  const information = ssl.unwrap(
    await ssl.connectionInformation(connection, ['protocol', 'selectedCipherSuite']),
  );
  const sent = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) % 251);
  const sending = ssl.send(connection, sent);
  const back: Uint8Array[] = [];
  for (let missing = sent.length; missing > 0; ) {
    const message = await self.receive(isSslMessage);
    if (message.type !== 'ssl' || !(message.data instanceof Uint8Array)) {
      throw new Error(`the client was told ${message.type}`);
    }
    back.push(message.data);
    missing -= message.data.length;
  }
  ssl.unwrap(await sending);
  if (!Buffer.concat(back).equals(sent)) throw new Error('the echo is not what was sent');
  return {
    connection,
    details: {
      protocol: String(information['protocol']),
      cipher: cipherOf(information['selectedCipherSuite']),
      bytes: sent.length,
    },
  };
}

function isSslMessage(message: unknown): message is ssl.SslMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    String(message.type).startsWith('ssl')
  );
}

function cipherOf(suite: unknown): string {
  return typeof suite === 'object' && suite !== null && 'cipher' in suite ? String(suite.cipher) : 'unknown';
}

async function restarted(node: Node, name: string): Promise<string> {
  for (;;) {
    const pid = node.whereis(name);
    if (pid !== undefined) return String(pid);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the servers of the node did. */
function served(node: Node): ssl.ConnectionCounters {
  const counters = ssl.nodeCounters(node);
  if ('error' in counters) throw new Error('ssl does not run');
  return counters.server;
}

async function stopInOrder(node: Node): Promise<void> {
  await stopApplication(node, 'echo');
  await ssl.stop(node);
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

interface ServerIdentity {
  readonly server: ssl.TlsServerOptions;
  /** How the client judges it. */
  readonly client: ssl.TlsClientOptions;
  readonly origin: string;
  readonly text: string;
}

function serverIdentity({ cert, key }: Arguments): ServerIdentity {
  if (cert === undefined) {
    const ca = createCa();
    const issued = ca.issue({ names: ['localhost', '127.0.0.1'] });
    return {
      server: { cert: issued.chain, key: { PrivateKeyInfo: issued.key } },
      client: { cacerts: [ca.cert] },
      origin: 'throw-away CA',
      text: 'a certificate of a throw-away CA, which the client trusts',
    };
  }
  for (const file of key === undefined ? [cert] : [cert, key]) checkReadable(file);
  return {
    server: { certfile: cert, ...(key === undefined ? {} : { keyfile: key }) },
    client: { verify: 'verify_none' },
    origin: cert,
    text: `the certificate of ${cert}, which the client takes unchecked`,
  };
}

function checkReadable(file: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function sClient(port: number): string {
  return `openssl s_client -connect 127.0.0.1:${port} -quiet`;
}

/** The supervisor's reason wraps what its child said: `{ shutdown: { failed_to_start_child: [id, 'eaddrinuse'] } }`. */
function causeOf(reason: unknown): string {
  const codes: Readonly<Record<string, string>> = {
    eaddrinuse: 'it is in use',
    eacces: 'permission denied',
  };
  const text = JSON.stringify(reason) ?? String(reason);
  const code = Object.keys(codes).find((known) => text.includes(`"${known}"`));
  return code === undefined ? text : (codes[code] ?? text);
}

function failureText(error: unknown, failedHandshakes: readonly ssl.SslReason[]): string {
  const [server] = failedHandshakes;
  if (server !== undefined) return `the server cannot shake hands: ${detailOf(server)}`;
  return error instanceof Error ? error.message : String(error);
}

/** A term about a file holds what was wrong with it, which is more than its text tells. */
function detailOf(reason: ssl.SslReason): string {
  const text = ssl.formatError(reason).trimEnd();
  const leaves: unknown[] = [];
  JSON.stringify(reason, (_key, value: unknown) => {
    if (typeof value !== 'object') leaves.push(value);
    return value;
  });
  const last = leaves.at(-1);
  return typeof last !== 'string' || text.includes(last) ? text : `${text} (${last})`;
}

function argumentsOf(argv: readonly string[]): Arguments {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(argv).values;
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
  const port = Number(values.port ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Refusal(`--port ${values.port}: a port is a number from 0 to 65535`);
  }
  if (values.key !== undefined && values.cert === undefined) throw new Refusal('--key needs --cert');
  return {
    port,
    cert: values.cert,
    key: values.key,
    mode: values.once === true ? 'once' : 'stay',
    output: values.json === true ? 'json' : 'text',
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', () => {});
try {
  if (process.argv.includes('--help')) console.log(usage);
  else await main(argumentsOf(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
