/** What each side of the comparison of TLS stacks can be asked: client and server in one process, over loopback. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Side {
  /** Full handshakes per second. */
  handshakes(ms: number): Promise<number>;
  /**
   * The same with the client's trust and options as before and a leaf that it has not seen, or not lately: what a running
   * program meets that connects to many hosts. Sides that keep no verdicts judge every leaf so.
   */
  unseenHandshakes(ms: number): Promise<number>;
  /** The same with trust store, options and root built anew each time too: what a program meets that has just begun. */
  coldHandshakes(ms: number): Promise<number>;
  /**
   * Handshakes that resume the one before, per second, with a byte there and back: in TLS 1.3 by ticket (psk_dhe_ke) and
   * behind the tickets, of which each server sends as many as it does by default. NaN on a side that has no such sessions.
   */
  resumedHandshakes(ms: number, by: SessionKind): Promise<number>;
  /** Full handshakes with X25519MLKEM768 and no other group; NaN on a side that has none. */
  hybridHandshakes(ms: number): Promise<number>;
  /**
   * ms by the clock from `connect` to the first byte of the answer to one byte, a median: sent after a handshake by ticket,
   * or with the hello. NaN on a side that cannot.
   */
  firstByte(ms: number, how: 'resumed' | 'early'): Promise<number>;
  /** MB per second from server to client, each send of `size` bytes. */
  bulk(ms: number, size: number): Promise<number>;
  /** The same with {@link pipelined} sends on their way at a time, for those who need not wait for each. */
  stream(ms: number, size: number): Promise<number>;
  /** The same while another connection is flooded too, whose peer reads {@link slowSize} bytes each {@link slowPause} ms. */
  bulkBesideSlow(ms: number, size: number): Promise<number>;
  /** Messages of `size` bytes sent, sent back and received per second. */
  trips(ms: number, size: number): Promise<number>;
  /**
   * The same with `open` connections, through `talking` of them one after the other. They stay open: the next crowd of
   * this side is the same one.
   */
  crowd(ms: number, size: number, open: number, talking: number): Promise<number>;
  /** The slowest of the echoes of 64 bytes, ms, while another peer's burst of tiny records is worked off, so many of them. */
  slowestEcho(kind: Hostility, records: number): Promise<number>;
  /** Opens that many connections and leaves them idle; µs of processor time for each. */
  open(count: number): Promise<number>;
  close(): Promise<void>;
}

/** Where a session is: with the client, sealed, or with the server, under an id. */
export type SessionKind = 'ticket' | 'id';

/** What a hostile peer sends (`hostile.ts`): records of one byte, or key updates with one between each two. */
export type Hostility = 'records' | 'keyUpdates';

/** PEM files; suite and group are the same on all sides. */
export interface Material {
  readonly certfile: string;
  readonly keyfile: string;
  readonly cafile: string;
}

/** What a side speaks: one suite of one version, by OTP's names and by OpenSSL's. */
export interface Dialect {
  readonly version: 'tlsv1.3' | 'tlsv1.2' | 'dtlsv1.2';
  readonly suite: string;
  readonly openssl: string;
}

export const dialects: Readonly<Record<Dialect['version'], Dialect>> = {
  'tlsv1.3': {
    version: 'tlsv1.3',
    suite: 'TLS_AES_128_GCM_SHA256',
    openssl: 'TLS_AES_128_GCM_SHA256',
  },
  'tlsv1.2': {
    version: 'tlsv1.2',
    suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    openssl: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  },
  'dtlsv1.2': {
    version: 'dtlsv1.2',
    suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    openssl: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  },
};

/** The dialect of this version; that of TLS 1.3 where none is named. */
export function dialectOf(version: string | undefined): Dialect {
  return Object.values(dialects).find((dialect) => dialect.version === version) ?? dialects['tlsv1.3'];
}

export const group = 'x25519' as const;
/** In TLS 1.2 a client has to name the curve of the server's certificate too (RFC 8422 §5.3). */
export const certificateCurve = 'secp256r1' as const;

/** Sends that are not waited for one by one. */
export const pipelined = 64;

/** What a slow reader takes at a time, and then rests. Some 1.6 MB/s. */
export const slowSize = 16_384;
/** ms. */
export const slowPause = 10;

/** Bytes of bulk between two looks at the clock, which is a system call. */
export const askEvery = 4_000_000;

/** Operations per second of this process's processor time, until that much of it is used. */
export async function rate(ms: number, operation: () => Promise<void>): Promise<number> {
  const begin = cpu();
  let count = 0;
  let spent = 0;
  // Asking for the time costs a system call, up to 0.3 ms on some machines: ten times per measure, not per operation.
  for (let batch = 10; spent < ms; ) {
    for (let i = 0; i < batch; i++) await operation();
    count += batch;
    spent = cpu() - begin;
    if (spent > 0) batch = Math.max(1, Math.ceil((count * Math.min(ms / 10, ms - spent)) / spent));
  }
  return (count * 1000) / spent;
}

/** The median of how long it takes from the beginning of an operation until it says stop, ms by the clock. */
export async function medianOf(ms: number, operation: (stop: () => void) => Promise<void>): Promise<number> {
  const begin = cpu();
  const taken: number[] = [];
  while (cpu() - begin < ms || taken.length < 10) {
    const since = performance.now();
    await operation(() => taken.push(performance.now() - since));
  }
  return median(taken);
}

/** µs of processor time for each of so many. */
export async function costOfEach(count: number, operation: () => Promise<unknown>): Promise<number> {
  const begin = cpu();
  for (let i = 0; i < count; i++) await operation();
  return ((cpu() - begin) * 1000) / count;
}

/** ms of processor time that this process has used. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** KB that this process holds once its garbage is collected, where `--expose-gc` lets it. */
export async function residentKb(): Promise<number> {
  const collect: unknown = Reflect.get(globalThis, 'gc');
  for (let i = 0; i < 3; i++) {
    if (typeof collect === 'function') collect();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return process.memoryUsage().rss / 1024;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Echo after echo until the burst of a hostile peer is through; the slowest, ms. */
export async function besideHostile(
  port: number,
  kind: Hostility,
  records: number,
  accepted: () => Promise<{ readonly drained: Promise<void> }>,
  echo: () => Promise<void>,
): Promise<number> {
  const peer = spawn(process.execPath, [hostile, String(port), kind, String(records)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ready = new Promise<void>((resolve) => createInterface(peer.stdout).once('line', () => resolve()));
  const { drained } = await accepted();
  await ready;
  let over = false;
  void drained.then(() => {
    over = true;
  });
  peer.stdin.write('go\n');
  let slowest = 0;
  while (!over) {
    const begin = performance.now();
    await echo();
    slowest = Math.max(slowest, performance.now() - begin);
  }
  peer.stdin.end();
  return slowest;
}

const hostile = fileURLToPath(new URL('./hostile.js', import.meta.url));
