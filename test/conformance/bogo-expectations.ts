/** BoGo's `-expect-…` flags against what a connection has learned. */
import { chainOf, type Facts, schemeOf } from '@actor-tls/ssl/core';
import type { Flags } from './bogo-flags.js';
import { extensionOf } from './bogo-hello.js';
import { pemBlocks } from './bogo-material.js';
import type { Seen } from './bogo-memory.js';
import { leavesNewSession } from './bogo-sessions.js';
import { groupName, isOf13, schemeCodes, versionNames } from './bogo-terms.js';

/** What a connection was like besides its facts. */
export interface Observed extends Seen {
  readonly isResume: boolean;
  /** A handshake that has run again. */
  readonly isRenegotiation: boolean;
  readonly peerHellos: readonly Uint8Array[];
  readonly ownHellos: readonly Uint8Array[];
  /** Of a server: by how much the client's idea of the ticket's age differs, seconds. */
  readonly ageSkew: number | undefined;
}

const text = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');

/** What is not as the flags say; `undefined`: all is. */
export function mismatch(flags: Flags, learned: Facts, observed: Observed): string | undefined {
  return (
    sessionMismatch(flags, learned, observed) ??
    agreementMismatch(flags, learned, observed) ??
    namesMismatch(flags, learned, observed) ??
    peerMismatch(flags, learned, observed)
  );
}

function sessionMismatch(flags: Flags, learned: Facts, observed: Observed): string | undefined {
  const { earlyData, sessionResumption, sessionId, role, protocol } = learned;
  // It stands for the first one, and no other resumes it.
  if (observed.isRenegotiation) return sessionResumption ? 'a session resumed' : undefined;
  if (sessionResumption !== (observed.isResume && !flags.has('expect-session-miss')))
    return `session ${sessionResumption ? '' : 'not '}resumed`;
  if (role === 'client' && !isOf13(protocol)) {
    const renewed = !sessionResumption || flags.has('expect-ticket-renewal');
    const isNew = leavesNewSession(learned);
    if ((renewed && !flags.has('expect-no-session')) !== isNew) return `${isNew ? 'a' : 'no'} new session`;
  }
  const hasId = sessionId.length > 0;
  // In TLS 1.3 it says nothing.
  if (!observed.isResume && !isOf13(protocol)) {
    if (flags.has('expect-session-id') && !hasId) return 'no session id';
    if (flags.has('expect-no-session-id') && hasId) return 'a session id';
  }
  const skew = flags.number('expect-ticket-age-skew');
  if (observed.isResume && skew !== undefined && skew !== observed.ageSkew) return `age ${observed.ageSkew}`;
  if (flags.has('expect-accept-early-data') && earlyData !== 'accepted') return `early data ${earlyData}`;
  if (flags.has('expect-reject-early-data') && earlyData === 'accepted') return 'early data accepted';
  if (flags.has('expect-no-offer-early-data') && role === 'client' && earlyData !== 'none')
    return 'early data offered';
  // Of the reasons we know whether it is the good one.
  const reason = flags.value('expect-early-data-reason');
  return reason !== undefined && (reason === 'accept') !== (earlyData === 'accepted')
    ? `early data ${earlyData}, not for ${reason}`
    : undefined;
}

function agreementMismatch(flags: Flags, learned: Facts, observed: Observed): string | undefined {
  const { group, retried, protocol, cipherSuite } = learned;
  const curve = flags.number('expect-curve-id');
  if (curve !== undefined && groupName(curve) !== group) return `group ${group}`;
  if (flags.has('expect-hrr') && !retried) return 'no retry';
  if (flags.has('expect-no-hrr') && retried) return 'a retry';
  const version = flags.number('expect-version');
  if (version !== undefined && protocol !== versionNames.get(version)) return `version ${protocol}`;
  const suite = flags.number('expect-cipher');
  if (suite !== undefined && suite !== cipherSuite.id) return `suite ${cipherSuite.name}`;
  const extends_ = (code: number): boolean => agreed(learned, observed, code);
  if (flags.has('expect-extended-master-secret') && !extends_(23)) return 'no extended master secret';
  if (flags.has('expect-secure-renegotiation') && !extends_(0xff01)) return 'no renegotiation_info';
  if (flags.has('expect-no-secure-renegotiation') && extends_(0xff01)) return 'renegotiation_info';
  return undefined;
}

/** Whether the ServerHello has an extension of TLS 1.2; TLS 1.3 is always what these make of TLS 1.2. */
function agreed({ protocol, role }: Facts, { peerHellos, ownHellos }: Observed, code: number): boolean {
  const hello = (role === 'client' ? peerHellos : ownHellos).at(-1);
  return isOf13(protocol) || (hello !== undefined && extensionOf(hello, code) !== undefined);
}

function namesMismatch(
  flags: Flags,
  { alpn, serverName }: Facts,
  { peerHellos }: Observed,
): string | undefined {
  const expected = flags.value('expect-alpn');
  if (expected !== undefined && expected !== text(alpn)) return `ALPN ${text(alpn)}`;
  if (flags.has('expect-no-next-proto') && alpn !== undefined) return 'ALPN';
  const advertised = flags.value('expect-advertised-alpn');
  if (advertised !== undefined) {
    const [firstHello] = peerHellos;
    const list = firstHello && extensionOf(firstHello, 16)?.subarray(2);
    if (advertised !== text(list)) return `advertised ALPN ${text(list)}`;
  }
  const name = flags.value('expect-server-name');
  if (name !== undefined && name !== serverName) return `server name ${serverName}`;
  return flags.has('expect-no-server-name') && serverName !== undefined ? 'a server name' : undefined;
}

function peerMismatch(flags: Flags, { peer }: Facts, { scheme, staple }: Observed): string | undefined {
  if (flags.has('expect-no-peer-cert') && chainOf(peer).length > 0) return 'a peer certificate';
  const expected = flags.number('expect-peer-signature-algorithm');
  const found = schemeOf(peer) ?? scheme;
  // 0: in no version before TLS 1.2 a scheme has a number.
  if (expected && (found === undefined || expected !== schemeCodes.get(found)))
    return `signature scheme ${found}`;
  const response = flags.bytes('expect-ocsp-response');
  if (response !== undefined && Buffer.compare(response, staple ?? new Uint8Array(0)) !== 0) return 'staple';
  const file = flags.value('expect-peer-cert-file');
  const same = (der: Uint8Array, index: number): boolean =>
    Buffer.compare(der, chainOf(peer)[index] ?? new Uint8Array(0)) === 0;
  return file !== undefined && !pemBlocks(file).every(same) ? 'peer certificate' : undefined;
}
