/** What a handshake of TLS 1.3 settles from its hellos to its end, for both roles. */
import type { ClientConfig } from '../../options/config.js';
import type { Group, KeyAnswer, KeyShare } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import type { Authentication } from '../authentication.js';
import type { Facts, TrafficSecrets } from '../facts.js';
import type { Suite } from '../hello/suite.js';
import { AlertError } from '../reasons.js';
import type { Dependencies } from '../settings.js';
import type { Transcript } from '../transcript.js';
import type { SharedGroup } from './choose.js';
import type { EarlyDataAllowance } from './early-data.js';
import {
  EarlySecret,
  type HandshakeSecret,
  type MasterSecret,
  type Resumption,
  type TrafficSecret,
} from './key-schedule.js';

export interface Negotiated {
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
 * what the pre-shared key has given, if there is one.
 */
export function handshakeKeys(
  suite: Suite,
  transcript: Transcript,
  dhe: Secret,
  early: EarlySecret = EarlySecret.withoutPsk(suite.hash),
): HandshakeKeys {
  const secret = early.handshake(dhe);
  dhe.zero();
  const hash = transcript.digest();
  return { transcript, secret, client: secret.clientTraffic(hash), server: secret.serverTraffic(hash) };
}

/** Application traffic secrets, and what the secrets after them come from. */
export interface ApplicationKeys {
  readonly master: MasterSecret;
  readonly client: TrafficSecret;
  readonly server: TrafficSecret;
}

/** The transcript ends with the server's Finished. */
export function applicationKeys(keys: HandshakeKeys): ApplicationKeys {
  const master = keys.secret.master();
  const hash = keys.transcript.digest();
  return { master, client: master.clientTraffic(hash), server: master.serverTraffic(hash) };
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
  /** Of early data that was accepted. */
  readonly allowance: EarlyDataAllowance | undefined;
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
  { agreement: { alpn, negotiated, earlyData, allowance }, keys, peer }: Finished,
  application: ApplicationKeys,
  own: Authentication,
  { keepSecrets }: Pick<ClientConfig, 'keepSecrets'>,
): Facts {
  const facts: Facts = {
    role,
    protocol: 'tlsv1.3',
    cipherSuite: negotiated.suite.row,
    group: negotiated.group.name,
    alpn,
    serverName: negotiated.serverName,
    peer,
    own,
    clientRandom: negotiated.clientRandom,
    serverRandom: negotiated.serverRandom,
    sessionId: negotiated.sessionId,
    retried: negotiated.hellos === 'retried',
    user: undefined,
    sessionResumption: peer.kind === 'psk' && peer.origin === 'resumption',
    earlyData,
    earlyBytes: allowance?.taken ?? 0,
    secrets: keepSecrets ? keptSecrets(keys, application) : undefined,
  };
  keys.client.zero();
  keys.server.zero();
  return facts;
}

/** Copies, since the record layer overwrites its secrets when it is done with them. */
function keptSecrets(handshake: HandshakeKeys, application: ApplicationKeys): TrafficSecrets {
  return {
    kind: 'traffic',
    clientHandshakeTraffic: new Uint8Array(handshake.client.expose()),
    serverHandshakeTraffic: new Uint8Array(handshake.server.expose()),
    clientTraffic0: new Uint8Array(application.client.expose()),
    serverTraffic0: new Uint8Array(application.server.expose()),
  };
}
