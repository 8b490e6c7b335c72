/** A server's OCSP responses under a clock that moves only when told to. */
import { type Logger, silentLogger } from '@actor-tls/runtime';
import { SimulatedClock } from '@actor-tls/runtime/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { Stapler } from '../../packages/ssl/src/processes/material/stapler.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import type { OcspResponseSource } from '../../packages/ssl/src/values/x509/ocsp-response-source.js';
import { type Authority, makeIntermediate, makeLeaf, makeOcsp, makeRoot, noon } from './make.js';

const hour = 3_600_000;
let middle: Authority;
let leaf: Uint8Array;
beforeAll(() => {
  middle = makeIntermediate('Middle', makeRoot('Root'));
  leaf = makeLeaf('www.example.org', middle);
});

const identity = { chain: [], key: 'remote', schemes: [] } as const;
const wish = {
  identity,
  serverName: undefined,
  request: { responderIds: [], requestExtensions: new Uint8Array() },
};
const withNonce = { ...wish, request: { responderIds: [], requestExtensions: Uint8Array.of(0x30, 0) } };

function stapler(
  source: OcspResponseSource,
  logger: Logger = silentLogger,
): { readonly stapler: Stapler; readonly clock: SimulatedClock } {
  const clock = new SimulatedClock();
  const wallClock = (): number => noon + clock.now();
  return {
    clock,
    stapler: new Stapler(source, [leaf, middle.der], { engine: defaultEngine, logger, clock, wallClock }),
  };
}

describe('a function that has OCSP responses', () => {
  it('that does not answer is waited for 5 seconds, whatever the client asks', async () => {
    for (const asked of [wish, withNonce]) {
      const { clock, stapler: made } = stapler(() => new Promise(() => {}));
      let answer: unknown = 'none yet';
      void Promise.resolve(made.response(asked)).then((der) => {
        answer = der;
      });
      await clock.advance(4999);
      expect(answer).toBe('none yet');
      await clock.advance(1);
      expect(answer).toBeUndefined();
      expect(clock.pending).toBe(0);
    }
  });

  it('that fails is left alone for 10 seconds', async () => {
    let calls = 0;
    const { clock, stapler: made } = stapler(() => {
      calls += 1;
      throw new Error('down');
    });
    for (let n = 0; n < 5; n += 1) expect(await made.response(wish)).toBeUndefined();
    expect(calls).toBe(1);
    await clock.advance(10_000);
    expect(await made.response(wish)).toBeUndefined();
    expect(calls).toBe(2);
  });

  it('that fails later costs nothing as long as the old response is current', async () => {
    const der = makeOcsp({ certificate: leaf, issuer: middle, nextUpdate: noon + hour });
    let calls = 0;
    const { clock, stapler: made } = stapler(async () => {
      calls += 1;
      return calls === 1 ? der : undefined;
    });
    expect(await made.response(wish)).toBe(der);
    await clock.advance(0.7 * hour);
    expect(made.response(wish)).toBe(der);
    await clock.advance(0.2 * hour);
    expect(made.response(wish)).toBe(der);
    expect(calls).toBe(3);
    await clock.advance(0.2 * hour);
    expect(await made.response(wish)).toBeUndefined();
  });

  it('is asked anew for each request with a nonce, and those answers are given to nobody else', async () => {
    const ders: Uint8Array[] = [];
    const { stapler: made } = stapler(({ requestExtensions }) => {
      const nonce = requestExtensions.length > 0 ? { nonce: Uint8Array.of(ders.length) } : {};
      const der = makeOcsp({ certificate: leaf, issuer: middle, ...nonce });
      ders.push(der);
      return der;
    });
    const plain = await made.response(wish);
    expect(await made.response(withNonce)).not.toBe(plain);
    expect(await made.response(withNonce)).toBe(ders[2]);
    expect(made.response(wish)).toBe(plain);
    expect(ders).toHaveLength(3);
  });

  it('is asked for so many nonces at a time and no more: the others get what all get', async () => {
    const der = makeOcsp({ certificate: leaf, issuer: middle });
    let nonces = 0;
    const { stapler: made } = stapler(({ requestExtensions }) => {
      if (requestExtensions.length === 0) return der;
      nonces += 1;
      return new Promise(() => {});
    });
    await made.response(wish);
    for (let n = 0; n < 8; n += 1) void made.response(withNonce);
    for (let n = 0; n < 100; n += 1) expect(made.response(withNonce)).toBe(der);
    expect(nonces).toBe(8);
  });

  it('that fails for a nonce is left alone as well', async () => {
    let calls = 0;
    const { stapler: made } = stapler(() => {
      calls += 1;
      throw new Error('down');
    });
    for (let n = 0; n < 5; n += 1) expect(await made.response(withNonce)).toBeUndefined();
    expect(calls).toBe(1);
  });
});
