/** What a connection holds from accept or connect until its handshake is done, and drops then. */
import type { From, Pid } from '@actor-tls/runtime';
import type { RemoteKey } from '../options/config.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { Result } from '../values/terms.js';
import { parseAddress } from '../values/x509/hostname.js';
import type { HostReference } from '../values/x509/peer-verification.js';
import type { Alarm } from './alarm.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { Credentials } from './credentials.js';
import type { HandshakeOver } from './listener.js';
import type { SslSocket } from './socket.js';

/** A call that waits for the end of the handshake. */
export interface Postponed {
  readonly request: ConnectionRequest;
  readonly from: From;
}

export class Handshaking {
  /** The host argument of `connect`. */
  readonly host: string | undefined;
  /** Who counts handshakes under way. */
  readonly listener: Pid<HandshakeOver> | undefined;
  readonly postponed: Postponed[] = [];
  from: From | undefined = undefined;
  alarm: Alarm<'handshake'> | undefined = undefined;
  credentials: Credentials | undefined = undefined;
  reference: HostReference | undefined = undefined;
  /** What a stapled response has to bear. */
  nonce: Uint8Array | undefined = undefined;
  /** Why the peer's certificates were refused, for people. */
  explanation: string | undefined = undefined;

  constructor(host: string | undefined, listener: Pid<HandshakeOver> | undefined) {
    this.host = host;
    this.listener = listener;
  }

  /** Answers whoever waits for the handshake; only the first answer counts. */
  answer(result: Result<SslSocket>): void {
    const { from } = this;
    this.from = undefined;
    from?.reply(result);
  }
}

/** Which name a client sends and checks (contract §2.2, §10; an address as host is checked as one). */
export function clientNames(
  sni: string | 'disable' | undefined,
  host: string | undefined,
): { readonly serverName: string | undefined; readonly reference: HostReference | undefined } {
  if (sni === 'disable') return { serverName: undefined, reference: undefined };
  const name = sni ?? (host?.endsWith('.') ? host.slice(0, -1) : host);
  if (name === undefined) return { serverName: undefined, reference: undefined };
  const address = parseAddress(name);
  if (address !== undefined) return { serverName: undefined, reference: { type: 'address', address } };
  return { serverName: name, reference: { type: 'sni', name } };
}

/** Asks for a signature; whatever goes wrong is the answer. */
export async function signElsewhere(
  key: RemoteKey,
  scheme: SignatureSchemeName,
  data: Uint8Array,
): Promise<Result<Uint8Array>> {
  try {
    const signature: unknown = await key.sign(scheme, data);
    return signature instanceof Uint8Array && signature.length > 0 && signature.length <= 0xffff
      ? { ok: signature }
      : { error: 'no_signature' };
  } catch (error) {
    return { error: error instanceof Error ? error.message : { thrown: error } };
  }
}
