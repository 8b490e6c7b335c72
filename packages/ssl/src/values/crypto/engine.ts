/**
 * What the stack asks of a cryptographic library, as one synchronous interface.
 *
 * An engine answers `undefined` for what it lacks; the router (`router.ts`) takes the first engine that has
 * a primitive. The interface hands over whole steps (all labels of one secret, a lasting sealer per direction)
 * so that an engine can prepare pads, keys or counter blocks once.
 */
import type { CurveName, Tls13CurveName } from '../registry/groups.js';

export type HashName = 'md5' | 'sha' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** HMAC under one key that was prepared once (RFC 2104). */
export interface RecordMac {
  /** Of `head` and `content` behind it. */
  mac(head: Uint8Array, content: Uint8Array): Uint8Array;
}

/** A running hash. `digest` may be called at any time and does not end it. */
export interface RunningHash {
  /** Feeds bytes, which must stay as they are: a digest may come back to them. */
  update(data: Uint8Array): void;
  /** The hash of everything fed so far; feeding may go on. */
  digest(): Uint8Array;
  /** An independent copy of the state. */
  fork(): RunningHash;
}

/** All HKDF-Expand-Label derivations of one secret (RFC 8446 §7.1); prepares the HMAC key once. */
export interface LabelExpander {
  expandLabel(label: string, context: Uint8Array, length: number): Uint8Array;
}

/** What stands in front of the labels of a protocol (RFC 8446 §7.1, RFC 9147 §5.9). */
export type LabelPrefix = 'tls13 ' | 'dtls13';

/** A hash function and the constructions TLS builds on it. */
export interface HashFunction {
  readonly name: HashName;
  /** bytes */
  readonly outputLength: number;
  digest(data: Uint8Array): Uint8Array;
  start(): RunningHash;
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** For the many records of one direction. */
  recordMac(key: Uint8Array): RecordMac;
  /** HKDF-Extract (RFC 5869 §2.2). */
  hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array;
  /** HKDF-Expand (RFC 5869 §2.3). */
  hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** `prefix`: `tls13 ` unless given. */
  labels(secret: Uint8Array, prefix?: LabelPrefix): LabelExpander;
}

export type AeadName =
  | 'aes_128_gcm'
  | 'aes_256_gcm'
  | 'chacha20_poly1305'
  | 'aes_128_ccm'
  | 'aes_256_ccm'
  | 'aes_128_ccm_8'
  | 'aes_256_ccm_8';

/** Encrypts records of one direction under one key. Keeps none of its arguments. */
export interface Sealer {
  /**
   * Seals a short record where it stands: bytes `start` to `end` of `record` become ciphertext, the tag follows
   * them; there must be room for it.
   */
  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void;
  /**
   * Seals `plaintext` followed by the first `trailerLength` bytes of `tail` (the inner content type and padding of
   * RFC 8446 §5.2). Afterwards these bytes are the trailer's ciphertext, and the tag follows them in `tail`. Answers
   * the plaintext's ciphertext in memory of its own; the plaintext is not copied.
   */
  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tail: Uint8Array,
    trailerLength: number,
  ): Uint8Array;
  /** Of an engine that writes where it is told. */
  readonly direct?: DirectSealer | undefined;
}

/**
 * Seals records into memory that is given. Nonces are a constant XOR the record's number, as RFC 8446 §5.3 and RFC 7905
 * §2 have it, so that an engine may prepare records to come.
 */
export interface DirectSealer {
  /** The longest plaintext that `seal` takes now, bytes; 0: none. It may change with every record. */
  readonly limit: number;
  /**
   * Seals `plaintext`, and the byte `trailer` behind it unless that is negative, into `out` from `at` on; the tag follows.
   * Answers where the tag ends. Throws `RangeError` when there is no room. `out` must not overlap `plaintext`.
   */
  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    trailer: number,
    out: Uint8Array,
    at: number,
    sequence: number,
  ): number;
}

/** Decrypts records of one direction under one key. Keeps none of its arguments. */
export interface Opener {
  /**
   * Opens ciphertext given as adjacent pieces, none of them empty. Answers the plaintext in adjacent pieces with
   * memory of their own, none of them empty, or `undefined` when authentication fails or the tag has another length
   * than it should; no plaintext is ever released before the tag was checked.
   */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    pieces: readonly Uint8Array[],
    tag: Uint8Array,
  ): Uint8Array[] | undefined;
  /** Of an engine that writes where it is told. */
  readonly direct?: DirectOpener | undefined;
}

/** Opens records into memory that is given. */
export interface DirectOpener {
  /** The longest ciphertext, tag included, that `open` takes now, bytes; 0: none. It may change with every record. */
  readonly limit: number;
  /** Memory for plaintext, which may hold anything. */
  allocate(bytes: number): Uint8Array;
  /**
   * Opens `length` bytes of `chunk` from `at` on, the tag being their end, into `out` from `outAt` on. False when they do
   * not authenticate: then zeros stand in `out`, and nothing of the plaintext anywhere. Throws `RangeError` when there is
   * no room. `out` and `chunk` must not overlap.
   */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    chunk: Uint8Array,
    at: number,
    length: number,
    out: Uint8Array,
    outAt: number,
    sequence: number,
  ): boolean;
}

/** Hides the numbers of records over datagrams (RFC 9147 §4.2.3). Keeps none of its arguments. */
export interface RecordNumberCipher {
  /** `sample`: the first 16 bytes of a record's ciphertext. Answers as many, of which the first are XORed into the number. */
  mask(sample: Uint8Array): Uint8Array;
}

export interface Aead {
  readonly name: AeadName;
  /** bytes */
  readonly keyLength: number;
  /** bytes */
  readonly nonceLength: number;
  /** bytes */
  readonly tagLength: number;
  sealer(key: Uint8Array): Sealer;
  opener(key: Uint8Array): Opener;
  /** `key`: as long as those of records. */
  recordNumbers(key: Uint8Array): RecordNumberCipher;
}

/** Ciphers of TLS 1.2 and before that are no AEADs. */
export type CipherName = 'aes_128_cbc' | 'aes_256_cbc' | '3des_ede_cbc' | 'des_cbc' | 'rc4_128';

/** One direction of a cipher: each call goes on where the one before ended, as CBC chains blocks and RC4 its stream. */
export interface RunningCipher {
  /** As many bytes as `data`, which are whole blocks, in memory of their own. */
  update(data: Uint8Array): Uint8Array;
}

/** A block cipher in CBC mode without padding, or a stream cipher. */
export interface Cipher {
  readonly name: CipherName;
  /** bytes */
  readonly keyLength: number;
  /** bytes, of the IV too; 1: a stream cipher, without IV */
  readonly blockLength: number;
  encryptor(key: Uint8Array, iv: Uint8Array): RunningCipher;
  decryptor(key: Uint8Array, iv: Uint8Array): RunningCipher;
}

/** Curves that TLS 1.2 and before alone know, by these numbers (RFC 8422 §5.1.1, RFC 4492 §5.1.1, RFC 7027). */
export type OlderCurveName = Exclude<CurveName, Tls13CurveName>;
/** Curves of TLS 1.2; those of TLS 1.3 are among them. */
export type CurveGroupName = Tls13CurveName | OlderCurveName;
/** RFC 8734: the curves that TLS 1.2 knows by other numbers. */
export type BrainpoolGroupName = 'brainpoolP256r1tls13' | 'brainpoolP384r1tls13' | 'brainpoolP512r1tls13';
/** RFC 7919 */
export type FiniteFieldGroupName = 'ffdhe2048' | 'ffdhe3072' | 'ffdhe4096' | 'ffdhe6144' | 'ffdhe8192';
/** draft-ietf-tls-ecdhe-mlkem, under OTP's names. */
export type HybridGroupName = 'x25519mlkem768' | 'secp256r1mlkem768' | 'secp384r1mlkem1024';
export type DhGroupName = CurveGroupName | BrainpoolGroupName | FiniteFieldGroupName;
export type GroupName = DhGroupName | HybridGroupName;

/** The ephemeral key of who speaks first, in the wire forms of RFC 8446 §4.2.8. */
export interface KeyShare {
  /** key_exchange as it stands in a KeyShareEntry. */
  readonly publicKey: Uint8Array;
  /** The shared secret, or `undefined` when the peer's key is malformed, off the curve or gives all zeros. */
  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

/** What a server answers to a client's share. */
export interface KeyAnswer {
  /** key_exchange as it stands in the ServerHello. */
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
}

interface AnyGroup {
  /** bytes of a client's share */
  readonly publicKeyLength: number;
  generate(): KeyShare;
  /**
   * A share from a given private key, for published traces and replay. A hybrid's is what stands for both: the seed
   * d ‖ z of ML-KEM (FIPS 203 §7.1) and the scalar, in the order of the group's shares.
   */
  fromPrivateKey(privateKey: Uint8Array): KeyShare;
}

/** Diffie-Hellman: both sides make a share, and neither has to wait for the other's. */
export interface DhGroup extends AnyGroup {
  readonly kind: 'dh';
  readonly name: DhGroupName;
}

/** Key encapsulation: a server's share is made of the client's. */
export interface KemGroup extends AnyGroup {
  readonly kind: 'kem';
  readonly name: HybridGroupName;
  /** Whether compiled code does it. JavaScript takes a millisecond for each key, each answer and each secret. */
  readonly native: boolean;
  /** `undefined` when the share is malformed (FIPS 203 §7.2), off the curve or gives all zeros. */
  respond(peerPublicKey: Uint8Array): KeyAnswer | undefined;
}

export type Group = DhGroup | KemGroup;

export type KemName = 'mlkem768' | 'mlkem1024';

/** A key pair of ML-KEM. */
export interface KemKey {
  /** FIPS 203's encapsulation key. */
  readonly publicKey: Uint8Array;
  /**
   * `undefined` for a ciphertext of another length. A wrong one of the right length gives a secret that nobody else has
   * (FIPS 203 §6.3).
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined;
}

/** ML-KEM (FIPS 203). */
export interface Kem {
  readonly name: KemName;
  /** bytes of an encapsulation key */
  readonly publicKeyLength: number;
  /** bytes */
  readonly ciphertextLength: number;
  /** As of a `KemGroup`. */
  readonly native: boolean;
  generate(): KemKey;
  /** From d ‖ z, 64 bytes (FIPS 203 §7.1). Throws for another length. */
  fromSeed(seed: Uint8Array): KemKey;
  /** `undefined` when the key fails the checks of FIPS 203 §7.2: its length, and that all its numbers are reduced. */
  encapsulate(publicKey: Uint8Array): Encapsulation | undefined;
}

export interface Encapsulation {
  readonly ciphertext: Uint8Array;
  readonly secret: Uint8Array;
}

/** A signature algorithm with all its parameters, as TLS schemes and X.509 AlgorithmIdentifiers name them. */
export type SignatureAlgorithm =
  | { readonly type: 'rsa_pkcs1'; readonly hash: HashName }
  | {
      readonly type: 'rsa_pss';
      readonly hash: HashName;
      readonly mgfHash: HashName;
      readonly saltLength: number;
    }
  /** MD5 and SHA-1 of the data, one behind the other and without a name, as TLS 1.1 and 1.0 sign (RFC 4346 §4.7). */
  | { readonly type: 'rsa_md5_sha1' }
  | { readonly type: 'ecdsa'; readonly hash: HashName }
  | { readonly type: 'dsa'; readonly hash: HashName }
  | { readonly type: 'ed25519' }
  | { readonly type: 'ed448' };

/**
 * What an RSA-PSS key lets itself be used with (RFC 4055 §1.2): the hash and that of MGF1, and the shortest salt in
 * bytes.
 */
export interface PssRestriction {
  readonly hash: HashName;
  readonly mgfHash: HashName;
  readonly leastSaltLength: number;
}

export type KeyAlgorithm = 'rsa' | 'rsa_pss' | 'ec' | 'dsa' | 'ed25519' | 'ed448' | 'x25519' | 'x448';

/** A public key ready for use. Made once per SubjectPublicKeyInfo and kept: importing is dear. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** OTP's curve name (`secp256r1`, `brainpoolP256r1`, …) of an `ec` key. */
  readonly curve: string | undefined;
  /** Size of modulus or field, bits. */
  readonly bits: number;
  /** Of an `rsa_pss` key whose identifier carries parameters; other keys sign with any hash. */
  readonly pss?: PssRestriction | undefined;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** False also when key and algorithm do not fit or the signature is malformed; never throws. */
  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean;
  /** Of an `rsa` key: RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1). */
  encipher?(data: Uint8Array): Uint8Array;
}

/** Arithmetic modulo a prime, for Diffie-Hellman and SRP. Numbers are big endian. */
export interface FiniteField {
  /** bytes of the prime */
  readonly length: number;
  /** `base ^ exponent`, in as many bytes as the prime has; `undefined` when the base is none that may be sent (RFC 7919 §5.1). */
  power(base: Uint8Array, exponent: Uint8Array): Uint8Array | undefined;
}

/** A private key ready for use. `sign` throws when the key does not fit the algorithm. */
export interface PrivateKey {
  readonly algorithm: KeyAlgorithm;
  readonly curve: string | undefined;
  /** bits */
  readonly bits: number;
  /** As of a `PublicKey`. */
  readonly pss?: PssRestriction | undefined;
  /** DER SubjectPublicKeyInfo of its public half. */
  readonly spki: Uint8Array;
  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array;
  /**
   * Of an `rsa` key: RSADP (RFC 8017 §5.1.2), the block with its padding, as long as the modulus. `undefined` when the bytes are
   * no number below it.
   */
  decipher?(ciphertext: Uint8Array): Uint8Array | undefined;
  /** Of an `ec` key: ECDH with a point of its curve, uncompressed; `undefined` when it is none. */
  agree?(point: Uint8Array): Uint8Array | undefined;
}

export interface CryptoEngine {
  readonly name: string;
  hash(name: HashName): HashFunction | undefined;
  aead(name: AeadName): Aead | undefined;
  cipher(name: CipherName): Cipher | undefined;
  kem(name: KemName): Kem | undefined;
  /** A hybrid group is put together of what the engine has. */
  group(name: GroupName): Group | undefined;
  /** `undefined`: the engine has no finite fields. The prime is odd; whether it is one is not looked at. */
  finiteField(prime: Uint8Array, generator: Uint8Array): FiniteField | undefined;
  /** Whether keys of this algorithm (and curve) can be imported, signed with and verified against. */
  supportsKey(algorithm: KeyAlgorithm, curve?: string): boolean;
  /** `undefined`: the engine lacks this kind of key. Throws `TypeError` when the DER is malformed or off the curve. */
  importPublicKey(spki: Uint8Array): PublicKey | undefined;
  /** From DER PrivateKeyInfo (PKCS#8, RFC 5208). Same answers as `importPublicKey`. */
  importPrivateKey(pkcs8: Uint8Array): PrivateKey | undefined;
  /** Constant-time in the length of the inputs; false when the lengths differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  randomBytes(length: number): Uint8Array;
}
