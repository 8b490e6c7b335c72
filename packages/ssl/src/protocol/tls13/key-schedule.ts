/**
 * The key schedule of TLS 1.3 (RFC 8446 §7). One type per stage, each made only by the stage before it, so that a
 * secret cannot be derived out of order:
 *
 *              PSK → EarlySecret → (EC)DHE → HandshakeSecret → 0 → MasterSecret
 *                        |                         |                     |
 *       BinderKey, client_early_traffic,   client_handshake_traffic,   client_application_traffic_0,
 *       early_exporter_master              server_handshake_traffic    server_application_traffic_0,
 *                                                                      exporter_master, resumption_master
 *
 * Every `transcript` argument is a Transcript-Hash; its messages stand at the method.
 */
import type { HashFunction, HashName, LabelExpander } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import type { PskAuthentication } from '../authentication.js';
import type { KeyExporter } from '../key-exporter.js';

const EMPTY: Uint8Array = new Uint8Array(0);
/** bytes; the label on the wire has `tls13 ` in front and one byte for its length (§7.1). */
const maxLabel = 249;

/** What is the same for every connection with a hash function; computed once. */
interface Constants {
  readonly zeros: Uint8Array;
  /** Transcript-Hash("") */
  readonly emptyHash: Uint8Array;
  /** Derive-Secret(Extract(0, 0), "derived", ""): all handshakes without a PSK start here. */
  readonly derivedWithoutPsk: Uint8Array;
}

// By object and not by name: two engines' hash functions must not answer for each other in tests.
const constantsOf = new WeakMap<HashFunction, Constants>();

function constants(hash: HashFunction): Constants {
  const known = constantsOf.get(hash);
  if (known !== undefined) return known;
  const zeros = new Uint8Array(hash.outputLength);
  const emptyHash = hash.digest(EMPTY);
  const early = hash.hkdfExtract(zeros, zeros);
  const derivedWithoutPsk = hash.labels(early).expandLabel('derived', emptyHash, hash.outputLength);
  const made = { zeros, emptyHash, derivedWithoutPsk };
  constantsOf.set(hash, made);
  return made;
}

const binderLabels: Readonly<Record<PskAuthentication['origin'], string>> = {
  resumption: 'res binder',
  external: 'ext binder',
  imported: 'imp binder',
};

/** Before the key exchange: what a PSK gives. */
export class EarlySecret {
  private readonly hash: HashFunction;
  /** `undefined`: no PSK, and nothing but the constant is ever derived. */
  private readonly labels: LabelExpander | undefined;

  private constructor(hash: HashFunction, labels: LabelExpander | undefined) {
    this.hash = hash;
    this.labels = labels;
  }

  /** The handshake uses no PSK. */
  static withoutPsk(hash: HashFunction): EarlySecret {
    return new EarlySecret(hash, undefined);
  }

  static fromPsk(hash: HashFunction, psk: Secret): EarlySecret {
    return new EarlySecret(hash, hash.labels(hash.hkdfExtract(constants(hash).zeros, psk.expose())));
  }

  /** MACs PSK binders: of a PSK agreed beforehand, one from a ticket (§4.2.11.2), one imported (RFC 9258 §3.2). */
  binderKey(kind: PskAuthentication['origin']): FinishedKey {
    const { hash } = this;
    const key = this.withPsk().expandLabel(binderLabels[kind], constants(hash).emptyHash, hash.outputLength);
    return new FinishedKey(hash, hash.labels(key));
  }

  /** client_early_traffic_secret. Transcript: ClientHello. */
  clientEarlyTraffic(transcript: Uint8Array): TrafficSecret {
    return trafficSecret(this.hash, this.withPsk(), 'c e traffic', transcript);
  }

  /** early_exporter_master_secret. Transcript: ClientHello. */
  earlyExporter(transcript: Uint8Array): Exporter {
    const { hash } = this;
    const secret = this.withPsk().expandLabel('e exp master', transcript, hash.outputLength);
    return new Exporter(hash, new Secret(secret));
  }

  /** The next stage. `sharedSecret` of the (EC)DHE exchange; `undefined` in psk_ke mode. */
  handshake(sharedSecret: Secret | undefined): HandshakeSecret {
    const { hash, labels } = this;
    const { zeros, emptyHash, derivedWithoutPsk } = constants(hash);
    const salt = labels?.expandLabel('derived', emptyHash, hash.outputLength) ?? derivedWithoutPsk;
    return makeHandshakeSecret(hash, hash.hkdfExtract(salt, sharedSecret?.expose() ?? zeros));
  }

  private withPsk(): LabelExpander {
    if (this.labels === undefined) throw new TypeError('derived from a PSK that is not there');
    return this.labels;
  }
}

let makeHandshakeSecret: (hash: HashFunction, secret: Uint8Array) => HandshakeSecret;

/** After the key exchange. */
export class HandshakeSecret {
  private readonly hash: HashFunction;
  private readonly labels: LabelExpander;

  static {
    makeHandshakeSecret = (hash, secret) => new HandshakeSecret(hash, secret);
  }

  private constructor(hash: HashFunction, secret: Uint8Array) {
    this.hash = hash;
    this.labels = hash.labels(secret);
  }

  /** client_handshake_traffic_secret. Transcript: ClientHello…ServerHello. */
  clientTraffic(transcript: Uint8Array): TrafficSecret {
    return trafficSecret(this.hash, this.labels, 'c hs traffic', transcript);
  }

  /** server_handshake_traffic_secret. Transcript: ClientHello…ServerHello. */
  serverTraffic(transcript: Uint8Array): TrafficSecret {
    return trafficSecret(this.hash, this.labels, 's hs traffic', transcript);
  }

  /** The next stage. */
  master(): MasterSecret {
    const { hash } = this;
    const { zeros, emptyHash } = constants(hash);
    const salt = this.labels.expandLabel('derived', emptyHash, hash.outputLength);
    return makeMasterSecret(hash, hash.hkdfExtract(salt, zeros));
  }
}

let makeMasterSecret: (hash: HashFunction, secret: Uint8Array) => MasterSecret;

/** What the connection's own secrets come from. */
export class MasterSecret {
  private readonly hash: HashFunction;
  private readonly labels: LabelExpander;

  static {
    makeMasterSecret = (hash, secret) => new MasterSecret(hash, secret);
  }

  private constructor(hash: HashFunction, secret: Uint8Array) {
    this.hash = hash;
    this.labels = hash.labels(secret);
  }

  /** client_application_traffic_secret_0. Transcript: ClientHello…server Finished. */
  clientTraffic(transcript: Uint8Array): TrafficSecret {
    return trafficSecret(this.hash, this.labels, 'c ap traffic', transcript);
  }

  /** server_application_traffic_secret_0. Transcript: ClientHello…server Finished. */
  serverTraffic(transcript: Uint8Array): TrafficSecret {
    return trafficSecret(this.hash, this.labels, 's ap traffic', transcript);
  }

  /** exporter_master_secret. Transcript: ClientHello…server Finished. */
  exporter(transcript: Uint8Array): Exporter {
    const { hash, labels } = this;
    return new Exporter(hash, new Secret(labels.expandLabel('exp master', transcript, hash.outputLength)));
  }

  /** resumption_master_secret, derived when the first ticket wants it. Transcript: ClientHello…client Finished. */
  resumption(transcript: () => Uint8Array): Resumption {
    return new Resumption(this.hash, this.labels, transcript);
  }
}

/** Hears of the application traffic secrets that follow one, for a key log. */
export type SecretWatch = (generation: number, secret: Uint8Array) => void;

/** One direction's traffic secret of one epoch: record keys, Finished, its successor (§7.2, §7.3, §4.4.4). */
export class TrafficSecret {
  private readonly hash: HashFunction;
  private readonly secret: Secret;
  private watch: SecretWatch | undefined = undefined;
  private generation = 0;

  constructor(hash: HashFunction, secret: Secret) {
    this.hash = hash;
    this.secret = secret;
  }

  /** `watch` hears of each of its successors when it comes into being (§7.2). */
  watchedBy(watch: SecretWatch): void {
    this.watch = watch;
  }

  /** write_key and write_iv, each in a fresh array. */
  keys(aead: { readonly keyLength: number; readonly nonceLength: number }): {
    readonly key: Uint8Array;
    readonly iv: Uint8Array;
  } {
    const labels = this.labels();
    return {
      key: labels.expandLabel('key', EMPTY, aead.keyLength),
      iv: labels.expandLabel('iv', EMPTY, aead.nonceLength),
    };
  }

  /** Over datagrams: hides the numbers of records (RFC 9147 §4.2.3). */
  recordNumberKey({ keyLength }: { readonly keyLength: number }): Uint8Array {
    return this.labels().expandLabel('sn', EMPTY, keyLength);
  }

  /** The key that this side's Finished is made with; handshake traffic secrets only. */
  finishedKey(): FinishedKey {
    return new FinishedKey(this.hash, this.labels());
  }

  /** application_traffic_secret_N+1 (§7.2). */
  next(): TrafficSecret {
    const { hash, watch } = this;
    const secret = new Secret(this.labels().expandLabel('traffic upd', EMPTY, hash.outputLength));
    const next = new TrafficSecret(hash, secret);
    next.generation = this.generation + 1;
    next.watch = watch;
    watch?.(next.generation, secret.expose());
    return next;
  }

  /** The bytes, for a key log or a user who asked to keep secrets. */
  expose(): Uint8Array {
    return this.secret.expose();
  }

  zero(): void {
    this.secret.zero();
  }

  /** Prepared anew: between records and after the handshake nothing but the secret is kept. */
  private labels(): LabelExpander {
    return this.hash.labels(this.secret.expose());
  }
}

/** Makes the MAC of a Finished message or a PSK binder. */
export class FinishedKey {
  private readonly hash: HashFunction;
  private readonly key: Uint8Array;

  constructor(hash: HashFunction, labels: LabelExpander) {
    this.hash = hash;
    this.key = labels.expandLabel('finished', EMPTY, hash.outputLength);
  }

  /** verify_data over a Transcript-Hash (§4.4.4). Compare with the engine's `equal`. */
  mac(transcript: Uint8Array): Uint8Array {
    return this.hash.hmac(this.key, transcript);
  }
}

/**
 * RFC 8446 §7.5. It holds its own secret and not the stage above, which gives the traffic secrets too: whoever reads a
 * connection's memory later cannot go back from the one to the others.
 */
export class Exporter implements KeyExporter {
  private readonly hash: HashFunction;
  private readonly secret: Secret;
  private spent = false;

  constructor(hash: HashFunction, secret: Secret) {
    this.hash = hash;
    this.secret = secret;
  }

  /** As long as an HkdfLabel's label and an output of HKDF may be (§7.1, RFC 5869 §2.3). */
  allows(label: string, length: number): boolean {
    return label.length <= maxLabel && length <= 255 * this.hash.outputLength;
  }

  /** `length` bytes for `label` and `context`; a missing context is an empty one in TLS 1.3. */
  export(label: string, context: Uint8Array = EMPTY, length: number): Uint8Array {
    if (this.spent) throw new TypeError('the exporter secret was consumed');
    const { hash } = this;
    const exporter = hash.labels(this.master().expose());
    const derived = exporter.expandLabel(label, constants(hash).emptyHash, hash.outputLength);
    return hash.labels(derived).expandLabel('exporter', hash.digest(context), length);
  }

  /** The (early) exporter_master_secret itself, for a key log. */
  master(): Secret {
    return this.secret;
  }

  get consumed(): boolean {
    return this.spent;
  }

  consume(): void {
    this.spent = true;
    this.secret.zero();
  }
}

/** resumption_master_secret (§4.6.1), derived when the first ticket wants it. */
export class Resumption {
  private readonly hash: HashFunction;
  private source: { labels: LabelExpander; transcript: () => Uint8Array } | undefined;
  private secret: Secret | undefined = undefined;

  constructor(hash: HashFunction, labels: LabelExpander, transcript: () => Uint8Array) {
    this.hash = hash;
    this.source = { labels, transcript };
  }

  /** Of the hash that such a PSK is used with. */
  get hashName(): HashName {
    return this.hash.name;
  }

  /** The PSK that goes with a ticket, from the ticket's nonce. */
  psk(ticketNonce: Uint8Array): Secret {
    const { hash } = this;
    const labels = hash.labels(this.master().expose());
    return new Secret(labels.expandLabel('resumption', ticketNonce, hash.outputLength));
  }

  /** The resumption_master_secret itself; what it comes from is let go. */
  private master(): Secret {
    const { source, hash } = this;
    if (source !== undefined) {
      this.secret = new Secret(
        source.labels.expandLabel('res master', source.transcript(), hash.outputLength),
      );
      this.source = undefined;
    }
    return this.secret ?? unreachable();
  }
}

function trafficSecret(
  hash: HashFunction,
  labels: LabelExpander,
  label: string,
  transcript: Uint8Array,
): TrafficSecret {
  return new TrafficSecret(hash, new Secret(labels.expandLabel(label, transcript, hash.outputLength)));
}

function unreachable(): never {
  throw new TypeError('there is a secret or its source');
}
