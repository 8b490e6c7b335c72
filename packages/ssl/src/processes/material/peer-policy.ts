/**
 * A config's policy towards peers, as a digest that other processes and machines make alike: what is asked of a peer,
 * whom we trust, and who we are ourselves. What a ticket or session was made under is compared with it, so that another
 * certificate, another CA or another option means a full handshake.
 *
 * Functions count by their text, since nothing else of them can be told to another machine; what they have closed over
 * and the state of a `verifyFun` do not count.
 */
import type { Config } from '../../options/config.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import type { Policy } from '../../protocol/policy.js';
import type { CryptoEngine, HashFunction } from '../../values/crypto/engine.js';
import { hex } from '../../values/hex.js';
import type { TrustStore } from '../../values/x509/trust-store.js';

/** Made with the credentials of a config; digested when somebody wants to know. */
export class PeerPolicy implements Policy {
  readonly #config: Config;
  readonly #identities: readonly OwnIdentity[];
  readonly #trust: TrustStore;
  readonly #engine: CryptoEngine;
  #id: string | undefined = undefined;

  constructor(config: Config, identities: readonly OwnIdentity[], trust: TrustStore, engine: CryptoEngine) {
    this.#config = config;
    this.#identities = identities;
    this.#trust = trust;
    this.#engine = engine;
  }

  /** SHA-256 in hexadecimal. */
  get id(): string {
    this.#id ??= this.#digest();
    return this.#id;
  }

  #digest(): string {
    const sha256 = this.#engine.hash('sha256');
    if (sha256 === undefined) throw new TypeError('no SHA-256');
    const own = this.#identities.map(({ chain }) => digestOf(chain.slice(0, 1), sha256));
    const parts = [rulesOf(this.#config), own, trusted(this.#trust, sha256)];
    return hex(sha256.digest(new TextEncoder().encode(JSON.stringify(parts))));
  }
}

/** What is asked of a peer. */
function rulesOf(config: Config): readonly unknown[] {
  const { depth, minKeySize, signatureAlgs, signatureAlgsCert, crlCheck, partialChain, verify, verifyFun } =
    config;
  const both = [depth, minKeySize, signatureAlgs, signatureAlgsCert ?? [], crlCheck, verify];
  const functions = [partialChain, verifyFun?.fun].map(textOf);
  return config.role === 'server'
    ? ['server', both, functions, config.failIfNoPeerCert]
    : ['client', both, functions, config.stapling !== undefined, hooksOf(config.customizeHostnameCheck)];
}

function hooksOf(hooks: object | undefined): readonly string[] {
  return Object.entries(hooks ?? {}).map(([name, hook]) => `${name}: ${textOf(hook)}`);
}

function textOf(fun: unknown): string {
  return typeof fun === 'function' ? Function.prototype.toString.call(fun) : '';
}

/** The system's store has some hundred certificates, and every config without a CA of its own trusts it. */
const stores = new WeakMap<TrustStore, string>();

function trusted(trust: TrustStore, sha256: HashFunction): string {
  const known = stores.get(trust);
  if (known !== undefined) return known;
  const digest = digestOf(
    trust.certificates.map(({ der }) => der),
    sha256,
  );
  stores.set(trust, digest);
  return digest;
}

/** DER tells its own length, so that no two lists are the same bytes. */
function digestOf(ders: readonly Uint8Array[], sha256: HashFunction): string {
  const running = sha256.start();
  for (const der of ders) running.update(der);
  return hex(running.digest());
}
