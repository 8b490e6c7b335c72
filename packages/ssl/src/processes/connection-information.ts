/** `ssl:connection_information/1,2` (contract §1.4), in the user's terms. */
import type { Config } from '../options/config.js';
import type { Facts } from '../protocol/facts.js';
import { suiteMap } from '../values/cipher-suites.js';

/** Items told unasked, in this order; options follow. */
const plainItems = ['protocol', 'sessionId', 'sessionResumption', 'selectedCipherSuite', 'sniHostname'];
/** Told only when named. */
const secretItems = ['clientRandom', 'serverRandom', 'masterSecret', 'keylog'];

/** Options that are no secret and that `connection_information` gives back as the user would write them. */
const optionItems = [
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

function item(name: string, facts: Facts, config: Config): unknown {
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
    case 'masterSecret':
      return facts.secrets?.kind === 'master' ? facts.secrets.masterSecret.expose() : undefined;
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
  const line = (label: string, secret: Uint8Array): string => `${label} ${hex(clientRandom)} ${hex(secret)}`;
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

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
