/**
 * Stacks that others wrote with DTLS 1.3, behind programs of ours that are told what to do in the same words: dimpl, of
 * which `dimpl/` makes a program (cargo), wolfSSL, on whose library `wolfssl/peer.c` stands, and pion/dtls (`pion.ts`). The first two are built by hand or
 * by the CI, since that takes more than a minute: `ACTOR_TLS_DIMPL` names the program, `ACTOR_TLS_WOLFSSL` the folder with
 * `include` and `lib`.
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groupCode } from '../../packages/ssl/src/values/registry/groups.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import type { InteropGroup, PeerCredentials, SuiteName } from './peer.js';
import { pion } from './pion.js';

/** What both sides of a handshake are told; a peer leaves out what it does not know. */
export interface Wishes {
  readonly identity?: PeerCredentials;
  readonly cafile?: string;
  readonly suite?: SuiteName;
  /** In order of preference; a client sends a share of the first. */
  readonly groups?: readonly InteropGroup[];
  readonly mtu?: number;
  /** Of a server: a client has to show a certificate. */
  readonly ask?: true;
  /** Of a server: whether it asks for a cookie; yes by default. */
  readonly cookie?: boolean;
  readonly psk?: { readonly key: Uint8Array; readonly identity: string };
  /** What only one of them knows, by the words of its program. */
  readonly more?: readonly string[];
}

export interface Peer13 {
  readonly name: string;
  readonly suites: readonly SuiteName[];
  readonly groups: readonly InteropGroup[];
  /** Why there is none, for the summary. */
  readonly why: string | undefined;
  readonly program: string;
  words(wishes: Wishes): string[];
}

const folder = mkdtempSync(join(tmpdir(), 'actor-tls-peers13-'));

export function removePeers13(): void {
  rmSync(folder, { recursive: true, force: true });
}

const given = (name: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [`${name}=${value}`];
const common = ({ groups, mtu, ask, cookie, more = [] }: Wishes): string[] => [
  ...given('group', groups?.map(groupCode).join(',')),
  ...given('mtu', mtu),
  ...(ask ? ['ask=1'] : []),
  ...(cookie === false ? ['cookie=0'] : []),
  ...more,
];

const inPem = ({ identity, cafile, psk }: Wishes): string[] => [
  ...given('cert', identity?.certfile),
  ...given('key', identity?.keyfile),
  ...given('ca', cafile),
  ...given('psk', psk && Buffer.from(psk.key).toString('hex')),
  ...given('identity', psk?.identity),
];

const AES128 = 'TLS_AES_128_GCM_SHA256';
const AES256 = 'TLS_AES_256_GCM_SHA384';
const CHACHA = 'TLS_CHACHA20_POLY1305_SHA256';
const CCM = 'TLS_AES_128_CCM_SHA256';

/** It reads DER alone. */
function inDer({ certfile, keyfile }: PeerCredentials): string[] {
  const names = { cert: join(folder, 'own.crt'), key: join(folder, 'own.key') };
  writeFileSync(names.cert, new X509Certificate(readFileSync(certfile)).raw);
  writeFileSync(names.key, createPrivateKey(readFileSync(keyfile)).export({ type: 'pkcs8', format: 'der' }));
  return [`cert=${names.cert}`, `key=${names.key}`];
}

function whyNoDimpl(program: string | undefined): string | undefined {
  if (program === undefined) return 'ACTOR_TLS_DIMPL names no program';
  return existsSync(program) ? undefined : `${program} was not built`;
}

const dimplProgram = process.env['ACTOR_TLS_DIMPL'];

/** Of version 0.9; without tickets and without keys agreed beforehand. */
export const dimpl: Peer13 = {
  name: 'dimpl',
  suites: [AES128, AES256, CHACHA],
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  program: dimplProgram ?? '',
  why: whyNoDimpl(dimplProgram),
  words: (wishes) => [
    ...(wishes.identity ? inDer(wishes.identity) : []),
    ...given('suite', wishes.suite && suiteByName(wishes.suite)?.id),
    ...common(wishes),
  ],
};

/** Of version 4.0; without AES-CCM in DTLS 1.3. */
export const pion13: Peer13 = {
  name: 'pion/dtls',
  suites: [AES128, AES256, CHACHA],
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  program: 'program' in pion ? pion.program : '',
  why: 'why' in pion ? pion.why : undefined,
  words: (wishes) => [
    ...inPem(wishes),
    ...given('suite', wishes.suite && suiteByName(wishes.suite)?.id),
    ...common(wishes),
  ],
};

function buildWolfssl(): { readonly program: string; readonly why: string | undefined } {
  const from = process.env['ACTOR_TLS_WOLFSSL'];
  if (from === undefined) return { program: '', why: 'ACTOR_TLS_WOLFSSL names no folder' };
  const program = join(folder, 'wolfssl');
  const source = fileURLToPath(new URL('./wolfssl/peer.c', import.meta.url));
  // What cmake has no option for and does not note down.
  const defined = ['-DWOLFSSL_EARLY_DATA', '-DWOLFSSL_DTLS_MTU'];
  try {
    const found = ['-I', join(from, 'include'), '-L', join(from, 'lib'), '-lwolfssl', '-lm', '-lpthread'];
    execFileSync('cc', [...defined, source, '-o', program, ...found], { stdio: 'pipe', timeout: 60_000 });
    return { program, why: undefined };
  } catch (error) {
    return { program, why: `no program on wolfSSL: ${error instanceof Error ? error.message : error}` };
  }
}

/** Of version 5.9, built as docs/dtls.md says. */
export const wolfssl: Peer13 = {
  name: 'wolfSSL',
  suites: [AES128, AES256, CHACHA, CCM],
  groups: ['x25519', 'secp256r1', 'secp384r1', 'secp521r1', 'ffdhe2048'],
  ...buildWolfssl(),
  words: (wishes) => [
    ...inPem(wishes),
    ...given(
      'suite',
      wishes.suite?.replace('TLS_AES_', 'TLS13-AES').replace('TLS_', 'TLS13-').replaceAll('_', '-'),
    ),
    ...common(wishes),
  ],
};
