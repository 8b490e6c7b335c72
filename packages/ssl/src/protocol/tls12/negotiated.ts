/** What a handshake of TLS 1.2 settles from its hellos to its end, for both roles. */
import type { GroupName } from '../../values/crypto/engine.js';
import type { Secret } from '../../values/secret.js';
import type { AgreedSrtp } from '../../values/srtp.js';
import type { Authentication } from '../authentication.js';
import type { AgreedConnectionIds } from '../extensions/connection-id.js';
import type { Facts } from '../facts.js';
import type { RecordLimits } from '../hello/record-limits.js';
import type { Suite12 } from '../hello/suite.js';
import { secretLogOf } from '../key-log.js';
import type { Dependencies } from '../settings.js';
import type { Sink } from '../sink.js';
import { Exporter12 } from './exporter.js';
import type { HandshakeMessages } from './handshake-messages.js';
import { type KeyBlock, MasterSecret12, type Randoms } from './master-secret.js';
import type { OlderVersion } from './older-version.js';
import { keyLengths, type RecordTerms } from './record-keys.js';
import { noWishes, type Previous, type VerifyData } from './renegotiation.js';
import type { GivenTicket } from './session.js';
import type { ProvedUser } from './user.js';

export interface Negotiated12 {
  readonly version: OlderVersion;
  readonly suite: Suite12;
  readonly randoms: Randoms;
  readonly sessionId: Uint8Array;
  readonly serverName: string | undefined;
  /** The application protocol, as far as it is known. */
  readonly alpn: Uint8Array | undefined;
  /** Whether the client says in NextProtocol what is spoken. */
  readonly nextProtocol: 'due' | 'none';
  readonly srtp: AgreedSrtp | undefined;
  readonly connectionIds: AgreedConnectionIds | undefined;
  readonly recordLimits: RecordLimits;
  /** RFC 7627 */
  readonly masterSecret: 'extended' | 'plain';
  /** RFC 7366 */
  readonly encryptThenMac: boolean;
  /** Whether a NewSessionTicket comes before the server's change_cipher_spec (RFC 5077 §3.2). */
  readonly ticket: 'promised' | 'none';
  readonly messages: HandshakeMessages;
  /** Whether the peer knows renegotiation_info (RFC 5746). */
  readonly secureRenegotiation: boolean;
  readonly verifyData: VerifyData;
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
  negotiated: Negotiated12,
  premaster: Secret,
  { sink, dependencies }: { readonly sink: Pick<Sink, 'keyLog'>; readonly dependencies: Dependencies },
): Keys12 {
  const { version, suite, randoms, masterSecret, messages } = negotiated;
  const prf = version.prf(suite.hash, dependencies.engine);
  const master =
    masterSecret === 'extended'
      ? MasterSecret12.extended(prf, premaster, messages.digest())
      : MasterSecret12.plain(prf, premaster, randoms);
  return recordKeys(negotiated, master, sink);
}

/** The keys of a handshake's records, of its master secret and of its own randoms (RFC 5246 §6.3). */
export function recordKeys(
  negotiated: Negotiated12,
  master: MasterSecret12,
  sink: Pick<Sink, 'keyLog'>,
): Keys12 {
  const { randoms } = negotiated;
  secretLogOf(sink, randoms.client)?.(['CLIENT_RANDOM', master.expose()]);
  return { master, block: master.keyBlock(randoms, keyLengths(recordTerms(negotiated))) };
}

export function recordTerms({ version, suite, encryptThenMac, connectionIds }: Negotiated12): RecordTerms {
  return { version, cipher: suite.cipher, encryptThenMac, connectionIds };
}

/** What stands when a handshake has ended well. */
interface Finished12 {
  readonly negotiated: Negotiated12;
  readonly group: GroupName | undefined;
  readonly keys: Keys12;
  readonly peer: Authentication;
  readonly own: Authentication;
  readonly user: ProvedUser | undefined;
  /** What a client got for next time. */
  readonly ticket?: GivenTicket | undefined;
  /** Whether this was an abbreviated one. */
  readonly resumption?: boolean;
}

/** What the connection tells its users. */
export function conclude12(
  role: Facts['role'],
  { negotiated, group, keys, peer, own, user, ticket, resumption = false }: Finished12,
): Facts {
  const { version, suite, randoms, alpn, srtp, serverName, sessionId, recordLimits } = negotiated;
  const { masterSecret: derivation, encryptThenMac } = negotiated;
  return {
    role,
    protocol: version.name,
    cipherSuite: suite.row,
    group,
    alpn,
    srtp,
    serverName,
    peer,
    own,
    clientRandom: randoms.client,
    serverRandom: randoms.server,
    sessionId,
    retried: false,
    user,
    sessionResumption: resumption,
    session: { version: version.name, derivation, encryptThenMac, ticket },
    maxFragmentLength: recordLimits.maxFragmentLength,
    earlyData: 'none',
    earlyBytes: 0,
    unconfirmed: false,
    secrets: { kind: 'master', masterSecret: keys.master },
    exporter: new Exporter12(keys.master, randoms),
    earlyExporter: undefined,
  };
}

/** What is left for a handshake that follows. `before`: the one before this. */
export function leave12(negotiated: Negotiated12, facts: Facts, before: Previous | undefined): Previous {
  const { version, secureRenegotiation: secure, verifyData, masterSecret } = negotiated;
  const wishes = before?.wishes ?? noWishes();
  return { version, facts, secure, verifyData, masterSecret, wishes };
}
