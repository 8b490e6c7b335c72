/** What a handshake of TLS 1.2 settles from its hellos to its end, for both roles. */
import type { CryptoEngine, GroupName } from '../../values/crypto/engine.js';
import type { Secret } from '../../values/secret.js';
import type { Authentication } from '../authentication.js';
import type { Facts } from '../facts.js';
import type { Suite12 } from '../hello/suite.js';
import type { HandshakeMessages } from './handshake-messages.js';
import { type KeyBlock, MasterSecret12, type Randoms } from './master-secret.js';
import type { OlderVersion } from './older-version.js';
import { keyLengths, type RecordTerms } from './record-keys.js';
import type { ProvedUser } from './user.js';

export interface Negotiated12 {
  readonly version: OlderVersion;
  readonly suite: Suite12;
  readonly randoms: Randoms;
  readonly sessionId: Uint8Array;
  readonly serverName: string | undefined;
  readonly alpn: Uint8Array | undefined;
  /** RFC 7627 */
  readonly masterSecret: 'extended' | 'plain';
  /** RFC 7366 */
  readonly encryptThenMac: boolean;
  readonly messages: HandshakeMessages;
}

/** From ClientKeyExchange on. */
export interface Keys12 {
  readonly master: MasterSecret12;
  readonly block: KeyBlock;
}

/**
 * Master secret and record keys, from the premaster secret, which is overwritten. The messages end with
 * ClientKeyExchange (RFC 7627 §3).
 */
export function deriveKeys(negotiated: Negotiated12, premaster: Secret, engine: CryptoEngine): Keys12 {
  const { version, suite, randoms, masterSecret, messages } = negotiated;
  const prf = version.prf(suite.hash, engine);
  const master =
    masterSecret === 'extended'
      ? MasterSecret12.extended(prf, premaster, messages.digest())
      : MasterSecret12.plain(prf, premaster, randoms);
  return { master, block: master.keyBlock(randoms, keyLengths(recordTerms(negotiated))) };
}

export function recordTerms({ version, suite, encryptThenMac }: Negotiated12): RecordTerms {
  return { version, cipher: suite.cipher, encryptThenMac };
}

/** What stands when a handshake has ended well. */
interface Finished12 {
  readonly negotiated: Negotiated12;
  readonly group: GroupName | undefined;
  readonly keys: Keys12;
  readonly peer: Authentication;
  readonly own: Authentication;
  readonly user: ProvedUser | undefined;
}

/** What the connection tells its users. */
export function conclude12(
  role: Facts['role'],
  { negotiated, group, keys, peer, own, user }: Finished12,
): Facts {
  const { version, suite, randoms, alpn, serverName, sessionId } = negotiated;
  return {
    role,
    protocol: version.name,
    cipherSuite: suite.row,
    group,
    alpn,
    serverName,
    peer,
    own,
    clientRandom: randoms.client,
    serverRandom: randoms.server,
    sessionId,
    retried: false,
    user,
    sessionResumption: false,
    earlyData: 'none',
    earlyBytes: 0,
    secrets: { kind: 'master', masterSecret: keys.master },
  };
}
