import { expect, it } from 'vitest';
import type { PacketMode } from '../../packages/ssl/src/options/config.js';
import { decodePacket } from '../../packages/ssl/src/processes/delivery/packet.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { renderTerm, type Term } from '../support/terms.js';

interface Case {
  readonly id: string;
  readonly type: PacketMode;
  readonly input: string;
  readonly options?: readonly Term[];
  readonly result?: Term;
}

/** Our packets and the recorded terms in one form: strings for text and atoms, `bin:` for binaries, arrays for tuples. */
type Plain = string | number | readonly Plain[];

function plainTerm(term: Term): Plain {
  if (typeof term === 'number') return term;
  if ('atom' in term) return term.atom;
  if ('str' in term) return term.str;
  if ('bin' in term) return `bin:${term.bin}`;
  if ('tuple' in term) return term.tuple.map(plainTerm);
  // What is not printable text is written as a list of bytes; empty text as the empty list.
  if (Array.isArray(term)) return String.fromCodePoint(...term.filter((code) => typeof code === 'number'));
  return renderTerm(term);
}

function plain(value: unknown): Plain {
  if (value === undefined) return 'undefined';
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (value instanceof Uint8Array) return `bin:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  const [tag, inner] = Object.entries(value ?? {})[0] ?? ['nothing', undefined];
  return Array.isArray(inner) ? [tag, ...inner.map(plain)] : [tag, plain(inner)];
}

describeWithData('erlang:decode_packet/3', 'otp25/decode_packet.json.gz', () => {
  const { cases } = readSharedJson('otp25/decode_packet.json.gz') as { cases: readonly Case[] };
  it('cuts every recorded input as Erlang does', () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const { id, type, input, options = [], result } of cases) {
      // ssl passes `packet_size` and nothing else; wrong options cannot come this far.
      const sizes = options.map((option) => (option as { tuple?: readonly Term[] }).tuple ?? []);
      const usable = sizes.every(
        ([key, n]) => renderTerm(key ?? []) === 'packet_size' && typeof n === 'number',
      );
      if (!usable || result === undefined) continue;
      compared += 1;
      const bytes = Buffer.from(input, 'hex');
      const decoded = decodePacket(type, bytes, Number(sizes.at(-1)?.[1] ?? 0));
      const ours: Plain =
        decoded === 'invalid'
          ? ['error', 'invalid']
          : 'packet' in decoded
            ? ['ok', plain(decoded.packet), plain(bytes.subarray(decoded.used))]
            : ['more', plain(decoded.more)];
      if (JSON.stringify(ours) !== JSON.stringify(plainTerm(result)))
        wrong.push(
          `${id}: ${bytes.toString('latin1')} → ${JSON.stringify(ours)}, Erlang ${renderTerm(result)}`,
        );
    }
    report('decode_packet', {
      agree: compared - wrong.length,
      deviate: wrong.length,
      'other options': cases.length - compared,
    });
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(1500);
  });
});
