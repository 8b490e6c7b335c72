import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { patience } from './support/patience.js';

const source = (path: string): string => fileURLToPath(new URL(`../packages/${path}`, import.meta.url));

/**
 * `ACTOR_TLS_ENGINE=noble` runs everything on the portable engine alone, `ACTOR_TLS_ENGINE=ffi` on the one that calls
 * libcrypto itself.
 */
const standIns: Readonly<Record<string, URL>> = {
  noble: new URL('support/noble-alone.ts', import.meta.url),
  ffi: new URL('support/ffi-first.ts', import.meta.url),
};
const standIn = standIns[process.env['ACTOR_TLS_ENGINE'] ?? ''];
const engine =
  standIn === undefined ? [] : [{ find: /^.*\/default-engine\.js$/, replacement: fileURLToPath(standIn) }];

/** Tests run on the sources, so that one copy of every class exists and stacks point at TypeScript. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: {
    alias: [
      ...engine,
      { find: /^@actor-tls\/(runtime|ssl)\/testing$/, replacement: source('$1/src/testing/index.ts') },
      { find: /^@actor-tls\/ssl\/ffi$/, replacement: source('ssl/src/ffi.ts') },
      { find: /^@actor-tls\/ssl\/core$/, replacement: source('ssl/src/core/entry-node.ts') },
      { find: /^@actor-tls\/ssl$/, replacement: source('ssl/src/ssl.ts') },
      { find: /^@actor-tls\/([a-z-]+)$/, replacement: source('$1/src/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // A process reads the sources once for all its files: that is most of the time of the small ones. Every core works.
    isolate: false,
    maxWorkers: '100%',
    reporters: ['default', fileURLToPath(new URL('support/summary-reporter.ts', import.meta.url))],
    // For tests that hang. None is meant to reach it, however loaded the machine: see support/patience.ts.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: patience } },
  },
});
