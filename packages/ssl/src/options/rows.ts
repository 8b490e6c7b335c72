/**
 * The table of options. The order is that in which OTP looks at absent ones, as far as it shows: it decides which
 * of several wrong options is told (`parse.ts`).
 */
import { defaultMinKeySize } from '../values/x509/key-strength.js';
import type { OptionRow, Settings } from './row.js';
import { connectionRows } from './rows-connection.js';
import { identityRows } from './rows-identity.js';
import { negotiationRows, versionsRows } from './rows-negotiation.js';
import { revocationRows } from './rows-revocation.js';
import { trustRows, verifyRows } from './rows-trust.js';

export const optionRows: readonly OptionRow[] = [
  ...identityRows,
  ...verifyRows,
  ...versionsRows,
  ...trustRows,
  ...revocationRows,
  ...negotiationRows,
  ...connectionRows,
];

/** What an absent option is; those that depend on others are decided by their rows. */
export const defaults: Settings = {
  protocol: 'tls',
  versions: [],
  cert: undefined,
  certfile: undefined,
  key: undefined,
  keyfile: undefined,
  password: undefined,
  ocspResponse: undefined,
  certsKeys: undefined,
  cacerts: undefined,
  cacertfile: undefined,
  verify: 'verify_none',
  verifyFun: undefined,
  failIfNoPeerCert: false,
  partialChain: undefined,
  customizeHostnameCheck: undefined,
  depth: 10,
  minKeySize: defaultMinKeySize,
  crlCheck: false,
  crlCache: { cache: 'internal', http: undefined },
  stapling: undefined,
  ciphers: [],
  supportedGroups: [],
  eccs: [],
  signatureAlgs: [],
  signatureAlgsCert: undefined,
  honorCipherOrder: false,
  honorEccOrder: false,
  serverNameIndication: undefined,
  alpnAdvertisedProtocols: undefined,
  alpnPreferredProtocols: undefined,
  maxHandshakeSize: 262_144,
  // OTP's figure for AES-GCM: RFC 8446 §5.5 allows some 2^24.5 full records.
  keyUpdateAt: 388_736_063_997,
  middleboxCompMode: true,
  keepSecrets: false,
  logLevel: 'notice',
  logAlert: undefined,
  hibernateAfter: 'infinity',
  handshakeDeadline: 60_000,
  maxHandshakes: 4096,
  maxHandshakesPerAddress: 1024,
  maxHandshakeBytes: 16_777_216,
};
