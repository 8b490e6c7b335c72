/**
 * Project Wycheproof's vectors, through all engines. What an engine lacks is counted, never passed over in silence.
 */
import { expect, it } from 'vitest';
import type {
  AeadName,
  CryptoEngine,
  GroupName,
  HashName,
  KemName,
  SignatureAlgorithm,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { ffi } from '../support/ffi.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';

type Outcome = 'valid' | 'invalid' | 'acceptable';
/** The fields of all the files; text is hexadecimal but for comments, flags and names. */
interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: Outcome;
  readonly key?: string;
  readonly iv?: string;
  readonly aad?: string;
  readonly msg?: string;
  readonly ct?: string;
  readonly tag?: string;
  readonly sig?: string;
  readonly public?: string;
  readonly private?: string;
  readonly shared?: string;
  readonly ikm?: string;
  readonly salt?: string;
  readonly info?: string;
  readonly size?: number;
  readonly okm?: string;
  readonly seed?: string;
  readonly ek?: string;
  readonly c?: string;
  readonly K?: string;
}
interface Group {
  readonly tests: readonly Vector[];
  readonly publicKeyDer?: string;
  readonly sha?: string;
  readonly sLen?: number;
  readonly ivSize?: number;
  readonly keySize?: number;
  readonly tagSize?: number;
  readonly parameterSet?: string;
}

/** A field that the file must have. */
const bytes = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(present(text), 'hex'));
const hex = (data: Uint8Array | undefined): string =>
  data === undefined ? 'refused' : Buffer.from(data).toString('hex');

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent');
  return value;
}

/** Whether a vector's operation succeeded with the right result; `elsewhere`: its parameters do not occur in TLS. */
type Check = (engine: CryptoEngine, group: Group, vector: Vector) => boolean | 'elsewhere';

/** With node:crypto's; where it can be had also the one through FFI, which routes to node:crypto what it lacks. */
const openssl: readonly CryptoEngine[] = ffi === undefined ? [nodeEngine] : [nodeEngine, ffi];
const all: readonly CryptoEngine[] = [...openssl, nobleEngine];

function suite(file: string, engines: readonly CryptoEngine[], check: Check): void {
  const path = `wycheproof/${file}_test.json.gz`;
  describeWithData(`Wycheproof ${file}`, path, () => {
    const { testGroups } = readSharedJson(path) as { testGroups: readonly Group[] };
    for (const engine of all) {
      if (!engines.includes(engine)) {
        it(`${engine.name} says that it does not have it`, () => {
          report('Wycheproof', { [`${file}: ${engine.name} has none`]: 1 });
          expect(lacking(engine, testGroups)).toBeUndefined();
        });
        continue;
      }
      it(`${engine.name} accepts what is valid and refuses what is not`, () => {
        const wrong: string[] = [];
        let checked = 0;
        let elsewhere = 0;
        for (const group of testGroups) {
          for (const vector of group.tests) {
            const succeeded = check(engine, group, vector);
            if (succeeded === 'elsewhere') {
              elsewhere++;
              continue;
            }
            checked++;
            // `acceptable`: either answer is right; `check` has compared the value of one that was computed.
            if (vector.result !== 'acceptable' && succeeded !== (vector.result === 'valid')) {
              wrong.push(`${vector.tcId} ${vector.result} ${vector.comment} [${vector.flags.join()}]`);
            }
          }
        }
        expect(wrong).toEqual([]);
        expect(checked).toBeGreaterThan(0);
        report('Wycheproof', { [engine.name]: checked });
        if (elsewhere > 0) report('Wycheproof', { 'of parameters that TLS does not have': elsewhere });
      });
    }
  });
}

/** What an engine answers when it is asked for what it lacks. */
function lacking(engine: CryptoEngine, groups: readonly Group[]): unknown {
  const [group] = groups;
  if (group?.parameterSet !== undefined) return engine.kem(kemName(group));
  if (group?.tagSize !== undefined) return engine.aead('aes_128_ccm') ?? engine.aead('aes_256_ccm_8');
  return engine.importPublicKey(bytes(group?.publicKeyDer));
}

suite('aes_gcm', all, (engine, group, vector) => {
  if (group.ivSize !== 96 || group.tagSize !== 128 || group.keySize === 192) return 'elsewhere';
  return aead(engine, group.keySize === 128 ? 'aes_128_gcm' : 'aes_256_gcm', vector);
});
suite('chacha20_poly1305', all, (engine, group, vector) => {
  if (group.ivSize !== 96) return 'elsewhere';
  return aead(engine, 'chacha20_poly1305', vector);
});

suite('aes_ccm', openssl, (engine, { keySize, tagSize }, vector) => {
  const name = `aes_${keySize === 128 ? 128 : 256}_ccm${tagSize === 64 ? '_8' : ''}` as const;
  return aead(engine, name, vector);
});

function aead(engine: CryptoEngine, name: AeadName, vector: Vector): boolean {
  const key = bytes(vector.key);
  const nonce = bytes(vector.iv);
  const aad = bytes(vector.aad);
  const msg = bytes(vector.msg);
  const primitive = present(engine.aead(name));
  const ct = bytes(vector.ct);
  const tag = bytes(vector.tag);
  const sealed = Buffer.concat([ct, tag]);
  const opener = primitive.opener(key);
  const plaintext = opener.open(nonce, aad, ct.length > 0 ? [ct] : [], tag);
  // In pieces: the same answer.
  const pieces = [ct.subarray(0, 1), ct.subarray(1, 5), ct.subarray(5)].filter((piece) => piece.length > 0);
  const pieced = opener.open(nonce, aad, pieces, tag);
  expect(pieced && hex(Buffer.concat(pieced))).toBe(plaintext && hex(Buffer.concat(plaintext)));
  expect(opener.open(nonce, aad, pieces, tag.subarray(0, -4))).toBeUndefined();
  const { direct } = opener;
  // A limit of 0 says that it does not pay yet.
  if (direct !== undefined && (direct.limit === 0 || sealed.length <= direct.limit)) {
    const into = direct.allocate(ct.length);
    const opened = direct.open(nonce, aad, sealed, 0, sealed.length, into, 0, 0);
    expect(opened ? hex(into) : 'refused').toBe(hex(plaintext && Buffer.concat(plaintext)));
    report('Wycheproof', { [`${name} written where it is told`]: 1 });
  }
  if (plaintext === undefined) return false;
  const sealer = primitive.sealer(key);
  const { tagLength } = primitive;
  const tail = new Uint8Array(tagLength);
  const body = sealer.seal(nonce, aad, msg, tail, 0);
  const record = new Uint8Array(msg.length + tagLength);
  record.set(msg);
  sealer.sealInPlace(nonce, aad, record, 0, msg.length);
  expect(hex(Buffer.concat([body, tail]))).toBe(hex(sealed));
  const trailed = new Uint8Array(1 + tagLength);
  trailed.set(msg.subarray(-1));
  const cut = sealer.seal(nonce, aad, msg.subarray(0, -1), trailed, msg.length > 0 ? 1 : 0);
  if (msg.length > 0) expect(hex(Buffer.concat([cut, trailed]))).toBe(hex(sealed));
  expect(hex(record)).toBe(hex(sealed));
  if (sealer.direct !== undefined) {
    record.fill(0);
    expect(sealer.direct.seal(nonce, aad, msg, -1, record, 0, 0)).toBe(record.length);
    expect(hex(record)).toBe(hex(sealed));
  }
  return hex(Buffer.concat(plaintext)) === vector.msg;
}

for (const curve of ['secp256r1', 'secp384r1'] as const) {
  suite(`ecdh_${curve}_ecpoint`, all, (engine, _group, vector) => {
    const length = curve === 'secp256r1' ? 32 : 48;
    // Scalars come as signed integers: cut the sign byte off, fill up what is short.
    const scalar = present(vector.private)
      .padStart(2 * length, '0')
      .slice(-2 * length);
    return exchange(engine, curve, bytes(scalar), vector);
  });
}
suite('x25519', all, (engine, _group, vector) => {
  const refusedZero = vector.flags.includes('ZeroSharedSecret');
  const succeeded = exchange(engine, 'x25519', bytes(vector.private), vector);
  // Acceptable in Wycheproof, forbidden in TLS (RFC 8446 §7.4.2); other acceptable keys must work (RFC 7748 §5).
  if (vector.result === 'acceptable') expect(succeeded, `${vector.tcId}`).toBe(!refusedZero);
  return succeeded;
});

suite('x448', all, (engine, _group, vector) => {
  const refusedZero = vector.flags.includes('ZeroSharedSecret') || /^0*$/.test(present(vector.shared));
  const succeeded = exchange(engine, 'x448', bytes(vector.private), vector);
  if (vector.result === 'acceptable') expect(succeeded, `${vector.tcId}`).toBe(!refusedZero);
  return succeeded;
});

function exchange(engine: CryptoEngine, name: GroupName, privateKey: Uint8Array, vector: Vector): boolean {
  const secret = present(engine.group(name)).fromPrivateKey(privateKey).sharedSecret(bytes(vector.public));
  if (secret === undefined) return false;
  expect(hex(secret), `${vector.tcId}`).toBe(vector.shared);
  return true;
}

const signed =
  (algorithm: (group: Group) => SignatureAlgorithm): Check =>
  (engine, group, vector) => {
    const key = present(engine.importPublicKey(bytes(group.publicKeyDer)));
    return key.verify(algorithm(group), bytes(vector.msg), bytes(vector.sig));
  };
const hashOf = (group: Group): HashName => {
  const name = present(group.sha).toLowerCase().replace('-', '');
  if (name === 'sha256' || name === 'sha384' || name === 'sha512') return name;
  throw new Error(`hash ${name}`);
};

suite(
  'ecdsa_secp256r1_sha256',
  all,
  signed((group) => ({ type: 'ecdsa', hash: hashOf(group) })),
);
suite(
  'ecdsa_secp384r1_sha384',
  all,
  signed((group) => ({ type: 'ecdsa', hash: hashOf(group) })),
);
suite(
  'ed25519',
  all,
  signed(() => ({ type: 'ed25519' })),
);
suite(
  'ed448',
  all,
  signed(() => ({ type: 'ed448' })),
);
suite(
  'dsa_2048_256_sha256',
  openssl,
  signed((group) => ({ type: 'dsa', hash: hashOf(group) })),
);
suite(
  'rsa_signature_2048_sha256',
  openssl,
  signed((group) => ({ type: 'rsa_pkcs1', hash: hashOf(group) })),
);
suite(
  'rsa_pss_2048_sha256_mgf1_32',
  openssl,
  signed((group) => ({
    type: 'rsa_pss',
    hash: hashOf(group),
    mgfHash: 'sha256',
    saltLength: present(group.sLen),
  })),
);

suite('hkdf_sha256', all, (engine, _group, vector) => {
  const hash = present(engine.hash('sha256'));
  const secret = hash.hkdfExtract(bytes(vector.salt), bytes(vector.ikm));
  try {
    return hex(hash.hkdfExpand(secret, bytes(vector.info), present(vector.size))) === vector.okm;
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return false;
  }
});
suite('hmac_sha256', all, (engine, group, vector) => {
  const mac = present(engine.hash('sha256')).hmac(bytes(vector.key), bytes(vector.msg));
  const tag = mac.subarray(0, present(group.tagSize) / 8);
  return engine.equal(tag, bytes(vector.tag));
});

/** Node 20 has no ML-KEM: there the engine of node:crypto says so. */
const withKem = all.filter((engine) => engine.kem('mlkem768') !== undefined);

function kemName({ parameterSet }: Group): KemName {
  return parameterSet === 'ML-KEM-768' ? 'mlkem768' : 'mlkem1024';
}

for (const size of [768, 1024]) {
  suite(`mlkem_${size}`, withKem, (engine, group, vector) => {
    const kem = present(engine.kem(kemName(group)));
    try {
      const key = kem.fromSeed(bytes(vector.seed));
      if (vector.ek !== undefined && hex(key.publicKey) !== vector.ek) return false;
      return hex(key.decapsulate(bytes(vector.c))) === vector.K;
    } catch {
      return false;
    }
  });
  suite(`mlkem_${size}_encaps`, withKem, (engine, group, vector) => {
    const encapsulated = present(engine.kem(kemName(group))).encapsulate(bytes(vector.ek));
    if (encapsulated === undefined) return false;
    const { length } = bytes(vector.c);
    return encapsulated.ciphertext.length === length && encapsulated.secret.length === 32;
  });
}

it('vectors of primitives that are not built yet are named', () => {
  report('Wycheproof', { 'rsa_pkcs1_2048: not yet (decryption, TLS 1.2)': 1 });
  expect(Object.keys(nodeEngine)).not.toContain('decrypt');
});
