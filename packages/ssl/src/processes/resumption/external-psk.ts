/**
 * Keys that both sides have before they meet (RFC 8446 §4.2.11, RFC 9258): the user's function is asked for them. It may be
 * slow and may throw; only the one connection that asks feels it.
 */
import type { Config } from '../../options/config.js';
import type { FoundPsk, PreSharedKey, PskOffer, PskWish } from '../../protocol/tls13/psk.js';
import { importedIdentityFor, importPsk, readImportedIdentity } from '../../protocol/tls13/psk-importer.js';
import type { CryptoEngine, HashName } from '../../values/crypto/engine.js';
import { isTls13Suite } from '../../values/registry/suites.js';
import { Secret } from '../../values/secret.js';
import { type LookedUpKey, lookedUp } from '../../values/user-lookup.js';
import { sameBytes } from '../../values/wire/same-bytes.js';

/** Identities of one hello that a function of the user's is asked for: a stranger may name thousands. */
const mostLookups = 4;
const defaultHash: HashName = 'sha256';

/** A server's: the first identity whose key it has. Rejects with what the user's function throws. */
export async function findExternalPsk(
  { identities, hashes }: PskWish,
  config: Config,
  engine: CryptoEngine,
): Promise<FoundPsk | undefined> {
  for (const [index, { identity }] of identities.slice(0, mostLookups).entries()) {
    const psk = await keyOf(new Uint8Array(identity), config, engine);
    if (psk !== undefined && hashes.includes(psk.hash)) return { index, psk };
  }
  return undefined;
}

/** The key of an identity on the wire, which may be the importer's. */
async function keyOf(
  identity: Uint8Array,
  config: Config,
  engine: CryptoEngine,
): Promise<PreSharedKey | undefined> {
  const imported = readImportedIdentity(identity);
  const base = imported && (await lookUp(imported.externalIdentity, config));
  if (imported !== undefined && base?.imported !== undefined) {
    const { context = imported.context } = base.imported;
    if (!sameBytes(context, imported.context)) return undefined;
    const secret = importPsk(externalKey(base), identity, imported.hash, engine);
    return preSharedKey('imported', secret, imported.hash);
  }
  const key = await lookUp(identity, config);
  // A key that is meant for the importer is never used itself (RFC 9258 §4).
  if (key === undefined || key.imported !== undefined) return undefined;
  return preSharedKey('external', new Secret(new Uint8Array(key.ok)), key.hash ?? defaultHash);
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
  return hashesOf(config).map((hash) => {
    const wire = importedIdentityFor(identity, context, hash);
    return offer(wire, preSharedKey('imported', importPsk(externalKey(key), wire, hash, engine), hash));
  });
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
