import { expect, test } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { AeadName } from '../../values/crypto/engine.js';
import { recordLimit } from '../../values/registry/record-limits.js';
import { Secret } from '../../values/secret.js';
import { Tls13ReadProtection } from '../record/tls13-protection.js';
import type { PostHandshakeReply } from '../sink.js';
import { StreamChannel } from '../stream-channel.js';
import { TrafficSecret } from './key-schedule.js';
import { Tls13PostHandshake } from './post-handshake.js';

const hash = defaultEngine.hash('sha256');

/** What follows a handshake, beside a peer that has sent so many records under its keys. */
function beside(name: AeadName, records: number) {
  const aead = defaultEngine.aead(name);
  if (aead === undefined || hash === undefined) throw new Error(`the engine lacks ${name}`);
  const owed: PostHandshakeReply[] = [];
  const sink = {
    write() {},
    owes: (what: PostHandshakeReply) => owed.push(what),
    established() {},
    askVerdict() {},
    askSignature() {},
  };
  const channel = new StreamChannel({ maxHandshakeSize: 1000, keyUpdateAt: 1e9 }, 0x0303, sink);
  class Used extends Tls13ReadProtection {
    override sequence: number = records;
  }
  const install = () =>
    channel.installReadKeys(new Used(aead, new TrafficSecret(hash, new Secret(new Uint8Array(32)))));
  install();
  channel.split();
  return { post: new Tls13PostHandshake('server', channel, sink, undefined), owed, install };
}

test.each(['aes_128_gcm', 'aes_256_gcm'] as const)(
  'a peer that has used up its keys of %s is asked for others, once for each of them',
  (name) => {
    const { post, owed, install } = beside(name, recordLimit(name));
    post.inputDone();
    post.dataCame();
    post.inputDone();
    expect(owed).toEqual(['key_update_request']);
    install();
    post.inputDone();
    expect(owed).toEqual(['key_update_request', 'key_update_request']);
  },
);

test('one that has records left is not, nor is anybody who uses ChaCha20, whose numbers end first', () => {
  const near = beside('aes_128_gcm', recordLimit('aes_128_gcm') - 1);
  near.post.inputDone();
  expect(near.owed).toEqual([]);
  const endless = beside('chacha20_poly1305', 2 ** 52);
  endless.post.inputDone();
  expect(endless.owed).toEqual([]);
});

test('a key protects 2^24.5 records of GCM and 2^23 of CCM', () => {
  expect(Math.log2(recordLimit('aes_256_gcm'))).toBeCloseTo(24.5, 6);
  expect(recordLimit('aes_128_ccm')).toBe(2 ** 23);
  expect(recordLimit('aes_128_ccm_8')).toBe(2 ** 23);
});
