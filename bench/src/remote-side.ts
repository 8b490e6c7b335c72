/**
 * A side in a process of its own, asked over standard input: one command a line, one number a line as its answer.
 * So no side's compiler, collector or cache has seen the code of another.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Side } from './side.js';

export interface Measures extends Omit<Side, 'open' | 'slowestEcho'> {
  readonly name: string;
  /** Sides on Node only. */
  readonly slowestEcho: Side['slowestEcho'] | undefined;
}

/** `undefined` when the program is not there or does not come up. */
export async function remoteSide(
  name: string,
  program: string,
  args: readonly string[],
): Promise<Measures | undefined> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: ((line: string | undefined) => void)[] = [];
  const give = (line: string | undefined): void => waiting.shift()?.(line);
  createInterface(child.stdout).on('line', give);
  child.on('error', () => give(undefined));
  let ended = false;
  child.on('close', () => {
    ended = true;
    for (const each of waiting.splice(0)) each(undefined);
  });
  child.stdin.on('error', () => {});
  const answer = (): Promise<string | undefined> =>
    new Promise((resolve) => (ended ? resolve(undefined) : waiting.push(resolve)));
  if ((await answer()) !== 'ready') return undefined;
  const ask = async (command: string): Promise<number> => {
    child.stdin.write(`${command}\n`);
    const line = await answer();
    if (line === undefined) throw new Error(`${name} ended when it was asked to ${command}`);
    return Number(line);
  };
  return {
    name,
    handshakes: (ms) => ask(`handshake ${ms}`),
    unseenHandshakes: (ms) => ask(`unseen ${ms}`),
    coldHandshakes: (ms) => ask(`cold ${ms}`),
    bulk: (ms, size) => ask(`bulk ${size} ${ms}`),
    // OTP's send waits for each.
    stream: (ms, size) => ask(`${program === process.execPath ? 'stream' : 'bulk'} ${size} ${ms}`),
    trips: (ms, size) => ask(`rtt ${size} ${ms}`),
    slowestEcho: program === process.execPath ? (kind) => ask(`fairness ${kind}`) : undefined,
    close: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}
