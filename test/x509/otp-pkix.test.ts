import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import {
  defaultAnswer,
  type PathAnswer,
  type PathEvent,
  type PathOptions,
  type PathResult,
  validatePath,
} from '../../packages/ssl/src/values/x509/path.js';
import { anyPolicyInputs } from '../../packages/ssl/src/values/x509/policy-graph.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { pkixDeviations } from './otp-pkix-deviations.js';

type Verdict = { readonly ok: string } | { readonly bad_cert: string } | { readonly crash: string };
interface Case {
  readonly id: string;
  readonly anchor: string | { readonly atom: string };
  readonly chain: readonly string[];
  readonly options?: readonly { readonly tuple: readonly [{ readonly atom: string }, unknown] }[];
  readonly result: Verdict;
  readonly strict_events: readonly (readonly [string, number])[];
  readonly accept_result: Verdict;
  readonly accept_events: readonly (readonly [string, number])[];
}
interface Recording {
  readonly certs: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** All recorded certificates are valid, expired or still to come by a wide margin at this time. */
const now = Date.UTC(2026, 10, 1);

function optionsOf(test: Case): PathOptions {
  let options: PathOptions = { engine: defaultEngine, now };
  for (const {
    tuple: [{ atom }, value],
  } of test.options ?? []) {
    const flag = JSON.stringify(value) === '{"atom":"true"}';
    const policies = options.policies ?? anyPolicyInputs;
    if (atom === 'max_path_length') options = { ...options, maxPathLength: Number(value) };
    if (atom === 'explicit_policy')
      options = { ...options, policies: { ...policies, requireExplicitPolicy: flag } };
    if (atom === 'inhibit_any_policy')
      options = { ...options, policies: { ...policies, inhibitAnyPolicy: flag } };
    if (atom === 'policy_mapping')
      options = { ...options, policies: { ...policies, inhibitPolicyMapping: flag } };
  }
  return options;
}

/** The events and, last, the verdict, in the recording's words. */
function run(
  test: Case,
  find: (id: string) => Certificate,
  answer: (event: PathEvent) => PathAnswer,
): string[] {
  const events: string[] = [];
  const chain = test.chain.map(find);
  const ask = (event: PathEvent): PathAnswer => {
    events.push(nameOf(event));
    return answer(event);
  };
  const drive = (anchor: Certificate, below: readonly Certificate[]): PathResult => {
    const steps = validatePath(anchor, below, optionsOf(test));
    let step = steps.next();
    while (!step.done) step = steps.next(ask(step.value));
    return step.value;
  };
  let result: PathResult;
  if (typeof test.anchor === 'string') result = drive(find(test.anchor), chain);
  else {
    const [top, ...below] = chain;
    if (top === undefined) return ['= crash'];
    const given = ask({ type: 'bad_cert', reason: test.anchor.atom, certificate: top, index: 0 });
    result =
      typeof given === 'object' ? { bad_cert: given.fail, certificate: top, index: 0 } : drive(top, below);
  }
  return [...events, `= ${'ok' in result ? 'ok' : String(result.bad_cert)}`];
}

function nameOf(event: PathEvent): string {
  switch (event.type) {
    case 'bad_cert':
      return `bad_cert:${String(event.reason)}@${event.index}`;
    case 'extension':
      return `extension:${event.extension.oid}${event.extension.critical ? ':critical' : ''}@${event.index}`;
    case 'valid':
    case 'valid_peer':
      return `${event.type}@${event.index}`;
  }
}

function recorded(verdict: Verdict, events: readonly (readonly [string, number])[]): string[] {
  const text = 'ok' in verdict ? 'ok' : 'bad_cert' in verdict ? verdict.bad_cert : 'crash';
  return [...events.map(([name, index]) => `${name}@${index}`), `= ${text}`];
}

const acceptAll = (event: PathEvent): PathAnswer =>
  event.type === 'extension' && !event.extension.critical ? 'unknown' : 'valid';

/** Without places, for cases where the recording's do not tell (an anchor in the chain, a certificate twice). */
const withoutPlaces = (event: string): string => event.replace(/@-?\d+$/, '');

describeWithData("path validation is OTP's pkix_path_validation/3", 'otp25/pkix.json.gz', () => {
  const { certs, cases } = readSharedJson('otp25/pkix.json.gz') as Recording;
  const parsed = new Map<string, Certificate>();
  const find = (id: string): Certificate => {
    const known = parsed.get(id) ?? new Certificate(Buffer.from(certs[id] ?? '', 'base64'));
    parsed.set(id, known);
    return known;
  };
  const counts = { agree: 0, deviateOnPurpose: 0, otpCrashed: 0, disagree: 0 };
  const used = new Map<string, number>();

  /** The rule that explains the first difference; `undefined` when the lists are the same. */
  function explain(
    ours: readonly string[],
    otps: readonly string[],
    chain: readonly Certificate[],
  ): string | undefined {
    const at = ours.findIndex((event, i) => event !== otps[i]);
    if (at < 0) return undefined;
    const difference = { before: ours[at - 1], ours: ours[at], otps: otps[at], chain };
    const rule = pkixDeviations.find(({ applies }) => applies(difference));
    expect(ours, 'no deviation on purpose explains the difference').toEqual(rule === undefined ? otps : ours);
    return rule?.why;
  }

  for (const test of cases) {
    it(test.id, () => {
      if ('crash' in test.result || 'crash' in test.accept_result) {
        counts.otpCrashed++;
        try {
          run(test, find, defaultAnswer);
          run(test, find, acceptAll);
        } catch (error) {
          expect(error).toBeInstanceOf(CertificateError);
        }
        return;
      }
      const ambiguous =
        typeof test.anchor !== 'string' ||
        test.chain.includes(test.anchor) ||
        new Set(test.chain).size < test.chain.length;
      const normal = (events: readonly string[]): string[] =>
        ambiguous ? events.map(withoutPlaces) : [...events];
      const chain = test.chain.map(find);
      counts.disagree++;
      const why = [
        explain(
          normal(run(test, find, defaultAnswer)),
          normal(recorded(test.result, test.strict_events)),
          chain,
        ),
        explain(
          normal(run(test, find, acceptAll)),
          normal(recorded(test.accept_result, test.accept_events)),
          chain,
        ),
      ].find((rule) => rule !== undefined);
      counts.disagree--;
      if (why === undefined) counts.agree++;
      else {
        counts.deviateOnPurpose++;
        used.set(why, (used.get(why) ?? 0) + 1);
      }
    });
  }

  describe('in all', () => {
    it('every deviation on purpose is still needed', () => {
      const idle = pkixDeviations.filter(({ rare, why }) => rare !== true && !used.has(why));
      expect(idle.map(({ why }) => why)).toEqual([]);
      report('otp25 pkix', counts);
    });
  });
});
