/**
 * Several engines as one: each primitive comes from the first engine that has it, in an order that never changes.
 */
import type {
  Aead,
  AeadName,
  Cipher,
  CipherName,
  CryptoEngine,
  DhGroupName,
  FiniteField,
  Group,
  GroupName,
  HashFunction,
  HashName,
  Kem,
  KemName,
  KeyAlgorithm,
  PrivateKey,
  PublicKey,
} from './engine.js';
import { hybridGroup, isHybridGroup } from './hybrid-groups.js';

/** What can be routed on its own. Keys go by algorithm, whatever their curve; a hybrid group by its two halves. */
export type Primitive =
  | `hash:${HashName}`
  | `aead:${AeadName}`
  | `cipher:${CipherName}`
  | `kem:${KemName}`
  | `group:${DhGroupName}`
  | `key:${KeyAlgorithm}`
  | 'equal'
  | 'random';

/** Names of the engines to ask for a primitive, in order, in place of all of them. */
export type Routes = Readonly<Partial<Record<Primitive, readonly string[]>>>;

/**
 * `engines` in order of preference, not empty; `routes` for primitives with another order. Throws `TypeError` for a
 * name that no engine bears.
 */
export function routeEngines(engines: readonly CryptoEngine[], routes: Routes = {}): CryptoEngine {
  const [first] = engines;
  if (first === undefined) throw new TypeError('no engine to route to');
  for (const [primitive, names] of Object.entries(routes)) {
    for (const name of names) {
      if (!engines.some((engine) => engine.name === name)) {
        throw new TypeError(`route of ${primitive} to an unknown engine: ${name}`);
      }
    }
  }
  return new RoutedEngine(engines, first, routes);
}

class RoutedEngine implements CryptoEngine {
  readonly name: string;
  readonly equal: CryptoEngine['equal'];
  readonly randomBytes: CryptoEngine['randomBytes'];
  private readonly engines: readonly CryptoEngine[];
  private readonly routes: Routes;
  private readonly hashes = new Map<HashName, HashFunction | undefined>();
  private readonly aeads = new Map<AeadName, Aead | undefined>();
  private readonly ciphers = new Map<CipherName, Cipher | undefined>();
  private readonly kems = new Map<KemName, Kem | undefined>();
  private readonly groups = new Map<GroupName, Group | undefined>();

  constructor(engines: readonly CryptoEngine[], first: CryptoEngine, routes: Routes) {
    this.engines = engines;
    this.routes = routes;
    this.name = engines.map((engine) => engine.name).join('+');
    this.equal = (this.candidates('equal')[0] ?? first).equal;
    this.randomBytes = (this.candidates('random')[0] ?? first).randomBytes;
  }

  hash(name: HashName): HashFunction | undefined {
    return this.route(this.hashes, name, `hash:${name}`, (engine) => engine.hash(name));
  }

  aead(name: AeadName): Aead | undefined {
    return this.route(this.aeads, name, `aead:${name}`, (engine) => engine.aead(name));
  }

  cipher(name: CipherName): Cipher | undefined {
    return this.route(this.ciphers, name, `cipher:${name}`, (engine) => engine.cipher(name));
  }

  kem(name: KemName): Kem | undefined {
    return this.route(this.kems, name, `kem:${name}`, (engine) => engine.kem(name));
  }

  group(name: GroupName): Group | undefined {
    if (!isHybridGroup(name))
      return this.route(this.groups, name, `group:${name}`, (engine) => engine.group(name));
    const known = this.groups.get(name) ?? hybridGroup(name, this);
    this.groups.set(name, known);
    return known;
  }

  finiteField(prime: Uint8Array, generator: Uint8Array): FiniteField | undefined {
    for (const engine of this.engines) {
      const field = engine.finiteField(prime, generator);
      if (field !== undefined) return field;
    }
    return undefined;
  }

  supportsKey(algorithm: KeyAlgorithm, curve?: string): boolean {
    return this.candidates(`key:${algorithm}`).some((engine) => engine.supportsKey(algorithm, curve));
  }

  importPublicKey(spki: Uint8Array): PublicKey | undefined {
    return this.importKey((engine) => engine.importPublicKey(spki));
  }

  importPrivateKey(pkcs8: Uint8Array): PrivateKey | undefined {
    return this.importKey((engine) => engine.importPrivateKey(pkcs8));
  }

  /** The algorithm is known once somebody could read the key; a route may then send it elsewhere. */
  private importKey<Key extends PublicKey | PrivateKey>(
    from: (engine: CryptoEngine) => Key | undefined,
  ): Key | undefined {
    for (const engine of this.engines) {
      const key = from(engine);
      if (key === undefined) continue;
      const names = this.routes[`key:${key.algorithm}`];
      if (names === undefined || names[0] === engine.name) return key;
      for (const candidate of this.candidates(`key:${key.algorithm}`)) {
        const routed = candidate === engine ? key : from(candidate);
        if (routed !== undefined) return routed;
      }
      return undefined;
    }
    return undefined;
  }

  private route<Name, Value>(
    known: Map<Name, Value | undefined>,
    name: Name,
    primitive: Primitive,
    from: (engine: CryptoEngine) => Value | undefined,
  ): Value | undefined {
    if (known.has(name)) return known.get(name);
    let found: Value | undefined;
    for (const engine of this.candidates(primitive)) {
      found = from(engine);
      if (found !== undefined) break;
    }
    known.set(name, found);
    return found;
  }

  private candidates(primitive: Primitive): readonly CryptoEngine[] {
    const names = this.routes[primitive];
    if (names === undefined) return this.engines;
    return names.flatMap((name) => this.engines.filter((engine) => engine.name === name));
  }
}
