/**
 * One reading of host names: whatever the host name check takes for a host, name constraints have judged as that host
 * (RFC 5280 §4.2.1.10), whichever matcher is asked.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostName } from '../../packages/ssl/src/values/host-name.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { encodeElement } from '../../packages/ssl/src/values/x509/der-writer.js';
import type { GeneralName } from '../../packages/ssl/src/values/x509/extensions/general-name.js';
import {
  exactMatchFun,
  type HostnameCheckHooks,
  httpsMatchFun,
  rfc9525MatchFun,
  verifyHostname,
} from '../../packages/ssl/src/values/x509/hostname.js';
import { ConstraintSet } from '../../packages/ssl/src/values/x509/name-constraints.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { Work } from '../../packages/ssl/src/values/x509/work.js';
import {
  dnsNames,
  judged,
  type MadeExtension,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  text,
} from './make.js';

const matchers: Readonly<Record<string, HostnameCheckHooks>> = {
  'the default': {},
  https: { matchFun: httpsMatchFun },
  'RFC 9525': { matchFun: rfc9525MatchFun },
  "OTP's exact rule": { matchFun: exactMatchFun },
};

const key = makeKey();

/** With these alternative names, or with these common names where there are none. */
function certificateWith(alternative: readonly string[], common: readonly string[]): Certificate {
  const commonName = Uint8Array.of(6, 3, 0x55, 4, 3);
  const rdns = common.map((name) => encodeElement(0x31, encodeElement(0x30, commonName, text(0x0c, name))));
  return new Certificate(
    makeCertificate({
      subject: encodeElement(0x30, ...rdns),
      issuer: 'x',
      key,
      signer: key,
      extensions: alternative.length > 0 ? [dnsNames(...alternative)] : [],
    }),
  );
}

const part = fc.constantFrom(
  'a',
  'www',
  'bank',
  'com',
  'WWW',
  'Com',
  '*',
  'w*',
  '',
  '1',
  'xn--a',
  'a_b',
  '-a',
);
/** Mostly names of three labels, well-formed and not. */
const anyName = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const goodName = fc
  .array(fc.constantFrom('a', 'www', 'bank', 'com'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('.'));
/** A host name, or it with something done to it that careless readers overlook. */
const presentedName = fc.oneof(
  anyName,
  goodName,
  goodName.map((name) => `*.${name}`),
  goodName.map((name) => `.${name}`),
  goodName.map((name) => `${name}.`),
  goodName.map((name) => `${name}..`),
  goodName.map((name) => name.replace('.', '..')),
  goodName.map((name) => `w*.${name}`),
  goodName.map((name) => name.toUpperCase()),
  goodName.map((name) => `${name}\0`),
);
/** The host that a careless reader takes a name of a certificate for. */
function carelessly(name: string): string {
  return name
    .replace(/\*+/, 'www')
    .replace(/\.\.+/g, '.')
    .replace(/^\.|\0/g, '');
}

const base = fc.oneof({ weight: 4, arbitrary: goodName }, presentedName, fc.constant(''));
const bases = fc.array(
  base.map((name): GeneralName => ({ type: 'dNSName', text: name })),
  { maxLength: 2 },
);

/** By labels, with no code of ours: whether a host is permitted by one list of bases and not excluded by another. */
function allowed(host: string, permitted: readonly GeneralName[], excluded: readonly GeneralName[]): boolean {
  const within = (tree: GeneralName): boolean => {
    const wanted = 'text' in tree ? tree.text.toLowerCase().replace(/\.$/, '').split('.') : [];
    return wanted.join('') === '' || host.split('.').slice(-wanted.length).join('.') === wanted.join('.');
  };
  return (permitted.length === 0 || permitted.some(within)) && !excluded.some(within);
}

describe.each(Object.entries(matchers))('what %s takes for a host', (_, hooks) => {
  it('constraints have judged as that host', () => {
    const seen = { accepted: 0, constrained: 0 };
    const property = fc.property(
      fc.array(presentedName, { maxLength: 2 }),
      fc.array(presentedName, { minLength: 1, maxLength: 2 }),
      fc.option(goodName),
      bases,
      bases,
      (alternative, common, other, permitted, excluded) => {
        const host = other ?? carelessly(alternative[0] ?? common[0] ?? '');
        const certificate = certificateWith(alternative, common);
        if (!verifyHostname(certificate, [{ dns_id: host }], hooks)) return;
        seen.accepted++;
        const constraints = ConstraintSet.none.with({ permitted, excluded });
        if (permitted.length + excluded.length > 0) seen.constrained++;
        if (!constraints.permits(certificate, true, new Work())) return;
        expect(allowed(hostName(host) ?? '', permitted, excluded)).toBe(true);
      },
    );
    fc.assert(property, { numRuns: Number(process.env['ACTOR_TLS_FUZZ_RUNS'] ?? 3000) });
    expect(seen.constrained).toBeGreaterThan(100);
  });
});

const root = makeRoot('Root');

/** A CA whose constraints permit or exclude one domain. */
function constrainedCa(kind: 'permitted' | 'excluded', domain: string): ReturnType<typeof makeRoot> {
  const subtree = encodeElement(0x30, text(0x82, domain));
  const value = encodeElement(0x30, encodeElement(kind === 'permitted' ? 0xa0 : 0xa1, subtree));
  return makeIntermediate(kind, root, [{ oid: Oid.nameConstraints, critical: true, value }]);
}

function reasonFor(
  ca: ReturnType<typeof makeRoot>,
  host: string,
  leaf: { readonly subject: string; readonly extensions: readonly MadeExtension[] },
  hooks?: HostnameCheckHooks,
): unknown {
  const peer = makeLeaf('unused.example', ca, leaf);
  const verdict = verifyPeer(
    judged([peer, ca.der], createTrustStore([root.der]), {
      host: { type: 'sni', name: host },
      customizeHostnameCheck: hooks,
    }),
  );
  if (verdict instanceof Promise) throw new Error('a promise where nobody asked for one');
  return 'ok' in verdict ? 'ok' : verdict.reject.explanation.reason;
}

describe('a CA that may issue for example.com only', () => {
  const ca = constrainedCa('permitted', 'example.com');

  it.each([
    ['www..bank.com', 'www.bank.com'],
    ['.www.bank.com', 'www.bank.com'],
    ['www.bank.com..', 'www.bank.com'],
    ['*..bank.com', 'www.bank.com'],
    ['*.bank.com', 'www.bank.com'],
    ['www.bank.com.', 'www.bank.com'],
    ['localhost', 'localhost'],
    ['..a', 'a'],
  ])('does not with the common name %s for %s', (subject, host) => {
    expect(reasonFor(ca, host, { subject, extensions: [] })).toBe('name_not_permitted');
  });

  it('does with a common name below it', () => {
    expect(reasonFor(ca, 'www.example.com', { subject: 'www.example.com', extensions: [] })).toBe('ok');
    expect(reasonFor(ca, 'www.example.com', { subject: '*.example.com', extensions: [] })).toBe('ok');
  });

  it('does not for whoever compares the name afterwards and told the handshake not to', () => {
    const peer = makeLeaf('unused.example', ca, { subject: 'www.bank.com', extensions: [] });
    const verdict = verifyPeer(judged([peer, ca.der], createTrustStore([root.der])));
    expect(verdict).toHaveProperty('reject.explanation.reason', 'name_not_permitted');
  });
});

describe.each(Object.entries(matchers))('a CA that is excluded from bank.com, with %s,', (_, hooks) => {
  const ca = constrainedCa('excluded', 'bank.com');

  it.each(['www.bank..com', 'www.bank.com..', 'w*.bank.com', '*.bank.com', 'WWW.BANK.COM.', '*', ''])(
    'does not issue for %s',
    (name) => {
      const leaf = { subject: 'x', extensions: [dnsNames('www.example.com', name)] };
      expect(reasonFor(ca, 'www.bank.com', leaf, hooks)).toBe('name_not_permitted');
      expect(reasonFor(ca, 'www.example.com', leaf, hooks)).toBe('name_not_permitted');
    },
  );

  it('issues for others', () => {
    const leaf = { subject: 'x', extensions: [dnsNames('www.example.com')] };
    expect(reasonFor(ca, 'www.example.com', leaf, hooks)).toBe('ok');
  });
});
