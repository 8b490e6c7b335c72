/**
 * A handshake that runs again on a connection (RFC 5246 §7.4.1.1): what the one before leaves for it, and how it is bound to
 * that (RFC 5746), so that nobody can put a handshake of his own in front of another's.
 */
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { renegotiationScsv } from '../../values/registry/suites.js';
import { concat } from '../../values/wire/join.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { chainOf } from '../authentication.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import type { Facts } from '../facts.js';
import { AlertError } from '../reasons.js';
import type { ClientSettings } from '../settings.js';
import type { OlderVersion } from './older-version.js';
import type { ProvedUser } from './user.js';

/** verify_data of both Finished messages of a handshake, 12 bytes each, as they become known (RFC 5746 §3.1). */
export interface VerifyData {
  client: Uint8Array;
  server: Uint8Array;
}

/** What a handshake leaves for the next one. */
export interface Previous {
  readonly version: OlderVersion;
  readonly facts: Facts;
  /** Whether the peer knows renegotiation_info. */
  readonly secure: boolean;
  readonly verifyData: VerifyData;
  readonly masterSecret: 'extended' | 'plain';
  readonly wishes: PeerWishes;
}

/** What a handshake is bound to. */
type Binding = Pick<Previous, 'secure' | 'verifyData'>;

/** The peer's wishes for handshakes, as long as the connection lives. */
export interface PeerWishes {
  /** Without data between them. */
  idle: number;
  /** Whether we have asked for the handshake that the peer begins. */
  asked: boolean;
  /** Whether a client may begin one that we have not asked for (contract §13.2). */
  open: boolean;
}

/** What a config says of it. */
export type RenegotiationSettings = Pick<ClientSettings, 'secureRenegotiate' | 'renegotiateIdentity'>;

const nothing: Uint8Array = new Uint8Array(0);

export function noWishes(): PeerWishes {
  return { idle: 0, asked: false, open: true };
}

export function unknownVerifyData(): VerifyData {
  return { client: nothing, server: nothing };
}

/** What decides whether another handshake may follow. */
interface Followed {
  readonly secure: boolean;
  readonly masterSecret: Previous['masterSecret'];
  readonly facts: Pick<Facts, 'sessionResumption'>;
}

/**
 * Whether another handshake may follow one: with who cannot bind it only if the config says so (RFC 5746 §4.1, §4.3), and not
 * when the one before resumed a session without extended master secret (RFC 7627 §5.4), whatever the config says.
 */
export function mayFollow(
  { secure, masterSecret, facts }: Followed,
  { secureRenegotiate }: RenegotiationSettings,
): boolean {
  if (facts.sessionResumption && masterSecret === 'plain') return false;
  return secure || secureRenegotiate === false;
}

/**
 * renegotiation_info of a client's hello (RFC 5746 §3.5), for a server that does not know it too (§4.2): should the next one be
 * another's, who does, it sees that we think it is a later handshake.
 */
export function clientInfo({ verifyData }: Binding): Uint8Array {
  return verifyData.client;
}

/** renegotiation_info of a ServerHello (RFC 5746 §3.6, §3.7); `undefined`: the client does not know of it. */
export function serverInfo(previous: Binding | undefined, secure: boolean): Uint8Array | undefined {
  if (!secure) return undefined;
  return previous === undefined ? nothing : bothOf(previous);
}

/**
 * What a ServerHello says (RFC 5746 §3.4, §3.5, §4.2); whether the server knows of it. Throws
 * `wrong_renegotiation_info`.
 */
export function checkServerInfo(
  info: Uint8Array | undefined,
  previous: Binding | undefined,
  engine: CryptoEngine,
): boolean {
  return checkInfo(info, previous, previous && bothOf(previous), engine);
}

/** The same of a ClientHello that is read. */
export function renegotiationKnown(
  { cipherSuites }: Pick<ClientHello, 'cipherSuites'>,
  { renegotiationInfo }: Pick<ClientHelloExtensions, 'renegotiationInfo'>,
  previous: Binding | undefined,
  engine: CryptoEngine,
): boolean {
  return checkClientInfo(renegotiationInfo, cipherSuites.includes(renegotiationScsv), previous, engine);
}

/**
 * What a ClientHello says, and whether it has the signalling suite (RFC 5746 §3.6, §3.7, §4.4); whether the client knows of
 * it. Throws `wrong_renegotiation_info`.
 */
export function checkClientInfo(
  info: Uint8Array | undefined,
  signalled: boolean,
  previous: Binding | undefined,
  engine: CryptoEngine,
): boolean {
  // The suite says that this is a first handshake.
  if (signalled && previous !== undefined) throw new AlertError('wrong_renegotiation_info');
  return checkInfo(info, previous, previous?.verifyData.client, engine) || signalled;
}

function checkInfo(
  info: Uint8Array | undefined,
  previous: Binding | undefined,
  expected: Uint8Array | undefined,
  engine: CryptoEngine,
): boolean {
  // Who knew of it before still does, and who did not is not somebody else meanwhile.
  if (previous !== undefined && previous.secure !== (info !== undefined))
    throw new AlertError('wrong_renegotiation_info');
  if (info !== undefined && !engine.equal(info, expected ?? nothing))
    throw new AlertError('wrong_renegotiation_info');
  return info !== undefined;
}

function bothOf({ verifyData }: Binding): Uint8Array {
  return concat([verifyData.client, verifyData.server]);
}

/** RFC 7627 §5.1: with or without, a connection stays with it. Throws `renegotiation_changes_terms`. */
export function checkMasterSecret(
  masterSecret: Previous['masterSecret'],
  previous: Previous | undefined,
): 'extended' | 'plain' {
  if (previous !== undefined && previous.masterSecret !== masterSecret)
    throw new AlertError('renegotiation_changes_terms', { extended_master_secret: masterSecret });
  return masterSecret;
}

/**
 * The peer is who it was (RFC 7627 §1, the triple handshake): its certificate is the same one. A client that has shown nothing
 * yet may show what it has. Throws `renegotiation_changes_peer`.
 */
export function checkPeer(
  chain: readonly Uint8Array[],
  previous: Previous | undefined,
  { renegotiateIdentity }: RenegotiationSettings,
): void {
  if (previous === undefined || renegotiateIdentity === true || isNobodyYet(previous)) return;
  const [before] = chainOf(previous.facts.peer);
  const [now] = chain;
  const same = before === undefined || now === undefined ? before === now : sameBytes(before, now);
  if (!same) throw new AlertError('renegotiation_changes_peer');
}

/** The same of a user that both sides know (RFC 4279, RFC 5054). */
export function checkUser(
  user: ProvedUser | undefined,
  previous: Previous | undefined,
  { renegotiateIdentity }: RenegotiationSettings,
): void {
  if (previous === undefined || renegotiateIdentity === true || isNobodyYet(previous)) return;
  const before = previous.facts.user;
  const same =
    before === undefined || user === undefined
      ? before === user
      : before.kind === user.kind && sameBytes(before.name, user.name);
  if (!same) throw new AlertError('renegotiation_changes_peer');
}

function isNobodyYet({ facts: { role, peer, user } }: Previous): boolean {
  return role === 'server' && chainOf(peer).length === 0 && user === undefined;
}
