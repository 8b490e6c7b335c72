import { describe, expect, it } from 'vitest';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { type LimboCase, runLimbo } from './limbo.js';
import { decisionOn, decisions } from './limbo-decisions.js';

function casesOf(file: string): readonly LimboCase[] {
  return (readSharedJson(file) as { readonly testcases: readonly LimboCase[] }).testcases;
}

/** ms of the processor's time, whatever else runs on the machine; a case that takes longer is counted as timed out, never as an agreement. */
const TIME_LIMIT = 5_000;

class Tally {
  readonly counts = {
    agree: 0,
    wrongAccept: 0,
    wrongReject: 0,
    onPurpose: 0,
    soft: 0,
    timedOut: 0,
    crashed: 0,
  };

  /** The case's outcome in one word, counted. */
  run(test: LimboCase): string {
    const started = process.cpuUsage();
    let accepted: boolean;
    try {
      accepted = runLimbo(test).accepted;
    } catch (error) {
      this.counts.crashed++;
      return `crashed: ${String(error)}`;
    }
    const { user, system } = process.cpuUsage(started);
    if ((user + system) / 1000 > TIME_LIMIT) {
      this.counts.timedOut++;
      return 'timed out';
    }
    if (accepted === (test.expected_result === 'SUCCESS')) {
      this.counts.agree++;
      return 'agree';
    }
    if (test.soft === true) {
      this.counts.soft++;
      return 'soft';
    }
    const why = decisionOn(test.id, accepted);
    if (why !== undefined) {
      this.counts.onPurpose++;
      return `on purpose: ${why}`;
    }
    this.counts[accepted ? 'wrongAccept' : 'wrongReject']++;
    return accepted ? 'wrong accept' : 'wrong reject';
  }
}

describeWithData('x509-limbo', 'x509/limbo-dev.json.gz', () => {
  const tally = new Tally();
  const cases = casesOf('x509/limbo-dev.json.gz');
  const onPurpose = new Set<string>();
  for (const test of cases) {
    it(test.id, () => {
      const outcome = tally.run(test);
      if (outcome.startsWith('on purpose')) onPurpose.add(test.id);
      expect(outcome).toMatch(/^(agree$|on purpose: )/);
    });
  }
  it('every decision is still needed by each of its cases', () => {
    const known = new Set(cases.map(({ id }) => id));
    const stale = decisions
      .flatMap((decision) => decision.cases)
      .filter((id) => known.has(id) && !onPurpose.has(id));
    expect(stale).toEqual([]);
    report('x509-limbo', tally.counts);
  });
});

describeWithData('BetterTLS', 'x509/bettertls-dev.json.gz', () => {
  const tally = new Tally();
  const groups = new Map<string, LimboCase[]>();
  for (const test of casesOf('x509/bettertls-dev.json.gz')) {
    const [, suite = '', number = ''] = test.id.split('::');
    const group = `${suite} ${number.slice(0, -2) || 'tc'}..`;
    groups.set(group, [...(groups.get(group) ?? []), test]);
  }
  describe('cases whose result the suite calls debatable are counted apart', () => {
    for (const [name, cases] of groups) {
      it(name, () => {
        const wrong = cases
          .map((test) => `${test.id}: ${tally.run(test)}`)
          .filter((line) => !/: (agree|soft)$/.test(line));
        expect(wrong).toEqual([]);
      });
    }
    it('reports', () => report('BetterTLS', tally.counts));
  });
});
