import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`../packages/${path}`, import.meta.url));

/** Tests run on the sources, so that one copy of every class exists and stacks point at TypeScript. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: {
    alias: [
      { find: /^@actor-tls\/(runtime|ssl)\/testing$/, replacement: source('$1/src/testing/index.ts') },
      { find: /^@actor-tls\/ssl\/core$/, replacement: source('ssl/src/core.ts') },
      { find: /^@actor-tls\/ssl$/, replacement: source('ssl/src/ssl.ts') },
      { find: /^@actor-tls\/([a-z-]+)$/, replacement: source('$1/src/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    reporters: ['default', fileURLToPath(new URL('support/summary-reporter.ts', import.meta.url))],
    testTimeout: 30_000,
  },
});
