import { describe, expect, it } from 'vitest';
import { readSharedJson } from './shared.js';
import { atom, canonical, lookup, renderTerm, type Term, tuple } from './terms.js';

describe('Erlang terms in JSON', () => {
  it('a list of printable code points and a str have one canonical form', () => {
    expect(canonical([65, 66])).toEqual({ str: 'AB' });
    expect(canonical([])).toEqual([]);
    expect(canonical([1, 2])).toEqual([1, 2]);
    expect(canonical(tuple([72, 105], 1))).toEqual(tuple({ str: 'Hi' }, 1));
  });

  it('maps that differ only in the order of keys have one canonical form', () => {
    const one: Term = {
      map: [
        [atom('b'), 1],
        [atom('a'), 2],
      ],
    };
    const two: Term = {
      map: [
        [atom('a'), 2],
        [atom('b'), 1],
      ],
    };
    expect(canonical(one)).toEqual(canonical(two));
  });

  it('terms are written as Erlang writes them', () => {
    expect(renderTerm(tuple(atom('error'), tuple(atom('EXIT'), [1, atom('x')])))).toBe(
      "{error,{'EXIT',[1,x]}}",
    );
    expect(renderTerm({ improper: [1], tail: atom('t') })).toBe('[1|t]');
  });

  it('a value is found in a map and in a property list', () => {
    expect(lookup({ map: [[atom('a'), 1]] }, 'a')).toBe(1);
    expect(lookup([tuple(atom('b'), 2)], 'b')).toBe(2);
    expect(lookup([tuple(atom('b'), 2)], 'c')).toBeUndefined();
  });

  it('the copies of the recordings in test/data can be read', () => {
    expect(readSharedJson('otp25/format_error.json.gz')).toMatchObject({ set: 'format_error' });
  });
});
