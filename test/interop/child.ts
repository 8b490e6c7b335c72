/** A child program under test control: its output collected, its end awaited, stopped by its own handle only. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import net from 'node:net';
import { patience } from '../support/patience.js';

export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly stdout: () => Buffer;
  /** Bytes of standard output so far, without putting them together. */
  readonly received: () => number;
  readonly stderr: () => string;
  /** Resolves with the exit code (null when a signal ended it). */
  readonly exited: Promise<number | null>;
  /** Resolves when `ready` holds of what was printed so far; rejects when the program ends before, or after `ms`. */
  until(ready: () => boolean, ms?: number): Promise<void>;
  stop(): Promise<void>;
}

export function start(program: string, args: readonly string[]): Child {
  const child = spawn(program, [...args], { stdio: 'pipe' });
  const out: Buffer[] = [];
  let received = 0;
  let err = '';
  let ended = false;
  const watchers = new Set<() => void>();
  const wake = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    received += chunk.length;
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString('latin1');
    wake();
  });
  // A peer that closed its input early is an outcome that the test sees by other means.
  child.stdin.on('error', () => {});
  const exited = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      ended = true;
      resolve(code);
      wake();
    });
    child.on('error', (error) => {
      err += String(error);
      ended = true;
      resolve(null);
      wake();
    });
  });
  const stdout = (): Buffer => Buffer.concat(out);
  return {
    process: child,
    stdout,
    received: () => received,
    stderr: () => err,
    exited,
    until: (ready, ms = patience) =>
      new Promise((resolve, reject) => {
        const done = (error?: Error): void => {
          watchers.delete(check);
          clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        };
        const check = (): void => {
          if (ready()) done();
          else if (ended)
            done(new Error(`${program} ended early: ${err}${stdout().toString('latin1').slice(-2000)}`));
        };
        const timer = setTimeout(
          () => done(new Error(`${program} said nothing of the kind within ${ms} ms: ${err}`)),
          ms,
        );
        watchers.add(check);
        check();
      }),
    stop: async () => {
      if (!ended) child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * Starts a program that cannot say which port it took on one that was free a moment ago, and waits until it listens.
 * Should another have taken the port meanwhile, the program ends, and another port is tried.
 */
export async function startOnFreePort(
  begin: (port: number) => Child,
): Promise<{ readonly port: number; readonly child: Child }> {
  for (let triesLeft = 4; ; triesLeft -= 1) {
    const port = await freePort();
    const child = begin(port);
    try {
      await listening(port, child);
      return { port, child };
    } catch (error) {
      await child.stop();
      if (triesLeft === 0) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** Resolves once something accepts TCP connections on the loopback port. */
async function listening(port: number, child: Child): Promise<void> {
  for (let waited = 0; waited < patience; waited += 50) {
    const up = await new Promise<boolean>((resolve) => {
      const probe = net.connect(port, '127.0.0.1');
      probe.on('connect', () => {
        probe.destroy();
        resolve(true);
      });
      probe.on('error', () => resolve(false));
    });
    if (child.process.exitCode !== null)
      throw new Error(`the peer ended before it listened: ${child.stderr()}`);
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the peer did not listen: ${child.stderr()}`);
}
