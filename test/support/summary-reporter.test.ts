import { expect, it } from 'vitest';
import { summary } from './summary-reporter.js';

it('the summary ends with the totals, after the suites left out and the counters added up', () => {
  const text = summary(
    [
      { kind: 'counters', name: 'oracle', counters: { agree: 2, deviate: 1 } },
      { kind: 'absent', suite: 'interop with GnuTLS', why: 'not installed: gnutls-cli' },
      { kind: 'counters', name: 'oracle', counters: { agree: 3 } },
    ],
    { passed: 4, failed: 0, skipped: 1 },
  );
  expect(text.split('\n')).toEqual([
    'oracle: 5 agree, 1 deviate',
    '1 suites left out, for want of data or peers:',
    '  interop with GnuTLS (not installed: gnutls-cli)',
    '4 passed, 0 failed, 1 skipped',
  ]);
});
