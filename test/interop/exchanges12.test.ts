/**
 * Key exchanges and ciphers of TLS 1.2, 1.1 and 1.0 with OpenSSL, GnuTLS, Erlang OTP and tlslite-ng, both ways. A suite of each key exchange and one of each
 * cipher is spoken; with `ACTOR_TLS_INTEROP=all` every suite that the peer has, in every version that has it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { type CertificateOptions, createCa, type KeyKind } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { allSuites, type CipherSuite } from '../../packages/ssl/src/values/registry/suites.js';
import { describeUnless, describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { erlang } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { opensslName } from './openssl.js';
import { echoClient, echoServer, sslNode } from './ours.js';
import type { PeerCredentials } from './peer.js';
import { tlsliteHas, tlslitePython, tlsliteScript, tlsliteSettings } from './tlslite.js';

type Version = 'tlsv1.2' | 'tlsv1.1' | 'tlsv1';

let node: Node;
let material: Material;
/** Of a CA of its own. */
interface Signed {
  readonly files: PeerCredentials;
  readonly ca: string;
}
let special: Readonly<Record<'rsa' | 'dsa' | 'dsa by dsa' | 'static by rsa' | 'static by ec', Signed>>;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
  special = {
    // Before TLS 1.2 OTP's server wants its certificate signed by a key of the same kind (RFC 4346 §7.4.2).
    rsa: signed('rsa', 'rsa', { key: 'rsa' }),
    'dsa by dsa': signed('dsa-by-dsa', 'dsa', { key: 'dsa' }),
    dsa: signed('dsa', 'ec', { key: 'dsa' }),
    'static by rsa': signed('static-by-rsa', 'rsa', { key: 'ec', keyUsage: ['keyAgreement'] }),
    'static by ec': signed('static-by-ec', 'ec', { key: 'ec', keyUsage: ['keyAgreement'] }),
  };
});

function signed(name: string, by: KeyKind, of: CertificateOptions): Signed {
  const authority = createCa({ subject: `Interop CA of ${name}`, key: by });
  const issued = authority.issue({ subject: 'localhost', names: ['localhost'], ...of });
  const file = (ending: string, text: string): string => {
    const path = join(material.folder, `${name}${ending}`);
    writeFileSync(path, text);
    return path;
  };
  return {
    files: { certfile: file('.crt', issued.certPem), keyfile: file('.key', issued.keyPem) },
    ca: file('-ca.crt', authority.certPem),
  };
}

afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const all = process.env['ACTOR_TLS_INTEROP'] === 'all';
const key = Buffer.alloc(16, 0xa5);
const identity = 'meter 7';
const user = ['alice', 'password of alice'] as const;
const verifier = ssl.srpVerifier(...user, { group: 'srp_2048' });
const lookup: ssl.UserLookupFun = (type) => ({ ok: type === 'psk' ? key : verifier }) as ssl.LookedUpKey;
const text = Buffer.from(`${'a line of text\n'.repeat(200)}`);

/** Whether a suite has a server show a certificate, and of which key; a key on a curve may be signed for with RSA. */
function certificateOf({
  keyExchange,
}: CipherSuite): 'rsa' | 'ec' | 'dsa' | 'static by rsa' | 'static by ec' | undefined {
  if (keyExchange.endsWith('_dss')) return 'dsa';
  if (keyExchange === 'ecdh_rsa') return 'static by rsa';
  if (keyExchange === 'ecdh_ecdsa') return 'static by ec';
  if (keyExchange.endsWith('_ecdsa')) return 'ec';
  return keyExchange === 'rsa' || /rsa/.test(keyExchange) ? 'rsa' : undefined;
}
const usesPsk = ({ keyExchange }: CipherSuite): boolean => keyExchange.endsWith('psk');
const usesSrp = ({ keyExchange }: CipherSuite): boolean => keyExchange.startsWith('srp');

function credentialsOf(suite: CipherSuite): PeerCredentials | undefined {
  const kind = certificateOf(suite);
  switch (kind) {
    case undefined:
      return undefined;
    case 'rsa':
    case 'dsa':
    case 'static by rsa':
    case 'static by ec':
      return special[kind].files;
    case 'ec':
      return material.servers.ec256;
  }
}
function caOf(suite: CipherSuite): string {
  const kind = certificateOf(suite);
  return kind === undefined || kind === 'ec' ? material.cafile : special[kind].ca;
}

const common = (version: Version, suite: CipherSuite) => ({
  versions: [version],
  ciphers: suite.name,
  ...(version === 'tlsv1.2'
    ? ({ signatureAlgs: ['dsa_sha256', 'rsa_pkcs1_sha256', 'ecdsa_secp256r1_sha256'] } as const)
    : {}),
});
const client = (version: Version, suite: CipherSuite): ssl.TlsClientOptions => ({
  ...common(version, suite),
  serverNameIndication: 'localhost',
  // OpenSSL's own choice of a group at this security level.
  minKeySize: 1024,
  ...(certificateOf(suite) === undefined ? { verify: 'verify_none' } : { cacertfile: caOf(suite) }),
  ...(usesPsk(suite) ? { pskIdentity: identity, userLookupFun: [lookup, {}] } : {}),
  ...(usesSrp(suite) ? { srpIdentity: user } : {}),
});
const server = (version: Version, suite: CipherSuite): ssl.TlsServerOptions => ({
  ...common(version, suite),
  ...credentialsOf(suite),
  ...(usesPsk(suite) || usesSrp(suite) ? { userLookupFun: [lookup, {}], pskIdentity: 'a hint' } : {}),
});

/** What both sides know of it. */
function expectInformation(
  information: Readonly<Record<string, unknown>>,
  version: Version,
  suite: CipherSuite,
): void {
  expect(information).toMatchObject({
    protocol: version,
    selectedCipherSuite: ssl.strToSuite(suite.name),
    ...(usesPsk(suite) ? { pskIdentity: identity } : {}),
    ...(usesSrp(suite) ? { srpUsername: 'alice' } : {}),
  });
}

/** Each version and suite to be spoken: all that there are, or the first of each key exchange and of each cipher. */
function chosen(
  suites: readonly CipherSuite[],
  versions: readonly Version[],
): readonly (readonly [Version, CipherSuite])[] {
  if (all)
    return versions.flatMap((version) =>
      suites.filter((suite) => suite.versions.includes(version)).map((suite) => [version, suite] as const),
    );
  const first = (of: (suite: CipherSuite) => string): readonly CipherSuite[] => [
    ...new Map([...suites].reverse().map((suite) => [of(suite), suite] as const)).values(),
  ];
  const some = new Set([
    ...first(({ keyExchange }) => keyExchange),
    ...first(({ cipher, mac }) => cipher + mac),
  ]);
  const old = [...some].filter((suite) => suite.versions.includes('tlsv1')).slice(0, 2);
  return [
    ...[...some].map((suite) => ['tlsv1.2', suite] as const),
    ...versions.slice(1).flatMap((version) => old.map((suite) => [version, suite] as const)),
  ];
}

const built = allSuites.filter(
  (suite) => suite.keyExchange !== 'any' && !['dh_rsa', 'dh_dss'].includes(suite.keyExchange),
);

const flags = { 'tlsv1.2': '-tls1_2', 'tlsv1.1': '-tls1_1', tlsv1: '-tls1' } as const;

function opensslSuites(): readonly CipherSuite[] {
  const told = spawnSync('openssl', ['ciphers', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], { encoding: 'utf8' });
  const names = new Set((told.stdout ?? '').trim().split(':'));
  // Of SRP its programs cannot speak: those of 3.0 send bytes that they have freed for the username.
  return built.filter(
    (suite) => !usesSrp(suite) && suite.cipher !== 'null' && names.has(opensslName(suite.name)),
  );
}

describeWithPeer('key exchanges of old with OpenSSL', 'openssl', () => {
  for (const [version, suite] of chosen(opensslSuites(), ['tlsv1.2', 'tlsv1.1', 'tlsv1'])) {
    const args = [flags[version], '-cipher', `${opensslName(suite.name)}:@SECLEVEL=0`];
    const psk = usesPsk(suite) ? ['-psk_identity', identity, '-psk', key.toString('hex')] : [];
    it(`our client: ${version}, ${suite.name}`, async () => {
      const credentials = credentialsOf(suite);
      const { port, child } = await startOnFreePort((at) =>
        start('openssl', [
          ...['s_server', '-accept', `127.0.0.1:${at}`, '-quiet', '-rev', ...args, ...psk],
          ...(credentials ? ['-cert', credentials.certfile, '-key', credentials.keyfile] : ['-nocert']),
          ...(usesPsk(suite) ? ['-psk_hint', 'a hint'] : []),
        ]),
      );
      try {
        const { received, information } = await echoClient(
          node,
          port,
          client(version, suite),
          Buffer.from('abc\n'),
        );
        expect(Buffer.from(received).toString()).toBe('cba\n');
        expectInformation(information, version, suite);
        report(`interop: ${suite.keyExchange}, OpenSSL's server`, { [version]: 1 });
      } finally {
        await child.stop();
      }
    });
    it(`our server: ${version}, ${suite.name}`, async () => {
      const our = await echoServer(node, server(version, suite));
      const child = start('openssl', [
        ...['s_client', '-connect', `127.0.0.1:${our.port}`, '-quiet', '-no_ign_eof', ...args, ...psk],
        ...(credentialsOf(suite) ? ['-CAfile', caOf(suite), '-verify_return_error'] : []),
      ]);
      try {
        child.process.stdin.write(text);
        await child.until(() => child.received() >= text.length);
        expect(child.stdout().equals(text)).toBe(true);
        expectInformation(our.information(), version, suite);
        report(`interop: ${suite.keyExchange}, OpenSSL's client`, { [version]: 1 });
      } finally {
        await child.stop();
        await our.stop();
      }
    });
  }
});

/** gnutls-cli 3.7 ends by itself after the handshake, when it wants to tell of the keys that went with a PSK. */
const tellsAndEnds = ({ keyExchange }: CipherSuite): boolean => /^(ec)?dhe_psk$/.test(keyExchange);

/** Of DSA it has left SHA-1 with keys of 1024 bits: those suites are Erlang's and OpenSSL's to try. */
const exchangesOfGnutls = {
  psk: 'PSK',
  dhe_psk: 'DHE-PSK',
  ecdhe_psk: 'ECDHE-PSK',
  rsa_psk: 'RSA-PSK',
  srp_anon: 'SRP',
  srp_rsa: 'SRP-RSA',
  dh_anon: 'ANON-DH',
  ecdh_anon: 'ANON-ECDH',
  dhe_rsa: 'DHE-RSA',
  rsa: 'RSA',
} as const;

describeWithPeer('key exchanges of old with GnuTLS', 'gnutls-cli', () => {
  const versions = { 'tlsv1.2': 'VERS-TLS1.2', 'tlsv1.1': 'VERS-TLS1.1', tlsv1: 'VERS-TLS1.0' } as const;
  // Without the extended master secret, and with it.
  for (const [exchange, name] of Object.entries(exchangesOfGnutls))
    for (const version of all ? (['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const) : (['tlsv1.2'] as const))
      for (const extra of all ? ['', ':%NO_SESSION_HASH', ':%NO_ETM'] : ['', ':%NO_SESSION_HASH']) {
        const suite = built.find(
          ({ keyExchange, cipher, mac }) =>
            keyExchange === exchange && cipher === 'aes_128_cbc' && mac === 'sha',
        );
        if (suite === undefined) throw new Error(`no suite of ${exchange}`);
        const priority =
          `NONE:+${versions[version]}:+${name}:+AES-128-CBC:+SHA1:+COMP-ALL:+SIGN-ALL:+GROUP-ALL:` +
          `+CTYPE-X509:%VERIFY_ALLOW_SIGN_WITH_SHA1${extra}`;
        it(`our client: ${version}, ${suite.name}${extra}`, async () => {
          const credentials = credentialsOf(suite);
          const passwords = join(material.folder, 'passwords');
          const groups = join(material.folder, 'groups');
          if (usesPsk(suite)) writeFileSync(passwords, `${identity}:${key.toString('hex')}\n`);
          if (usesSrp(suite)) {
            writeFileSync(passwords, '');
            execFileSync('srptool', ['--create-conf', groups]);
            execFileSync(
              'srptool',
              ['--passwd-conf', groups, '--passwd', passwords, '-u', user[0], '-i', '3'],
              {
                input: `${user[1]}\n${user[1]}\n`,
                stdio: ['pipe', 'ignore', 'ignore'],
              },
            );
          }
          const { port, child } = await startOnFreePort((at) =>
            start('gnutls-serv', [
              ...['--echo', '--port', String(at), '--disable-client-cert', '--quiet', '--priority', priority],
              ...(credentials
                ? ['--x509certfile', credentials.certfile, '--x509keyfile', credentials.keyfile]
                : []),
              ...(usesPsk(suite) ? ['--pskpasswd', passwords, '--pskhint', 'a hint'] : []),
              ...(usesSrp(suite) ? ['--srppasswd', passwords, '--srppasswdconf', groups] : []),
            ]),
          );
          try {
            const { received, information } = await echoClient(node, port, client(version, suite), text);
            expect(Buffer.from(received).equals(text)).toBe(true);
            expectInformation(information, version, suite);
            report(`interop: ${exchange}, GnuTLS's server`, { [version]: 1 });
          } finally {
            await child.stop();
          }
        });
        it(`our server: ${version}, ${suite.name}${extra}`, async () => {
          const our = await echoServer(node, server(version, suite));
          const child = start('gnutls-cli', [
            ...['--port', String(our.port), '--logfile', '/dev/null', '--priority', priority],
            ...(credentialsOf(suite)
              ? ['--x509cafile', caOf(suite), '--verify-hostname', 'localhost']
              : ['--no-ca-verification']),
            ...(usesPsk(suite) ? ['--pskusername', identity, '--pskkey', key.toString('hex')] : []),
            ...(usesSrp(suite) ? ['--srpusername', user[0], '--srppasswd', user[1]] : []),
            '127.0.0.1',
          ]);
          try {
            if (tellsAndEnds(suite)) await vi.waitFor(() => expect(our.outcomes).toEqual(['ok']), 10_000);
            else {
              child.process.stdin.write(text);
              await child.until(() => child.received() >= text.length);
              expect(child.stdout().equals(text)).toBe(true);
            }
            expectInformation(our.information(), version, suite);
            report(`interop: ${exchange}, GnuTLS's client`, { [version]: 1 });
          } finally {
            await child.stop();
            await our.stop();
          }
        });
      }
});

/** OTP lists suites of RFC 5487 before TLS 1.2 too, and its connections die of them. */
function diesOf(version: Version, suite: CipherSuite): boolean {
  return version !== 'tlsv1.2' && usesPsk(suite) && /(?:GCM|SHA256|SHA384)/.test(suite.name);
}

/** Suites by version, as OTP lists them. */
function suitesOfErlang(version: Version): ReadonlySet<string> {
  const lists = `ssl:cipher_suites(all, '${version}') ++ ssl:cipher_suites(anonymous, '${version}')`;
  const print = `[io:format("~s~n", [ssl:suite_to_str(S)]) || S <- ${lists}], halt().`;
  const told = spawnSync('erl', ['-noshell', '-eval', print], { encoding: 'utf8' });
  return new Set((told.stdout ?? '').split('\n'));
}

describeWithPeer('key exchanges of old with Erlang OTP', 'escript', () => {
  const versions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
  const names = new Map(versions.map((version) => [version, suitesOfErlang(version)]));
  const known = built.filter(({ name }) => names.get('tlsv1.2')?.has(name));
  const terms = (version: Version, suite: CipherSuite, side: 'client' | 'server'): readonly string[] => [
    `{versions, ['${version}']}`,
    `{suite, "${suite.name}"}`,
    ...(version === 'tlsv1.2'
      ? ['{signature_algs, [{sha256, ecdsa}, {sha256, rsa}, {sha256, dsa}, {sha, dsa}]}']
      : []),
    ...(usesPsk(suite) ? [`{psk, <<${[...key].join(',')}>>}`] : []),
    // A hint of a server with RSA_PSK is signed in OTP, against RFC 4279 §4: nobody but OTP can read it.
    ...(usesPsk(suite) && (side === 'client' || suite.keyExchange !== 'rsa_psk')
      ? [`{psk_identity, "${identity}"}`]
      : []),
    ...(usesSrp(suite)
      ? [side === 'server' ? `{srp, <<"${user[1]}">>}` : `{srp_identity, {"${user[0]}", "${user[1]}"}}`]
      : []),
    ...(side === 'client' && certificateOf(suite) === undefined ? ['{verify, verify_none}'] : []),
  ];
  for (const [version, suite] of chosen(known, versions)) {
    if (names.get(version)?.has(suite.name) !== true || diesOf(version, suite)) continue;
    it(`our client: ${version}, ${suite.name}`, async () => {
      const old = version !== 'tlsv1.2' && certificateOf(suite) === 'dsa' ? special['dsa by dsa'] : undefined;
      const their = await erlang.echoServer({
        // One that is not shown: OTP listens with a certificate only.
        ...(old?.files ?? credentialsOf(suite) ?? material.servers.ec256),
        version: 'tlsv1.2',
        extra: [`[${terms(version, suite, 'server').join(', ')}]`],
      });
      try {
        const { received, information } = await echoClient(
          node,
          their.port,
          { ...client(version, suite), ...(old ? { cacertfile: old.ca } : {}) },
          text,
        );
        expect(Buffer.from(received).equals(text)).toBe(true);
        expectInformation(information, version, suite);
        report(`interop: ${suite.keyExchange}, Erlang's server`, { [version]: 1 });
      } finally {
        await their.stop();
      }
    });
    it(`our server: ${version}, ${suite.name}`, async () => {
      const our = await echoServer(node, server(version, suite));
      try {
        const back = await erlang.echoClient({
          port: our.port,
          version: 'tlsv1.2',
          cafile: caOf(suite),
          servername: 'localhost',
          payload: text,
          extra: [`[${terms(version, suite, 'client').join(', ')}]`],
        });
        expect(Buffer.from(back).equals(text)).toBe(true);
        expectInformation(our.information(), version, suite);
        report(`interop: ${suite.keyExchange}, Erlang's client`, { [version]: 1 });
      } finally {
        await our.stop();
      }
    });
  }
});

describeUnless(
  'key exchanges of old with tlslite-ng',
  tlslitePython === undefined ? 'no Python has tlslite-ng (ACTOR_TLS_TLSLITE names one that has)' : undefined,
  () => {
    const python = tlslitePython ?? 'python3';
    const line = Buffer.from(`${'a line of text '.repeat(200)}\n`);
    for (const [version, suite] of chosen(built.filter(tlsliteHas), ['tlsv1.2', 'tlsv1.1', 'tlsv1']))
      for (const extended of all ? [true, false] : [true]) {
        const settings = tlsliteSettings(version, suite, usesSrp(suite) ? user : undefined, extended);
        const how = extended ? '' : ', without EtM and EMS';
        it(`our client: ${version}, ${suite.name}${how}`, async () => {
          const { certfile, keyfile } = credentialsOf(suite) ?? { certfile: '', keyfile: '' };
          const child = start(python, [tlsliteScript, 'server', certfile, keyfile, settings]);
          try {
            await child.until(() => /PORT \d+\n/.test(child.stdout().toString()));
            const port = Number(/PORT (\d+)/.exec(child.stdout().toString())?.[1]);
            const { received, information } = await echoClient(node, port, client(version, suite), line);
            expect(Buffer.from(received).equals(line)).toBe(true);
            expectInformation(information, version, suite);
            expect(await child.exited).toBe(0);
            report(`interop: ${suite.keyExchange}, tlslite-ng's server`, { [version]: 1 });
          } finally {
            await child.stop();
          }
        });
        it(`our server: ${version}, ${suite.name}${how}`, async () => {
          const our = await echoServer(node, server(version, suite));
          const child = start(python, [tlsliteScript, 'client', String(our.port), settings]);
          try {
            child.process.stdin.write(line);
            expect(await child.exited).toBe(0);
            expect(child.stdout().equals(line)).toBe(true);
            expectInformation(our.information(), version, suite);
            report(`interop: ${suite.keyExchange}, tlslite-ng's client`, { [version]: 1 });
          } finally {
            await child.stop();
            await our.stop();
          }
        });
      }
  },
);
