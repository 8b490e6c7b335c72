/** `ssl:connection_information/1,2` (contract §1.4), in the user's terms. */
import type { Config } from '../../options/config.js';
import { type ToldOptions, toldOptions } from '../../options/told.js';
import type { Facts } from '../../protocol/facts.js';
import type { ProvedUser } from '../../protocol/tls12/user.js';
import { type SuiteMap, suiteMap } from '../../values/cipher-suites.js';
import type { GroupName } from '../../values/crypto/engine.js';
import { type KeyLogLabel, keyLogLine } from '../../values/key-log.js';
import type { AgreedSrtp } from '../../values/srtp.js';
import { type StandingSession, sessionData } from '../resumption/client-sessions.js';

/** What `connection_information` can tell; of options what their rows say. */
export interface ConnectionInformation
  extends Pick<Facts, 'protocol' | 'sessionId' | 'sessionResumption'>,
    Omit<ToldOptions, 'pskIdentity'> {
  /** By which name both sides had a key (RFC 4279), bytes where it is no text; else the option. */
  readonly pskIdentity?: string | Uint8Array;
  /** The user of SRP (RFC 5054), bytes where it is no text. */
  readonly srpUsername?: string | Uint8Array;
  readonly selectedCipherSuite: SuiteMap;
  /** Of a server: the name that the client has sent. */
  readonly sniHostname?: string;
  /** Bytes of content in a record at most, when that was agreed on (RFC 6066 §4). */
  readonly maxFragmentLength?: number;
  /** How media are protected, when that was agreed on (RFC 5764): a profile of two bytes, and the identifier in use. */
  readonly srtp?: AgreedSrtp;
  /** What became of data that was sent before the handshake was complete; absent when there was none. */
  readonly earlyDataStatus?: 'accepted' | 'rejected';
  /** Of a server: so many bytes, the first that came, were early; absent when none was accepted. */
  readonly earlyBytes?: number;
  /** Only when named, of a client of TLS 1.2 or before: its session for `reuseSession`, as secret as a key. */
  readonly sessionData?: Uint8Array;
  /** Only when named. */
  readonly clientRandom: Uint8Array;
  /** Only when named. */
  readonly serverRandom: Uint8Array;
  /** Only when named, of TLS 1.2. */
  readonly masterSecret?: Uint8Array;
  /** Curve of the key exchange of TLS 1.2. */
  readonly ecc?: { readonly named_curve: GroupName };
  /** Only when named; of TLS 1.3 with `keepSecrets`: lines of an NSS key log. */
  readonly keylog?: readonly string[];
}

type Item = Exclude<keyof ConnectionInformation, keyof ToldOptions> | 'pskIdentity';

/** Items told unasked, in this order; options follow, of which none is a secret. */
const plainItems: readonly Item[] = [
  'protocol',
  'sessionId',
  'sessionResumption',
  'selectedCipherSuite',
  'sniHostname',
  'pskIdentity',
  'srpUsername',
  'ecc',
  'maxFragmentLength',
  'srtp',
  'earlyDataStatus',
  'earlyBytes',
];
/** Told only when named. */
const secretItems: readonly Item[] = [
  'sessionData',
  'clientRandom',
  'serverRandom',
  'masterSecret',
  'keylog',
];

/** The items asked for, in internal order; undefined values and unknown items are left out. */
export function connectionInformation(
  facts: Facts,
  config: Config,
  items: readonly string[] | undefined,
  session?: StandingSession,
): Readonly<Record<string, unknown>> {
  const names =
    items === undefined ? plainItems : [...plainItems, ...secretItems].filter((name) => items.includes(name));
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const value = item(name, facts, session);
    if (value !== undefined) found[name] = value;
  }
  // In this order, and what was proved goes before an option of the same name.
  return { ...found, ...toldOptions(config, items), ...found };
}

function item(name: Item, facts: Facts, session: StandingSession | undefined): unknown {
  switch (name) {
    case 'protocol':
      return facts.protocol;
    case 'sessionId':
      return facts.sessionId;
    case 'sessionResumption':
      return facts.sessionResumption;
    case 'selectedCipherSuite':
      return suiteMap(facts.cipherSuite);
    case 'sniHostname':
      return facts.role === 'server' ? facts.serverName : undefined;
    case 'pskIdentity':
      return nameOf('psk', facts);
    case 'srpUsername':
      return nameOf('srp', facts);
    case 'earlyDataStatus':
      return facts.earlyData === 'none' ? undefined : facts.earlyData;
    case 'earlyBytes':
      return facts.role === 'server' && facts.earlyData === 'accepted' ? facts.earlyBytes : undefined;
    case 'sessionData':
      return sessionData(facts, session);
    case 'clientRandom':
      return facts.clientRandom.slice();
    case 'serverRandom':
      return facts.serverRandom.slice();
    case 'ecc':
      return facts.secrets?.kind === 'master' && facts.group !== undefined
        ? { named_curve: facts.group }
        : undefined;
    case 'maxFragmentLength':
      return facts.maxFragmentLength;
    case 'srtp':
      return facts.srtp;
    case 'masterSecret':
      return facts.secrets?.kind === 'master' ? facts.secrets.masterSecret.expose().slice() : undefined;
    case 'keylog':
      return keylog(facts);
  }
}

/** Two names never become one text: what is no UTF-8 stays bytes. */
function nameOf(kind: ProvedUser['kind'], { user }: Facts): string | Uint8Array | undefined {
  if (user?.kind !== kind) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(user.name);
  } catch {
    return user.name.slice();
  }
}

/** Lines of an NSS key log (SSLKEYLOGFILE). */
function keylog({ secrets, clientRandom }: Facts): readonly string[] | undefined {
  if (secrets === undefined) return undefined;
  const line = (label: KeyLogLabel, secret: Uint8Array): string => keyLogLine(label, clientRandom, secret);
  switch (secrets.kind) {
    case 'master':
      return [line('CLIENT_RANDOM', secrets.masterSecret.expose())];
    case 'traffic':
      return [
        ...(secrets.clientEarlyTraffic === undefined
          ? []
          : [line('CLIENT_EARLY_TRAFFIC_SECRET', secrets.clientEarlyTraffic)]),
        line('CLIENT_HANDSHAKE_TRAFFIC_SECRET', secrets.clientHandshakeTraffic),
        line('SERVER_HANDSHAKE_TRAFFIC_SECRET', secrets.serverHandshakeTraffic),
        line('CLIENT_TRAFFIC_SECRET_0', secrets.clientTraffic0),
        line('SERVER_TRAFFIC_SECRET_0', secrets.serverTraffic0),
      ];
  }
}
