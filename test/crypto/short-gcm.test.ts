/**
 * Short records of AES-GCM that node's engine does without a cipher context, beside createCipheriv. More of them by
 * `ACTOR_TLS_GCM_RECORDS=1000000`; `ACTOR_TLS_TIMING=1` adds a test of times.
 */
import { execFileSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type {
  Aead,
  DirectOpener,
  DirectSealer,
  Opener,
  Sealer,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { loadGhash } from '../../packages/ssl/src/values/crypto/node/ghash.js';
import { report } from '../support/report.js';

const records = Number(process.env['ACTOR_TLS_GCM_RECORDS'] ?? 20_000);
const longest = 1024;
const tagLength = 16;
/** Directions that hold something at once. */
const slots = 4096;
const root = new URL('../../packages/ssl/', import.meta.url);

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent');
  return value;
}

const aes128: Aead = present(nodeEngine.aead('aes_128_gcm'));
const aes256: Aead = present(nodeEngine.aead('aes_256_gcm'));
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const below = (limit: number): number => Math.floor(Math.random() * limit);

/** RFC 8446 §5.3: the record's number XORed into the constant. */
function nonceOf(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = Buffer.from(iv);
  const number = Buffer.alloc(12);
  number.writeBigUInt64BE(BigInt(sequence), 4);
  return new Uint8Array(nonce.map((byte, i) => byte ^ (number[i] ?? 0)));
}

/** What createCipheriv makes of it. */
function expected(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Both ends of a direction, and every record of it beside OpenSSL's. */
class Pair {
  readonly key: Uint8Array;
  readonly iv: Uint8Array = random(12);
  readonly sealer: DirectSealer;
  readonly opener: DirectOpener;

  constructor(aead: Aead, key: Uint8Array = random(aead.keyLength)) {
    this.key = key;
    this.sealer = present(aead.sealer(key).direct);
    this.opener = present(aead.opener(key).direct);
  }

  /** Seals and opens a record; answers the first thing that is wrong with it. */
  record(
    sequence: number,
    plaintext: Uint8Array,
    aad: Uint8Array,
    nonce = nonceOf(this.iv, sequence),
  ): string {
    const trailer = plaintext.length % 3 === 0 ? -1 : 23;
    const content = trailer < 0 ? plaintext : Buffer.concat([plaintext, Buffer.of(trailer)]);
    const at = below(9);
    const out = Buffer.alloc(at + content.length + tagLength + 3, 7);
    const end = this.sealer.seal(nonce, aad, plaintext, trailer, out, at, sequence);
    const sealed = expected(this.key, nonce, aad, content);
    if (end !== at + sealed.length) return `${plaintext.length}: ends at ${end}`;
    if (!out.subarray(at, end).equals(sealed)) return `${plaintext.length}: sealed otherwise at ${sequence}`;
    if (out.subarray(0, at).some((byte) => byte !== 7) || out.subarray(end).some((byte) => byte !== 7))
      return 'bytes beside the record were written';
    const opened = Buffer.alloc(at + content.length + 2, 7);
    if (!this.opener.open(nonce, aad, out, at, sealed.length, opened, at, sequence)) return 'refused';
    if (!opened.subarray(at, at + content.length).equals(content)) return 'opened otherwise';
    if (opened[at + content.length] !== 7 || (at > 0 && opened[at - 1] !== 7))
      return 'bytes beside the plaintext were written';
    return 'right';
  }
}

function warm(sealer: Sealer, opener: Opener, times: number): void {
  for (let i = 0; i < times; i++) {
    const tail = new Uint8Array(tagLength);
    const body = sealer.seal(new Uint8Array(12), new Uint8Array(5), Uint8Array.of(1), tail, 0);
    opener.open(new Uint8Array(12), new Uint8Array(5), [body], tail);
  }
}

describe('Short records of AES-GCM', () => {
  test.each([
    ['128', aes128],
    ['256', aes256],
  ])('with %s bits are those of createCipheriv at every length', (_, aead) => {
    const pair = new Pair(aead);
    for (let length = 0; length <= longest; length++) {
      const aad = random(length % 2 === 0 ? 5 : 13);
      expect(pair.record(length, random(length), aad)).toBe('right');
    }
  });

  test('with random keys, lengths, gaps between their numbers, and more directions than fit', () => {
    const pairs = Array.from({ length: slots + 40 }, (_, i) => new Pair(i % 2 === 0 ? aes128 : aes256));
    const numbers = pairs.map(() => below(1000));
    const wrong = new Set<string>();
    for (let done = 0; done < records; ) {
      const who = below(4) === 0 ? below(pairs.length) : below(8);
      const usual = below(longest + 1);
      for (let run = 1 + below(40); run > 0 && done < records; run--, done++) {
        const sequence = numbers[who] ?? 0;
        const length = below(6) === 0 ? below(longest + 1) : below(usual + 1);
        const answer = present(pairs[who]).record(sequence, random(length), random(below(2) === 0 ? 5 : 13));
        if (answer !== 'right') wrong.add(answer);
        numbers[who] = sequence + (below(10) === 0 ? 1 + below(30) : 1);
      }
    }
    expect([...wrong]).toEqual([]);
    report('short AES-GCM records beside createCipheriv', { agree: records });
  });

  test.each([2 ** 31, 2 ** 32, 2 ** 33, 5 * 2 ** 32])('whose numbers pass %i', (border) => {
    const pair = new Pair(aes128);
    for (let sequence = border - 40; sequence < border + 40; sequence++) {
      expect(pair.record(sequence, random(64), random(5))).toBe('right');
    }
  });

  test('whose number comes again, or goes back, are still encrypted', () => {
    const pair = new Pair(aes128);
    for (const sequence of [0, 1, 2, 3, 3, 3, 2, 0, 4, 5, 6, 7, 7, 4]) {
      expect(pair.record(sequence, random(40), random(5))).toBe('right');
    }
  });

  test('are refused with any byte changed, and zeros stand in the place of the plaintext', () => {
    const key = random(16);
    const nonce = random(12);
    const aad = random(5);
    for (const length of [0, 1, 16, 65, 300]) {
      const sealed = expected(key, nonce, aad, random(length));
      for (let at = 0; at < sealed.length + aad.length + nonce.length; at++) {
        const pieces = [Buffer.from(sealed), Buffer.from(aad), Buffer.from(nonce)] as const;
        let index = at;
        for (const piece of pieces) {
          if (index >= 0 && index < piece.length) piece[index] = (piece[index] ?? 0) ^ (1 << below(8));
          index -= piece.length;
        }
        const out = Buffer.alloc(length + 2, 7);
        const opener = present(aes128.opener(key).direct);
        const [record, additional, changedNonce] = pieces;
        expect(opener.open(changedNonce, additional, record, 0, record.length, out, 1, 0)).toBe(false);
        expect(out).toEqual(Buffer.concat([Buffer.of(7), Buffer.alloc(length), Buffer.of(7)]));
        expect(opener.open(nonce, aad, sealed, 0, sealed.length, out, 1, 0)).toBe(true);
      }
    }
  });

  test('leave no plaintext and no keystream that was used in the memory of the module', () => {
    const pair = new Pair(aes128);
    const memory = Buffer.from(present(loadGhash()).memory.buffer);
    const plaintext = random(200);
    for (let sequence = 0; sequence < 40; sequence++) {
      const nonce = nonceOf(pair.iv, sequence);
      const zeros = new Uint8Array(plaintext.length);
      const keystream = expected(pair.key, nonce, new Uint8Array(0), zeros);
      expect(pair.record(sequence, plaintext, random(13))).toBe('right');
      for (const secret of [plaintext, keystream.subarray(0, 200)]) {
        for (const at of [0, 96, 184]) expect(memory.indexOf(secret.subarray(at, at + 16))).toBe(-1);
      }
    }
  });

  test('without room are a RangeError, and change nothing', () => {
    const pair = new Pair(aes128);
    const nonce = random(12);
    const aad = random(5);
    const out = new Uint8Array(100);
    const seal = (length: number, trailer: number, at: number) => () =>
      pair.sealer.seal(nonce, aad, new Uint8Array(length), trailer, out, at, 0);
    const open = (at: number, length: number, outAt: number) => () =>
      pair.opener.open(nonce, aad, new Uint8Array(120), at, length, out, outAt, 0);
    for (const call of [
      seal(85, -1, 0),
      seal(84, 23, 0),
      seal(10, -1, 75),
      seal(10, -1, -1),
      seal(1, 1, NaN),
    ])
      expect(call).toThrow(RangeError);
    const large = new Uint8Array(2000);
    expect(() => pair.sealer.seal(nonce, aad, new Uint8Array(longest + 1), -1, large, 0, 0)).toThrow(
      RangeError,
    );
    expect(() => pair.sealer.seal(nonce.subarray(1), aad, out, -1, large, 0, 0)).toThrow(RangeError);
    expect(() => pair.sealer.seal(nonce, large, out, -1, large, 0, 0)).toThrow(RangeError);
    for (const call of [open(0, 117, 0), open(5, 116, 0), open(0, 116, 1), open(-1, 20, 0), open(0, 20, -1)])
      expect(call).toThrow(RangeError);
    expect(out).toEqual(new Uint8Array(100));
    expect(open(0, 15, 0)()).toBe(false);
  });

  test('are taken after the fourth record, and never of ChaCha20-Poly1305', () => {
    const sealer = aes128.sealer(new Uint8Array(16));
    const opener = aes128.opener(new Uint8Array(16));
    for (let i = 0; i < 4; i++) {
      expect([sealer.direct?.limit, opener.direct?.limit]).toEqual([0, 0]);
      warm(sealer, opener, 1);
    }
    expect([sealer.direct?.limit, opener.direct?.limit]).toEqual([longest, longest + 1 + tagLength]);
    const chacha = present(nodeEngine.aead('chacha20_poly1305'));
    expect(chacha.sealer(new Uint8Array(32)).direct).toBeUndefined();
    expect(chacha.opener(new Uint8Array(32)).direct).toBeUndefined();
  });
});

describe('Nonces that are not the number XORed into a constant', () => {
  const openerOf = (key: Uint8Array): DirectOpener => {
    const opener = aes128.opener(key);
    warm(aes128.sealer(key), opener, 4);
    return present(opener.direct);
  };
  const open = (opener: DirectOpener, key: Uint8Array, nonce: Uint8Array, sequence: number): boolean => {
    const plaintext = random(50);
    const aad = random(13);
    const sealed = expected(key, nonce, aad, plaintext);
    const out = new Uint8Array(50);
    const opened = opener.open(nonce, aad, sealed, 0, sealed.length, out, 0, sequence);
    return opened && Buffer.from(out).equals(plaintext);
  };

  test('are each as good as any, but when they are random the direction gives up', () => {
    const key = random(16);
    const opener = openerOf(key);
    let taken = 0;
    for (; taken < 100 && opener.limit > 0; taken++) expect(open(opener, key, random(12), taken)).toBe(true);
    expect(taken).toBe(9);
    for (let sequence = taken; sequence < 20; sequence++) {
      expect(open(opener, key, random(12), sequence)).toBe(true);
      expect(opener.limit).toBe(0);
    }
  });

  test('may count from anywhere, over the ends of words too', () => {
    for (const start of [0x1234_5678n, 0xffff_fff0n, 0xffff_ffff_ffff_ffe0n, 7n]) {
      const key = random(16);
      const opener = openerOf(key);
      const fixed = random(4);
      for (let sequence = 0; sequence < 80; sequence++) {
        const explicit = Buffer.alloc(8);
        explicit.writeBigUInt64BE((start + BigInt(sequence)) & 0xffff_ffff_ffff_ffffn);
        expect(open(opener, key, Buffer.concat([fixed, explicit]), sequence)).toBe(true);
      }
      expect(opener.limit).toBeGreaterThan(0);
    }
  });

  test('do no harm when one of them is odd', () => {
    const key = random(16);
    const opener = openerOf(key);
    const iv = random(12);
    for (let sequence = 0; sequence < 200; sequence++) {
      const nonce = sequence % 7 === 3 ? random(12) : nonceOf(iv, sequence);
      expect(open(opener, key, nonce, sequence)).toBe(true);
    }
    expect(opener.limit).toBeGreaterThan(0);
  });
});

describe('Directions beyond the number that hold something', () => {
  test('displace those that were not in use lately, which begin anew', () => {
    const sealers = Array.from({ length: slots + 1 }, () => aes128.sealer(random(16)));
    const opener = aes128.opener(new Uint8Array(16));
    const out = new Uint8Array(100);
    const zeros = new Uint8Array(12);
    const seal = (sealer: Sealer, sequence: number): number =>
      present(sealer.direct).seal(
        nonceOf(zeros, sequence),
        new Uint8Array(5),
        Uint8Array.of(1),
        -1,
        out,
        0,
        sequence,
      );
    const last = present(sealers.pop());
    const without = (): readonly Sealer[] => sealers.filter(({ direct }) => direct?.limit === 0);
    // As many as there is room for, all in use: none is without in the end, whoever had the room before.
    let sequence = 0;
    for (; without().length > 0 && sequence < 20; sequence++) {
      for (const sealer of without()) warm(sealer, opener, 4);
      for (const sealer of sealers) if (sealer.direct?.limit !== 0) seal(sealer, sequence);
    }
    expect(without()).toHaveLength(0);
    warm(last, opener, 4);
    seal(last, sequence);
    expect(without()).toHaveLength(1);
    const gone = present(without()[0]);
    warm(gone, opener, 4);
    expect(gone.direct?.limit).toBe(longest);
    expect(seal(gone, sequence + 1)).toBe(17);
  });
});

describe('The module', () => {
  test('is what the assembler makes of its source', () => {
    execFileSync(process.execPath, [fileURLToPath(new URL('wasm/assemble.js', root)), '--check']);
  });

  test.each([
    ['there is no WebAssembly', ['--jitless'], ''],
    ['a module is refused', [], 'WebAssembly.Module = class { constructor() { throw new Error(); } };'],
  ])('is left out where %s, and records are sealed all the same', (_, flags, before) => {
    const engine = new URL('dist/values/crypto/node/engine.js', root).href;
    const program = `
      import { nodeEngine } from ${JSON.stringify(engine)};
      ${before}
      const sealer = nodeEngine.aead('aes_128_gcm').sealer(new Uint8Array(16));
      const tail = new Uint8Array(16);
      sealer.seal(new Uint8Array(12), new Uint8Array(5), Uint8Array.of(1), tail, 0);
      console.log(sealer.direct, tail.some((byte) => byte !== 0));
    `;
    const args = [...flags, '--input-type=module', '--eval', program];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('undefined true\n');
  });
});

const timed = process.env['ACTOR_TLS_TIMING'] !== undefined;
describe('Time of GHASH', () => {
  test.runIf(timed)('is the same for keys and data of all kinds', () => {
    const { memory, expand, seal } = present(loadGhash());
    const bytes = new Uint8Array(memory.buffer);
    const [table, stream, data, length] = [65_536, 131_072, 4096, 512];
    const fillings: Readonly<Record<string, (at: number) => number>> = {
      zeros: () => 0,
      ones: () => 255,
      sparse: (at) => (at % 16 === 0 ? 1 : 0),
      random: () => below(256),
    };
    const classes = Object.entries(fillings).flatMap(([keys, key]) =>
      Object.entries(fillings).map(([kind, of]) => ({ name: `${keys} × ${kind}`, key, of, took: [0] })),
    );
    for (let round = 0; round < 400; round++) {
      for (const { key, of, took } of classes) {
        for (let i = 0; i < 16; i++) bytes[table + i] = key(i);
        expand(table);
        for (let i = 0; i < length; i++) bytes[data + i] = of(i);
        const start = process.hrtime.bigint();
        // The keystream is zeros: what is sealed is the data itself, each time.
        for (let i = 0; i < 200; i++) seal(table, stream, data, 0, length);
        took.push(Number(process.hrtime.bigint() - start) / 200);
      }
    }
    // The quickest tenth of the rounds after the first half: what others on the machine do only adds.
    const quick = classes.map(({ name, took }) => {
      const sorted = took.slice(200).sort((a, b) => a - b);
      return { name, ns: sorted[Math.floor(sorted.length / 10)] ?? 0 };
    });
    const all = quick.map(({ ns }) => ns);
    const spread = Math.max(...all) / Math.min(...all) - 1;
    console.log(quick.map(({ name, ns }) => `${name}: ${ns.toFixed(0)} ns`).join('\n'));
    expect(spread).toBeLessThan(0.05);
  });
});
