/** Go's crypto/tls, from 1.26 on: it has all three hybrid groups. The program is built once, when it is first wanted. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groupCode } from '../../packages/ssl/src/values/registry/groups.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { scripted } from './scripted.js';

let folder: string | undefined;

/** Throws with the compiler's words. */
export function buildGoPeer(): string {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'actor-tls-go-'));
    const source = fileURLToPath(new URL('./go/', import.meta.url));
    execFileSync('go', ['build', '-o', join(folder, 'peer'), '.'], {
      cwd: source,
      env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' },
      stdio: 'pipe',
    });
  }
  return join(folder, 'peer');
}

export function removeGoPeer(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
}

/** The version of the Go on the PATH, such as 1.26; `undefined`: none. */
export function goVersion(): number | undefined {
  try {
    const said = execFileSync('go', ['env', 'GOVERSION'], { stdio: 'pipe' }).toString();
    return Number(/^go(\d+\.\d+)/.exec(said)?.[1]);
  } catch {
    return undefined;
  }
}

export const go = scripted(
  "Go's crypto/tls",
  () => [buildGoPeer()],
  ({ groups, suite }) => ({
    groups: groups?.map(groupCode),
    suite: suite === undefined ? 0 : suiteByName(suite)?.id,
  }),
  (version, what) =>
    // Its suites of TLS 1.3 are not to be chosen; ours are then, by our own offer.
    what.includes('_CCM') ||
    what.startsWith('ffdhe') ||
    what.startsWith('brainpool') ||
    /^(x448|ed448|rsa_pss)$/.test(what) ||
    (version === 'tlsv1.2' && what.includes('mlkem')),
);
