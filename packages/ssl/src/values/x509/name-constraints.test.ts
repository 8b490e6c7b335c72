import { describe, expect, it } from 'vitest';
import type { Certificate } from './certificate.js';
import { encodeElement } from './der-writer.js';
import type { GeneralName } from './extensions/general-name.js';
import { Name } from './name.js';
import { ConstraintSet } from './name-constraints.js';
import { Work } from './work.js';

const dns = (text: string): GeneralName => ({ type: 'dNSName', text });
const mail = (text: string): GeneralName => ({ type: 'rfc822Name', text });
const uri = (text: string): GeneralName => ({ type: 'uniformResourceIdentifier', text });
const ip = (...address: number[]): GeneralName => ({ type: 'iPAddress', address: Uint8Array.from(address) });
const other = (oid: string): GeneralName => ({ type: 'otherName', oid, value: new Uint8Array() });

const noSubject = new Name(encodeElement(0x30));
/** As much of a certificate as constraints look at. */
const named = (name: GeneralName): Pick<Certificate, 'subject' | 'subjectAltName'> => ({
  subject: noSubject,
  subjectAltName: [name],
});

const permitted = (name: GeneralName, ...bases: GeneralName[]): boolean =>
  ConstraintSet.none.with({ permitted: bases, excluded: [] }).permits(named(name), false, new Work());
const excluded = (name: GeneralName, ...bases: GeneralName[]): boolean =>
  !ConstraintSet.none.with({ permitted: [], excluded: bases }).permits(named(name), false, new Work());

describe('a permitted subtree holds', () => {
  it.each([
    [dns('example.com'), dns('example.com'), true],
    [dns('WWW.Example.com'), dns('example.COM'), true],
    [dns('badexample.com'), dns('example.com'), false],
    [dns('example.com'), dns('www.example.com'), false],
    [dns('*.example.com'), dns('example.com'), true],
    [dns('*.com'), dns('example.com'), false],
    [dns('anything.at.all'), dns(''), true],
    [dns('www.example.com'), dns('.example.com'), false],
    [dns('ex ample.com'), dns('com'), false],
    [dns('ex ample.com'), dns(''), false],
    [dns('www.example.com.'), dns('example.com'), true],
    [dns('www.example.com'), dns('example.com.'), true],
    [dns('www.example.com..'), dns('example.com'), false],
    [dns('.example.com'), dns('example.com'), false],
    [dns('www..example.com'), dns('example.com'), false],
    [dns('w*.example.com'), dns('example.com'), false],
    [dns('10.0.0.1'), dns(''), false],
    [dns('\u212a.example.com'), dns('example.com'), false],
    [mail('joe@example.com'), mail('joe@EXAMPLE.com'), true],
    [mail('Joe@example.com'), mail('joe@example.com'), false],
    [mail('joe@example.com'), mail('example.com'), true],
    [mail('joe@mx.example.com'), mail('example.com'), false],
    [mail('joe@mx.example.com'), mail('.example.com'), true],
    [mail('joe@example.com'), mail('.example.com'), false],
    [mail('joe'), mail(''), false],
    [mail('joe@example.com.'), mail('example.com'), true],
    [mail('joe@mx..example.com'), mail('.example.com'), false],
    [mail('joe@.example.com'), mail('.example.com'), false],
    [mail('joe@[192.0.2.1]'), mail(''), false],
    [uri('https://example.com/x'), uri('example.com'), true],
    [uri('https://u:p@example.com:8443/x'), uri('example.com'), true],
    [uri('https://example.com@evil.org/'), uri('example.com'), false],
    [uri('https://www.example.com/'), uri('.example.com'), true],
    [uri('https://example.com/'), uri('.example.com'), false],
    [uri('https://example.com./'), uri('example.com'), true],
    [uri('https://www..example.com/'), uri('.example.com'), false],
    [uri('https://evil.org\\@example.com/'), uri('example.com'), false],
    [uri('https://a@evil.org@example.com/'), uri('example.com'), false],
    [uri('https://%65xample.com/'), uri(''), false],
    [uri('urn:x:y'), uri('example.com'), false],
    [uri('https://1.2.3.4/'), uri('1.2.3.4'), false],
    [ip(10, 1, 2, 3), ip(10, 0, 0, 0, 255, 0, 0, 0), true],
    [ip(11, 1, 2, 3), ip(10, 0, 0, 0, 255, 0, 0, 0), false],
    [ip(10, 1, 2, 3), ip(10, 0, 0, 0, 255, 0, 255, 0), false],
    [ip(10, 1, 2), ip(0, 0, 0, 0, 0, 0, 0, 0), false],
    [other('1.2.3'), other('1.2.3'), false],
    [other('1.2.4'), other('1.2.3'), true],
    [dns('example.com'), mail('x@y'), true],
  ] as const)('%j in %j: %s', (name, base, expected) => {
    expect(permitted(name, base)).toBe(expected);
  });

  it('of addresses of the other family only leaves nothing', () => {
    const v6 = ip(...Array<number>(16).fill(1));
    expect(permitted(v6, ip(0, 0, 0, 0, 0, 0, 0, 0))).toBe(false);
    expect(permitted(v6, ip(...Array<number>(32).fill(0)))).toBe(true);
  });
});

describe('an excluded subtree bites', () => {
  it.each([
    [dns('www.example.com'), dns('example.com'), true],
    [dns('www.example.com'), dns('.example.com'), true],
    [dns('*.example.com'), dns('www.example.com'), true],
    [dns('*.example.com'), dns('a.b.example.com'), false],
    [dns('*.example.org'), dns('www.example.com'), false],
    [dns('www.example..com'), dns('example.org'), true],
    [dns('www.example.com..'), dns('example.com'), true],
    [dns('w*.example.com'), dns('example.com'), true],
    [dns('*'), dns('example.com'), true],
    [dns('www.example.com.'), dns('Example.com'), true],
    [dns('www.example.com'), dns('*.example.org'), true],
    [mail('joe@example.com'), mail('example.com'), true],
    [mail('joe@example.com.'), mail('example.com'), true],
    [mail('joe@example..com'), mail('example.org'), true],
    [mail('joe@example.org'), mail('@example.com'), true],
    [mail('joe@example.org'), mail('example.com'), false],
    [mail('no mailbox'), mail('example.com'), true],
    [uri('urn:x:y'), uri('example.com'), true],
    [uri('https://example.com./'), uri('example.com'), true],
    [uri('https://www.example..com/'), uri('example.com'), true],
    [uri('https:example.com'), uri('example.org'), true],
    [uri('https://other.example/'), uri('example.com'), false],
    [ip(10, 1, 2, 3), ip(10, 0, 0, 0, 255, 0, 0, 0), true],
    [ip(10, 1, 2), ip(10, 0, 0, 0, 255, 0, 0, 0), true],
    [other('1.2.3'), other('1.2.3'), true],
  ] as const)('%j out of %j: %s', (name, base, expected) => {
    expect(excluded(name, base)).toBe(expected);
  });
});

it('the constraints of several CAs all have to hold', () => {
  const set = ConstraintSet.none
    .with({ permitted: [dns('example.com'), dns('example.org')], excluded: [] })
    .with({ permitted: [dns('www.example.com')], excluded: [dns('x.www.example.com')] });
  const permits = (name: string): boolean => set.permits(named(dns(name)), false, new Work());
  expect(permits('a.www.example.com')).toBe(true);
  expect(permits('example.org')).toBe(false);
  expect(permits('x.www.example.com')).toBe(false);
});
