/** OTP's ssl in a node of its own with one scheduler, asked over standard input (`erlang/tls_bench.escript`). */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { group, type Material, type Side, suite } from './side.js';

const script = fileURLToPath(new URL('../erlang/tls_bench.escript', import.meta.url));

/** `undefined` when there is no Erlang on this machine. */
export async function otpSide(files: Material): Promise<Side | undefined> {
  const child = spawn('escript', [script, files.certfile, files.keyfile, files.cafile, suite, group], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: ((line: string | undefined) => void)[] = [];
  const give = (line: string | undefined): void => waiting.shift()?.(line);
  createInterface(child.stdout).on('line', give);
  child.on('error', () => give(undefined));
  child.on('close', () => {
    for (const each of waiting.splice(0)) each(undefined);
  });
  child.stdin.on('error', () => {});
  const answer = (): Promise<string | undefined> => new Promise((resolve) => waiting.push(resolve));
  if ((await answer()) !== 'ready') return undefined;
  const ask = async (command: string): Promise<number> => {
    child.stdin.write(`${command}\n`);
    return Number(await answer());
  };
  return {
    name: 'OTP 25',
    handshakes: (ms) => ask(`handshake ${ms}`),
    coldHandshakes: (ms) => ask(`handshake ${ms}`),
    bulk: (ms, size) => ask(`bulk ${size} ${ms}`),
    trips: (ms, size) => ask(`rtt ${size} ${ms}`),
    open: () => Promise.reject(new Error('not measured for OTP')),
    close: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}
