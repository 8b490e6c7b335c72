/**
 * What a connection holds from accept or connect until its handshake is done, and drops then: who waits, credentials,
 * names, and with these the answers to what the core asks.
 */
import type { From } from '@actor-tls/runtime';
import type { Config, RemoteKey } from '../../options/config.js';
import { Core } from '../../protocol/core.js';
import type { OwnIdentity } from '../../protocol/identity.js';
import { TurnBudget } from '../../protocol/record/turn-budget.js';
import type { Sink, StapleWish } from '../../protocol/sink.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { hostOf } from '../../values/host.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { Result, SslReason } from '../../values/terms.js';
import { nonceExtensions } from '../../values/x509/ocsp.js';
import type { HostReference } from '../../values/x509/peer-verification.js';
import type { Explanation, PeerVerdict } from '../../values/x509/verdict.js';
import type { Environment } from '../environment.js';
import type { Place } from '../listener/place.js';
import type { Credentials } from '../material/credentials.js';
import { judgePeer } from '../material/judgement.js';
import type { Alarm } from './alarm.js';
import type { ConnectionLog } from './connection-log.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { SslSocket } from './socket.js';

/** A call that waits for the end of the handshake. */
export interface Postponed {
  readonly request: ConnectionRequest;
  readonly from: From;
}

/** bytes, RFC 8954 §2.1 */
const nonceLength = 32;

export class Handshaking {
  /** The host argument of `connect`. */
  readonly #host: string | undefined;
  readonly #place: Place;
  readonly postponed: Postponed[] = [];
  from: From<Result<SslSocket>> | undefined = undefined;
  alarm: Alarm<'handshake'> | undefined = undefined;
  /** Why the peer's certificates were refused. */
  explanation: Explanation | undefined = undefined;
  #credentials: Credentials | undefined = undefined;
  #reference: HostReference | undefined = undefined;
  /** What a stapled response has to bear. */
  #nonce: Uint8Array | undefined = undefined;

  constructor(host: string | undefined, place: Place) {
    this.#host = host;
    this.#place = place;
  }

  /** Answers whoever waits for the handshake, and has it counted; only the first answer counts. */
  answer(result: Result<SslSocket>): void {
    if ('ok' in result) this.#place.established();
    else this.#place.failed(kindOf(result.error));
    const { from } = this;
    this.from = undefined;
    from?.reply(result);
  }

  /** How far the peer is and what is held for it, after each turn of the handshake. */
  progress({ awaiting, greeted, held }: Core): void {
    this.#place.progress(awaiting !== undefined ? 'ours' : greeted ? 'talking' : 'silent', held);
  }

  /** The core, now that certificates, keys and trust are at hand. */
  makeCore(credentials: Credentials, config: Config, engine: CryptoEngine, sink: Sink): Core {
    this.#credentials = credentials;
    const { identities, certificateAuthorities } = credentials;
    const dependencies = { engine };
    const budget = new TurnBudget();
    if (config.role === 'server')
      return Core.server({ config, identities, dependencies, certificateAuthorities, budget }, sink);
    const { serverName, reference } = clientNames(config.serverNameIndication, this.#host);
    this.#reference = reference;
    const { stapling } = config;
    if (stapling?.ocspNonce === true) this.#nonce = engine.randomBytes(nonceLength);
    const requestExtensions = this.#nonce ? nonceExtensions(this.#nonce) : new Uint8Array();
    const statusRequest = stapling && { responderIds: [], requestExtensions };
    return Core.client({ config, identities, dependencies, serverName, statusRequest, budget }, sink);
  }

  /** The verdict on the peer's chain; `undefined` when nothing was loaded yet and so nothing can have been asked. */
  judge(
    chain: readonly Uint8Array[],
    staple: Uint8Array | undefined,
    config: Config,
    environment: Environment,
    log: ConnectionLog,
  ): PeerVerdict | Promise<PeerVerdict> | undefined {
    const credentials = this.#credentials;
    if (credentials === undefined) return undefined;
    const nonce = this.#nonce;
    const host = this.#reference;
    return judgePeer({ chain, staple, nonce, config, credentials, environment, host, log });
  }

  /** A signature by a key that lives elsewhere. */
  sign(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): Promise<Result<Uint8Array>> {
    const key = this.#credentials?.remoteKeys.get(identity);
    if (key === undefined) throw new TypeError('a remote key without anybody who signs');
    return signElsewhere(key, scheme, data);
  }

  /** What is stapled to our certificate. */
  staple(wish: StapleWish): Uint8Array | Promise<Uint8Array | undefined> | undefined {
    return this.#credentials?.staplers.get(wish.identity)?.response(wish);
  }
}

/** A failure's name among the counters: an atom, or the tag of a term. */
function kindOf(reason: SslReason): string {
  return typeof reason === 'string' ? reason : (Object.keys(reason)[0] ?? 'unknown');
}

/**
 * Which name a client sends and checks. An address is checked as one and never sent (RFC 6066 §3); what is no host
 * at all is not sent either, and no certificate bears it.
 */
function clientNames(
  sni: string | 'disable' | undefined,
  host: string | undefined,
): { readonly serverName: string | undefined; readonly reference: HostReference | undefined } {
  if (sni === 'disable') return { serverName: undefined, reference: undefined };
  const wanted = sni ?? host;
  if (wanted === undefined) return { serverName: undefined, reference: undefined };
  const found = hostOf(wanted);
  if (found === undefined) return { serverName: undefined, reference: { type: 'sni', name: wanted } };
  if (found.type === 'address') return { serverName: undefined, reference: found };
  return { serverName: found.name, reference: { type: 'sni', name: found.name } };
}

/** Asks for a signature; whatever goes wrong is the answer. */
async function signElsewhere(
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
