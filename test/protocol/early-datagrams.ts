/** Two cores of DTLS 1.3 that share a key which allows early data, and records of epoch 1 that a test makes itself. */
import { Core, overDatagrams as channel } from '@actor-tls/ssl/core';
import { Dtls13WriteKeys } from '../../packages/ssl/src/protocol/record/dtls13-keys.js';
import { TrafficSecret } from '../../packages/ssl/src/protocol/tls13/key-schedule.js';
import type { EarlyDataTerms, PskWish } from '../../packages/ssl/src/protocol/tls13/psk.js';
import { dtls13Engine } from '../../packages/ssl/src/values/crypto/dtls13-engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { type DatagramEnd, DatagramRecorder } from './datagram-link.js';
import { type Belief, offerOf, suite } from './psk-ends.js';
import {
  acceptKnown,
  type ClientOverrides,
  clientOptions,
  engine,
  type ServerOverrides,
  serverOptions,
} from './two-cores.js';

export const earlyTerms: EarlyDataTerms = {
  suite: suite('TLS_AES_128_GCM_SHA256'),
  alpn: undefined,
  maxSize: 4000,
};

/** A sink that knows a key, and takes early data. */
export class EarlyRecorder extends DatagramRecorder {
  /** In the order in which it came. */
  readonly earlyData: string[] = [];
  /** What of the server's key log a test makes records with. */
  earlySecret: Uint8Array | undefined = undefined;
  known: Belief | 'unknown' = {};

  askPsk(_wish: PskWish): void {
    const found =
      this.known === 'unknown'
        ? undefined
        : { index: 0, psk: offerOf({ earlyData: earlyTerms, ...this.known }) };
    this.core?.answerPsk(found);
  }
  deliverEarly(data: Uint8Array): void {
    this.earlyData.push(Buffer.from(data).toString());
  }
  readonly keyLog = (lines: readonly string[]): void => {
    const [, , secret] = lines.find((line) => line.startsWith('CLIENT_EARLY_'))?.split(' ') ?? [];
    if (secret !== undefined) this.earlySecret = Buffer.from(secret, 'hex');
  };
  /** Types of the handshake messages that it has sent. */
  readonly messages: number[] = [];
  trace(direction: 'in' | 'out', kind: string, message: Uint8Array): void {
    if (direction === 'out' && kind === 'handshake') this.messages.push(message[0] ?? 0);
  }
}

export interface EarlyEnd extends DatagramEnd {
  readonly sink: EarlyRecorder;
}

export interface EarlyEnds {
  readonly client: EarlyEnd;
  readonly server: EarlyEnd;
}

/** Nothing is sent yet. `known`: what the server believes of the key. */
export function earlyEnds(
  wish: {
    readonly client?: ClientOverrides;
    readonly server?: ServerOverrides;
    readonly known?: Belief | 'unknown';
    readonly offered?: EarlyDataTerms;
  } = {},
): EarlyEnds {
  const { client = {}, server = {}, known = {}, offered = earlyTerms } = wish;
  const common = { versions: ['dtlsv1.3'] as const, ciphers: [earlyTerms.suite] };
  const ours = new EarlyRecorder(acceptKnown, () => undefined);
  const theirs = new EarlyRecorder(acceptKnown, () => undefined);
  theirs.known = known;
  const resumption = { psks: [offerOf({ earlyData: offered })], earlyData: 'offered' } as const;
  const clientCore = Core.client(
    clientOptions({ channel, resumption, ...client, config: { ...common, ...client.config } }),
    ours,
  );
  const serverCore = Core.server(
    serverOptions({ channel, ...server, config: { ...common, ...server.config } }),
    theirs,
  );
  ours.core = clientCore;
  theirs.core = serverCore;
  return { client: { core: clientCore, sink: ours }, server: { core: serverCore, sink: theirs } };
}

/** The epoch that a datagram's first record shows, by its two bits; 0: it has no keys. */
export function epochBitsOf(datagram: Uint8Array): number {
  const [first = 0] = datagram;
  return (first & 0xe0) === 0x20 ? first & 3 : 0;
}

/** Makes records of epoch 1 like the client's own, with numbers that it has not used. */
export function earlyForger({ client }: EarlyEnds): (type: number, content: Uint8Array) => Uint8Array {
  const aead = engine.aead('aes_128_gcm');
  const hash = dtls13Engine(engine).hash('sha256');
  const secret = client.sink.earlySecret;
  if (aead === undefined || hash === undefined || secret === undefined) throw new Error('no early keys');
  const keys = new Dtls13WriteKeys({
    aead,
    trafficSecret: new TrafficSecret(hash, new Secret(new Uint8Array(secret))),
  });
  keys.records = 40;
  return (type, content) => keys.seal(1, new Uint8Array(0), type, content);
}
