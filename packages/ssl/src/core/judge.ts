/**
 * The judgement on a peer's certificates for a core without processes: the chain, its dates, its signatures and the
 * host's name, by the rules that `connect` and `listen` use. Revocation is not looked at, since it wants lists to be
 * fetched.
 */
import type { Config } from '../options/config.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import { allowedSignatures } from '../values/x509/allowed-signatures.js';
import type { KeyUse } from '../values/x509/key-use.js';
import type { PeerVerdict } from '../values/x509/peer-verdict.js';
import type { PeerVerification } from '../values/x509/peer-verification.js';
import { createTrustStore } from '../values/x509/trust-store.js';
import { verifyPeer } from '../values/x509/verify-peer.js';

/** What `judge` has to know. */
export interface PeerToJudge {
  /** What `askVerdict` was handed: DER, the peer's own first. */
  readonly chain: readonly Uint8Array[];
  /** Of `clientSettings` or `serverSettings`: whom it trusts, and what else it asks of a chain. */
  readonly config: Config;
  readonly engine: CryptoEngine;
  /** What `askVerdict` was handed; default `signature`, which is all that TLS 1.3 knows. */
  readonly use?: KeyUse | undefined;
  /** The name or address that was dialled. A client that gives none accepts a certificate of any name. */
  readonly host: string | undefined;
  /** ms since 1970 */
  readonly now: number;
}

/** The answer for `answerVerdict`; a promise only when a `verifyFun` answers one. Never throws. */
export function judge({
  chain,
  config,
  engine,
  use,
  host,
  now,
}: PeerToJudge): PeerVerdict | Promise<PeerVerdict> {
  const { cacerts } = config;
  return verifyPeer({
    ...wishesOf(config),
    chain,
    trust: createTrustStore(cacerts === undefined || typeof cacerts === 'string' ? [] : cacerts),
    engine,
    keyUse: use,
    host: host === undefined ? undefined : { type: 'host', name: host },
    now,
  });
}

/** All that a config and a judgement both know: a field that comes to both and is forgotten here does not compile. */
type Wishes = { readonly [K in keyof Config & keyof PeerVerification]-?: PeerVerification[K] } & Pick<
  PeerVerification,
  'customizeHostnameCheck'
>;

function wishesOf(config: Config): Wishes {
  const { depth, minKeySize, partialChain, role, signatureAlgs, signatureAlgsCert, verify, verifyFun } =
    config;
  return {
    role,
    verify,
    depth,
    minKeySize,
    signatureAlgs: allowedSignatures(signatureAlgs, signatureAlgsCert),
    verifyFun,
    partialChain,
    customizeHostnameCheck: role === 'client' ? config.customizeHostnameCheck : undefined,
  };
}
