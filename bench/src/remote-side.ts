/**
 * A side in a process of its own, asked over standard input: one command a line, one number a line as its answer.
 * So no side's compiler, collector or cache has seen the code of another.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Side } from './side.js';

/** How a side is started. */
export interface Program {
  readonly on: 'node' | 'otp';
  readonly program: string;
  readonly args: readonly string[];
}

export interface Measures extends Omit<Side, 'slowestEcho'> {
  /** `Node 24.21.0`, `OTP 29`: what it says of itself. */
  readonly release: string;
  /** Sides on Node only. */
  readonly slowestEcho: Side['slowestEcho'] | undefined;
}

/**
 * `undefined` when the program is not there or does not come up. `descriptors`: how many open files it is to be allowed,
 * if that can be had.
 */
export async function remoteSide(
  { on, program, args }: Program,
  descriptors?: number,
): Promise<Measures | undefined> {
  const [command, ...rest] =
    descriptors === undefined ? [program, ...args] : allowed(descriptors, program, args);
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: ((line: string | undefined) => void)[] = [];
  const give = (line: string | undefined): void => waiting.shift()?.(line);
  createInterface(child.stdout).on('line', give);
  child.on('error', () => give(undefined));
  let ended: string | undefined;
  child.on('close', (code, signal) => {
    ended = signal ?? `code ${code}`;
    for (const each of waiting.splice(0)) each(undefined);
  });
  child.stdin.on('error', () => {});
  const answer = (): Promise<string | undefined> =>
    new Promise((resolve) => (ended === undefined ? waiting.push(resolve) : resolve(undefined)));
  const [, release] = /^ready (.+)$/.exec((await answer()) ?? '') ?? [];
  if (release === undefined) return undefined;
  const ask = async (what: string): Promise<number> => {
    child.stdin.write(`${what}\n`);
    const line = await answer();
    if (line === undefined) throw new Error(`${program} ended, ${ended}, when it was asked to ${what}`);
    return Number(line);
  };
  return {
    release,
    handshakes: (ms) => ask(`handshake ${ms}`),
    unseenHandshakes: (ms) => ask(`unseen ${ms}`),
    coldHandshakes: (ms) => ask(`cold ${ms}`),
    resumedHandshakes: (ms, by) => ask(`resumed ${ms} ${by}`),
    // OTP 25 has no hybrid group.
    hybridHandshakes: (ms) => (on === 'node' ? ask(`hybrid ${ms}`) : Promise.resolve(Number.NaN)),
    firstByte: (ms, how) => ask(`firstbyte ${how} ${ms}`),
    bulk: (ms, size) => ask(`bulk ${size} ${ms}`),
    // OTP's send waits for each.
    stream: (ms, size) => ask(`${on === 'node' ? 'stream' : 'bulk'} ${size} ${ms}`),
    bulkBesideSlow: (ms, size) => ask(`slow ${size} ${ms}`),
    trips: (ms, size) => ask(`rtt ${size} ${ms}`),
    crowd: (ms, size, open, talking) => ask(`crowd ${size} ${ms} ${open} ${talking}`),
    slowestEcho: on === 'node' ? (kind, records) => ask(`fairness ${kind} ${records}`) : undefined,
    open: (count) => ask(`open ${count}`),
    close: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}

/** The same through a shell that allows it that many open files, where it may. */
export function allowed(
  descriptors: number,
  program: string,
  args: readonly string[],
): readonly [string, ...string[]] {
  return ['sh', '-c', 'ulimit -n "$0" 2>/dev/null; exec "$@"', String(descriptors), program, ...args];
}
