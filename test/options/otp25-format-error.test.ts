/** OTP 25's `ssl:format_error/1` (`otp25/format_error`). */
import { expect, it } from 'vitest';
import { formatError } from '../../packages/ssl/src/values/format-error.js';
import { notation } from '../../packages/ssl/src/values/notation.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { atomName, listItems, renderTerm, type Term, textOf, tupleItems } from '../support/terms.js';
import { camelCase } from './erlang-options.js';

interface Case {
  readonly id: string;
  readonly reason: Term;
  readonly returns?: Term;
}

function isCases(value: unknown): value is { readonly cases: readonly Case[] } {
  return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
}

/** A reason as we write it; a string and an atom are both strings. */
function plain(term: Term): unknown {
  if (typeof term === 'number') return term;
  const name = atomName(term);
  if (name !== undefined) return name;
  if (typeof term === 'object' && 'str' in term) return term.str;
  const items = listItems(term);
  if (items !== undefined) return items.map(plain);
  const [first, ...rest] = tupleItems(term) ?? [];
  if (first !== undefined) {
    const key = atomName(first) ?? textOf(first);
    // `{ tls_alert: [alert, text] }` is a pair in our terms, since the alert is one of many.
    const alert = key === 'tls_alert' && rest.length === 1 ? tupleItems(rest[0] ?? 0, 2) : undefined;
    if (alert !== undefined) return { tls_alert: alert.map(plain) };
    const values = rest.map(plain);
    if (key !== undefined && rest.length > 0)
      return {
        [key === 'socket_options' || key === 'tls_alert' ? key : camelCase(key)]:
          values.length === 1 ? values[0] : values,
      };
    return [plain(first), ...values];
  }
  if (typeof term === 'object' && 'bin' in term) return Uint8Array.from(Buffer.from(term.bin, 'hex'));
  return {};
}

/** OTP prints terms in Erlang's notation, we in our own: the words before the term have to be the same. */
const withTerm = /^(Unexpected error: |Invalid TLS option: |Invalid socket option: )/;
const withOption = /^Invalid transport socket option .*: /s;

/** Lists of lists are text in Erlang; ours are lists. A text in place of an alert's pair of atoms likewise. */
const inexpressible = new Set(['fmt-033', 'fmt-078', 'fmt-067', 'fmt-070']);

describeWithData('OTP 25 on format_error', 'otp25/format_error.json.gz', () => {
  it('every text is ours too, but for the notation of terms inside', () => {
    const json = readSharedJson('otp25/format_error.json.gz');
    if (!isCases(json)) throw new Error('format_error.json.gz has no cases');
    let agree = 0;
    const differences: unknown[] = [];
    for (const { id, reason, returns } of json.cases) {
      if (inexpressible.has(id)) continue;
      const ours = formatError(plain(reason));
      const theirs = textOf(returns ?? 0) ?? renderTerm(returns ?? 0);
      const words = withTerm.exec(theirs)?.[0];
      const same =
        words === undefined
          ? withOption.test(theirs)
            ? withOption.test(ours) && lastWords(ours) === lastWords(theirs)
            : ours === theirs
          : ours.startsWith(words);
      if (same) agree += 1;
      else differences.push({ id, reason: renderTerm(reason), ours, theirs });
    }
    report('otp25 format_error', { agree, 'not expressible': inexpressible.size });
    expect(differences).toEqual([]);
  });

  it('a term inside a text is written as users write options, without keys and passwords', () => {
    expect(formatError({ options: { verify: 'x' } })).toBe("Invalid TLS option: { verify: 'x' }");
    expect(formatError({ options: { password: 5 } })).toBe('Invalid TLS option: { password: [hidden] }');
    expect(formatError({ options: { key: '-----BEGIN PRIVATE KEY-----' } })).not.toContain('BEGIN');
    expect(notation({ a: Uint8Array.of(1, 2), b: [null, undefined, 1n, () => 0] })).toBe(
      '{ a: <2 bytes>, b: [null, undefined, 1n, function/0] }',
    );
  });
});

/** A nested term is in two notations; only plain words are compared. */
function lastWords(text: string): string | undefined {
  const last = text.split(': ').at(-1);
  return last !== undefined && /^[a-z ]+$/.test(last) ? last : undefined;
}
