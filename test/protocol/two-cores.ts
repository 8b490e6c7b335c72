/** A client and a server core in one process, joined by arrays; what a test needs to bend them. */
import {
  type Authentication,
  Core,
  chainOf,
  type Facts,
  type Failure,
  type OwnIdentity,
  type PostHandshakeReply,
  type Sink,
  schemeOf,
} from '@actor-tls/ssl/core';
import { generateKey, type KeyKind, selfSigned } from '@actor-tls/ssl/testing';
import { tls12Suite, tls13Suite } from '../../packages/ssl/src/protocol/hello/suite.js';
import type { ClientOptions, ServerOptions } from '../../packages/ssl/src/protocol/settings.js';
import type { FoundUser, UserWish } from '../../packages/ssl/src/protocol/tls12/user.js';
import type { PskWish, ReceivedTicket } from '../../packages/ssl/src/protocol/tls13/psk.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import type {
  CryptoEngine,
  CurveGroupName,
  GroupName,
  PublicKey,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { tls13Groups } from '../../packages/ssl/src/values/registry/groups.js';
import {
  type SignatureSchemeName,
  signatureSchemes,
} from '../../packages/ssl/src/values/registry/schemes.js';
import { allSuites, type CipherSuite, tls13Suites } from '../../packages/ssl/src/values/registry/suites.js';

export const engine: CryptoEngine = defaultEngine;

/** Suites that are built. */
export const suites: readonly CipherSuite[] = tls13Suites.filter(
  (suite) => tls13Suite(suite, engine) !== undefined,
);
export const everySuite12: readonly CipherSuite[] = allSuites.filter(
  (suite) => tls12Suite(suite, engine) !== undefined,
);
/** Of them those with ephemeral keys on curves and a certificate. */
export const suites12: readonly CipherSuite[] = everySuite12.filter(
  ({ keyExchange }) => keyExchange === 'ecdhe_ecdsa' || keyExchange === 'ecdhe_rsa',
);
export const groups: readonly CurveGroupName[] = (
  ['x25519', 'x448', 'secp256r1', 'secp384r1', 'secp521r1'] as const
).filter((name) => engine.group(name) !== undefined);
/** All of TLS 1.3 that the engine has. */
export const groups13: readonly GroupName[] = tls13Groups.filter((name) => engine.group(name) !== undefined);
export const schemes: readonly SignatureSchemeName[] = signatureSchemes
  .filter(({ tls13 }) => tls13 === 'handshake')
  .map(({ name }) => name);

/** What the peer has shown, by an end's facts. */
export function peerChain(facts: Facts | undefined): readonly Uint8Array[] | undefined {
  return facts && chainOf(facts.peer);
}

/** How the peer has signed. */
export function peerScheme(facts: Facts | undefined): SignatureSchemeName | undefined {
  return facts && schemeOf(facts.peer);
}

/** How the end itself has. */
export function ownScheme(facts: Facts | undefined): SignatureSchemeName | undefined {
  return facts && schemeOf(facts.own);
}

export interface TestIdentity {
  readonly identity: Exclude<OwnIdentity, { key: 'remote' }>;
  readonly publicKey: PublicKey;
}

const made = new Map<string, TestIdentity>();

/** A self-signed certificate; the same one for the same kind. */
export function identityOf(kind: KeyKind): TestIdentity {
  const name = JSON.stringify(kind);
  const known = made.get(name);
  if (known !== undefined) return known;
  const pair = generateKey(kind);
  const certificate = selfSigned({ key: pair });
  const key = engine.importPrivateKey(pair.pkcs8);
  const publicKey = engine.importPublicKey(pair.spki);
  if (key === undefined || publicKey === undefined) throw new Error(`the engine lacks ${name}`);
  const fitting = signatureSchemes.filter(
    (scheme) =>
      scheme.keyAlgorithm === key.algorithm && (scheme.curve === undefined || scheme.curve === key.curve),
  );
  const result = {
    identity: { chain: [certificate.cert], key, schemes: fitting.map((scheme) => scheme.name) },
    publicKey,
  };
  made.set(name, result);
  return result;
}

const common = {
  versions: ['tlsv1.3'],
  ciphers: suites,
  supportedGroups: groups,
  eccs: groups,
  signatureAlgs: schemes,
  signatureAlgsCert: undefined,
  maxHandshakeSize: 262_144,
  keyUpdateAt: 388_736_063_997,
  middleboxCompMode: true,
  keepSecrets: false,
  beastMitigation: 'one_n_minus_one',
  paddingCheck: true,
} as const;

/** Only TLS 1.2. */
export const tls12 = { versions: ['tlsv1.2'], ciphers: suites12, signatureAlgs: schemes12() } as const;

function schemes12(): readonly SignatureSchemeName[] {
  return signatureSchemes
    .filter(({ algorithm }) => !('hash' in algorithm) || !/^(md5|sha|sha224)$/.test(algorithm.hash))
    .filter(({ keyAlgorithm }) => keyAlgorithm !== 'dsa')
    .map(({ name }) => name);
}

export type ClientOverrides = Partial<Omit<ClientOptions, 'config'>> & {
  readonly config?: Partial<ClientOptions['config']>;
};
export type ServerOverrides = Partial<Omit<ServerOptions, 'config'>> & {
  readonly config?: Partial<ServerOptions['config']>;
};

export function clientOptions(overrides: ClientOverrides = {}): ClientOptions {
  return {
    identities: [],
    dependencies: { engine },
    serverName: 'localhost',
    ...overrides,
    config: {
      ...common,
      // As OTP has it: of the first group.
      keyShares: (overrides.config?.supportedGroups ?? groups).slice(0, 1),
      alpnAdvertisedProtocols: undefined,
      ...overrides.config,
    },
  };
}

export function serverOptions(overrides: ServerOverrides = {}): ServerOptions {
  return {
    identities: [identityOf('ec').identity],
    dependencies: { engine },
    certificateAuthorities: [],
    ...overrides,
    config: {
      ...common,
      alpnPreferredProtocols: undefined,
      verify: 'verify_none',
      failIfNoPeerCert: false,
      honorCipherOrder: false,
      honorEccOrder: false,
      ...overrides.config,
    },
  };
}

/** How a test end answers questions: with a key, a rejection, or later by hand. */
export type Judge = (chain: readonly Uint8Array[], core: Core) => void;

/** Writes down everything; answers verdicts with the key of the certificate it knows. */
export class Recorder implements Sink {
  /** What waits to be carried to the other end. */
  outbox: Uint8Array[] = [];
  readonly writes: Uint8Array[][] = [];
  readonly delivered: Uint8Array[] = [];
  readonly failures: Failure[] = [];
  facts: Facts | undefined;
  establishedCount = 0;
  /** What the client has shown after the handshake. */
  readonly shown: Authentication[] = [];
  closedCount = 0;
  refusals = 0;
  readonly owed: PostHandshakeReply[] = [];
  readonly signaturesAsked: { algorithm: string; data: Uint8Array }[] = [];
  core: Core | undefined;
  judge: Judge;
  onSignature: ((algorithm: string, data: Uint8Array, core: Core) => void) | undefined;

  constructor(judge: Judge) {
    this.judge = judge;
  }

  write(pieces: readonly Uint8Array[]): void {
    const copy = pieces.map((piece) => new Uint8Array(piece));
    this.writes.push(copy);
    this.outbox.push(...copy);
  }
  deliver(data: Uint8Array): void {
    this.delivered.push(new Uint8Array(data));
  }
  established(facts: Facts, shown?: Authentication): void {
    this.establishedCount += 1;
    this.facts = facts;
    if (shown !== undefined) this.shown.push(shown);
  }
  peerClosed(): void {
    this.closedCount += 1;
  }
  renegotiationRefused(): void {
    this.refusals += 1;
  }
  failed(failure: Failure): void {
    this.failures.push(failure);
  }
  askVerdict(chain: readonly Uint8Array[]): void {
    if (this.core !== undefined) this.judge(chain, this.core);
  }
  askSignature(algorithm: string, data: Uint8Array): void {
    this.signaturesAsked.push({ algorithm, data });
    if (this.core !== undefined) this.onSignature?.(algorithm, data, this.core);
  }
  /** A server's keys, by index of the identity that it takes. */
  onPsk: ((wish: PskWish, core: Core) => void) | undefined;
  readonly early: Uint8Array[] = [];
  readonly tickets: ReceivedTicket[] = [];

  owes(what: PostHandshakeReply): void {
    this.owed.push(what);
  }

  /** Everything that waits, as one array. */
  take(): Uint8Array {
    const whole = new Uint8Array(Buffer.concat(this.outbox));
    this.outbox = [];
    return whole;
  }
  received(): string {
    return Buffer.concat(this.delivered).toString('utf8');
  }
}

/** A sink with everything that resumption needs: keys are asked for, tickets and early data taken. */
export class ResumingRecorder extends Recorder {
  askPsk(wish: PskWish): void {
    if (this.core !== undefined) this.onPsk?.(wish, this.core);
  }
  deliverEarly(data: Uint8Array): void {
    this.early.push(new Uint8Array(data));
  }
  ticket(ticket: ReceivedTicket): void {
    this.tickets.push(ticket);
  }
}

/** A sink that knows users: what it is asked for is answered by `onUser`. */
export class KeyedRecorder extends Recorder {
  readonly wishes: UserWish[] = [];
  readonly onUser: (wish: UserWish) => FoundUser | undefined;

  constructor(judge: Judge, onUser: (wish: UserWish) => FoundUser | undefined) {
    super(judge);
    this.onUser = onUser;
  }
  askUser(wish: UserWish): void {
    this.wishes.push(wish);
    this.core?.answerUser(this.onUser(wish));
  }
}

/** Accepts the chains of all identities made by `identityOf`, and no other. */
export function acceptKnown(chain: readonly Uint8Array[], core: Core): void {
  const [leaf] = chain;
  for (const { identity, publicKey } of made.values()) {
    const [own] = identity.chain;
    if (leaf !== undefined && own !== undefined && Buffer.compare(leaf, own) === 0) {
      core.answerVerdict({ ok: publicKey });
      return;
    }
  }
  core.answerVerdict({ reject: { alert: 'unknown_ca', detail: { bad_cert: 'unknown_ca' } } });
}

export interface End {
  readonly core: Core;
  readonly sink: Recorder;
}

export function client(overrides: ClientOverrides = {}, judge: Judge = acceptKnown): End {
  const sink = new Recorder(judge);
  const core = Core.client(clientOptions(overrides), sink);
  sink.core = core;
  return { core, sink };
}

export function server(overrides: ServerOverrides = {}, judge: Judge = acceptKnown): End {
  const sink = new Recorder(judge);
  const core = Core.server(serverOptions(overrides), sink);
  sink.core = core;
  return { core, sink };
}

/** Carries bytes to and fro until both are silent; `cut` splits what is carried. */
export function exchange(a: End, b: End, cut: (bytes: Uint8Array) => readonly Uint8Array[] = whole): void {
  for (let round = 0; round < 50; round += 1) {
    const fromA = a.sink.take();
    const fromB = b.sink.take();
    if (fromA.length === 0 && fromB.length === 0) return;
    for (const piece of cut(fromA)) b.core.receive(piece);
    for (const piece of cut(fromB)) a.core.receive(piece);
  }
  throw new Error('the ends never fall silent');
}

function whole(bytes: Uint8Array): readonly Uint8Array[] {
  return bytes.length === 0 ? [] : [bytes];
}

/** Pieces of this many bytes. */
export function pieces(size: number): (bytes: Uint8Array) => readonly Uint8Array[] {
  return (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.slice(index * size, (index + 1) * size),
    );
}

/** Two ends after a whole handshake. */
export function connected(
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): { readonly client: End; readonly server: End } {
  const ends = { client: client(clientOverrides), server: server(serverOverrides) };
  ends.client.core.start();
  exchange(ends.client, ends.server);
  return ends;
}
