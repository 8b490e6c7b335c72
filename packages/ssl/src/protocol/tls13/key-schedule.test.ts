import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import { Secret } from '../../values/secret.js';
import { Transcript } from '../transcript.js';
import { EarlySecret } from './key-schedule.js';

const hashOrThrow = defaultEngine.hash('sha384');
if (hashOrThrow === undefined) throw new Error('no SHA-384');
const hash = hashOrThrow;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const transcript = hash.digest(Uint8Array.of(1));
const psk = (): Secret => new Secret(new Uint8Array(48).fill(5));

describe('key schedule', () => {
  it('without a PSK is that of a PSK of zeros, but derives nothing early', () => {
    const none = EarlySecret.withoutPsk(hash);
    const zeros = EarlySecret.fromPsk(hash, new Secret(new Uint8Array(48)));
    const shared = new Secret(new Uint8Array(32).fill(1));
    const [a, b] = [none, zeros].map((early) => early.handshake(shared).clientTraffic(transcript).expose());
    expect(a).toEqual(b);
    expect(() => none.clientEarlyTraffic(transcript)).toThrow(TypeError);
  });

  it('gives every secret its own value', () => {
    const early = EarlySecret.fromPsk(hash, psk());
    const handshake = early.handshake(undefined);
    const master = handshake.master();
    const values = [
      early.clientEarlyTraffic(transcript).expose(),
      early.earlyExporter(transcript).export('label', new Uint8Array(0), 48),
      early.binderKey('external').mac(transcript),
      early.binderKey('resumption').mac(transcript),
      handshake.clientTraffic(transcript).expose(),
      handshake.serverTraffic(transcript).expose(),
      handshake.clientTraffic(transcript).finishedKey().mac(transcript),
      master.clientTraffic(transcript).expose(),
      master.serverTraffic(transcript).expose(),
      master.clientTraffic(transcript).next().expose(),
      master.clientTraffic(transcript).next().next().expose(),
      master
        .resumption(() => transcript)
        .psk(Uint8Array.of(0))
        .expose(),
      master
        .resumption(() => transcript)
        .psk(Uint8Array.of(1))
        .expose(),
      master.exporter(transcript).export('label', new Uint8Array(0), 48),
      master.exporter(transcript).export('label', Uint8Array.of(0), 48),
      master.exporter(transcript).export('other label', new Uint8Array(0), 48),
    ].map(hex);
    expect(new Set(values).size).toBe(values.length);
    for (const value of values) expect(value).toHaveLength(96);
  });

  it('exports more than one block', () => {
    const exporter = EarlySecret.withoutPsk(hash).handshake(undefined).master().exporter(transcript);
    const long = exporter.export('EXPORTER-test', Uint8Array.of(1), 100);
    expect(long).toHaveLength(100);
    expect(exporter.export('EXPORTER-test', Uint8Array.of(1), 100)).toEqual(long);
  });

  it('does not print a traffic secret', () => {
    const traffic = EarlySecret.withoutPsk(hash).handshake(undefined).clientTraffic(transcript);
    const first = [...traffic.expose().subarray(0, 4)].join(', ');
    expect(inspect(traffic, { depth: 9 })).not.toContain(first);
    expect(inspect(traffic, { depth: 9 })).toContain('[secret]');
  });
});

describe('Transcript', () => {
  it('hashes what was added, and looks ahead without adding', () => {
    const running = new Transcript(hash);
    running.add(Uint8Array.of(1));
    expect(running.digest()).toEqual(hash.digest(Uint8Array.of(1)));
    expect(running.digestWith(Uint8Array.of(2))).toEqual(hash.digest(Uint8Array.of(1, 2)));
    expect(running.digest()).toEqual(hash.digest(Uint8Array.of(1)));
    running.add(Uint8Array.of(2));
    expect(running.digest()).toEqual(hash.digest(Uint8Array.of(1, 2)));
  });

  it('stands for a retried hello by its hash', () => {
    const running = new Transcript(hash);
    running.add(Uint8Array.of(1, 0, 0, 0));
    running.replaceByMessageHash();
    running.add(Uint8Array.of(2, 0, 0, 0));
    const synthetic = Uint8Array.of(254, 0, 0, 48, ...hash.digest(Uint8Array.of(1, 0, 0, 0)), 2, 0, 0, 0);
    expect(running.digest()).toEqual(hash.digest(synthetic));
  });
});
