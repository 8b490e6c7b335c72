/**
 * What the core's questions are answered from while a handshake runs: config, own certificates and trust, the names to
 * send and to check. It lives as long as a handshake may run, and no longer.
 */
import type { Config } from '../../options/config.js';
import { Core } from '../../protocol/core.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import { overDatagrams } from '../../protocol/over-datagrams.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import { TurnBudget } from '../../protocol/record/turn-budget.js';
import type { ClientHelloAnswer, CookieSealer, ServerHelloAnswer } from '../../protocol/settings.js';
import type { Sink, StapleWish } from '../../protocol/sink.js';
import type { ClientSessions } from '../../protocol/tls12/session.js';
import type { ClientResumption } from '../../protocol/tls13/psk.js';
import { nodeCompressors } from '../../values/compression/node-zlib.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { hostOf } from '../../values/host.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { Result } from '../../values/terms.js';
import type { RemoteKey } from '../../values/x509/key-material.js';
import { nonceExtensions } from '../../values/x509/ocsp.js';
import type { Explanation, PeerVerdict } from '../../values/x509/peer-verdict.js';
import type { HostReference } from '../../values/x509/peer-verification.js';
import type { Environment } from '../environment.js';
import type { Credentials } from '../material/credentials.js';
import { type JudgementQuestion, judgePeer } from '../material/judgement.js';
import type { ConnectionLog } from './connection-log.js';

/** bytes, RFC 8954 §2.1 */
const nonceLength = 32;

/** A config with what was read for it. */
export interface Equipment {
  readonly config: Config;
  readonly credentials: Credentials;
  /** The name that a client asks for has led to it. */
  readonly nameUsed?: boolean;
}

/**
 * What the peer's first hello leads to: the equipment to go on with, now or later. A server looks at the name asked for,
 * a client at what the server has chosen.
 */
export type AfterHello = (
  hello: HelloEvent,
  equipment: Equipment,
  environment: Environment,
) => Result<Equipment> | Promise<Result<Equipment>>;

/** What a client wants to be recognized by, and what over datagrams is to bring us our records. */
interface Beginning {
  readonly ownConnectionId: (() => Uint8Array) | undefined;
  readonly resumption: ClientResumption | undefined;
  readonly sessions: ClientSessions | undefined;
  /** Of a client that was let in by one. */
  readonly cookies: CookieSealer | undefined;
  /** ms that its path took then. */
  readonly roundTrip: number | undefined;
  /** ms of a clock that only goes forwards. */
  readonly now: () => number;
}

export class HandshakeMeans {
  readonly #equipment: Equipment;
  readonly #host: string | undefined;
  readonly #names: ClientNames;
  /** What a stapled response has to bear. */
  readonly #nonce: Uint8Array | undefined;
  /** Why the peer's certificates were refused. */
  explanation: Explanation | undefined = undefined;

  private constructor(
    equipment: Equipment,
    host: string | undefined,
    names: ClientNames,
    nonce: Uint8Array | undefined,
  ) {
    this.#equipment = equipment;
    this.#host = host;
    this.#names = names;
    this.#nonce = nonce;
  }

  /** `host`: the host argument of `connect`. */
  static of(equipment: Equipment, host: string | undefined, engine: CryptoEngine): HandshakeMeans {
    const { config } = equipment;
    if (config.role === 'server') return new HandshakeMeans(equipment, host, noNames, undefined);
    const nonce = config.stapling?.ocspNonce === true ? engine.randomBytes(nonceLength) : undefined;
    return new HandshakeMeans(equipment, host, clientNames(config.serverNameIndication, host), nonce);
  }

  get equipment(): Equipment {
    return this.#equipment;
  }

  /** The name that a client sends. */
  get serverName(): string | undefined {
    return this.#names.serverName;
  }

  /** The name or address that a client checks. */
  get reference(): HostReference | undefined {
    return this.#names.reference;
  }

  /** The same handshake goes on with other options: what it has sent of names and nonces stays. */
  goOnWith(equipment: Equipment): HandshakeMeans {
    const { config } = equipment;
    const { serverName } = this.#names;
    const names =
      config.role === 'server'
        ? noNames
        : { serverName, reference: clientNames(config.serverNameIndication, this.#host).reference };
    return new HandshakeMeans(equipment, this.#host, names, this.#nonce);
  }

  /** The core, before any hello. */
  makeCore(
    { engine, cookies, settings }: Pick<Environment, 'engine' | 'cookies' | 'settings'>,
    sink: Sink,
    { resumption, sessions, ownConnectionId, cookies: brought, roundTrip, now }: Beginning,
  ): Core {
    const { config, credentials } = this.#equipment;
    const { identities, certificateAuthorities, dhParams } = credentials;
    const budget = new TurnBudget();
    const compressors = nodeCompressors;
    const channel = config.protocol === 'dtls' ? overDatagrams : undefined;
    if (config.role === 'server') {
      const dependencies = { engine, compressors, cookies: brought ?? (config.cookie ? cookies : undefined) };
      const maxEarlyData = settings.serverMaxEarlyData;
      return Core.server(
        {
          ...{ config, identities, dependencies, certificateAuthorities, budget, maxEarlyData, channel },
          ...{ dhParams, pskHint: pskHintOf(config), ownConnectionId, roundTrip },
        },
        sink,
      );
    }
    const dependencies = { engine, compressors, now };
    const namedAuthorities = certificateAuthorities;
    const { serverName } = this.#names;
    const requestExtensions = this.#nonce ? nonceExtensions(this.#nonce) : new Uint8Array();
    const statusRequest = config.stapling && { responderIds: [], requestExtensions };
    return Core.client(
      {
        ...{ config, identities, dependencies, serverName, statusRequest },
        ...{ namedAuthorities, budget, resumption, sessions, channel, ownConnectionId },
      },
      sink,
    );
  }

  /** What the core goes on with once it has read the peer's hello. */
  afterHello(): ClientHelloAnswer | ServerHelloAnswer {
    const { config, credentials, nameUsed } = this.#equipment;
    const { identities, certificateAuthorities, dhParams } = credentials;
    return config.role === 'server'
      ? { config, identities, certificateAuthorities, nameUsed, dhParams, pskHint: pskHintOf(config) }
      : { config, identities };
  }

  /** The verdict on the peer's chain. */
  judge(
    shown: Pick<JudgementQuestion, 'chain' | 'staple' | 'use'>,
    environment: Environment,
    log: ConnectionLog,
  ): PeerVerdict | Promise<PeerVerdict> {
    const { config, credentials } = this.#equipment;
    const nonce = this.#nonce;
    const host = this.#names.reference;
    return judgePeer({ ...shown, nonce, config, credentials, environment, host, log });
  }

  /** A signature by a key that lives elsewhere. */
  sign(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): Promise<Result<Uint8Array>> {
    const key = this.#equipment.credentials.remoteKeys.get(identity);
    if (key === undefined) throw new TypeError('a remote key without anybody who signs');
    return signElsewhere(key, scheme, data);
  }

  /** What is stapled to our certificate. */
  staple(wish: StapleWish): Uint8Array | Promise<Uint8Array | undefined> | undefined {
    return this.#equipment.credentials.staplers.get(wish.identity)?.response(wish);
  }
}

/** What a server's clients are to choose their identity by. */
function pskHintOf({ pskIdentity }: Config): Uint8Array | undefined {
  return pskIdentity === undefined ? undefined : new TextEncoder().encode(pskIdentity);
}

/** Which name a client sends, and which it checks. */
interface ClientNames {
  readonly serverName: string | undefined;
  readonly reference: HostReference | undefined;
}

const noNames: ClientNames = { serverName: undefined, reference: undefined };

/**
 * Which name a client sends and checks. An address is checked as one and never sent (RFC 6066 §3); what is no host
 * at all is not sent either, and no certificate bears it.
 */
function clientNames(sni: string | 'disable' | undefined, host: string | undefined): ClientNames {
  const wanted = sni === 'disable' ? undefined : (sni ?? host);
  if (wanted === undefined) return noNames;
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
