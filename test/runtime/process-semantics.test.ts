import { afterAll, expect, it } from 'vitest';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { comparable, type ProcessCase, runProcessCase } from './process-scenario.js';
import {
  comparable as comparableSupervisor,
  runSupervisorCase,
  type SupervisorCase,
} from './supervisor-scenario.js';

const data = 'otp25/process_semantics.json.gz';
/** Random schedules of each case; within a tick any order of processes must give the same trace. */
const schedules = 10;

describeWithData('process semantics of Erlang/OTP 25', data, () => {
  const { cases } = readSharedJson(data) as { cases: (ProcessCase | SupervisorCase)[] };
  let agree = 0;

  it.each(cases)('$id gives the trace that Erlang gives, in turn and in any drawn order', async (script) => {
    for (let seed = 0; seed <= schedules; seed++)
      await expectErlangsTrace(script, seed === 0 ? undefined : seed);
    agree += 1;
  });

  it('no case is missing', () => {
    expect(cases).toHaveLength(238);
  });

  afterAll(() => report('process_semantics', { agree, deviate: cases.length - agree }));
});

async function expectErlangsTrace(
  script: ProcessCase | SupervisorCase,
  seed: number | undefined,
): Promise<void> {
  const hint = seed === undefined ? 'in turn' : `seed ${seed}`;
  if (script.kind === 'processes')
    expect(comparable(script, await runProcessCase(script, seed)), hint).toEqual(
      comparable(script, script.trace),
    );
  else
    expect(comparableSupervisor(script, await runSupervisorCase(script, seed)), hint).toEqual(
      comparableSupervisor(script, script.trace),
    );
}
