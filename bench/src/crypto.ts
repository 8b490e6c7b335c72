/**
 * What a record and a key exchange cost, µs: bare node:crypto, our record layer over it, and over noble; what operations
 * cost by node:crypto and through FFI. The sides take turns round by round; the median of the rounds counts. Run:
 * `node bench/dist/crypto.js [ffi]`, the last alone if it is named.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { type FfiEngine, FfiUnavailable, ffiEngine } from '@actor-tls/ssl/ffi';
import { ReadHalf } from '../../packages/ssl/dist/protocol/record/read-half.js';
import { HandshakeReassembler } from '../../packages/ssl/dist/protocol/record/reassembly.js';
import {
  Tls13ReadProtection,
  Tls13WriteProtection,
} from '../../packages/ssl/dist/protocol/record/tls13-protection.js';
import { WriteHalf } from '../../packages/ssl/dist/protocol/record/write-half.js';
import { EarlySecret, TrafficSecret } from '../../packages/ssl/dist/protocol/tls13/key-schedule.js';
import type {
  Aead,
  CryptoEngine,
  Group,
  HashFunction,
  SignatureAlgorithm,
} from '../../packages/ssl/dist/values/crypto/engine.js';
import { generateKey, type KeyKind } from '../../packages/ssl/dist/values/crypto/key-generation.js';
import { nobleEngine } from '../../packages/ssl/dist/values/crypto/noble/engine.js';
import { nodeEngine } from '../../packages/ssl/dist/values/crypto/node/engine.js';
import { Secret } from '../../packages/ssl/dist/values/secret.js';

/** One side: what it does in a turn of `count`; answers something that depends on all of it. */
interface Side {
  readonly name: string;
  readonly run: (count: number) => number;
}

const ROUNDS = 15;
/** ms of one side's turn. */
const TURN = 30;

/** ms of processor time, the collector's threads included: on a shared machine the clock measures the neighbours. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function compare(title: string, sides: readonly Side[]): void {
  const counts = sides.map(({ run }) => {
    let count = 4;
    // Doubling is the warm-up too.
    for (;;) {
      const start = spent();
      consumed += run(count);
      const took = spent() - start;
      if (took > TURN / 2) return Math.max(1, Math.round((count * TURN) / took));
      count *= 2;
    }
  });
  const times = sides.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { run }] of sides.entries()) {
      const count = counts[index] ?? 1;
      const start = spent();
      consumed += run(count);
      times[index]?.push(((spent() - start) * 1000) / count);
    }
  }
  const medians = times.map((list) => list.sort((a, b) => a - b)[list.length >> 1] ?? 0);
  const base = medians[0] ?? 1;
  console.log(title);
  for (const [index, { name }] of sides.entries()) {
    const median = medians[index] ?? 0;
    console.log(`  ${name.padEnd(28)}${median.toFixed(2).padStart(10)}  ${(median / base).toFixed(2)} ×`);
  }
}

let consumed = 0;

/**
 * Seal and open by the calls that cannot be avoided on records as they come, which begin behind a header: views for
 * ciphertext, tag and content, but neither framing nor the content type's own `update`.
 */
function bare(length: number): Side {
  const key = new Uint8Array(randomBytes(16));
  const nonce = new Uint8Array(12);
  const aad = Uint8Array.of(23, 3, 3, (length + 17) >> 8, (length + 17) & 255);
  const plaintext = new Uint8Array(length + 1);
  const record = new Uint8Array(5 + length + 17);
  const sealOnce = createCipheriv('aes-128-gcm', key, nonce);
  sealOnce.setAAD(aad);
  record.set(sealOnce.update(plaintext), 5);
  sealOnce.final();
  record.set(sealOnce.getAuthTag(), 6 + length);
  return {
    name: 'node:crypto, bare calls',
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const cipher = createCipheriv('aes-128-gcm', key, nonce);
        cipher.setAAD(aad);
        sum += cipher.update(plaintext)[0] ?? 0;
        cipher.final();
        sum += cipher.getAuthTag()[0] ?? 0;
        const decipher = createDecipheriv('aes-128-gcm', key, nonce);
        decipher.setAAD(aad);
        decipher.setAuthTag(record.subarray(6 + length));
        sum += decipher.update(record.subarray(5, 6 + length)).subarray(0, length).length;
        decipher.final();
      }
      return sum;
    },
  };
}

function halves(hash: HashFunction, aead: Aead): { write: WriteHalf; read: ReadHalf } {
  const secret = (): TrafficSecret => new TrafficSecret(hash, new Secret(new Uint8Array(hash.outputLength)));
  const write = new WriteHalf(Number.POSITIVE_INFINITY);
  const read = new ReadHalf();
  write.install(new Tls13WriteProtection(aead, secret()));
  read.install(new Tls13ReadProtection(aead, secret()), new HandshakeReassembler(0).aligned());
  return { write, read };
}

function records(engine: CryptoEngine, length: number): Side {
  const { write, read } = halves(need(engine.hash('sha256')), need(engine.aead('aes_128_gcm')));
  const plaintext = new Uint8Array(length);
  return {
    name: `record layer over ${engine.name}`,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const pieces = write.sealApplicationData(plaintext);
        for (let j = 0; j < pieces.length; j++) read.feed(need(pieces[j]));
        for (let record = read.next(); record !== undefined; record = read.next()) sum += record.data.length;
      }
      return sum;
    },
  };
}

/** As a socket gives them: many records in one chunk. */
function chunks(engine: CryptoEngine, length: number): Side {
  const { write, read } = halves(need(engine.hash('sha256')), need(engine.aead('aes_128_gcm')));
  const plaintext = new Uint8Array(length);
  const chunk = new Uint8Array(65_536);
  let filled = 0;
  return {
    name: `${engine.name}, chunks of 64 KB`,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        for (const piece of write.sealApplicationData(plaintext)) {
          for (let at = 0; at < piece.length; ) {
            const part = piece.subarray(at, at + chunk.length - filled);
            chunk.set(part, filled);
            filled += part.length;
            at += part.length;
            if (filled < chunk.length) continue;
            read.feed(chunk);
            for (let record = read.next(); record !== undefined; record = read.next())
              sum += record.data.length;
            read.detach();
            filled = 0;
          }
        }
      }
      return sum;
    },
  };
}

function exchange(engine: CryptoEngine, group: Group): Side {
  return {
    name: engine.name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const [client, server] = [group.generate(), group.generate()];
        sum += need(client.sharedSecret(server.publicKey))[0] ?? 0;
        sum += need(server.sharedSecret(client.publicKey))[0] ?? 0;
      }
      return sum;
    },
  };
}

/** All that one end derives in a full handshake. */
function schedule(engine: CryptoEngine): Side {
  const hash = need(engine.hash('sha256'));
  const aead = need(engine.aead('aes_128_gcm'));
  const shared = new Secret(new Uint8Array(32).fill(1));
  const transcript = hash.digest(new Uint8Array(1));
  return {
    name: engine.name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const handshake = EarlySecret.withoutPsk(hash).handshake(shared);
        const master = handshake.master();
        for (const stage of [handshake, master]) {
          for (const secret of [stage.clientTraffic(transcript), stage.serverTraffic(transcript)]) {
            sum += secret.keys(aead).key[0] ?? 0;
            if (stage === handshake) sum += secret.finishedKey().mac(transcript)[0] ?? 0;
          }
        }
      }
      return sum;
    },
  };
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the engine lacks it');
  return value;
}

/** One operation of an engine, again and again. */
function repeated(engine: CryptoEngine, once: (turn: number) => ArrayLike<number> | boolean): Side {
  return {
    name: engine.name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const result = once(i);
        sum += typeof result === 'boolean' ? Number(result) : (result[0] ?? 0);
      }
      return sum;
    },
  };
}

/** Seals records, or opens them, as connections do: numbered nonces, into memory that is there. */
function direct(engine: CryptoEngine, what: 'seal' | 'open', length: number): Side {
  const aead = need(engine.aead('aes_128_gcm'));
  const key = new Uint8Array(aead.keyLength).fill(7);
  const [sealer, opener] = [aead.sealer(key), aead.opener(key)];
  const [nonce, aad, text] = [new Uint8Array(12), new Uint8Array(5), new Uint8Array(length)];
  const number = new DataView(nonce.buffer);
  const out = Buffer.alloc(length + 17);
  const records = Array.from({ length: Math.max(64, Math.ceil(100_000 / length)) }, (_, sequence) => {
    number.setUint32(8, sequence);
    const tail = new Uint8Array(17);
    return Buffer.concat([sealer.seal(nonce, aad, text, tail, 1), tail]);
  });
  return repeated(engine, (turn) => {
    const sequence = turn % records.length;
    number.setUint32(8, what === 'seal' ? turn : sequence);
    const record = need(records[sequence]);
    if (what === 'seal') {
      const limit = sealer.direct?.limit ?? 0;
      if (length <= limit) return need(sealer.direct).seal(nonce, aad, text, 23, out, 0, turn) > 0;
      return sealer.seal(nonce, aad, text, new Uint8Array(17), 1);
    }
    if (record.length <= (opener.direct?.limit ?? 0))
      return need(opener.direct).open(nonce, aad, record, 0, record.length, out, 0, sequence);
    return need(need(opener.open(nonce, aad, [record.subarray(0, -16)], record.subarray(-16)))[0]);
  });
}

/** By FFI, where it can be had, beside node:crypto. */
function throughFfi(ffi: FfiEngine): void {
  const both = (title: string, side: (engine: CryptoEngine) => Side): void =>
    compare(title, [nodeEngine, ffi].map(side));
  for (const length of [64, 256, 1024, 16_384]) {
    for (const what of ['seal', 'open'] as const)
      both(`${what} ${length} bytes`, (engine) => direct(engine, what, length));
  }
  const data = new Uint8Array(randomBytes(200));
  both('SHA-256 of 200 bytes', (engine) => {
    const hash = need(engine.hash('sha256'));
    return repeated(engine, () => hash.digest(data));
  });
  both('key schedule of a full handshake, one end', schedule);
  for (const name of ['x25519', 'secp256r1', 'secp384r1'] as const) {
    both(`${name}: a share and a secret`, (engine) => {
      const group = need(engine.group(name));
      const peer = group.generate().publicKey;
      return repeated(engine, () => need(group.generate().sharedSecret(peer)));
    });
  }
  const pss = { type: 'rsa_pss', hash: 'sha256', mgfHash: 'sha256', saltLength: 32 } as const;
  const keys: readonly (readonly [string, KeyKind, SignatureAlgorithm])[] = [
    ['ECDSA P-256', 'ec', { type: 'ecdsa', hash: 'sha256' }],
    ['Ed25519', 'ed25519', { type: 'ed25519' }],
    ['RSA 2048', 'rsa', { type: 'rsa_pkcs1', hash: 'sha256' }],
    ['RSA 2048 with PSS', 'rsa', pss],
  ];
  for (const [name, kind, algorithm] of keys) {
    const { pkcs8, spki } = generateKey(kind);
    both(`${name}: sign`, (engine) => {
      const key = need(engine.importPrivateKey(pkcs8));
      return repeated(engine, () => key.sign(algorithm, data));
    });
    const signature = need(nodeEngine.importPrivateKey(pkcs8)).sign(algorithm, data);
    both(`${name}: verify`, (engine) => {
      const key = need(engine.importPublicKey(spki));
      return repeated(engine, () => key.verify(algorithm, data, signature));
    });
    both(`${name}: import and verify`, (engine) =>
      repeated(engine, () => need(engine.importPublicKey(spki)).verify(algorithm, data, signature)),
    );
  }
}

function ffiIfThere(): FfiEngine | undefined {
  try {
    return ffiEngine();
  } catch (error) {
    if (!(error instanceof FfiUnavailable)) throw error;
    console.log(error.message);
    return undefined;
  }
}

console.log(`Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}; µs, then ratio to the first row`);
if (process.argv[2] !== 'ffi') {
  for (const length of [64, 16_384]) {
    compare(`AES-128-GCM, seal and open ${length} bytes`, [
      bare(length),
      records(nodeEngine, length),
      chunks(nodeEngine, length),
      records(nobleEngine, length),
    ]);
  }
  for (const name of ['x25519', 'secp256r1'] as const) {
    const sides = [nodeEngine, nobleEngine].map((engine) => exchange(engine, need(engine.group(name))));
    compare(`${name}, both ends`, sides);
  }
  compare('key schedule of a full handshake, one end', [schedule(nodeEngine), schedule(nobleEngine)]);
}
const ffi = ffiIfThere();
if (ffi !== undefined) throughFfi(ffi);
if (!Number.isFinite(consumed)) console.log('nothing was computed');
