/** Runs a case in x509-limbo's format (C2SP/x509-limbo) through `verifyPeer`. */
import { parseAddress } from '../../packages/ssl/src/values/address.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { type CrlSource, checkByCrls } from '../../packages/ssl/src/values/x509/crl-check.js';
import { explain } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import type { HostReference } from '../../packages/ssl/src/values/x509/peer-verification.js';
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { productDefaults } from '../support/product-defaults.js';

export interface LimboCase {
  readonly id: string;
  readonly features: readonly string[];
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly expected_peer_name: { readonly kind: string; readonly value: string } | null;
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly soft?: boolean;
}

export interface Outcome {
  readonly accepted: boolean;
  readonly why: string;
}

function der(pem: string): Uint8Array {
  return decodePem(pem)[0]?.der ?? new Uint8Array();
}

function hostOf(test: LimboCase): HostReference | undefined {
  if (test.validation_kind !== 'SERVER' || test.expected_peer_name === null) return undefined;
  const { kind, value } = test.expected_peer_name;
  const address = kind === 'IP' ? parseAddress(value) : undefined;
  return address === undefined ? { type: 'sni', name: value } : { type: 'address', address };
}

/** Every list of the case, to whoever asks. */
function sourceOf(test: LimboCase): CrlSource {
  const lists = test.crls.map(der);
  return { lookup: () => lists, select: () => lists };
}

/** Every trusted certificate is an anchor for limbo, self-signed or not. */
export function runLimbo(test: LimboCase): Outcome {
  const trusted = test.trusted_certs.map(der);
  const isTrusted = (candidate: Uint8Array): boolean =>
    trusted.some((anchor) => Buffer.compare(anchor, candidate) === 0);
  const now = Date.parse(test.validation_time ?? '2024-07-01T00:00:00Z');
  const trust = createTrustStore(trusted);
  const verdict = verifyPeer({
    chain: [der(test.peer_certificate), ...test.untrusted_intermediates.map(der)],
    trust,
    engine: defaultEngine,
    role: test.validation_kind === 'SERVER' ? 'client' : 'server',
    verify: 'verify_peer',
    host: hostOf(test),
    ...productDefaults,
    depth: test.max_chain_depth ?? productDefaults.depth,
    now,
    checkRevocation:
      test.crls.length === 0
        ? undefined
        : checkByCrls({
            ...productDefaults,
            check: true,
            source: sourceOf(test),
            trust,
            engine: defaultEngine,
            now,
          }),
    partialChain: (chain) => {
      const anchor = chain.slice(0, -1).findLast(isTrusted);
      return anchor === undefined ? 'unknown_ca' : { trusted_ca: anchor };
    },
  });
  if (verdict instanceof Promise) throw new Error('nothing here is asynchronous');
  return 'ok' in verdict
    ? { accepted: true, why: '' }
    : { accepted: false, why: explain(verdict.reject.explanation) };
}
