/** What a handshake of TLS 1.3 settles from its hellos to its end, for both roles. */
import type { ClientConfig } from '../../options/config.js';
import type { Group, KeyAnswer, KeyShare } from '../../values/crypto/engine.js';
import type { Tls13Version } from '../../values/registry/versions.js';
import { Secret } from '../../values/secret.js';
import type { AgreedSrtp } from '../../values/srtp.js';
import type { Authentication } from '../authentication.js';
import type { Facts, TrafficSecrets } from '../facts.js';
import type { RecordLimits } from '../hello/record-limits.js';
import type { Suite } from '../hello/suite.js';
import type { SecretLog } from '../key-log.js';
import { AlertError } from '../reasons.js';
import type { Dependencies } from '../settings.js';
import type { Transcript } from '../transcript.js';
import type { SharedGroup } from './choose.js';
import type { EarlyDataAllowance } from './early-data.js';
import {
  EarlySecret,
  type Exporter,
  type HandshakeSecret,
  type MasterSecret,
  type Resumption,
  type TrafficSecret,
} from './key-schedule.js';

export interface Negotiated {
  readonly version: Tls13Version;
  readonly suite: Suite;
  readonly group: Group;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly serverName: string | undefined;
  /** Whether there was a HelloRetryRequest. */
  readonly hellos: 'first' | 'retried';
}

/** Secrets of the handshake's middle; the transcript moves on with every message. */
export interface HandshakeKeys {
  readonly transcript: Transcript;
  readonly secret: HandshakeSecret;
  readonly client: TrafficSecret;
  readonly server: TrafficSecret;
}

/** The client's secret of the key exchange. Throws `bad_key_share`. */
export function sharedSecret(share: KeyShare, peerShare: Uint8Array): Secret {
  const shared = share.sharedSecret(peerShare);
  if (shared === undefined) throw new AlertError('bad_key_share');
  return new Secret(shared);
}

/** A server's share, and the secret that comes of both. */
export interface ServerShare {
  readonly publicKey: Uint8Array;
  readonly secret: Secret;
}

/**
 * What a server says to a client's share. Throws `bad_key_share`, and so is called before the ServerHello: after that, the
 * client could read the alert only under keys that cannot be had.
 */
export function answerShare({ group, keyExchange }: SharedGroup, dependencies: Dependencies): ServerShare {
  const answer = keyAnswer(group, keyExchange, dependencies);
  if (answer === undefined) throw new AlertError('bad_key_share');
  return { publicKey: answer.publicKey, secret: new Secret(answer.secret) };
}

function keyAnswer(group: Group, peerShare: Uint8Array, dependencies: Dependencies): KeyAnswer | undefined {
  switch (group.kind) {
    case 'kem':
      return group.respond(peerShare);
    case 'dh': {
      const own = dependencies.keyShare(group);
      const secret = own.sharedSecret(peerShare);
      return secret && { publicKey: own.publicKey, secret };
    }
  }
}

/**
 * RFC 8446 §7.1 from the (EC)DHE secret on, which is overwritten. The transcript ends with the ServerHello. `early`:
 * what the pre-shared key has given, if there is one; `log`: who hears of the secrets.
 */
export function handshakeKeys(
  suite: Suite,
  transcript: Transcript,
  dhe: Secret,
  early: EarlySecret | undefined,
  log: SecretLog | undefined,
): HandshakeKeys {
  const secret = (early ?? EarlySecret.withoutPsk(suite.hash)).handshake(dhe);
  dhe.zero();
  const hash = transcript.digest();
  const client = secret.clientTraffic(hash);
  const server = secret.serverTraffic(hash);
  log?.(
    ['CLIENT_HANDSHAKE_TRAFFIC_SECRET', client.expose()],
    ['SERVER_HANDSHAKE_TRAFFIC_SECRET', server.expose()],
  );
  return { transcript, secret, client, server };
}

/** Application traffic secrets, and what the secrets after them come from. */
export interface ApplicationKeys {
  readonly master: MasterSecret;
  readonly client: TrafficSecret;
  readonly server: TrafficSecret;
  /** §7.5: made now, so that the master secret need not be kept for it. */
  readonly exporter: Exporter;
}

/** The transcript ends with the server's Finished. */
export function applicationKeys(keys: HandshakeKeys, log: SecretLog | undefined): ApplicationKeys {
  const master = keys.secret.master();
  const hash = keys.transcript.digest();
  const client = master.clientTraffic(hash);
  const server = master.serverTraffic(hash);
  const exporter = master.exporter(hash);
  if (log !== undefined) {
    log(
      ['CLIENT_TRAFFIC_SECRET_0', client.expose()],
      ['SERVER_TRAFFIC_SECRET_0', server.expose()],
      ['EXPORTER_SECRET', exporter.master().expose()],
    );
    client.watchedBy((generation, secret) => log([`CLIENT_TRAFFIC_SECRET_${generation}`, secret]));
    server.watchedBy((generation, secret) => log([`SERVER_TRAFFIC_SECRET_${generation}`, secret]));
  }
  return { master, client, server, exporter };
}

/**
 * Where the keys of tickets come from, derived when the first is wanted. The transcript ends with the client's
 * Finished.
 */
export function resumptionOf({ transcript }: HandshakeKeys, { master }: ApplicationKeys): Resumption {
  return master.resumption(() => transcript.digest());
}

/** What is agreed when EncryptedExtensions have been said. */
export interface Agreement {
  readonly negotiated: Negotiated;
  readonly alpn: Facts['alpn'];
  readonly earlyData: Facts['earlyData'];
  readonly recordLimits: RecordLimits;
  /** Over datagrams. */
  readonly srtp: AgreedSrtp | undefined;
  /** Of early data that was accepted. */
  readonly early: EarlyRemains | undefined;
  /** How much of it there was. */
  readonly allowance: EarlyDataAllowance | undefined;
}

/** What stays of the keys of early data. */
export interface EarlyRemains {
  readonly exporter: Exporter;
  /** client_early_traffic_secret, of who keeps secrets. */
  readonly traffic: Uint8Array | undefined;
}

/** What comes of the pre-shared key before the server answers. */
export interface EarlyKeys {
  /** client_early_traffic_secret */
  readonly secret: TrafficSecret;
  readonly exporter: Exporter;
}

/** §7.1, §7.5: the keys of early data; `transcript`: of the ClientHello. */
export function earlyKeys(early: EarlySecret, transcript: Uint8Array): EarlyKeys {
  return { secret: early.clientEarlyTraffic(transcript), exporter: early.earlyExporter(transcript) };
}

/** When they are used. */
export function logEarlyKeys({ secret, exporter }: EarlyKeys, log: SecretLog | undefined): void {
  log?.(
    ['CLIENT_EARLY_TRAFFIC_SECRET', secret.expose()],
    ['EARLY_EXPORTER_SECRET', exporter.master().expose()],
  );
}

/** What is to stay of them when their data is through; a copy, since the secret is overwritten then. */
export function remainsOf(
  { secret, exporter }: EarlyKeys,
  { keepSecrets }: Pick<ClientConfig, 'keepSecrets'>,
): EarlyRemains {
  return { exporter, traffic: keepSecrets === true ? new Uint8Array(secret.expose()) : undefined };
}

/** What stands when a handshake has ended well. */
interface Finished {
  readonly agreement: Agreement;
  readonly keys: HandshakeKeys;
  readonly peer: Authentication;
}

/** What the connection tells its users. The handshake's traffic secrets are good for nothing more and overwritten. */
export function conclude(
  role: Facts['role'],
  { agreement: { alpn, negotiated, earlyData, early, allowance, recordLimits, srtp }, keys, peer }: Finished,
  application: ApplicationKeys,
  own: Authentication,
  { keepSecrets }: Pick<ClientConfig, 'keepSecrets'>,
  unconfirmed: boolean,
): Facts {
  const facts: Facts = {
    role,
    protocol: negotiated.version,
    cipherSuite: negotiated.suite.row,
    group: negotiated.group.name,
    alpn,
    srtp,
    serverName: negotiated.serverName,
    peer,
    own,
    clientRandom: negotiated.clientRandom,
    serverRandom: negotiated.serverRandom,
    sessionId: negotiated.sessionId,
    retried: negotiated.hellos === 'retried',
    user: undefined,
    sessionResumption: peer.kind === 'psk' && peer.origin === 'resumption',
    maxFragmentLength: recordLimits.maxFragmentLength,
    session: undefined,
    earlyData,
    earlyBytes: allowance?.taken ?? 0,
    unconfirmed,
    secrets: keepSecrets === true ? keptSecrets(keys, application, early) : undefined,
    exporter: application.exporter,
    earlyExporter: early?.exporter,
  };
  keys.client.zero();
  keys.server.zero();
  return facts;
}

/** Copies, since the record layer overwrites its secrets when it is done with them. */
function keptSecrets(
  handshake: HandshakeKeys,
  application: ApplicationKeys,
  early: EarlyRemains | undefined,
): TrafficSecrets {
  return {
    kind: 'traffic',
    clientEarlyTraffic: early?.traffic,
    clientHandshakeTraffic: new Uint8Array(handshake.client.expose()),
    serverHandshakeTraffic: new Uint8Array(handshake.server.expose()),
    clientTraffic0: new Uint8Array(application.client.expose()),
    serverTraffic0: new Uint8Array(application.server.expose()),
  };
}
