/**
 * The judgement on a peer's certificates as a connection asks for it: config, credentials and the node's CRL cache put
 * together for `values/x509/verify-peer.ts`. Lists that have to be fetched hold up the one connection that waits.
 */
import { crlCacheApi, hashDirectory } from '@actor-tls/crl-cache';
import type { Config } from '../../options/config.js';
import { allowedSignatures } from '../../values/x509/allowed-signatures.js';
import type { CrlSource } from '../../values/x509/crl-check.js';
import { checkByCrls } from '../../values/x509/crl-check.js';
import type { KeyUse } from '../../values/x509/key-use.js';
import { certificateOf } from '../../values/x509/parse-cache.js';
import type { PeerVerdict } from '../../values/x509/peer-verdict.js';
import type {
  HostReference,
  PeerVerification,
  RevocationCheck,
} from '../../values/x509/peer-verification.js';
import { checkByStaple } from '../../values/x509/stapling.js';
import { verifyPeer } from '../../values/x509/verify-peer.js';
import type { ConnectionLog } from '../connection/connection-log.js';
import type { Environment } from '../environment.js';
import type { Credentials } from './credentials.js';
import { crlSourceOf, hashDirectoryReader } from './crl-source.js';

export interface JudgementQuestion {
  /** DER as sent, the peer's own first. */
  readonly chain: readonly Uint8Array[];
  /** DER OCSPResponse that came along. */
  readonly staple: Uint8Array | undefined;
  /** What the response has to bear. */
  readonly nonce: Uint8Array | undefined;
  /** What the handshake does with its key. */
  readonly use: KeyUse;
  readonly config: Config;
  readonly credentials: Credentials;
  readonly environment: Environment;
  /** `undefined`: no host name check. */
  readonly host: HostReference | undefined;
  readonly log: ConnectionLog;
}

/** Registered name of the node's CRL cache. */
export const crlCacheName = 'ssl_crl_cache';

export function judgePeer(judged: JudgementQuestion): PeerVerdict | Promise<PeerVerdict> {
  const { chain, config, credentials, environment, host, use } = judged;
  const now = environment.wallClock();
  const byCrls = config.crlCheck === false ? undefined : crlCheck(config.crlCheck, judged, now);
  const staples = stapleCheck(judged, byCrls, now);
  const verdict = verifyPeer({
    chain,
    trust: credentials.trust,
    engine: environment.engine,
    role: config.role,
    verify: config.verify,
    host,
    depth: config.depth,
    now,
    ...strengthOf(config),
    keyUse: use,
    verifyFun: config.verifyFun,
    partialChain: config.partialChain,
    customizeHostnameCheck: config.role === 'client' ? config.customizeHostnameCheck : undefined,
    checkRevocation: staples?.check ?? byCrls,
  });
  if (staples === undefined) return verdict;
  return verdict instanceof Promise ? verdict.then(staples.tell) : staples.tell(verdict);
}

/** What signatures and keys the peer's certificates may have, and what speaks of their revocation. */
function strengthOf(config: Config): Pick<PeerVerification, 'signatureAlgs' | 'minKeySize'> {
  const { minKeySize, signatureAlgs, signatureAlgsCert } = config;
  return { minKeySize, signatureAlgs: allowedSignatures(signatureAlgs, signatureAlgsCert) };
}

function crlCheck(
  check: Exclude<Config['crlCheck'], false>,
  { chain, config, credentials, environment, log }: JudgementQuestion,
  now: number,
): RevocationCheck {
  const { engine } = environment;
  const source = crlSource(config, environment, log);
  return (certificate, path) =>
    checkByCrls({
      check,
      source,
      trust: credentials.trust,
      engine,
      now,
      ...strengthOf(config),
      // All of them were decoded for the path.
      others: chain.map(certificateOf),
    })(certificate, path);
}

function crlSource({ crlCache }: Config, { engine, node }: Environment, log: ConnectionLog): CrlSource {
  const report: Parameters<typeof crlSourceOf>[2] = ({ level, report: fields }) =>
    log.report(level, fields, 'CRL');
  switch (crlCache.cache) {
    case 'internal': {
      const { http } = crlCache;
      const db = { asker: node, cache: crlCacheName, ...(http === undefined ? {} : { http }) };
      return crlSourceOf(crlCacheApi, db, report);
    }
    case 'hash_dir':
      return crlSourceOf(hashDirectory(hashDirectoryReader(engine)), { dir: crlCache.dir }, report);
    case 'own':
      return crlSourceOf(crlCache.api, crlCache.db, report);
  }
}

interface StapleCheck {
  readonly check: RevocationCheck;
  /** RFC 6066 §8: what is wrong with a stapled response has an alert of its own. */
  readonly tell: (verdict: PeerVerdict) => PeerVerdict;
}

function stapleCheck(
  { config, environment, nonce, staple }: JudgementQuestion,
  otherwise: RevocationCheck | undefined,
  now: number,
): StapleCheck | undefined {
  if (config.role !== 'client' || config.stapling === undefined) return undefined;
  const check = checkByStaple({
    response: staple,
    asked: true,
    need: 'required',
    engine: environment.engine,
    now,
    ...strengthOf(config),
    nonce,
    responders: config.stapling.ocspResponderCerts.map(certificateOf),
    otherwise,
  });
  let blamed: unknown;
  return {
    check(certificate, path) {
      const answer = check(certificate, path);
      // Of the peer's own certificate only the response speaks: see `checkByStaple`.
      if (certificate === path.at(-1) && !(answer instanceof Promise) && answer !== 'valid')
        blamed = isUndetermined(answer.bad_cert) ? answer.bad_cert : undefined;
      return answer;
    },
    tell(verdict) {
      if ('ok' in verdict || blamed === undefined) return verdict;
      const { detail, explanation } = verdict.reject;
      if (explanation.reason !== blamed) return verdict;
      return { reject: { alert: 'bad_certificate_status_response', detail, explanation } };
    },
  };
}

function isUndetermined(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'revocation_status_undetermined' in reason;
}
