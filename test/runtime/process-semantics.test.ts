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

describeWithData('process semantics of Erlang/OTP 25', data, () => {
  const { cases } = readSharedJson(data) as { cases: (ProcessCase | SupervisorCase)[] };
  let agree = 0;

  it.each(cases)('$id gives the trace that Erlang gives', async (script) => {
    if (script.kind === 'processes')
      expect(comparable(script, await runProcessCase(script))).toEqual(comparable(script, script.trace));
    else
      expect(comparableSupervisor(script, await runSupervisorCase(script))).toEqual(
        comparableSupervisor(script, script.trace),
      );
    agree += 1;
  });

  it('no case is missing', () => {
    expect(cases).toHaveLength(238);
  });

  afterAll(() => report('process_semantics', { agree, deviate: cases.length - agree }));
});
