/** What a peer's certificate costs us is bounded by its length, and what is said of it is short. */
import { describe, expect, it } from 'vitest';
import { notation } from '../../packages/ssl/src/values/notation.js';
import { encodeElement, encodeOid } from '../../packages/ssl/src/values/x509/der-writer.js';
import type { GeneralName } from '../../packages/ssl/src/values/x509/extensions/general-name.js';
import { Name } from '../../packages/ssl/src/values/x509/name.js';
import { ConstraintSet } from '../../packages/ssl/src/values/x509/name-constraints.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { explain } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { Work } from '../../packages/ssl/src/values/x509/work.js';
import { growth } from '../support/growth.js';
import { dnsNames, judged, type MadeExtension, makeLeaf, makeRoot, text } from './make.js';

const utf8String = 0x0c;

function nameOf(value: string): Uint8Array {
  return nameOfValue(text(utf8String, value));
}

function nameOfValue(value: Uint8Array): Uint8Array {
  const attribute = encodeElement(0x30, encodeOid('2.5.4.3'), value);
  return encodeElement(0x30, encodeElement(0x31, attribute));
}

/** Each is what some step finds hardest. */
const hostileTexts: readonly (readonly [what: string, of: (length: number) => string])[] = [
  ['NULs', (length) => '\0'.repeat(length)],
  ['combining marks in the wrong order', (length) => `a${'\u0301\u0316'.repeat(length / 2)}`],
  ['marks of two classes', (length) => `a${'\u0301'.repeat(length / 2)}${'\u0316'.repeat(length / 2)}`],
  ['halfwidth voice marks', (length) => `a${'\uff9e\u0316'.repeat(length / 2)}`],
  ['Hebrew points', (length) => `\u05d0${'\u05b0\u05bc\u05bf'.repeat(length / 3)}`],
  ['ligatures that normalise to eighteen letters', (length) => '\ufdfa'.repeat(length)],
  ['spaces', (length) => `x${' \u3000'.repeat(length / 2)}x`],
  ['final sigmas', (length) => "\u03a3'".repeat(length / 2)],
  ['commas and quotes', (length) => ',"'.repeat(length / 2)],
  ['capitals that grow', (length) => '\u0130'.repeat(length)],
];

describe('names of peers', () => {
  it.each(hostileTexts)('of %s are compared in a time that grows with their length', (_, of) => {
    const make = (length: number) => {
      const raw = nameOf(of(length));
      return (): void => void new Name(raw).key;
    };
    // Sixteen times as long: 16 when it is linear, 256 when it is quadratic.
    expect(growth(make, 3000, 16)).toBeLessThan(96);
  });

  it.each(hostileTexts)('of %s are printed in a few words', (_, of) => {
    const printed = new Name(nameOf(of(60_000))).toString();
    expect(printed.length).toBeLessThan(1000);
    expect(printed).toMatch(/^CN=/);
    expect(printed.endsWith('…')).toBe(true);
  });

  it('of many attributes, in one set or in many, are printed in a few words too', () => {
    const value = encodeElement(0x30, encodeOid('2.5.4.3'), text(utf8String, '\0'.repeat(900)));
    const many = Array.from({ length: 250 }, () => value);
    const oneSet = encodeElement(0x30, encodeElement(0x31, ...many));
    const manySets = encodeElement(0x30, ...many.map((one) => encodeElement(0x31, one)));
    for (const raw of [oneSet, manySets]) expect(new Name(raw).toString().length).toBeLessThan(2100);
  });

  it('that are no text are cut before they become hexadecimal', () => {
    const printed = new Name(nameOfValue(encodeElement(0x04, new Uint8Array(100_000)))).toString();
    expect(printed.length).toBeLessThan(300);
  });

  it('a line of a log stays one line', () => {
    expect(new Name(nameOf('a\u2028b\u2029c\rd\ne\u0085')).toString()).not.toMatch(
      /[\r\n\u0085\u2028\u2029]/,
    );
  });

  it('no character that normalises to a mark is forgotten where marks are counted', () => {
    // Thai and Lao am begin with a mark that stands by itself and is never sorted.
    const counted = /^[\p{M}\uff9e\uff9f\u0e33\u0eb3]$/u;
    const forgotten: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      if (/^\p{M}/u.test(character.normalize('NFKD')) && !counted.test(character))
        forgotten.push(code.toString(16));
    }
    expect(forgotten).toEqual([]);
  });

  it('differ still when they have more marks than text has', () => {
    const [marks, more] = ['\u0301'.repeat(40), '\u0301'.repeat(41)];
    expect(new Name(nameOf(`a${marks}`)).equals(new Name(nameOf(`a${marks}`)))).toBe(true);
    expect(new Name(nameOf(`a${marks}`)).equals(new Name(nameOf(`a${more}`)))).toBe(false);
  });
});

describe('names under many constraints', () => {
  it('are read once and compared by their hosts, which are short', () => {
    const mail = (value: string): GeneralName => ({ type: 'rfc822Name', text: value });
    const bases = Array.from({ length: 10_000 }, (_, i) => mail(`host${i}.example`));
    const set = ConstraintSet.none.with({ permitted: [], excluded: bases });
    const permits = (local: number): boolean => {
      const subjectAltName = [mail(`${'a'.repeat(local)}@elsewhere.example`)];
      return set.permits({ subject: new Name(encodeElement(0x30)), subjectAltName }, false, new Work());
    };
    expect(permits(60)).toBe(true);
    expect(permits(60_000)).toBe(true);
    const long: GeneralName = { type: 'dNSName', text: `${'a.'.repeat(30_000)}example` };
    const dns = ConstraintSet.none.with({
      permitted: [],
      excluded: [{ type: 'dNSName', text: 'b.example' }],
    });
    expect(
      dns.permits({ subject: new Name(encodeElement(0x30)), subjectAltName: [long] }, false, new Work()),
    ).toBe(false);
  });
});

describe('a leaf with many entries', () => {
  const root = makeRoot('many');
  const trust = createTrustStore([root.der]);
  const list = (oid: string, entry: (i: number) => Uint8Array) => (count: number) => ({
    oid,
    value: encodeElement(0x30, ...Array.from({ length: count }, (_, i) => entry(i))),
  });
  const uri = (i: number): Uint8Array => text(0x86, `http://example/${i}`);
  const kinds: readonly (readonly [string, (count: number) => MadeExtension])[] = [
    ['host names', (count) => dnsNames(...Array.from({ length: count }, (_, i) => `h${i}.example`))],
    ['purposes', list(Oid.extKeyUsage, (i) => encodeOid(`1.2.3.${i}`))],
    ['policies', list(Oid.certificatePolicies, (i) => encodeElement(0x30, encodeOid(`1.2.3.${i}`)))],
    [
      'distribution points',
      list(Oid.crlDistributionPoints, (i) =>
        encodeElement(0x30, encodeElement(0xa0, encodeElement(0xa0, uri(i)))),
      ),
    ],
    [
      'places of its issuer',
      list(Oid.authorityInfoAccess, (i) => encodeElement(0x30, encodeOid(Oid.adCaIssuers), uri(i))),
    ],
  ];

  it.each(kinds)('%s is judged, and refused, in a time that grows with their number', (_, extension) => {
    const make = (count: number) => {
      const leaf = makeLeaf('host.example', root, { extensions: [extension(count)] });
      const host = { type: 'host', name: 'other.example' } as const;
      return (): void => {
        for (const store of [trust, createTrustStore([])]) {
          const verdict = verifyPeer(judged([leaf, root.der], store, { host }));
          if (verdict instanceof Promise || 'ok' in verdict) throw new Error('accepted');
          explain(verdict.reject.explanation);
        }
      };
    };
    expect(growth(make, 500, 16)).toBeLessThan(96);
  });
});

describe('what is said of a peer that is refused', () => {
  const root = makeRoot('linear');
  const url = `http://x/${'"\\'.repeat(20_000)}`;
  const location = encodeElement(0x30, encodeOid(Oid.adCaIssuers), text(0x86, url));
  const access = { oid: Oid.authorityInfoAccess, value: encodeElement(0x30, ...Array(5).fill(location)) };
  const address = {
    oid: Oid.subjectAltName,
    value: encodeElement(0x30, encodeElement(0x87, new Uint8Array(50_000))),
  };

  it.each([
    ['its subject is long', { subject: nameOf('\0'.repeat(60_000)) }, 'unknown_ca'],
    ['it names many places of its issuer', { extensions: [access, dnsNames('h')] }, 'unknown_ca'],
    [
      'its serial number is long',
      { serial: encodeElement(0x02, new Uint8Array(2000).fill(1)) },
      'unknown_ca',
    ],
    ['its names are long', { extensions: [dnsNames('"'.repeat(60_000))] }, 'hostname_check_failed'],
    ['its address is long', { extensions: [address] }, 'hostname_check_failed'],
  ] as const)('is short when %s', (_, order, reason) => {
    const leaf = makeLeaf('host.example', root, order);
    const trusted = reason === 'unknown_ca' ? [] : [root.der];
    const verdict = verifyPeer(
      judged([leaf, root.der], createTrustStore(trusted), { host: { type: 'host', name: 'host.example' } }),
    );
    if (verdict instanceof Promise || 'ok' in verdict) throw new Error('accepted');
    const { explanation } = verdict.reject;
    expect(explanation.reason).toBe(reason);
    expect(explain(explanation).length).toBeLessThan(3000);
    expect(JSON.stringify(explanation).length).toBeLessThan(5000);
  });

  it('terms of any length are cut before they are rendered', () => {
    let rendered = 0;
    const item = {
      toJSON: undefined,
      get field() {
        rendered += 1;
        return 1;
      },
    };
    expect(notation(Array(10_000).fill(item))).toContain('9900 more');
    expect(rendered).toBe(100);
    expect(notation(new Error('x'.repeat(100_000))).length).toBeLessThan(300);
    expect(notation({ ['k'.repeat(100_000)]: 1 }).length).toBeLessThan(300);
  });
});
