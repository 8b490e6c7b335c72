import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import {
  defaultAnswer,
  type PathAnswer,
  type PathEvent,
  type PathOptions,
  type PathResult,
  validatePath,
} from '../../packages/ssl/src/values/x509/path.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';

type Verdict = { readonly ok: string } | { readonly bad_cert: unknown } | { readonly crash: string };
type Events = readonly (readonly [string, number])[];
interface Case {
  readonly id: string;
  readonly anchor: string | { readonly atom: string };
  readonly chain: readonly string[];
  readonly options?: readonly { readonly tuple: readonly [{ readonly atom: string }, unknown] }[];
  readonly result: Verdict;
  readonly strict_events: Events;
  readonly accept_result: Verdict;
  readonly accept_events: Events;
}
interface Recording {
  readonly certs: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

const now = Date.UTC(2026, 10, 1);

function optionsOf(test: Case): PathOptions {
  let options: PathOptions = { engine: defaultEngine, now };
  for (const { tuple } of test.options ?? []) {
    const [{ atom }, value] = tuple;
    if (atom === 'max_path_length') options = { ...options, maxPathLength: Number(value) };
    else {
      const flag = (value as { atom: string }).atom === 'true';
      const inputs = options.policies ?? {
        initialPolicies: undefined,
        requireExplicitPolicy: false,
        inhibitPolicyMapping: false,
        inhibitAnyPolicy: false,
      };
      if (atom === 'explicit_policy')
        options = { ...options, policies: { ...inputs, requireExplicitPolicy: flag } };
      if (atom === 'inhibit_any_policy')
        options = { ...options, policies: { ...inputs, inhibitAnyPolicy: flag } };
      if (atom === 'policy_mapping')
        options = { ...options, policies: { ...inputs, inhibitPolicyMapping: flag } };
    }
  }
  return options;
}

interface Run {
  readonly result: string;
  readonly events: string[];
}

function run(
  test: Case,
  certs: ReadonlyMap<string, Certificate>,
  answer: (event: PathEvent) => PathAnswer,
): Run {
  const events: string[] = [];
  const chain = test.chain.map((id) => certs.get(id) as Certificate);
  const shift = typeof test.anchor === 'string' ? 0 : 1;
  const drive = (anchor: Certificate, below: readonly Certificate[]): PathResult => {
    const steps = validatePath(anchor, below, optionsOf(test));
    let step = steps.next();
    while (!step.done) {
      note(step.value);
      step = steps.next(answer(step.value));
    }
    return step.value;
  };
  const note = (event: PathEvent): void => {
    const name =
      event.type === 'bad_cert'
        ? `bad_cert:${String(event.reason)}`
        : event.type === 'extension'
          ? `extension:${event.extension.oid}${event.extension.critical ? ':critical' : ''}`
          : event.type;
    events.push(`${name}@${event.index < 0 ? 'anchor' : event.certificate.serialHex + event.index}`);
  };
  let result: PathResult;
  if (typeof test.anchor === 'string') result = drive(certs.get(test.anchor) as Certificate, chain);
  else {
    const [top, ...below] = chain;
    if (top === undefined) return { result: 'crash', events };
    const event: PathEvent = { type: 'bad_cert', reason: test.anchor.atom, certificate: top, index: 0 };
    note(event);
    const given = answer(event);
    result =
      typeof given === 'object' ? { bad_cert: given.fail, certificate: top, index: 0 } : drive(top, below);
  }
  void shift;
  return {
    result: 'ok' in result ? 'ok' : String(result.bad_cert),
    events: events.map((text) => text.replace(/@.*/, '')),
  };
}

const accept = (event: PathEvent): PathAnswer =>
  event.type === 'extension' && !event.extension.critical ? 'unknown' : 'valid';

const verdictOf = (verdict: Verdict): string =>
  'ok' in verdict ? 'ok' : 'bad_cert' in verdict ? String(verdict.bad_cert) : 'crash';

/**
 * Where we are not OTP, on purpose: id pattern → why. An entry that nothing needs is stale and fails.
 */
const deviations: readonly { readonly ids: RegExp; readonly why: string }[] = [];

describeWithData("OTP's pkix_path_validation/3", 'otp25/pkix.json.gz', () => {
  const recording = readSharedJson('otp25/pkix.json.gz') as Recording;
  const certs = new Map(
    Object.entries(recording.certs).flatMap(([id, der]): [string, Certificate][] => {
      try {
        return [[id, new Certificate(Buffer.from(der, 'base64'))]];
      } catch (error) {
        console.log(id, String(error));
        return [];
      }
    }),
  );

  describe('verdict, reason and event order', () => {
    const tally = new Map<string, string[]>();
    for (const test of recording.cases) {
      let got: string;
      const want = `${verdictOf(test.result)} ${test.strict_events.map(([name]) => name).join(' ')}`;
      let got2 = '';
      const want2 = `${verdictOf(test.accept_result)} ${test.accept_events.map(([name]) => name).join(' ')}`;
      try {
        const strict = run(test, certs, defaultAnswer);
        got = `${strict.result} ${strict.events.join(' ')}`;
        const acc = run(test, certs, accept);
        got2 = `${acc.result} ${acc.events.join(' ')}`;
      } catch (error) {
        got = `THROW ${String(error)}`;
      }
      if (got !== want || got2 !== want2) tally.set(test.id, [want, got, want2, got2]);
    }
    it('lists', () => {
      for (const [id, lines] of tally) console.log(id, '\n   ', lines.join('\n    '));
      console.log(tally.size);
      report('otp25 pkix', { agree: recording.cases.length - tally.size, deviate: tally.size });
      expect(deviations).toBeDefined();
    });
  });
});
