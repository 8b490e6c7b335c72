/**
 * ML-KEM (FIPS 203) of node:crypto, which has it from Node 24.7 on, if its OpenSSL does (3.5).
 */
import * as crypto from 'node:crypto';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { fromHex } from '../../hex.js';
import { concat } from '../../wire/join.js';
import type { Encapsulation, Kem, KemKey, KemName } from '../engine.js';
import { copied, withoutStacks } from './platform.js';

/** What the types of Node 20 do not have. */
interface KemFunctions {
  encapsulate(key: KeyObject): { readonly sharedKey: Uint8Array; readonly ciphertext: Uint8Array };
  decapsulate(key: KeyObject, ciphertext: Uint8Array): Uint8Array;
}

function hasKem(module: object): module is KemFunctions {
  return 'encapsulate' in module && 'decapsulate' in module;
}

const functions: KemFunctions | undefined = hasKem(crypto) ? crypto : undefined;

/** Lengths in bytes, and what stands in DER before the key and before the seed (RFC 9935 §4, §6). */
interface Parameters {
  readonly publicKeyLength: number;
  readonly ciphertextLength: number;
  readonly spkiPrefix: string;
  readonly pkcs8Prefix: string;
}

const parameters: Readonly<Record<KemName, Parameters>> = {
  mlkem768: {
    publicKeyLength: 1184,
    ciphertextLength: 1088,
    spkiPrefix: '308204b2300b0609608648016503040402038204a100',
    pkcs8Prefix: '3054020100300b060960864801650304040204428040',
  },
  mlkem1024: {
    publicKeyLength: 1568,
    ciphertextLength: 1568,
    spkiPrefix: '30820632300b06096086480165030404030382062100',
    pkcs8Prefix: '3054020100300b060960864801650304040304428040',
  },
};

const seedLength = 64;

class NodeKem implements Kem {
  readonly name: KemName;
  readonly publicKeyLength: number;
  readonly ciphertextLength: number;
  readonly native = true;
  private readonly functions: KemFunctions;
  private readonly spkiPrefix: Uint8Array;
  private readonly pkcs8Prefix: Uint8Array;

  constructor(name: KemName, functions: KemFunctions) {
    const { publicKeyLength, ciphertextLength, spkiPrefix, pkcs8Prefix } = parameters[name];
    this.name = name;
    this.publicKeyLength = publicKeyLength;
    this.ciphertextLength = ciphertextLength;
    this.functions = functions;
    this.spkiPrefix = fromHex(spkiPrefix);
    this.pkcs8Prefix = fromHex(pkcs8Prefix);
  }

  /** Of a random seed (FIPS 203 §7.1), which costs the same as to have a pair generated and is typed. */
  generate(): KemKey {
    const seed = crypto.randomBytes(seedLength);
    const key = this.fromSeed(seed);
    seed.fill(0);
    return key;
  }

  fromSeed(seed: Uint8Array): KemKey {
    if (seed.length !== seedLength) throw new RangeError(`a seed has ${seedLength} bytes`);
    const der = Buffer.from(concat([this.pkcs8Prefix, seed]));
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return {
      publicKey: copied(spki.subarray(this.spkiPrefix.length)),
      decapsulate: (ciphertext) =>
        ciphertext.length === this.ciphertextLength
          ? copied(this.functions.decapsulate(privateKey, ciphertext))
          : undefined,
    };
  }

  encapsulate(publicKey: Uint8Array): Encapsulation | undefined {
    if (publicKey.length !== this.publicKeyLength) return undefined;
    try {
      const { ciphertext, sharedKey } = withoutStacks(() =>
        this.functions.encapsulate(this.import(publicKey)),
      );
      return { ciphertext: copied(ciphertext), secret: copied(sharedKey) };
    } catch {
      // A number of the key is not reduced (FIPS 203 §7.2).
      return undefined;
    }
  }

  private import(publicKey: Uint8Array): KeyObject {
    const der = Buffer.from(concat([this.spkiPrefix, publicKey]));
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  }
}

const known = new Map<KemName, Kem | undefined>();

/** See `CryptoEngine.kem`. */
export function nodeKem(name: KemName): Kem | undefined {
  if (!known.has(name)) known.set(name, functions && tried(new NodeKem(name, functions)));
  return known.get(name);
}

/** A Node may have the functions and be linked to an OpenSSL that has not the algorithm. */
function tried(kem: Kem): Kem | undefined {
  try {
    kem.generate();
    return kem;
  } catch {
    return undefined;
  }
}
