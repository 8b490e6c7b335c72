/** A real redis-server for a test: on loopback, on a free port, without a trace on the disk. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe } from 'vitest';

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const hasRedis: boolean = isInstalled();

/** Skipped where there is no redis-server, unless everything is required. */
export const describeWithRedis =
  hasRedis || process.env['ACTOR_TLS_REQUIRE_ALL'] !== undefined ? describe : describe.skip;

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** Ends it at once, as a crash does: by its pid. */
  kill(): Promise<void>;
  /** Stops its work without ending it, as a machine that hangs. */
  pause(): void;
  resume(): void;
  /** `CONFIG SET` */
  configure(name: string, value: string): void;
}

/** Answers when it listens. */
export async function startRedis(port?: number, ...args: readonly string[]): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(chosen)];
  const child = spawn('redis-server', [...quiet, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  await listening(child);
  child.stdout?.resume();
  return {
    port: chosen,
    pid: child.pid ?? 0,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    configure: (name, value) => {
      execFileSync('redis-cli', ['-p', String(chosen), 'config', 'set', name, value], { stdio: 'ignore' });
    },
  };
}

async function listening(child: ChildProcess): Promise<void> {
  let said = '';
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    said += String(chunk);
    if (said.includes('Ready to accept connections')) return;
  }
  throw new Error(`redis-server has ended: ${said}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
