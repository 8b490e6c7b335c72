/**
 * Keys that both sides have before they meet (RFC 8446 §4.2.11, RFC 9258): the user's function is asked for them. It may be
 * slow and may throw; only the one connection that asks feels it.
 */
import type { Config } from '../../options/config.js';
import type { FoundPsk, PreSharedKey, PskOffer, PskWish } from '../../protocol/tls13/psk.js';
import { importedIdentityFor, importPsk, readImportedIdentity } from '../../protocol/tls13/psk-importer.js';
import type { CryptoEngine, HashName } from '../../values/crypto/engine.js';
import { hex } from '../../values/hex.js';
import { isTls13Suite } from '../../values/registry/suites.js';
import type { Tls13Version } from '../../values/registry/versions.js';
import { Secret } from '../../values/secret.js';
import { type LookedUpKey, lookedUp } from '../../values/user-lookup.js';
import { sameBytes } from '../../values/wire/same-bytes.js';

/** Identities of one hello that are looked at, and questions for all of them: a stranger may name thousands. */
const mostLookups = 4;
const defaultHash: HashName = 'sha256';

/**
 * A server's: the first identity whose key it has. Rejects with what the user's function throws.
 *
 * An identity that looks like the importer's may be one that stands for itself, so that there are two questions about it.
 * All are asked for as what they look like before any is asked for as it stands: so no client of a few identities is
 * missed, whatever its others are, and no hello costs more questions.
 */
export async function findExternalPsk(
  { identities, hashes }: PskWish,
  config: Config,
  engine: CryptoEngine,
): Promise<FoundPsk | undefined> {
  const questions = new Questions(config);
  const version = versionOf(config);
  const offered = identities.slice(0, mostLookups).map(({ identity }) => new Uint8Array(identity));
  for (const keyOf of [likelyKey, plainKey])
    for (const [index, identity] of offered.entries()) {
      const psk = await keyOf(identity, questions, engine, version);
      if (psk !== undefined && hashes.includes(psk.hash)) return { index, psk };
    }
  return undefined;
}

/** The key of an identity on the wire by what it looks like: one of the importer's, or none. */
async function likelyKey(
  identity: Uint8Array,
  questions: Questions,
  engine: CryptoEngine,
  version: Tls13Version,
): Promise<PreSharedKey | undefined> {
  const imported = readImportedIdentity(identity, version);
  if (imported === undefined) return plainKey(identity, questions);
  const base = await questions.ask(imported.externalIdentity);
  if (base?.imported === undefined) return undefined;
  const { context = imported.context } = base.imported;
  if (!sameBytes(context, imported.context)) return undefined;
  const secret = importPsk(externalKey(base), identity, imported.hash, engine, version);
  return preSharedKey('imported', secret, imported.hash);
}

async function plainKey(identity: Uint8Array, questions: Questions): Promise<PreSharedKey | undefined> {
  const key = await questions.ask(identity);
  // A key that is meant for the importer is never used itself (RFC 9258 §4).
  if (key === undefined || key.imported !== undefined) return undefined;
  return preSharedKey('external', new Secret(new Uint8Array(key.ok)), key.hash ?? defaultHash);
}

/** What one hello may ask the user's function, none of it twice. */
class Questions {
  readonly #config: Config;
  readonly #answers: Map<string, LookedUpKey | undefined> = new Map();

  constructor(config: Config) {
    this.#config = config;
  }

  /** `undefined` too when there were enough. */
  async ask(identity: Uint8Array): Promise<LookedUpKey | undefined> {
    const name = hex(identity);
    if (this.#answers.has(name)) return this.#answers.get(name);
    if (this.#answers.size >= mostLookups) return undefined;
    const answer = await lookUp(identity, this.#config);
    this.#answers.set(name, answer);
    return answer;
  }
}

/** A client's: its own key, or one for each hash if it is imported. Rejects as the user's function does. */
export async function offeredExternalPsks(
  config: Config,
  engine: CryptoEngine,
): Promise<readonly PskOffer[]> {
  const { pskIdentity } = config;
  if (pskIdentity === undefined) return [];
  const identity = new TextEncoder().encode(pskIdentity);
  const key = await lookUp(identity, config);
  if (key === undefined) return [];
  const { imported } = key;
  if (imported === undefined) {
    const secret = new Secret(new Uint8Array(key.ok));
    return [offer(identity, preSharedKey('external', secret, key.hash ?? defaultHash))];
  }
  const { context = new Uint8Array() } = imported;
  const version = versionOf(config);
  return hashesOf(config).map((hash) => {
    const wire = importedIdentityFor(identity, context, hash, version);
    const secret = importPsk(externalKey(key), wire, hash, engine, version);
    return offer(wire, preSharedKey('imported', secret, hash));
  });
}

/** Which of the two a key is imported for (RFC 9258 §3). */
function versionOf({ protocol }: Config): Tls13Version {
  return protocol === 'dtls' ? 'dtlsv1.3' : 'tlsv1.3';
}

async function lookUp(
  identity: Uint8Array,
  { userLookupFun: lookup }: Config,
): Promise<LookedUpKey | undefined> {
  return lookup && lookedUp(await lookup.fun('psk', identity, lookup.state));
}

function externalKey({ ok, hash = 'sha256' }: LookedUpKey): {
  readonly secret: Uint8Array;
  readonly hash: HashName;
} {
  return { secret: ok, hash };
}

function preSharedKey(origin: 'external' | 'imported', secret: Secret, hash: HashName): PreSharedKey {
  return { origin, secret, hash, chain: [], earlyData: undefined };
}

function offer(identity: Uint8Array, psk: PreSharedKey): PskOffer {
  return { ...psk, identity, obfuscatedTicketAge: 0 };
}

/** Hashes of the suites of TLS 1.3 that the config has, the preferred first. */
function hashesOf({ ciphers }: Config): readonly HashName[] {
  return [...new Set(ciphers.filter(isTls13Suite).map(({ hash }) => hash))];
}
