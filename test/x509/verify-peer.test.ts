import { beforeAll, describe, expect, it } from 'vitest';
import { encodeElement, encodeOid } from '../../packages/ssl/src/values/x509/der-writer.js';
import { explain, type PeerVerdict } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import type { PeerVerification } from '../../packages/ssl/src/values/x509/peer-verification.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import {
  type Authority,
  basicConstraints,
  dnsNames,
  judged,
  type MadeExtension,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  noon,
  policies,
  policyMappings,
  text,
} from './make.js';

let root: Authority;
let middle: Authority;
let leaf: Uint8Array;

beforeAll(() => {
  root = makeRoot('Root');
  middle = makeIntermediate('Middle', root);
  leaf = makeLeaf('www.example.org', middle);
});

function input(overrides: Partial<PeerVerification> = {}): PeerVerification {
  return judged([leaf, middle.der], createTrustStore([root.der]), {
    host: { type: 'sni', name: 'www.example.org' },
    signatureAlgs: ['ecdsa_secp256r1_sha256'],
    ...overrides,
  });
}

/** `ok`, or alert and reason. */
function outcome(verdict: PeerVerdict | Promise<PeerVerdict>): string {
  if (verdict instanceof Promise) throw new Error('a promise where nobody asked for one');
  if ('ok' in verdict) return 'ok';
  const { alert, explanation } = verdict.reject;
  return `${alert}: ${typeof explanation.reason === 'string' ? explanation.reason : JSON.stringify(explanation.reason)}`;
}

const why = (verdict: PeerVerdict | Promise<PeerVerdict>): string =>
  !(verdict instanceof Promise) && 'reject' in verdict ? explain(verdict.reject.explanation) : '';

describe('a verdict', () => {
  it('is the key of a chain that leads to a trusted root', () => {
    const verdict = verifyPeer(input());
    expect(outcome(verdict)).toBe('ok');
    expect(!(verdict instanceof Promise) && 'ok' in verdict && verdict.ok.algorithm).toBe('ec');
  });

  it.each([
    ['an unknown root', { trust: () => createTrustStore([makeRoot('Other').der]) }, 'unknown_ca: unknown_ca'],
    [
      'a root of the same name with another key',
      { trust: () => createTrustStore([makeRoot('Root').der]) },
      'unknown_ca: unknown_ca',
    ],
    ['a missing intermediate', { chain: () => [leaf] }, 'unknown_ca: unknown_ca'],
    [
      'a lone self-signed certificate',
      { chain: () => [makeRoot('Self').der] },
      'bad_certificate: selfsigned_peer',
    ],
    ['a later time', { now: () => Date.UTC(2027, 0) }, 'certificate_expired: cert_expired'],
    ['an earlier time', { now: () => Date.UTC(2024, 0) }, 'certificate_expired: cert_expired'],
    [
      'another host',
      { host: (): PeerVerification['host'] => ({ type: 'sni', name: 'www.example.com' }) },
      'handshake_failure: hostname_check_failed',
    ],
    ['another role', { role: () => 'server' as const, host: (): undefined => undefined }, 'ok'],
    [
      'a signature algorithm that was not offered',
      { signatureAlgs: () => ['eddsa_ed25519'] as const },
      'bad_certificate: invalid_signature',
    ],
    ['no CA allowed between', { depth: () => 0 }, 'handshake_failure: max_path_length_reached'],
    [
      'bytes that are no certificate',
      { chain: () => [Uint8Array.of(1, 2, 3)] },
      'certificate_unknown: {"failed_to_decode_certificate":"not a certificate: tag 30 expected, 1 found (byte 0)"}',
    ],
  ] as const)('for %s', (_, overrides, expected) => {
    const values = Object.fromEntries(Object.entries(overrides).map(([key, make]) => [key, make()]));
    expect(outcome(verifyPeer(input(values)))).toBe(expected);
  });

  it('does not mind the order of the chain, or certificates that lead nowhere', () => {
    const upper = makeIntermediate('Upper', root);
    const lower = makeIntermediate('Lower', upper);
    const peer = makeLeaf('www.example.org', lower);
    const stray = makeRoot('Stray');
    expect(outcome(verifyPeer(input({ chain: [peer, stray.der, upper.der, middle.der, lower.der] })))).toBe(
      'ok',
    );
  });

  it('takes the other of two roots when one has expired', () => {
    const key = makeKey();
    const order = { subject: 'Twin', issuer: 'Twin', key, signer: key, extensions: [basicConstraints(true)] };
    const old = makeCertificate({ ...order, notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) });
    const young = makeCertificate({ ...order, serial: 2 });
    const peer = makeLeaf('www.example.org', { name: 'Twin', key, der: old });
    expect(outcome(verifyPeer(input({ chain: [peer, old], trust: createTrustStore([old, young]) })))).toBe(
      'ok',
    );
    expect(outcome(verifyPeer(input({ chain: [peer, old], trust: createTrustStore([old]) })))).toBe(
      'certificate_expired: cert_expired',
    );
  });

  it('completes a chain from trusted intermediates, which end it only when partial_chain says so', () => {
    expect(
      outcome(verifyPeer(input({ chain: [leaf], trust: createTrustStore([root.der, middle.der]) }))),
    ).toBe('ok');
    const only = { chain: [leaf], trust: createTrustStore([middle.der]) };
    expect(outcome(verifyPeer(input(only)))).toBe('unknown_ca: unknown_ca');
    const partialChain = (chain: readonly Uint8Array[]): { trusted_ca: Uint8Array } | 'unknown_ca' => {
      const [top] = chain;
      return top === undefined ? 'unknown_ca' : { trusted_ca: top };
    };
    expect(outcome(verifyPeer(input({ ...only, partialChain })))).toBe('ok');
  });

  it('may end with the peer itself, whose name and revocation are asked about all the same', () => {
    const self = makeCertificate({
      subject: 'Self',
      issuer: 'Self',
      key: root.key,
      signer: root.key,
      extensions: [dnsNames('www.example.org')],
    });
    const partialChain = (): { trusted_ca: Uint8Array } => ({ trusted_ca: self });
    const chain = [self];
    expect(outcome(verifyPeer(input({ chain, partialChain })))).toBe('ok');
    const host = { type: 'sni', name: 'other' } as const;
    const wrong = 'handshake_failure: hostname_check_failed';
    expect(outcome(verifyPeer(input({ chain, partialChain, host })))).toBe(wrong);
    const checkRevocation = (): 'valid' => 'valid';
    expect(outcome(verifyPeer(input({ chain, partialChain, checkRevocation })))).toBe('ok');
    expect(outcome(verifyPeer(input({ chain, partialChain, checkRevocation, host })))).toBe(wrong);
    const revoked = (): { bad_cert: unknown } => ({ bad_cert: { revoked: 'keyCompromise' } });
    expect(outcome(verifyPeer(input({ chain, partialChain, checkRevocation: revoked })))).toMatch(
      /^certificate_revoked/,
    );
    const verifyFun = {
      state: undefined,
      fun: (_: unknown, event: unknown) =>
        typeof event === 'object' && event !== null && 'bad_cert' in event
          ? { fail: event.bad_cert }
          : { valid: undefined },
    };
    expect(outcome(verifyPeer(input({ chain, partialChain, verifyFun })))).toBe('ok');
    expect(outcome(verifyPeer(input({ chain, partialChain, verifyFun, host })))).toBe(wrong);
  });

  it('holds when partial_chain throws or trusts something that is not in the path', () => {
    const partialChain = (): never => {
      throw new Error('mine');
    };
    expect(outcome(verifyPeer(input({ partialChain })))).toBe('ok');
    expect(outcome(verifyPeer(input({ partialChain: () => ({ trusted_ca: makeRoot('X').der }) })))).toBe(
      'ok',
    );
  });

  it('names certificate, rule and a way out', () => {
    expect(why(verifyPeer(input({ chain: [leaf] })))).toMatch(
      /^peer certificate "CN=www\.example\.org" \(serial 01\): no trusted CA issued it; add "CN=Middle" to cacerts/,
    );
    expect(why(verifyPeer(input({ host: { type: 'sni', name: 'b.example' } })))).toBe(
      'peer certificate "CN=www.example.org" (serial 01): issued for other names; it has www.example.org, wanted is b.example',
    );
    expect(why(verifyPeer(input({ now: Date.UTC(2027, 0) })))).toMatch(
      /expired on 2026-07-01 00:00:00; renew it$/,
    );
  });

  it('is not kept beyond the validity of the chain', () => {
    const short = makeLeaf('www.example.org', middle, { notAfter: noon + 60_000 });
    const chain = [short, middle.der];
    expect(outcome(verifyPeer(input({ chain })))).toBe('ok');
    expect(outcome(verifyPeer(input({ chain, now: noon + 60_999 })))).toBe('ok');
    expect(outcome(verifyPeer(input({ chain, now: noon + 61_000 })))).toBe(
      'certificate_expired: cert_expired',
    );
  });

  it('is not kept for another host, depth, role or list of algorithms', () => {
    expect(outcome(verifyPeer(input()))).toBe('ok');
    expect(outcome(verifyPeer(input({ host: { type: 'host', name: 'other' } })))).not.toBe('ok');
    expect(outcome(verifyPeer(input({ depth: 0 })))).not.toBe('ok');
    expect(outcome(verifyPeer(input({ signatureAlgs: ['eddsa_ed448'] })))).not.toBe('ok');
    const spoilt = leaf.slice();
    spoilt[100] = (spoilt[100] ?? 0) ^ 1;
    expect(outcome(verifyPeer(input({ chain: [spoilt, middle.der] })))).not.toBe('ok');
  });
});

describe('a verify_fun', () => {
  const nameOf = (event: unknown): string =>
    typeof event === 'string'
      ? event
      : event !== null && typeof event === 'object' && 'bad_cert' in event
        ? `bad_cert:${JSON.stringify(event.bad_cert)}`
        : 'extension';

  it('sees every event of the path in order, and its state goes through', () => {
    const seen: string[] = [];
    const verdict = verifyPeer(
      input({
        verifyFun: {
          state: 0,
          fun: (_, event, state) => {
            seen.push(`${String(state)} ${nameOf(event)}`);
            return typeof event === 'string' ? { valid: Number(state) + 1 } : { unknown: Number(state) + 1 };
          },
        },
      }),
    );
    expect(outcome(verdict)).toBe('ok');
    expect(seen).toEqual(['0 valid', '1 extension', '2 valid_peer']);
  });

  it('may accept an unknown CA, and is then asked about host name and dates of a lone certificate too', () => {
    const seen: string[] = [];
    const self = makeRoot('Self').der;
    const verdict = verifyPeer(
      input({
        chain: [self],
        now: Date.UTC(2027, 0),
        verifyFun: {
          state: undefined,
          fun: (_, event) => {
            seen.push(nameOf(event));
            return { valid: undefined };
          },
        },
      }),
    );
    expect(outcome(verdict)).toBe('ok');
    expect(seen).toEqual([
      'bad_cert:"selfsigned_peer"',
      'bad_cert:"cert_expired"',
      'bad_cert:"hostname_check_failed"',
    ]);
  });

  it('is asked about a wrong host name in place of valid_peer', () => {
    const seen: string[] = [];
    const verdict = verifyPeer(
      input({
        host: { type: 'sni', name: 'else.example' },
        verifyFun: {
          state: undefined,
          fun: (_, event) => {
            seen.push(nameOf(event));
            return typeof event === 'object' && 'bad_cert' in event
              ? { fail: { mine: 1 } }
              : { valid: undefined };
          },
        },
      }),
    );
    expect(outcome(verdict)).toBe('handshake_failure: {"mine":1}');
    expect(seen.at(-1)).toBe('bad_cert:"hostname_check_failed"');
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'may refuse with %s, which is no rule of ours',
    (fail) => {
      const verdict = verifyPeer(input({ verifyFun: { state: undefined, fun: () => ({ fail }) } }));
      if (verdict instanceof Promise || !('reject' in verdict)) throw new Error('not refused');
      expect(verdict.reject.explanation).toMatchObject({ name: fail, rule: 'refused by verify_fun' });
    },
  );

  it('may answer later, and the verdict waits for it', async () => {
    const verdict = verifyPeer(
      input({
        verifyFun: {
          state: undefined,
          fun: async (_, event) => {
            await Promise.resolve();
            return event === 'valid_peer' ? { fail: 'not_today' } : { valid: undefined };
          },
        },
      }),
    );
    expect(verdict).toBeInstanceOf(Promise);
    expect(outcome(await verdict)).toBe('handshake_failure: not_today');
  });

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('that %s makes the verdict internal_error', async (_, fun) => {
    expect(outcome(await verifyPeer(input({ verifyFun: { state: undefined, fun } })))).toMatch(
      /^internal_error/,
    );
  });

  it('that answers nonsense makes the verdict internal_error', () => {
    const fun = (): never => JSON.parse('{"what":1}') as never;
    expect(outcome(verifyPeer(input({ verifyFun: { state: undefined, fun } })))).toMatch(/^internal_error/);
  });

  it('is asked again when revocation fails, and may accept it', () => {
    const seen: string[] = [];
    const verifyFun = {
      state: undefined,
      fun: (_: unknown, event: unknown) => {
        seen.push(nameOf(event));
        return { valid: undefined };
      },
    };
    const checkRevocation = (): { bad_cert: unknown } => ({ bad_cert: { revoked: 'keyCompromise' } });
    expect(outcome(verifyPeer(input({ verifyFun, checkRevocation })))).toBe('ok');
    expect(seen).toEqual([
      'valid',
      'bad_cert:{"revoked":"keyCompromise"}',
      'extension',
      'valid_peer',
      'bad_cert:{"revoked":"keyCompromise"}',
    ]);
    expect(outcome(verifyPeer(input({ checkRevocation })))).toBe(
      'certificate_revoked: {"revoked":"keyCompromise"}',
    );
  });
});

describe('verify_none', () => {
  it('takes any chain for its key', () => {
    const stranger = makeLeaf('else.example', makeRoot('Nobody'), { notAfter: Date.UTC(2025, 6, 2) });
    expect(outcome(verifyPeer(input({ verify: 'verify_none', chain: [stranger] })))).toBe('ok');
  });
});

describe('certificate policies', () => {
  const gold = '1.3.6.1.4.1.99999.1';
  const silver = '1.3.6.1.4.1.99999.2';
  const run = (
    top: Parameters<typeof makeIntermediate>[2],
    below: Parameters<typeof makeIntermediate>[2],
    wanted: readonly string[] | undefined,
  ): string => {
    const ca = makeIntermediate('Policy CA', root, top);
    const peer = makeLeaf('www.example.org', ca, {
      extensions: [dnsNames('www.example.org'), ...(below ?? [])],
    });
    return outcome(
      verifyPeer(
        input({
          chain: [peer, ca.der],
          policies: {
            initialPolicies: wanted === undefined ? undefined : new Set(wanted),
            requireExplicitPolicy: true,
            inhibitPolicyMapping: false,
            inhibitAnyPolicy: false,
          },
        }),
      ),
    );
  };
  const missing = 'handshake_failure: policy_requirement_not_met';
  const any = '2.5.29.32.0';

  it.each([
    ['the same all the way', [policies(gold)], [policies(gold)], [gold], 'ok'],
    ['one that was not asked for', [policies(gold)], [policies(gold)], [silver], missing],
    ['none', [], [], undefined, missing],
    ['different ones on the way', [policies(gold)], [policies(silver)], undefined, missing],
    ['any-policy above', [policies(any)], [policies(silver)], [silver], 'ok'],
    ['any-policy below', [policies(gold)], [policies(any)], [gold], 'ok'],
    ['a mapping', [policies(gold), policyMappings([gold, silver])], [policies(silver)], [gold], 'ok'],
    [
      'a mapping, asked for the other side',
      [policies(gold), policyMappings([gold, silver])],
      [policies(silver)],
      [silver],
      missing,
    ],
    [
      'a mapping of any-policy',
      [policies(gold), policyMappings([any, silver])],
      [policies(silver)],
      undefined,
      missing,
    ],
    [
      'a mapping out of any-policy',
      [policies(any), policyMappings([gold, silver])],
      [policies(silver)],
      [gold],
      'ok',
    ],
  ] as const)('%s', (_, top, below, wanted, expected) => {
    expect(run([...top], [...below], wanted === undefined ? undefined : [...wanted])).toBe(expected);
  });

  describe('constraints on policies count certificates that are not self-issued', () => {
    const integer = (tag: number, n: number): Uint8Array => encodeElement(tag, Uint8Array.of(n));
    const require = (n: number): MadeExtension => ({
      oid: '2.5.29.36',
      critical: true,
      value: encodeElement(0x30, integer(0x80, n)),
    });
    const inhibitMapping = (n: number): MadeExtension => ({
      oid: '2.5.29.36',
      critical: true,
      value: encodeElement(0x30, integer(0x81, n)),
    });
    const inhibitAny = (n: number): MadeExtension => ({
      oid: '2.5.29.54',
      critical: true,
      value: integer(0x02, n),
    });

    /** Extensions of each certificate, from below the root down. */
    function runAll(levels: readonly (readonly MadeExtension[])[], explicit: boolean): string {
      let above = root;
      const chain: Uint8Array[] = [];
      for (const [i, extensions] of levels.entries()) {
        if (i === levels.length - 1) {
          chain.unshift(
            makeLeaf('www.example.org', above, { extensions: [dnsNames('www.example.org'), ...extensions] }),
          );
        } else {
          above = makeIntermediate(`CA ${i}`, above, extensions);
          chain.unshift(above.der);
        }
      }
      const inputs = {
        initialPolicies: undefined,
        requireExplicitPolicy: explicit,
        inhibitPolicyMapping: false,
        inhibitAnyPolicy: false,
      };
      return outcome(verifyPeer(input({ chain, policies: inputs })));
    }

    it.each([
      ['an explicit policy is required at once', [[require(0)], []], false, missing],
      [
        'an explicit policy is required and there',
        [[require(0), policies(gold)], [policies(gold)]],
        false,
        'ok',
      ],
      ['an explicit policy is required too far below', [[require(3)], [], []], false, 'ok'],
      ['an explicit policy is required one below', [[require(1)], [], []], false, missing],
      ['the last certificate itself requires one', [[], [require(0)]], false, missing],
      [
        'any-policy no longer counts',
        [[policies(any), inhibitAny(0)], [policies(any)], [policies(gold)]],
        true,
        missing,
      ],
      [
        'any-policy counts once more',
        [[policies(any), inhibitAny(1)], [policies(any)], [policies(gold)]],
        true,
        'ok',
      ],
      [
        'mapping is no longer allowed',
        [
          [policies(gold), inhibitMapping(0)],
          [policies(gold), policyMappings([gold, silver])],
          [policies(silver)],
        ],
        true,
        missing,
      ],
      [
        'mapping is allowed once more',
        [
          [policies(gold), inhibitMapping(1)],
          [policies(gold), policyMappings([gold, silver])],
          [policies(silver)],
        ],
        true,
        'ok',
      ],
    ] as const)('%s', (_, levels, explicit, expected) => {
      expect(runAll(levels, explicit)).toBe(expected);
    });
  });

  it('mappings of a hundred policies each to each, ten levels deep, end soon', () => {
    const all = Array.from({ length: 60 }, (_, i) => `1.3.6.1.4.1.99999.${i + 1}`);
    const pairs = all.flatMap((from) => all.map((to) => [from, to] as const));
    let above = root;
    const chain: Uint8Array[] = [];
    for (let level = 0; level < 9; level++) {
      above = makeIntermediate(`Level ${level}`, above, [policies(...all), policyMappings(...pairs)]);
      chain.unshift(above.der);
    }
    const peer = makeLeaf('www.example.org', above, {
      extensions: [dnsNames('www.example.org'), policies(all[0] ?? '')],
    });
    const inputs = {
      initialPolicies: new Set(['1.2.3']),
      requireExplicitPolicy: true,
      inhibitPolicyMapping: false,
      inhibitAnyPolicy: false,
    };
    expect(outcome(verifyPeer(input({ chain: [peer, ...chain], policies: inputs })))).toBe(missing);
  });
});

describe('hostile chains end, with a reason', () => {
  it('ten thousand cross-signatures', () => {
    const keys = Array.from({ length: 100 }, makeKey);
    const chain: Uint8Array[] = [];
    for (let i = 0; i < 10_000; i++) {
      const key = keys[i % 100];
      const signer = keys[Math.floor(i / 100)];
      if (key === undefined || signer === undefined) throw new Error('no key');
      chain.push(
        makeCertificate({
          subject: 'X',
          issuer: 'X',
          key,
          signer,
          serial: i + 1,
          extensions: [basicConstraints(true)],
        }),
      );
    }
    const [signer] = keys;
    if (signer === undefined) throw new Error('no key');
    const peer = makeLeaf('www.example.org', { name: 'X', key: signer, der: chain[0] ?? new Uint8Array() });
    expect(outcome(verifyPeer(input({ chain: [peer, ...chain] })))).toBe(
      'handshake_failure: {"bad_cert":{"work_limit_exceeded":"candidates"}}',
    );
    expect(outcome(verifyPeer(input({ chain: [peer, ...chain.slice(0, 400)] })))).toBe(
      'handshake_failure: {"bad_cert":{"work_limit_exceeded":"signatures"}}',
    );
  });

  it('a cycle', () => {
    const [a, b] = [makeKey(), makeKey()];
    const first = makeCertificate({
      subject: 'A',
      issuer: 'B',
      key: a,
      signer: b,
      extensions: [basicConstraints(true)],
    });
    const second = makeCertificate({
      subject: 'B',
      issuer: 'A',
      key: b,
      signer: a,
      extensions: [basicConstraints(true)],
    });
    const peer = makeLeaf('www.example.org', { name: 'A', key: a, der: first });
    expect(outcome(verifyPeer(input({ chain: [peer, first, second] })))).toBe('unknown_ca: unknown_ca');
  });

  it('a hundred levels', () => {
    let above = root;
    const chain: Uint8Array[] = [];
    for (let level = 0; level < 100; level++) {
      above = makeIntermediate(`Level ${level}`, above);
      chain.unshift(above.der);
    }
    const peer = makeLeaf('www.example.org', above);
    expect(outcome(verifyPeer(input({ chain: [peer, ...chain] })))).toMatch(
      /^(unknown_ca|handshake_failure)/,
    );
  });

  it('that end after a path failed for a reason of its own keep that reason', () => {
    const told = (signatures: number): string => {
      // Made anew each time: a signature that was checked once costs nothing.
      const roots = ['One', 'Two', 'Three'].map((name) => makeRoot(name));
      const shared = makeIntermediate('Shared', root);
      const crosses = roots.map(({ key, name }) =>
        makeCertificate({
          subject: shared.name,
          issuer: name,
          key: shared.key,
          signer: key,
          extensions: [basicConstraints(true)],
        }),
      );
      const peer = makeLeaf('www.example.org', shared, { notAfter: noon - 1_000_000 });
      const trust = createTrustStore(roots.map(({ der }) => der));
      const limits = { signatures, candidates: 1_000, comparisons: 1_000 };
      return outcome(verifyPeer(input({ chain: [peer, ...crosses], trust, limits })));
    };
    expect(told(1)).toBe('handshake_failure: {"bad_cert":{"work_limit_exceeded":"signatures"}}');
    for (const signatures of [2, 3, 4, 48])
      expect(told(signatures)).toBe('certificate_expired: cert_expired');
  });

  it('giant names', () => {
    const huge = encodeElement(
      0x30,
      encodeElement(0x31, encodeElement(0x30, encodeOid('2.5.4.3'), text(0x0c, 'x '.repeat(500_000)))),
    );
    const key = makeKey();
    const ca = makeCertificate({
      subject: huge,
      issuer: 'Root',
      key,
      signer: root.key,
      extensions: [basicConstraints(true)],
    });
    const peer = makeCertificate({
      subject: 'p',
      issuer: huge,
      key: makeKey(),
      signer: key,
      extensions: [dnsNames('www.example.org')],
    });
    expect(outcome(verifyPeer(input({ chain: [peer, ca] })))).toBe('ok');
    const many = encodeElement(
      0x30,
      ...Array.from({ length: 1000 }, () =>
        encodeElement(0x31, encodeElement(0x30, encodeOid('2.5.4.3'), text(0x0c, 'x'))),
      ),
    );
    const long = makeCertificate({
      subject: 'p',
      issuer: many,
      key: makeKey(),
      signer: key,
      extensions: [dnsNames('www.example.org')],
    });
    expect(outcome(verifyPeer(input({ chain: [long, ca] })))).toMatch(/^certificate_unknown/);
  });

  it('ten thousand names under ten thousand constraints', () => {
    const bases = Array.from({ length: 10_000 }, (_, i) => encodeElement(0x30, text(0x82, `n${i}.example`)));
    const constrained = makeIntermediate('Constrained', root, [
      { oid: '2.5.29.30', critical: true, value: encodeElement(0x30, encodeElement(0xa1, ...bases)) },
    ]);
    const names = Array.from({ length: 10_000 }, (_, i) => `m${i}.example`);
    const peer = makeLeaf('www.example.org', constrained, {
      extensions: [dnsNames('www.example.org', ...names)],
    });
    expect(outcome(verifyPeer(input({ chain: [peer, constrained.der] })))).toBe(
      'handshake_failure: {"bad_cert":{"work_limit_exceeded":"comparisons"}}',
    );
  });
});
