/** pion/dtls 4, of which `pion/main.go` makes a peer; built once, when it is first wanted. Its modules come by Go's own proxy. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goVersion } from './go.js';

const folder = mkdtempSync(join(tmpdir(), 'actor-tls-pion-'));

/** The program, or why there is none. */
export const pion: { readonly program: string } | { readonly why: string } = build();

function build(): typeof pion {
  if ((goVersion() ?? 0) < 1.24) return { why: 'needs Go 1.24' };
  const program = join(folder, 'peer');
  const cwd = fileURLToPath(new URL('./pion/', import.meta.url));
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -modcacherw' };
  try {
    execFileSync('go', ['build', '-o', program, '.'], { cwd, env, stdio: 'pipe', timeout: 120_000 });
    return { program };
  } catch (error) {
    return {
      why: `pion/dtls cannot be built: ${error instanceof Error ? error.message.split('\n')[1] : error}`,
    };
  }
}

// Several files of tests in one process have it.
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
