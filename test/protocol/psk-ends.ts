/** Two cores that share a key before they meet; what a test needs to let them differ. */
import { Core } from '@actor-tls/ssl/core';
import type {
  EarlyDataTerms,
  FoundPsk,
  PreSharedKey,
  PskOffer,
} from '../../packages/ssl/src/protocol/tls13/psk.js';
import type { HashName } from '../../packages/ssl/src/values/crypto/engine.js';
import { type CipherSuite, suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import {
  acceptKnown,
  type ClientOverrides,
  clientOptions,
  type End,
  ResumingRecorder,
  type ServerOverrides,
  serverOptions,
} from './two-cores.js';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** 32 bytes of a value. */
export function secretOf(value: number): Secret {
  return new Secret(new Uint8Array(32).fill(value));
}

export function suite(name: string): CipherSuite {
  const found = suiteByName(name);
  if (found === undefined) throw new Error(`no suite ${name}`);
  return found;
}

/** What a side believes of the key; the other side's belief is the same unless told otherwise. */
export interface Belief {
  readonly secret?: Secret;
  readonly hash?: HashName;
  readonly origin?: PreSharedKey['origin'];
  /** `undefined`: no early data. */
  readonly earlyData?: EarlyDataTerms | undefined;
}

const terms: EarlyDataTerms = {
  suite: suite('TLS_AES_128_GCM_SHA256'),
  alpn: undefined,
  maxSize: 1000,
};

function keyOf(belief: Belief): PreSharedKey {
  return {
    origin: 'resumption',
    secret: secretOf(1),
    hash: 'sha256',
    chain: [],
    earlyData: terms,
    ...belief,
  };
}

/** The key as a client offers it. */
export function offerOf(belief: Belief = {}, identity = 'ticket'): PskOffer {
  return { ...keyOf(belief), identity: bytes(identity), obfuscatedTicketAge: 7 };
}

/** What is left out is as the other side believes it. */
export interface PskScene {
  readonly psks?: readonly PskOffer[];
  readonly earlyData?: 'offered' | 'none';
  readonly client?: ClientOverrides;
  readonly server?: ServerOverrides;
  /** Of the server, which knows the identity `ticket`; `unknown`: it does not. */
  readonly known?: Belief | 'unknown';
}

/** A server's answer: the first identity `ticket`. */
function find(
  identities: readonly { readonly identity: Uint8Array }[],
  belief: Belief,
): FoundPsk | undefined {
  const index = identities.findIndex(({ identity }) => Buffer.from(identity).toString() === 'ticket');
  return index < 0 ? undefined : { index, psk: keyOf(belief) };
}

export interface PskEnd extends End {
  readonly sink: ResumingRecorder;
}

/** Two ends, nothing sent yet. AES-128-GCM unless told otherwise. */
export function pskEnds(scene: PskScene = {}): { readonly client: PskEnd; readonly server: PskEnd } {
  const { psks = [offerOf()], earlyData = 'none', known = {} } = scene;
  const ours = new ResumingRecorder(acceptKnown);
  const theirs = new ResumingRecorder(acceptKnown);
  theirs.onPsk = ({ identities }, core) =>
    core.answerPsk(known === 'unknown' ? undefined : find(identities, known));
  const ciphers = [terms.suite];
  const { client = {}, server = {} } = scene;
  const clientSide = clientOptions({
    resumption: { psks, earlyData },
    ...client,
    config: { ciphers, ...client.config },
  });
  const serverSide = serverOptions({ ...server, config: { ciphers, ...server.config } });
  const ends = {
    client: { core: Core.client(clientSide, ours), sink: ours },
    server: { core: Core.server(serverSide, theirs), sink: theirs },
  };
  ours.core = ends.client.core;
  theirs.core = ends.server.core;
  return ends;
}
