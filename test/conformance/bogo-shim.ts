#!/usr/bin/env node
/**
 * A shim for BoGo, BoringSSL's protocol tests: one process, one connection, our core behind a command line.
 *
 * Exit codes: 0 as asked, 1 the connection failed (why: on stderr), 89 something we do not have, 90 the shim's own
 * expectations were not met.
 */
import type {
  ClientOptions,
  Facts,
  Failure,
  OwnIdentity,
  PrivateKey,
  ServerOptions,
  Sink,
  Verdict,
} from '@actor-tls/ssl/core';
import { type Credential, type Flags, readFlags } from './bogo-flags.js';

const unimplemented = 89;
const violated = 90;

const argv = process.argv.slice(2);
if (argv.includes('-is-handshaker-supported')) {
  process.stdout.write('No\n');
  process.exit(0);
}
const read = readFlags(argv);
if (read === undefined) process.exit(unimplemented);
const flags: Flags = read;

const tls13 = 0x0304;
const tls12 = 0x0303;
const tls11 = 0x0302;
const lowest = flags.number('min-version') ?? 0;
const highest = flags.number('max-version') ?? tls13;
/** Whether a shim that had TLS 1.1 and below would speak it here. */
const allowsOlder = lowest < tls12 && !(flags.has('no-tls11') && flags.has('no-tls1'));
const versions = [
  ...(lowest <= tls13 && highest >= tls13 && !flags.has('no-tls13') ? (['tlsv1.3'] as const) : []),
  ...(lowest <= tls12 && highest >= tls12 && !flags.has('no-tls12') ? (['tlsv1.2'] as const) : []),
];
if (versions.length === 0) process.exit(unimplemented);
const speaksTls12 = versions.includes('tlsv1.2');

type GroupName = ClientOptions['config']['supportedGroups'][number];
type CurveName = ClientOptions['config']['eccs'][number];
const groupNames: Readonly<Record<number, GroupName>> = {
  23: 'secp256r1',
  24: 'secp384r1',
  25: 'secp521r1',
  29: 'x25519',
  4587: 'secp256r1mlkem768',
  4588: 'x25519mlkem768',
  4589: 'secp384r1mlkem1024',
};
const isCurve = (name: GroupName): name is CurveName => !name.includes('mlkem');
const wishedGroups = flags.numbers('curves').length > 0 ? flags.numbers('curves') : [29, 23, 24];
const supportedGroups = wishedGroups.flatMap((code) => groupNames[code] ?? []);
if (supportedGroups.length < wishedGroups.length) process.exit(unimplemented);

// Only now: a start that ends with 89 shall be a quick one.
const { createPrivateKey } = await import('node:crypto');
const { readFileSync } = await import('node:fs');
const { connect } = await import('node:net');
const {
  chainOf,
  Core,
  createTrustStore,
  nodeEngine: engine,
  reasons,
  schemeOf,
  suiteByName,
  verifyPeer,
} = await import('@actor-tls/ssl/core');

type Scheme = ClientOptions['config']['signatureAlgs'][number];
const schemeNames: Readonly<Record<number, Scheme>> = {
  513: 'rsa_pkcs1_sha1',
  515: 'ecdsa_sha1',
  1025: 'rsa_pkcs1_sha256',
  1027: 'ecdsa_secp256r1_sha256',
  1281: 'rsa_pkcs1_sha384',
  1283: 'ecdsa_secp384r1_sha384',
  1537: 'rsa_pkcs1_sha512',
  1539: 'ecdsa_secp521r1_sha512',
  2052: 'rsa_pss_rsae_sha256',
  2053: 'rsa_pss_rsae_sha384',
  2054: 'rsa_pss_rsae_sha512',
  2055: 'eddsa_ed25519',
};
const schemeCodes = new Map(Object.entries(schemeNames).map(([code, name]) => [name, Number(code)]));
/** What BoringSSL accepts unless told otherwise: some tests count on it. */
const defaultVerifyPrefs = [1027, 2052, 1025, 1283, 2053, 1281, 2054, 1537, 513];
const defaultSigningPrefs = [2055, 1027, 2052, 1025, 1283, 2053, 1281, 1539, 2054, 1537, 515, 513];

/** Ends the process where a scheme is asked for that we do not have. */
function schemesOf(codes: readonly number[]): Scheme[] {
  return codes.map((code) => schemeNames[code] ?? process.exit(unimplemented));
}

function ended(code: number, text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

function pemBlocks(file: string): Uint8Array[] {
  const text = readFileSync(file, 'latin1');
  return [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(([, body]) =>
    Buffer.from(body ?? '', 'base64'),
  );
}

/** Whether a key can sign with a scheme. */
function fits(scheme: Scheme, { algorithm, curve, bits }: PrivateKey): boolean {
  if (scheme.startsWith('ecdsa_secp')) return algorithm === 'ec' && scheme.includes(curve ?? '?');
  if (scheme.startsWith('ecdsa')) return algorithm === 'ec';
  if (scheme.startsWith('eddsa')) return scheme.endsWith(algorithm);
  // RFC 8017 §9.1.1: the modulus has to hold hash, salt and two octets.
  const hash = Number(scheme.slice(-3));
  return algorithm === 'rsa' && (!scheme.startsWith('rsa_pss') || bits >= 2 * hash + 16);
}

/** `undefined`: a kind of key we do not have. */
function privateKey(file: string): PrivateKey | undefined {
  try {
    const pkcs8 = createPrivateKey(readFileSync(file)).export({ type: 'pkcs8', format: 'der' });
    return engine.importPrivateKey(pkcs8);
  } catch {
    return undefined;
  }
}

interface Owned {
  readonly index: number;
  readonly identity: OwnIdentity;
  readonly staple: Uint8Array | undefined;
}

function load({ certFile, keyFile, signingPrefs, ocspResponse }: Credential, index: number): Owned[] {
  if (certFile === undefined || keyFile === undefined) return [];
  const key = privateKey(keyFile);
  if (key === undefined) process.exit(unimplemented);
  const codes = signingPrefs.length > 0 ? signingPrefs : defaultSigningPrefs;
  const schemes = schemesOf(codes).filter((scheme) => fits(scheme, key));
  // A staple that a callback is to set is none before.
  const asks = ocspResponse !== undefined || flags.has('use-ocsp-callback');
  const identity = { chain: pemBlocks(certFile), key, schemes, ...(asks && { stapling: 'ask' as const }) };
  return [{ index, identity, staple: ocspResponse }];
}

const owned = [...flags.credentials.flatMap(load), ...load(flags.fallback, -1)];
const identities = owned.map(({ identity }) => identity);

const verifyPrefs = flags.numbers('verify-prefs');
const accepted = schemesOf(verifyPrefs.length > 0 ? verifyPrefs : defaultVerifyPrefs);
// One option rules what we accept and what we sign with.
const signatureAlgs = [...new Set([...accepted, ...identities.flatMap(({ schemes }) => schemes)])];

/** In BoringSSL's order. */
const suites13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const suites12 = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].flatMap((cipher) =>
  ['ECDSA', 'RSA'].map((key) => `TLS_ECDHE_${key}_WITH_${cipher}`),
);

/** The suites of TLS 1.2 that a list in OpenSSL's notation lets pass; a rule we do not have ends the process. */
function olderSuites(list: string): string[] {
  let suites: string[] = [];
  for (const rule of list.split(':')) {
    if (rule === 'DEFAULT' || rule === 'ALL') suites = suites12;
    else if (rule === '!AES') suites = suites.filter((name) => !name.includes('AES'));
    else if (suites12.includes(rule)) suites = [...suites, rule];
    else process.exit(unimplemented);
  }
  return suites;
}

const suites = [...suites13, ...(speaksTls12 ? olderSuites(flags.value('cipher') ?? 'DEFAULT') : [])];
const common = {
  versions,
  ciphers: suites.flatMap((name) => suiteByName(name) ?? []),
  supportedGroups,
  eccs: supportedGroups.filter(isCurve),
  signatureAlgs,
  signatureAlgsCert: undefined,
  maxHandshakeSize: 262_144,
  keyUpdateAt: 388_736_063_997,
  middleboxCompMode: true,
  keepSecrets: flags.has('export-traffic-secrets'),
  beastMitigation: 'disabled',
  paddingCheck: true,
} as const;

/** ALPN as it stands in the extension: each name with its length before it. */
function protocols(list: string): Uint8Array[] {
  const bytes = Buffer.from(list, 'latin1');
  const names: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    names.push(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return names;
}

/** What a server selects from; BoringSSL asks a function that may as well refuse or keep silent. */
function alpnPreferred(): Uint8Array[] | undefined {
  if (flags.has('decline-alpn')) return undefined;
  if (flags.has('reject-alpn')) return [Buffer.from('no protocol of the client')];
  const selected = flags.value('select-alpn');
  return selected === undefined ? undefined : [Buffer.from(selected, 'latin1')];
}

const advertiseAlpn = flags.value('advertise-alpn');
const asksClient =
  flags.has('verify-peer') || flags.has('require-any-client-certificate') || flags.has('verify-fail');

const clientOptions: ClientOptions = {
  config: {
    ...common,
    keyShares: supportedGroups.slice(0, 1),
    alpnAdvertisedProtocols: advertiseAlpn === undefined ? undefined : protocols(advertiseAlpn),
  },
  identities,
  dependencies: { engine },
  serverName: flags.value('host-name'),
  ...(flags.has('enable-ocsp-stapling') && {
    statusRequest: { responderIds: [], requestExtensions: new Uint8Array(0) },
  }),
};
const serverOptions: ServerOptions = {
  config: {
    ...common,
    alpnPreferredProtocols: alpnPreferred(),
    verify: asksClient ? 'verify_peer' : 'verify_none',
    failIfNoPeerCert: flags.has('require-any-client-certificate'),
    honorCipherOrder: flags.has('server-preference'),
    honorEccOrder: flags.has('server-preference'),
  },
  identities,
  dependencies: { engine },
  certificateAuthorities: certificateAuthorities(flags.value('use-client-ca-list')),
};

function certificateAuthorities(list: string | undefined): Uint8Array[] {
  if (list === undefined || list === '<EMPTY>' || list === '<NULL>') return [];
  return list.split(',').map((name) => Buffer.from(name, 'hex'));
}

// The connection.

let facts: Facts | undefined;
let stapled: Uint8Array | undefined;
let closeNotify = false;
let outcome: { readonly code: number; readonly text: string } | undefined;
/** The hellos of the peer, to tell a version we lack from one that nobody has. */
const hellos: Uint8Array[] = [];
const ownHellos: Uint8Array[] = [];
const renegotiates =
  flags.has('renegotiate-freely') || flags.has('renegotiate-once') || flags.has('renegotiate-explicit');

const port = flags.number('port') ?? ended(violated, 'no port');
const socket = connect({
  host: flags.has('ipv6') ? '::1' : '127.0.0.1',
  port,
  noDelay: true,
  allowHalfOpen: true,
});

/** Says how it went; the process ends once the peer has had its say too. */
function finish(code: number, text: string): void {
  outcome ??= { code, text };
  socket.end();
}

function fail(text: string): void {
  finish(1, text);
}

const sink: Sink = {
  write(pieces) {
    socket.cork();
    for (const piece of pieces) socket.write(new Uint8Array(piece));
    socket.uncork();
  },
  deliver(data) {
    if (flags.has('key-update')) core.updateKeys('write');
    const size = flags.number('read-size') ?? 512;
    for (let at = 0; at < data.length; at += size) {
      if (at > 0 && flags.has('key-update-before-read')) core.updateKeys('write');
      core.send(data.slice(at, at + size).map((byte) => byte ^ 0xff));
    }
    if (flags.has('key-update-before-read')) core.updateKeys('write');
  },
  established(learned) {
    facts = learned;
    const problem = mismatch(learned);
    if (problem !== undefined) {
      finish(violated, problem);
      return;
    }
    begin(learned);
  },
  peerClosed() {
    if (facts === undefined) {
      // A close_notify or an end of stream where a handshake should be.
      fail(closeNotify ? 'close_notify during the handshake' : 'end of stream during the handshake');
      return;
    }
    if (flags.has('check-close-notify') && !closeNotify) {
      fail('Unexpected SSL_shutdown result: -1 != 1');
      return;
    }
    core.close();
    finish(0, '');
  },
  failed(failure) {
    if (isOlderVersion(failure)) finish(unimplemented, 'an older version');
    else if (isUnbuiltSuite(failure)) finish(unimplemented, 'a cipher suite that is not built');
    else fail(words(failure));
  },
  askVerdict(chain, staple) {
    stapled = staple;
    judge(chain);
  },
  askSignature() {
    throw new Error('no key is elsewhere');
  },
  askStaple({ identity }) {
    if (flags.has('fail-ocsp-callback')) {
      outcome ??= { code: 1, text: ':OCSP_CB_ERROR:' };
      core.fail('internal_error');
      return;
    }
    const own = owned.find((candidate) => candidate.identity === identity);
    core.answerStaple(flags.has('decline-ocsp-callback') ? undefined : own?.staple);
  },
  owes() {
    throw new Error('nothing was split');
  },
  trace(direction, kind, bytes) {
    if (direction === 'out') {
      if (kind === 'handshake' && isHello(bytes)) ownHellos.push(new Uint8Array(bytes));
      return;
    }
    if (kind === 'alert' && bytes[1] === 0) closeNotify = true;
    if (kind === 'message') traceMessage(bytes);
  },
};

const isHello = (message: Uint8Array): boolean => message[0] === 1 || message[0] === 2;

/** A message of the peer. */
function traceMessage(bytes: Uint8Array): void {
  if (isHello(bytes)) hellos.push(new Uint8Array(bytes));
  // Renegotiation is not built: it is refused, and a test that wants it is not for us.
  if (facts !== undefined && bytes[0] === 0 && renegotiates) finish(unimplemented, 'a renegotiation');
}

const core = flags.has('server') ? Core.server(serverOptions, sink) : Core.client(clientOptions, sink);

/** What BoringSSL calls it, what we call it. */
function words(failure: Failure): string {
  const { by, alert, reason, detail } = failure;
  const name = typeof alert === 'string' ? alert : JSON.stringify(alert);
  if (by === 'peer') {
    return `:TLSV1_ALERT_${name.toUpperCase()}: :SSLV3_ALERT_${name.toUpperCase()}: the peer says ${name}`;
  }
  const theirs = reason === undefined ? undefined : reasons[reason].bogo;
  const more = detail instanceof Error ? (detail.stack ?? detail.message) : JSON.stringify(detail);
  return `:${theirs ?? '-'}: {${reason}} we say ${name} in ${failure.state} ${more ?? ''}`;
}

/** Whether the peer speaks TLS 1.1 or less, which we lack, and nothing else is wrong with it. */
function isOlderVersion({ by, alert, reason }: Failure): boolean {
  if (!allowsOlder || facts !== undefined) return false;
  // A peer bent on an older version misses its cipher suites in our hello.
  if (by === 'peer') {
    return alert === 'protocol_version' || (alert === 'handshake_failure' && flags.has('min-version'));
  }
  // All of them: after a HelloRetryRequest of TLS 1.3 nothing is older.
  const older = hellos.length > 0 && hellos.every((hello) => versionsOf(hello).some(isOlder));
  return reason === 'unsupported_version' && older;
}

/** Suites of TLS 1.2 that BoringSSL has and we do not: RSA and PSK key exchange, CBC. */
const unbuiltSuites = [
  0x000a, 0x002f, 0x0035, 0x008c, 0x008d, 0x009c, 0x009d, 0xc009, 0xc00a, 0xc012, 0xc013, 0xc014, 0xc023,
  0xc024, 0xc027, 0xc028, 0xc035, 0xc036, 0xccac,
];

/** Whether all that is wrong is that the peer has such suites and none of ours. */
function isUnbuiltSuite({ by, alert, reason }: Failure): boolean {
  if (!speaksTls12 || facts !== undefined) return false;
  // A server tells no more than that it found none.
  if (by === 'peer') return alert === 'handshake_failure' && hellos.length === 0 && !flags.has('server');
  const [hello] = hellos;
  return reason === 'no_suitable_cipher' && hello !== undefined && suitesOf(hello).some(isUnbuilt);
}

const isUnbuilt = (suite: number): boolean => unbuiltSuites.includes(suite);

/** The suites that a ClientHello offers. */
function suitesOf(bytes: Uint8Array): number[] {
  const hello = Buffer.from(bytes);
  const at = 39 + hello.readUInt8(38);
  return Array.from({ length: hello.readUInt16BE(at) / 2 }, (_, index) =>
    hello.readUInt16BE(at + 2 + 2 * index),
  );
}

const isOlder = (version: number): boolean => version > 0x0300 && version <= tls11;

/** The versions of a hello: those of the extension that it may have, else the legacy one. */
function versionsOf(hello: Uint8Array): number[] {
  const legacy = Math.min(((hello[4] ?? 0) << 8) | (hello[5] ?? 0), tls12);
  const listed = extensionOf(hello, 43);
  if (listed === undefined) return [legacy];
  if (hello[0] === 2) return [listed.readUInt16BE(0)];
  return Array.from({ length: listed.readUInt8(0) / 2 }, (_, index) => listed.readUInt16BE(1 + 2 * index));
}

/** The data of an extension in a hello; what trails behind the extensions is not looked at. */
function extensionOf(bytes: Uint8Array, code: number): Buffer | undefined {
  const hello = Buffer.from(bytes);
  const suites = 39 + hello.readUInt8(38);
  // A ServerHello has one suite and one compression method.
  const compression = suites + 2 + (hello[0] === 1 ? hello.readUInt16BE(suites) : 0);
  let at = compression + 1 + (hello[0] === 1 ? hello.readUInt8(compression) : 0) + 2;
  while (at + 4 <= hello.length) {
    const end = at + 4 + hello.readUInt16BE(at + 2);
    if (hello.readUInt16BE(at) === code) return hello.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}

/**
 * BoGo's certificates come from nobody we know and are judged by flags. What holds whoever issued them is for our own
 * judge to say: whether the key may sign, and whether it can be read at all.
 */
function judge(chain: readonly Uint8Array[]): void {
  if (flags.has('fail-ocsp-callback') && !flags.has('server')) {
    outcome ??= { code: 1, text: ':OCSP_CB_ERROR:' };
    core.answerVerdict({ reject: { alert: 'bad_certificate_status_response', detail: 'ocsp' } });
    return;
  }
  if (flags.has('verify-fail')) {
    // BoringSSL's two ways of asking end in two alerts.
    const alert = flags.has('use-custom-verify-callback') ? 'certificate_unknown' : 'handshake_failure';
    core.answerVerdict({ reject: { alert, detail: 'as told' } });
    return;
  }
  const verdict = verifyPeer({
    chain,
    trust: createTrustStore([]),
    engine,
    role: flags.has('server') ? 'server' : 'client',
    verify: 'verify_peer',
    host: undefined,
    depth: 10,
    now: Date.now(),
    signatureAlgs: undefined,
    verifyFun: { fun: (_certificate, event) => ownRule(event), state: undefined },
  });
  if (verdict instanceof Promise) throw new Error('nothing here is asynchronous');
  core.answerVerdict('ok' in verdict ? verdict : { reject: inBogosWords(verdict.reject) });
}

type VerifyFun = NonNullable<Parameters<typeof verifyPeer>[0]['verifyFun']>['fun'];

/** RFC 8446 §4.4.2.2 holds for every certificate that is shown. */
function ownRule(event: Parameters<VerifyFun>[1]): ReturnType<VerifyFun> {
  const wrongUsage =
    typeof event === 'object' && 'bad_cert' in event && event.bad_cert === 'invalid_key_usage';
  return wrongUsage ? { fail: event.bad_cert } : { valid: undefined };
}

type Rejection = Extract<Verdict, { readonly reject: unknown }>['reject'];

/** What BoringSSL calls a certificate that was refused, and the alert of one that is none. */
function inBogosWords({ alert, detail }: Rejection): Rejection {
  if (typeof detail !== 'object' || detail === null) return { alert, detail };
  if ('failed_to_decode_certificate' in detail)
    return { alert: 'decode_error', detail: ':CANNOT_PARSE_LEAF_CERT:' };
  const wrongUsage = 'bad_cert' in detail && detail.bad_cert === 'invalid_key_usage';
  return { alert, detail: wrongUsage ? ':KEY_USAGE_BIT_INCORRECT:' : detail };
}

/** What of the `-expect-…` flags is not so. */
function mismatch(learned: Facts): string | undefined {
  const text = (bytes: Uint8Array | undefined): string =>
    bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
  const curve = flags.number('expect-curve-id');
  if (curve !== undefined && groupNames[curve] !== learned.group) return `group ${learned.group}`;
  if (flags.has('expect-hrr') && !learned.retried) return 'no retry';
  if (flags.has('expect-no-hrr') && learned.retried) return 'a retry';
  if (flags.has('expect-session-id') && learned.sessionId.length === 0) return 'no session id';
  if (flags.has('expect-no-session-id') && learned.sessionId.length > 0) return 'a session id';
  const version = flags.number('expect-version');
  if (version !== undefined && learned.protocol !== (version === tls13 ? 'tlsv1.3' : 'tlsv1.2')) {
    return `version ${learned.protocol}`;
  }
  if (flags.has('expect-extended-master-secret') && !agreed(learned, 23)) return 'no extended master secret';
  if (flags.has('expect-secure-renegotiation') && !agreed(learned, 0xff01)) return 'no renegotiation_info';
  if (flags.has('expect-no-secure-renegotiation') && agreed(learned, 0xff01)) return 'renegotiation_info';
  const alpn = flags.value('expect-alpn');
  if (alpn !== undefined && alpn !== text(learned.alpn)) return `ALPN ${text(learned.alpn)}`;
  if (flags.has('expect-no-next-proto') && learned.alpn !== undefined) return 'ALPN';
  if (flags.has('expect-no-peer-cert') && chainOf(learned.peer).length > 0) return 'a peer certificate';
  const advertised = flags.value('expect-advertised-alpn');
  if (advertised !== undefined) {
    const [firstHello] = hellos;
    const list = firstHello && extensionOf(firstHello, 16)?.subarray(2);
    if (advertised !== text(list)) return `advertised ALPN ${text(list)}`;
  }
  const name = flags.value('expect-server-name');
  if (name !== undefined && name !== learned.serverName) return `server name ${learned.serverName}`;
  if (flags.has('expect-no-server-name') && learned.serverName !== undefined) return 'a server name';
  const scheme = flags.number('expect-peer-signature-algorithm');
  if (scheme !== undefined && scheme !== schemeCodes.get(schemeOf(learned.peer) ?? 'ecdsa_sha1')) {
    return `signature scheme ${schemeOf(learned.peer)}`;
  }
  const response = flags.bytes('expect-ocsp-response');
  if (response !== undefined && Buffer.compare(response, stapled ?? new Uint8Array(0)) !== 0) return 'staple';
  const certificate = flags.value('expect-peer-cert-file');
  if (certificate !== undefined) {
    const same = pemBlocks(certificate).every(
      (der, index) => Buffer.compare(der, chainOf(learned.peer)[index] ?? new Uint8Array(0)) === 0,
    );
    if (!same) return 'peer certificate';
  }
  return undefined;
}

/** Whether the ServerHello has an extension of TLS 1.2; TLS 1.3 is always what these make of TLS 1.2. */
function agreed({ protocol, role }: Facts, code: number): boolean {
  const hello = (role === 'client' ? hellos : ownHellos).at(-1);
  return protocol === 'tlsv1.3' || (hello !== undefined && extensionOf(hello, code) !== undefined);
}

/** After the handshake. */
function begin({ role, secrets }: Facts): void {
  if (flags.has('export-traffic-secrets')) {
    if (secrets?.kind !== 'traffic') {
      finish(violated, 'no secrets');
      return;
    }
    const [reads, writes] =
      role === 'client'
        ? [secrets.serverTraffic0, secrets.clientTraffic0]
        : [secrets.clientTraffic0, secrets.serverTraffic0];
    core.send(Buffer.concat([Uint8Array.of(reads.length & 0xff, reads.length >> 8), reads, writes]));
  }
  if (flags.has('send-alert')) {
    outcome ??= { code: 0, text: '' };
    core.fail('decompression_failure');
    return;
  }
  if (flags.has('write-different-record-sizes')) {
    for (const size of [0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769]) {
      core.send(new Uint8Array(size).fill(0x42));
    }
  }
  if (flags.has('shim-writes-first')) core.send(Buffer.from('hello'));
  if (flags.has('shim-shuts-down')) {
    core.close();
    // With -check-close-notify it is the peer's turn first.
    if (!flags.has('check-close-notify')) finish(0, '');
    return;
  }
  if (flags.has('key-update-before-read')) core.updateKeys('write');
}

socket.on('connect', () => {
  const id = Buffer.alloc(8);
  id.writeBigUInt64LE(BigInt(flags.value('shim-id') ?? '0'));
  socket.write(id);
  core.start();
});
socket.on('data', (chunk) => {
  if (!flags.has('async')) {
    core.receive(chunk);
    return;
  }
  // Each byte by itself, as an asynchronous transport might bring them.
  for (let at = 0; at < chunk.length; at += 1) core.receive(chunk.subarray(at, at + 1));
});
socket.on('end', () => {
  core.receiveEnd();
  finish(1, 'end of stream');
});
// The peer may have gone before it read everything: what counts is what was said.
socket.on('error', (error) => {
  if (facts === undefined) fail(String(error));
});
socket.on('close', () => {
  const { code, text } = outcome ?? { code: 1, text: 'the connection broke' };
  if (code !== 0) process.stderr.write(`${text}\n`);
  process.exitCode = code;
});
