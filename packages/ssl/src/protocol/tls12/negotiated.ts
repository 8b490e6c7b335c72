/** What a handshake of TLS 1.2 settles from its hellos to its end, for both roles. */
import type { GroupName } from '../../values/crypto/engine.js';
import type { Secret } from '../../values/secret.js';
import type { Authentication } from '../authentication.js';
import type { Facts } from '../facts.js';
import type { Suite12 } from '../hello/suite.js';
import { fixedIvLength } from '../record/tls12-protection.js';
import type { HandshakeMessages } from './handshake-messages.js';
import { type KeyBlock, MasterSecret12, type Randoms } from './master-secret.js';
import { tls12Prf } from './prf.js';

/** ProtocolVersion (RFC 5246 §6.2.1). */
export const protocolVersion = 0x0303;

export interface Negotiated12 {
  readonly suite: Suite12;
  readonly randoms: Randoms;
  readonly sessionId: Uint8Array;
  readonly serverName: string | undefined;
  readonly alpn: Uint8Array | undefined;
  /** RFC 7627 */
  readonly masterSecret: 'extended' | 'plain';
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
export function deriveKeys(
  { suite, randoms, masterSecret, messages }: Negotiated12,
  premaster: Secret,
): Keys12 {
  const prf = tls12Prf(suite.hash);
  const master =
    masterSecret === 'extended'
      ? MasterSecret12.extended(prf, premaster, messages.digest())
      : MasterSecret12.plain(prf, premaster, randoms);
  const ivLength = fixedIvLength(suite.nonceForm);
  return { master, block: master.keyBlock(randoms, suite.aead.keyLength, ivLength) };
}

/** What stands when a handshake has ended well. */
interface Finished12 {
  readonly negotiated: Negotiated12;
  readonly group: GroupName | undefined;
  readonly keys: Keys12;
  readonly peer: Authentication;
  readonly own: Authentication;
}

/** What the connection tells its users. */
export function conclude12(role: Facts['role'], { negotiated, group, keys, peer, own }: Finished12): Facts {
  const { suite, randoms, alpn, serverName, sessionId } = negotiated;
  return {
    role,
    protocol: 'tlsv1.2',
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
    sessionResumption: false,
    earlyData: 'none',
    earlyBytes: 0,
    secrets: { kind: 'master', masterSecret: keys.master },
  };
}
