/**
 * Users of TLS 1.2 and before whose key both sides have (RFC 4279, RFC 5054): the user's function is asked for them. It may be
 * slow and may throw; only the one connection that asks feels it.
 *
 * To a client an unknown user looks like a wrong password (RFC 5054 §2.5.1.3, RFC 4279 §4): a server goes on with a key that
 * nobody has, and the handshake fails where it always does, at the Finished. The salt of a user that there is not is
 * the same each time, and shaped like those of users that there are.
 */
import type { Config } from '../../options/config.js';
import { speaksOlder } from '../../protocol/hello/version.js';
import type { SrpCredentials } from '../../protocol/tls12/key-exchange/srp.js';
import type { FoundUser, UserWish } from '../../protocol/tls12/user.js';
import type { DhParams } from '../../values/crypto/dh-parameter.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { srpGroup } from '../../values/registry/srp-groups.js';
import { Secret } from '../../values/secret.js';
import type { Result } from '../../values/terms.js';
import { type FoundVerifier, lookedUp, lookedUpVerifier } from '../../values/user-lookup.js';
import { asked } from '../user-function.js';

/** Whether there is anybody to ask. */
export function knowsUsers({ userLookupFun, versions }: Config): boolean {
  return userLookupFun !== undefined && speaksOlder(versions);
}

/** The key to go on with; `undefined`: a client has none of its own. An error is what the user's function has thrown. */
export function findUser(
  wish: UserWish,
  config: Config,
  engine: CryptoEngine,
): Promise<Result<FoundUser | undefined>> {
  return asked(() => found(wish, config, engine));
}

function found(wish: UserWish, config: Config, engine: CryptoEngine): Promise<FoundUser | undefined> {
  switch (wish.kind) {
    case 'psk':
      return config.role === 'server' ? clientKey(wish, config, engine) : ownKey(config);
    case 'srp':
      return userOf(wish.username, config, engine);
  }
}

async function ask(
  type: 'psk' | 'srp',
  name: Uint8Array,
  { userLookupFun: lookup }: Config,
): Promise<unknown> {
  // A copy: what the function does with its own is nothing to us.
  return lookup === undefined ? 'error' : lookup.fun(type, name.slice(), lookup.state);
}

/** A key that is meant for the importer of TLS 1.3 is never used itself (RFC 9258 §4). */
async function keyOf(identity: Uint8Array, config: Config): Promise<Secret | undefined> {
  const key = lookedUp(await ask('psk', identity, config));
  return key === undefined || key.imported !== undefined ? undefined : new Secret(new Uint8Array(key.ok));
}

/** Who we are to a server. */
async function ownKey(config: Config): Promise<FoundUser | undefined> {
  if (config.pskIdentity === undefined) return undefined;
  const identity = new TextEncoder().encode(config.pskIdentity);
  const key = await keyOf(identity, config);
  return key && { kind: 'psk', identity, key };
}

/** bytes, of a key that nobody has */
const keyLength = 32;

async function clientKey(
  { identity = new Uint8Array(0) }: Extract<UserWish, { kind: 'psk' }>,
  config: Config,
  engine: CryptoEngine,
): Promise<FoundUser> {
  const nobodys = new Secret(engine.randomBytes(keyLength));
  return { kind: 'psk', identity, key: (await keyOf(identity, config)) ?? nobodys };
}

async function userOf(username: Uint8Array, config: Config, engine: CryptoEngine): Promise<FoundUser> {
  const decoys = decoysOf(config, engine);
  const user = lookedUpVerifier(await ask('srp', username, config));
  if (user !== undefined) decoys.likeness ??= likenessOf(user);
  return { kind: 'srp', credentials: credentialsOf(user ?? nobody(username, decoys, engine), engine) };
}

function credentialsOf({ group, salt, secret }: FoundVerifier, engine: CryptoEngine): SrpCredentials {
  const verifier = 'verifier' in secret ? new Uint8Array(secret.verifier) : verifierOf(group, secret, engine);
  return { group, salt: new Uint8Array(salt), verifier: new Secret(verifier) };
}

/** v = g^x % N */
function verifierOf(
  { prime, generator }: DhParams,
  { derivedKey }: { readonly derivedKey: Uint8Array },
  engine: CryptoEngine,
): Uint8Array {
  const verifier = engine.finiteField(prime, generator)?.power(generator, derivedKey);
  if (verifier === undefined) throw new TypeError('the engine has no finite fields');
  return verifier;
}

// ── Users that there are not ────────────────────────────────────────────────────────────────────────────

/** What users have in common: the first that was found stands for all. */
interface Likeness {
  readonly group: DhParams;
  /** bytes, of the salt */
  readonly saltLength: number;
  readonly kind: 'verifier' | 'derivedKey';
}

interface Decoys {
  readonly key: Uint8Array;
  likeness: Likeness | undefined;
}

/** As `srpVerifier` makes them. */
const defaultLikeness: Likeness = { group: srpGroup('srp_2048'), saltLength: 16, kind: 'verifier' };

/** By function and state, which a listener hands to all its connections. */
const decoysByLookup = new WeakMap<object, Decoys>();

function decoysOf({ userLookupFun: lookup }: Config, engine: CryptoEngine): Decoys {
  const known = lookup && decoysByLookup.get(lookup);
  if (known !== undefined) return known;
  const made: Decoys = { key: engine.randomBytes(32), likeness: undefined };
  if (lookup !== undefined) decoysByLookup.set(lookup, made);
  return made;
}

function likenessOf({ group, salt, secret }: FoundVerifier): Likeness {
  return { group, saltLength: salt.length, kind: 'verifier' in secret ? 'verifier' : 'derivedKey' };
}

/** RFC 5054 §2.5.1.3: the salt is a hash of the name under a key of ours. Nobody has the password. */
function nobody(
  username: Uint8Array,
  { key, likeness = defaultLikeness }: Decoys,
  engine: CryptoEngine,
): FoundVerifier {
  const { group, saltLength, kind } = likeness;
  const salt = saltOf(username, saltLength, key, engine);
  const secret =
    kind === 'verifier'
      ? { verifier: engine.randomBytes(group.prime.length) }
      : { derivedKey: engine.randomBytes(20) };
  return { group, salt, secret };
}

/** At most 255 bytes, of hashes that each hold their number. */
function saltOf(username: Uint8Array, length: number, key: Uint8Array, engine: CryptoEngine): Uint8Array {
  const sha256 = engine.hash('sha256');
  if (sha256 === undefined) throw new TypeError('no SHA-256');
  const salt = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) {
    const part = sha256.hmac(key, Uint8Array.of(at / 32, ...username));
    salt.set(part.subarray(0, length - at), at);
  }
  return salt;
}
