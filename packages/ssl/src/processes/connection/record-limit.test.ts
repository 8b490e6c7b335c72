/** Records under one key in TLS 1.2, where another key takes another handshake (RFC 9325 §4.4, `renegotiate_at`). */
import { describe, expect, it } from 'vitest';
import { DtlsWriteHalf } from '../../protocol/record/dtls-write-half.js';
import { MacWriteProtection } from '../../protocol/record/mac-protection.js';
import type { WriteProtection } from '../../protocol/record/protection.js';
import { Tls12WriteProtection } from '../../protocol/record/tls12-protection.js';
import { WriteHalf } from '../../protocol/record/write-half.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
import { SendQueue } from './send-queue.js';

/** What may leave between two looks: 1 MiB in fragments of 64 bytes, and alerts. */
const atOnce = 16_640;
const ofOtp = 2 ** 28;

function ofAead(name: 'aes_128_gcm' | 'aes_256_gcm' | 'aes_128_ccm' | 'chacha20_poly1305'): WriteProtection {
  const aead = nodeEngine.aead(name);
  if (aead === undefined) throw new Error(`no ${name}`);
  const form = name === 'chacha20_poly1305' ? 'xor' : 'explicit';
  return new Tls12WriteProtection(aead, form, {
    key: new Uint8Array(aead.keyLength),
    iv: new Uint8Array(12),
  });
}

function ofCbc(name: 'aes_128_cbc' | '3des_ede_cbc'): WriteProtection {
  const cipher = nodeEngine.cipher(name);
  const hash = nodeEngine.hash('sha256');
  if (cipher === undefined || hash === undefined) throw new Error('no CBC');
  const scheme = { cipher, hash, version: 0x0303, explicitIv: true, encryptThenMac: true };
  const key = {
    mac: new Uint8Array(32),
    key: new Uint8Array(cipher.keyLength),
    iv: new Uint8Array(cipher.blockLength),
  };
  return new MacWriteProtection(scheme, key, (length) => new Uint8Array(length), undefined);
}

/** A sender whose keys have sealed nothing yet. */
function sender(
  protection: WriteProtection,
  renegotiateAt: number = ofOtp,
  half: WriteHalf = new WriteHalf(Number.POSITIVE_INFINITY),
) {
  half.install(protection);
  let written = 0;
  const outlet = {
    backlog: 0,
    write(pieces: readonly Uint8Array[]): boolean {
      written += pieces.length;
      return true;
    },
  };
  const queue = new SendQueue(half, outlet, (go) => go(), renegotiateAt);
  return {
    half,
    queue,
    /** One record, and whether another handshake is due then. */
    sendOne: (): boolean => {
      const before = written;
      queue.send(Uint8Array.of(1), { reply: () => {} }, false);
      expect(written).toBeGreaterThan(before);
      return queue.takeRenegotiationDue();
    },
  };
}

const limits = [
  ['aes_128_gcm', 23_726_566 - atOnce],
  ['aes_256_gcm', 23_726_566 - atOnce],
  ['aes_128_ccm', 2 ** 23 - atOnce],
  ['chacha20_poly1305', ofOtp],
] as const;

describe.each([
  ...limits.map(([name, limit]) => [name, () => ofAead(name), limit] as const),
  ['aes_128_cbc', () => ofCbc('aes_128_cbc'), ofOtp] as const,
  ['3des_ede_cbc', () => ofCbc('3des_ede_cbc'), 2 ** 16 - atOnce] as const,
])('%s', (_name, protection, limit) => {
  it('asks for another handshake at its limit, not a record before', () => {
    const keys = protection();
    const { sendOne } = sender(keys);
    keys.seek(limit - 2);
    expect([sendOne(), sendOne()]).toEqual([false, true]);
  });

  it('asks once: who refuses is left in peace for as many records', () => {
    const keys = protection();
    const { sendOne } = sender(keys);
    keys.seek(limit - 1);
    expect([sendOne(), sendOne()]).toEqual([true, false]);
    keys.seek(2 * limit - 1);
    expect([sendOne(), sendOne()]).toEqual([true, false]);
  });

  it('counts anew under new keys', () => {
    const keys = protection();
    const { half, queue, sendOne } = sender(keys);
    keys.seek(limit - 1);
    expect(sendOne()).toBe(true);
    const given = queue.giveBack();
    expect(given).toBe(half);
    const fresh = protection();
    half.install(fresh);
    queue.takeAgain(half);
    expect(sendOne()).toBe(false);
    fresh.seek(limit - 2);
    expect([sendOne(), sendOne()]).toEqual([false, true]);
  });

  it('asks sooner when the user wants it', () => {
    const { sendOne } = sender(protection(), 3);
    expect([sendOne(), sendOne(), sendOne(), sendOne()]).toEqual([false, false, true, false]);
  });
});

it('the limit holds over datagrams, whose records have numbers of their own', () => {
  const half = new DtlsWriteHalf(Number.POSITIVE_INFINITY, 0xfefd, undefined);
  const { sendOne } = sender(ofCbc('3des_ede_cbc'), ofOtp, half);
  let sent = 1;
  while (!sendOne() && sent <= 2 ** 16) sent += 1;
  expect(sent).toBe(2 ** 16 - atOnce);
});
