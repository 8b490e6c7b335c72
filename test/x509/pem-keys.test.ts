import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { privateKeyInfoFromPem } from '../../packages/ssl/src/values/x509/private-key.js';
import { describeWithData, report } from '../support/report.js';
import { sharedData } from '../support/shared.js';

interface KeyCase {
  readonly file: string;
  readonly password: string | null;
  readonly expect: 'key' | 'error' | 'unspecified';
  readonly spki?: string;
}

/** The public half, by node:crypto: which kinds of keys an engine knows is another suite's question. */
function publicHalf(pkcs8: Uint8Array): KeyObject {
  return createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
}

/** Whether they are one key; a curve that one names and the other writes out is one curve. */
function isSame(key: KeyObject, spki: string | undefined): boolean {
  return key.equals(createPublicKey({ key: Buffer.from(spki ?? '', 'base64'), format: 'der', type: 'spki' }));
}

describeWithData('private keys in every PEM form', 'x509/pem-keys/keys.json', () => {
  const folder = sharedData('x509/pem-keys') ?? '';
  const { keys } = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')) as {
    readonly keys: readonly KeyCase[];
  };
  const counts = { agree: 0, wrongAccept: 0, wrongReject: 0, unspecified: 0 };

  for (const { file, password, expect: expected, spki } of keys) {
    it(`${file}: ${expected}`, () => {
      const pem = readFileSync(join(folder, file));
      const load = (): KeyObject => publicHalf(privateKeyInfoFromPem(pem, password ?? undefined));
      if (expected === 'unspecified') {
        counts.unspecified++;
        try {
          privateKeyInfoFromPem(pem, password ?? undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(KeyError);
        }
        return;
      }
      if (expected === 'error') {
        counts.wrongAccept++;
        expect(load).toThrow();
        counts.wrongAccept--;
      } else {
        counts.wrongReject++;
        expect(isSame(load(), spki)).toBe(true);
        counts.wrongReject--;
      }
      counts.agree++;
    });

    if (password !== null && expected === 'key') {
      it(`${file}: a wrong password is an error, never another key`, () => {
        const pem = readFileSync(join(folder, file));
        for (let i = 0; i < 3; i++) {
          expect(() => privateKeyInfoFromPem(pem, `${password}${i}`)).toThrow(KeyError);
        }
        expect(() => privateKeyInfoFromPem(pem, undefined)).toThrow(KeyError);
      });
    }
  }

  it('reports', () => {
    report('x509 pem-keys', counts);
    expect(counts).toMatchObject({ wrongAccept: 0, wrongReject: 0 });
  });
});
