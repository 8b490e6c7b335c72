/** Files of certificates and keys for `credentials.ts`, read through the node's PEM cache process. */
import { readFile } from 'node:fs/promises';
import type { GenServer, Node, Self, StartOptions, StartResult } from '@actor-tls/runtime';
import { startGenServer } from '@actor-tls/runtime';
import type { Result } from '../values/terms.js';
import { decodePem, type PemEntry } from '../values/x509/pem.js';
import type { PemSource } from './credentials.js';
import { bundledTrust, systemTrust } from './system-trust.js';
import { posix } from './transport/node-net.js';

export interface PemFiles extends PemSource {
  /** Starts the cache process, for a supervisor. */
  start(self: Self<unknown>, options: StartOptions): Promise<StartResult>;
  /** `ssl:clear_pem_cache/0` */
  clear(): Promise<void>;
}

const placeholder: GenServer<undefined, undefined> = {
  label: 'ssl_pem_cache',
  init: () => ({ ok: undefined }),
};

export function openPemSource(_node: Node): PemFiles {
  let generation = 0;
  return {
    get generation() {
      return generation;
    },
    start: (self, options) => startGenServer(self, placeholder, undefined, options),
    async read(path): Promise<Result<readonly PemEntry[]>> {
      try {
        return { ok: decodePem(await readFile(path)) };
      } catch (error) {
        return { error: error instanceof Error ? posix(error) : String(error) };
      }
    },
    trusted: (which) => (which === 'system' ? systemTrust(process.env) : Promise.resolve(bundledTrust())),
    clear(): Promise<void> {
      generation += 1;
      return Promise.resolve();
    },
  };
}
