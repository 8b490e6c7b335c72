/** Files of certificates and keys for `credentials.ts`, read through the node's PEM cache process. */
import type { Node, Self, StartOptions, StartResult } from '@actor-tls/runtime';
import type { Result } from '../../values/terms.js';
import type { PemEntry } from '../../values/x509/pem.js';
import type { ApplicationSettings } from '../environment.js';
import type { PemSource } from './credentials.js';
import { clearPemCache, readPemFile, startPemCache } from './pem-cache.js';
import { bundledTrust, systemTrust } from './system-trust.js';

export interface PemFiles extends PemSource {
  /** Starts the cache process, for a supervisor. */
  start(self: Self<unknown>, settings: ApplicationSettings, options: StartOptions): Promise<StartResult>;
  /** `ssl:clear_pem_cache/0` */
  clear(): Promise<void>;
}

/** Registered name of the cache process. */
export const pemCacheName = 'ssl_pem_cache';

export function openPemSource(node: Node): PemFiles {
  let generation = 0;
  const read = async (path: string): Promise<Result<readonly PemEntry[]>> => {
    const file = await readPemFile(node, pemCacheName, path);
    if ('error' in file) return file;
    // Nobody will say when such a file changes: whatever is made of it must not be kept.
    if (file.ok.state === 'replaced') generation += 1;
    return { ok: file.ok.entries };
  };
  return {
    get generation() {
      return generation;
    },
    start(self, { pemCacheClean, bypassPemCache }, options) {
      const onChange = (): void => {
        generation += 1;
      };
      const mode = bypassPemCache ? 'bypass' : 'keep';
      return startPemCache(self, { clean: pemCacheClean, mode, onChange }, options);
    },
    read,
    trusted: (which) =>
      which === 'system'
        ? systemTrust({ environment: process.env, read })
        : Promise.resolve({ ok: bundledTrust() }),
    async clear(): Promise<void> {
      generation += 1;
      await clearPemCache(node, pemCacheName);
    },
  };
}
