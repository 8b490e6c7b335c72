/** `ssl:connection_information/1,2` (contract §1.4), in the user's terms. */
import type { ClientConfig, Config, ServerConfig } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import { type SuiteMap, suiteMap } from '../../values/cipher-suites.js';
import type { GroupName } from '../../values/crypto/engine.js';
import { type KeyLogLabel, keyLogLine } from '../../values/key-log.js';
import type { VerifyFun } from '../../values/x509/verify-fun.js';

/** What `connection_information` can tell; options as their user would write them. */
export interface ConnectionInformation
  extends Pick<Facts, 'protocol' | 'sessionId' | 'sessionResumption'>,
    Pick<Config, PlainOption>,
    Partial<Undefined<Pick<ClientConfig, ClientOption>>>,
    Partial<Undefined<Pick<ServerConfig, ServerOption>>>,
    Partial<Undefined<Pick<Config, MayBeAbsent>>> {
  readonly selectedCipherSuite: SuiteMap;
  /** Of a server: the name that the client has sent. */
  readonly sniHostname?: string;
  readonly certfile?: string;
  readonly keyfile?: string;
  readonly verifyFun?: readonly [fun: VerifyFun, state: unknown];
  readonly ciphers: readonly SuiteMap[];
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

type Undefined<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };
type PlainOption =
  | 'versions'
  | 'verify'
  | 'crlCheck'
  | 'depth'
  | 'supportedGroups'
  | 'eccs'
  | 'signatureAlgs'
  | 'maxHandshakeSize'
  | 'keyUpdateAt'
  | 'middleboxCompMode'
  | 'handshakeDeadline'
  | 'logLevel'
  | 'keepSecrets'
  | 'hibernateAfter';
type MayBeAbsent = 'cacertfile' | 'partialChain' | 'signatureAlgsCert';
type ClientOption =
  | 'serverNameIndication'
  | 'customizeHostnameCheck'
  | 'stapling'
  | 'alpnAdvertisedProtocols';
type ServerOption =
  | 'alpnPreferredProtocols'
  | 'failIfNoPeerCert'
  | 'honorCipherOrder'
  | 'honorEccOrder'
  | 'maxHandshakes'
  | 'maxHandshakesPerAddress'
  | 'maxHandshakeBytes';
type Item = keyof ConnectionInformation;

/** Items told unasked, in this order; options follow. */
const plainItems: readonly Item[] = [
  'protocol',
  'sessionId',
  'sessionResumption',
  'selectedCipherSuite',
  'sniHostname',
  'ecc',
];
/** Told only when named. */
const secretItems: readonly Item[] = ['clientRandom', 'serverRandom', 'masterSecret', 'keylog'];

/** Options that are no secret and that `connection_information` gives back as the user would write them. */
const optionItems: readonly Item[] = [
  'versions',
  'certfile',
  'keyfile',
  'cacertfile',
  'verify',
  'verifyFun',
  'partialChain',
  'crlCheck',
  'depth',
  'ciphers',
  'supportedGroups',
  'eccs',
  'signatureAlgs',
  'signatureAlgsCert',
  'maxHandshakeSize',
  'keyUpdateAt',
  'middleboxCompMode',
  'handshakeDeadline',
  'logLevel',
  'keepSecrets',
  'hibernateAfter',
  'serverNameIndication',
  'customizeHostnameCheck',
  'stapling',
  'alpnAdvertisedProtocols',
  'alpnPreferredProtocols',
  'failIfNoPeerCert',
  'honorCipherOrder',
  'honorEccOrder',
  'maxHandshakes',
  'maxHandshakesPerAddress',
  'maxHandshakeBytes',
];

/** The items asked for, in internal order; undefined values and unknown items are left out. */
export function connectionInformation(
  facts: Facts,
  config: Config,
  items: readonly string[] | undefined,
): Readonly<Record<string, unknown>> {
  const names =
    items === undefined
      ? [...plainItems, ...optionItems]
      : [...plainItems, ...secretItems, ...optionItems].filter((name) => items.includes(name));
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const value = item(name, facts, config);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function item(name: Item, facts: Facts, config: Config): unknown {
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
    case 'clientRandom':
      return facts.clientRandom;
    case 'serverRandom':
      return facts.serverRandom;
    case 'ecc':
      return facts.secrets?.kind === 'master' && facts.group !== undefined
        ? { named_curve: facts.group }
        : undefined;
    case 'masterSecret':
      return facts.secrets?.kind === 'master' ? facts.secrets.masterSecret.expose().slice() : undefined;
    case 'keylog':
      return keylog(facts);
    case 'certfile':
    case 'keyfile':
      return config.identity[name];
    case 'verifyFun':
      return config.verifyFun && [config.verifyFun.fun, config.verifyFun.state];
    case 'ciphers':
      return config.ciphers.map(suiteMap);
    default:
      return Object.hasOwn(config, name) ? Reflect.get(config, name) : undefined;
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
        line('CLIENT_HANDSHAKE_TRAFFIC_SECRET', secrets.clientHandshakeTraffic),
        line('SERVER_HANDSHAKE_TRAFFIC_SECRET', secrets.serverHandshakeTraffic),
        line('CLIENT_TRAFFIC_SECRET_0', secrets.clientTraffic0),
        line('SERVER_TRAFFIC_SECRET_0', secrets.serverTraffic0),
      ];
  }
}
