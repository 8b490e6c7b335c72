/**
 * "This chain, these anchors, these options: good until then." In a running client or server most chains have been
 * judged before; comparing their bytes costs a few microseconds, judging them again hundreds.
 *
 * Only acceptances without any user function are kept, within the validity of every certificate of the path, and
 * with their trust store.
 */
import type { CryptoEngine } from '../crypto/engine.js';
import { sameBytes } from './certificate.js';
import { Generations } from './generations.js';
import type { PeerVerdict } from './peer-verdict.js';
import type { PeerVerification } from './peer-verification.js';
import type { TrustStore } from './trust-store.js';

interface Entry {
  readonly chain: readonly Uint8Array[];
  readonly engine: CryptoEngine;
  /** ms since 1970, inclusive */
  readonly from: number;
  /** ms since 1970, exclusive */
  readonly until: number;
  readonly verdict: PeerVerdict;
}

/** Verdicts kept per trust store and generation. */
const LIMIT = 256;

let verdicts = new WeakMap<TrustStore, Generations<string, Entry>>();

/**
 * Forgets all verdicts: for benchmarks of chains that were not seen before.
 * @public
 */
export function clearVerdicts(): void {
  verdicts = new WeakMap();
}

export function cachedVerdict(input: PeerVerification): PeerVerdict | undefined {
  const entry = verdicts.get(input.trust)?.get(keyOf(input));
  if (entry === undefined || entry.engine !== input.engine) return undefined;
  if (input.now < entry.from || input.now >= entry.until) return undefined;
  if (entry.chain.length !== input.chain.length) return undefined;
  for (const [i, der] of input.chain.entries()) {
    const kept = entry.chain[i];
    if (kept === undefined || !sameBytes(kept, der)) return undefined;
  }
  return entry.verdict;
}

export function rememberVerdict(input: PeerVerification, verdict: PeerVerdict): void {
  if (!('ok' in verdict)) return;
  let from = Number.NEGATIVE_INFINITY;
  let until = Number.POSITIVE_INFINITY;
  for (const certificate of verdict.path) {
    from = Math.max(from, certificate.notBefore);
    until = Math.min(until, certificate.notAfter + 1000);
  }
  // verify_none passes what has expired: such a verdict holds for no time at all.
  if (!(from <= input.now && input.now < until)) return;
  let store = verdicts.get(input.trust);
  if (store === undefined) {
    store = new Generations(LIMIT);
    verdicts.set(input.trust, store);
  }
  const chain = input.chain.map((der) => new Uint8Array(der));
  store.set(keyOf(input), { chain, engine: input.engine, from, until, verdict });
}

/** Everything but the bytes, the time and the engine that a verdict depends on, and the end of the peer's signature. */
function keyOf(input: PeerVerification): string {
  const { role, verify, depth, host, signatureAlgs, minKeySize, keyUse, chain } = input;
  const name =
    host === undefined
      ? ''
      : host.type === 'address'
        ? `@${host.address.join('.')}`
        : `${host.type}=${host.name}`;
  return `${role}|${verify}|${depth}|${minKeySize ?? ''}|${keyUse ?? ''}|${namesOf(signatureAlgs)}|${chain.length}|${name.length}:${name}|${endOf(chain[0])}`;
}

/** Written down once per list: a config's own is the same in every handshake. */
const written = new WeakMap<object, string>();

function namesOf(algs: PeerVerification['signatureAlgs']): string {
  if (algs === undefined) return '-';
  const known = written.get(algs);
  if (known !== undefined) return known;
  const names = algs.join();
  written.set(algs, names);
  return names;
}

/** The last four bytes, which are a signature's, tell most chains from each other; all bytes are compared afterwards. */
function endOf(peer: Uint8Array | undefined): number {
  let end = 0;
  if (peer !== undefined)
    for (let at = Math.max(0, peer.length - 4); at < peer.length; at++) end = (end << 8) | (peer[at] ?? 0);
  return end;
}
