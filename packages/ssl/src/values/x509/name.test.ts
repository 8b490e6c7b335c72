import { describe, expect, it } from 'vitest';
import { DerError, Tag } from './der.js';
import { encodeElement, encodeOid } from './der-writer.js';
import { Name } from './name.js';

const oids: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  O: '2.5.4.10',
  C: '2.5.4.6',
  DC: '0.9.2342.19200300.100.1.25',
};
type Pair = readonly [type: string, value: string, tag?: number];

function attribute([type, value, tag = Tag.utf8String]: Pair): Uint8Array {
  const content =
    tag === Tag.bmpString
      ? Uint8Array.from([...value].flatMap((c) => [c.charCodeAt(0) >> 8, c.charCodeAt(0) & 0xff]))
      : tag === Tag.teletexString
        ? Uint8Array.from(value, (c) => c.charCodeAt(0))
        : new TextEncoder().encode(value);
  return encodeElement(Tag.sequence, encodeOid(oids[type] ?? type), encodeElement(tag, content));
}

/** Each argument is one RDN. */
function name(...rdns: readonly (readonly Pair[])[]): Name {
  return new Name(
    encodeElement(Tag.sequence, ...rdns.map((rdn) => encodeElement(Tag.set, ...rdn.map(attribute)))),
  );
}

describe('names are the same', () => {
  it.each([
    ['in another case', [['CN', 'Example CA']], [['CN', 'EXAMPLE ca']]],
    ['with other white space', [['CN', ' Example   CA ']], [['CN', 'Example CA']]],
    ['as another string type', [['CN', 'Example', Tag.printableString]], [['CN', 'Example', Tag.utf8String]]],
    ['as wide characters', [['CN', 'Größe', Tag.bmpString]], [['CN', 'Größe']]],
    ['as Latin-1', [['CN', 'Größe', Tag.teletexString]], [['CN', 'GRÖSSE'.replace('SS', 'ß')]]],
    ['composed and decomposed', [['CN', 'é']], [['CN', 'é']]],
    [
      'with the attributes of an RDN the other way round',
      [
        ['CN', 'a'],
        ['O', 'b'],
      ],
      [
        ['O', 'B'],
        ['CN', 'A'],
      ],
    ],
  ] as const)('%s', (_, a, b) => {
    expect(name(a).equals(name(b))).toBe(true);
  });
});

describe('names differ', () => {
  it.each([
    ['by a letter', [[['CN', 'a']]], [[['CN', 'b']]]],
    ['by the attribute', [[['CN', 'a']]], [[['O', 'a']]]],
    ['by order', [[['O', 'a']], [['CN', 'b']]], [[['CN', 'b']], [['O', 'a']]]],
    [
      'by grouping',
      [
        [
          ['O', 'a'],
          ['CN', 'b'],
        ],
      ],
      [[['O', 'a']], [['CN', 'b']]],
    ],
    ['by length', [[['O', 'a']]], [[['O', 'a']], [['CN', 'b']]]],
    ['when a value holds what separates keys', [[['O', 'a\u0001b']]], [[['O', 'a']], [['O', 'b']]]],
    [
      'when a value looks like another attribute',
      [[['O', 'a\u00022.5.4.3=b']]],
      [
        [
          ['O', 'a'],
          ['CN', 'b'],
        ],
      ],
    ],
  ] as const)('%s', (_, a, b) => {
    expect(name(...a).equals(name(...b))).toBe(false);
  });
});

it('a name lies within its beginnings', () => {
  const whole = name([['C', 'SE']], [['O', 'Example']], [['CN', 'x']]);
  expect(whole.isWithin(name([['C', 'se']], [['O', 'EXAMPLE']]))).toBe(true);
  expect(whole.isWithin(name())).toBe(true);
  expect(whole.isWithin(name([['O', 'Example']]))).toBe(false);
  expect(name([['C', 'SE']]).isWithin(whole)).toBe(false);
});

it('prints as RFC 4514 wants, most specific first, with nothing that harms a terminal', () => {
  expect(String(name([['C', 'SE']], [['O', 'A, B']], [['CN', '#x+y "z" ']]))).toBe(
    'CN=\\#x\\+y \\"z\\"\\ ,O=A\\, B,C=SE',
  );
  expect(String(name([['CN', 'a\u001b[31m\nb\u202e']]))).toBe('CN=a\\1b[31m\\0ab\\e2\\80\\ae');
  expect(String(name([['1.2.3', 'x', Tag.octetString]]))).toBe('1.2.3=#040178');
});

it('a malformed name is a typed error', () => {
  const broken = new Name(encodeElement(Tag.sequence, encodeElement(Tag.set)));
  expect(() => broken.key).toThrow(DerError);
});
