/**
 * SRP (RFC 5054): a password that only the client knows, a verifier of it that only the server knows. Nobody learns the
 * password from what is sent, and who pretends to be the server learns whether one guess was right.
 */
import type { DhParams } from '../../../values/crypto/dh-parameter.js';
import type { CryptoEngine, FiniteField, HashFunction } from '../../../values/crypto/engine.js';
import { isSrpGroup } from '../../../values/registry/srp-groups.js';
import { Secret } from '../../../values/secret.js';
import { encodeAll } from '../../../values/wire/codec.js';
import { concat } from '../../../values/wire/join.js';
import { clientSrpPublic, serverSrpParams } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import type { Dependencies } from '../../settings.js';
import { withoutZeros } from './dh-params.js';
import type {
  Agreement,
  ClientAgreement,
  ClientMeans,
  ServerAgreement,
  ServerMeans,
} from './key-exchange.js';
import { srpPrivateKey } from './srp-verifier.js';

export const srp: Agreement = {
  announced: true,
  user: 'srp',
  curve: false,
  isSupported: (engine) => engine.group('ffdhe2048') !== undefined,
  serve,
  read,
};

/** What a client proves to know. */
export interface SrpIdentity {
  /** Username and password, in UTF-8. */
  readonly username: Uint8Array;
  readonly password: Secret;
}

/** What a server knows of a user (RFC 5054 §2.4). */
export interface SrpCredentials {
  readonly group: DhParams;
  readonly salt: Uint8Array;
  readonly verifier: Secret;
}

/** bytes: at least 256 bits (RFC 5054 §2.5.3, §2.5.4) */
const exponentLength = 32;

/** RFC 5054 §2.5.3, §2.6 */
function serve({ srp: credentials, dependencies }: ServerMeans): ServerAgreement {
  if (credentials === undefined) throw new TypeError('no user was found');
  const { group, salt } = credentials;
  const field = fieldOf(group, dependencies.engine);
  const prime = toNumber(group.prime);
  const verifier = toNumber(credentials.verifier.expose()) % prime;
  const exponent = dependencies.random(exponentLength);
  // B = k*v + g^b % N
  const shown =
    (multiplierOf(group, dependencies) * verifier + raised(field, group.generator, exponent)) % prime;
  const publicKey = toBytes(shown, field.length);
  return {
    group: undefined,
    params: encodeAll(serverSrpParams, { ...group, salt, publicKey }),
    secret(reader) {
      const { publicKey: theirs } = clientSrpPublic.decode(reader);
      const peer = toNumber(theirs) % prime;
      // §2.5.4: A % N must not be 0.
      if (peer === 0n) throw new AlertError('bad_key_share');
      const u = scramblerOf(theirs, publicKey, field.length, dependencies);
      // (A * v^u) ^ b % N
      const power = verifier === 0n ? 0n : raised(field, toBytes(verifier, field.length), u);
      const base = (peer * power) % prime;
      return secretOf(base === 0n ? undefined : field.power(toBytes(base, field.length), exponent));
    },
  };
}

/** RFC 5054 §2.5.3: the group must be one of those that are known to be safe. */
function read(reader: Reader, { srp: identity, engine, minKeySize }: ClientMeans): ClientAgreement {
  const { prime: n, generator: g, salt, publicKey: theirs } = serverSrpParams.decode(reader);
  const group: DhParams = { prime: withoutZeros(n), generator: withoutZeros(g) };
  if (identity === undefined) throw new AlertError('unknown_user');
  const bits = group.prime.length * 8;
  if (!isSrpGroup(group) || bits < minKeySize) throw new AlertError('weak_dh', { bits });
  const field = fieldOf(group, engine);
  const prime = toNumber(group.prime);
  const peer = toNumber(theirs) % prime;
  // §2.5.3: B % N must not be 0.
  if (peer === 0n) throw new AlertError('bad_key_share');
  return {
    group: undefined,
    answer(dependencies) {
      const exponent = dependencies.random(exponentLength);
      const publicKey = field.power(group.generator, exponent);
      if (publicKey === undefined) throw new AlertError('bad_key_share');
      const { username, password } = identity;
      const x = srpPrivateKey(salt, { username, password: password.expose() }, engine);
      const u = scramblerOf(publicKey, theirs, field.length, dependencies);
      // (B - (k * g^x)) ^ (a + (u * x)) % N
      const known = (multiplierOf(group, dependencies) * raised(field, group.generator, x)) % prime;
      const base = (peer + prime - known) % prime;
      const power = toNumber(exponent) + toNumber(u) * toNumber(x);
      const secret = base === 0n ? undefined : field.power(toBytes(base, field.length), toBytes(power));
      return { keys: encodeAll(clientSrpPublic, { publicKey }), secret: secretOf(secret) };
    },
  };
}

/** k = SHA1(N | PAD(g)) (RFC 5054 §2.5.3) */
function multiplierOf({ prime, generator }: DhParams, { engine }: Dependencies): bigint {
  return toNumber(sha1(engine).digest(concat([prime, padded(generator, prime.length)])));
}

/** u = SHA1(PAD(A) | PAD(B)) (RFC 5054 §2.6) */
function scramblerOf(a: Uint8Array, b: Uint8Array, length: number, { engine }: Dependencies): Uint8Array {
  return sha1(engine).digest(concat([padded(a, length), padded(b, length)]));
}

function sha1(engine: CryptoEngine): HashFunction {
  const hash = engine.hash('sha');
  if (hash === undefined) throw new TypeError('SRP needs SHA-1');
  return hash;
}

function fieldOf({ prime, generator }: DhParams, engine: CryptoEngine): FiniteField {
  const field = engine.finiteField(prime, generator);
  if (field === undefined) throw new TypeError('the engine has no finite fields');
  return field;
}

/** Throws `bad_key_share` where there is no power. */
function raised(field: FiniteField, base: Uint8Array, exponent: Uint8Array): bigint {
  const power = field.power(base, exponent);
  if (power === undefined) throw new AlertError('bad_key_share');
  return toNumber(power);
}

function secretOf(power: Uint8Array | undefined): Secret {
  if (power === undefined) throw new AlertError('bad_key_share');
  return new Secret(withoutZeros(power).slice());
}

/** Throws `bad_key_share` for a number that is longer than the prime. */
function padded(number: Uint8Array, length: number): Uint8Array {
  const bytes = withoutZeros(number);
  if (bytes.length > length) throw new AlertError('bad_key_share');
  const into = new Uint8Array(length);
  into.set(bytes, length - bytes.length);
  return into;
}

function toNumber(bytes: Uint8Array): bigint {
  let digits = '0x0';
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0');
  return BigInt(digits);
}

function toBytes(number: bigint, length?: number): Uint8Array {
  const digits = number.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const bytes = Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return length === undefined ? bytes : padded(bytes, length);
}
