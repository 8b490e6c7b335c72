/** OTP 25's terms for files that cannot be used (`otp25/options`), told when a handshake needs them. */

import { createPrivateKey } from 'node:crypto';
import { silentLogger, systemClock } from '@actor-tls/runtime';
import { createCa } from '@actor-tls/ssl/testing';
import { expect, it } from 'vitest';
import { mergeOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import { credentialsFrom, type PemSource } from '../../packages/ssl/src/processes/material/credentials.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { listItems, renderTerm, type Term, textOf, tupleItems } from '../support/terms.js';
import { comparable, notBuilt, toOptions, toValue } from './erlang-options.js';

interface Case {
  readonly id: string;
  readonly function: string;
  readonly options?: Term;
  readonly result: unknown;
}

function isCases(value: unknown): value is { readonly cases: readonly Case[] } {
  return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
}

const ca = createCa();
const own = ca.issue({ key: 'ec' });
const encrypted = createPrivateKey(own.keyPem).export({
  format: 'pem',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});
const files: Readonly<Record<string, string | Uint8Array>> = {
  $CERT: own.certPem,
  $KEY: own.keyPem,
  $ENCKEY: encrypted.toString(),
  $CACERT: ca.certPem,
  $GARBAGE: 'no PEM in here\n',
  $EMPTY: '',
  'listener.pem': own.certPem,
  'listener.key': own.keyPem,
};

const source: PemSource = {
  generation: 0,
  read: async (path) => {
    const text = files[path];
    return text === undefined ? { error: path === '$CWD' ? 'eisdir' : 'enoent' } : { ok: decodePem(text) };
  },
  trusted: async () => ({ ok: [] }),
};

/** The term inside one or two `{error, …}`. */
function errorTerm(result: unknown): Term | undefined {
  if (typeof result !== 'object' || result === null || !('returns' in result)) return undefined;
  let term = isTerm(result.returns) ? result.returns : 0;
  for (
    let pair = tupleItems(term, 2);
    pair !== undefined && toValue(pair[0] ?? 0) === 'error';
    pair = tupleItems(term, 2)
  )
    term = pair[1] ?? 0;
  return term;
}

function isTerm(value: unknown): value is Term {
  return typeof value === 'object' || typeof value === 'number';
}

/** `{options, {certfile, File, Reason}}`. */
function fileTerm(term: Term): unknown {
  const [option, file, reason = 0] = tupleItems(tupleItems(term, 2)?.[1] ?? 0, 3) ?? [];
  if (option === undefined || file === undefined) return undefined;
  const why = listItems(reason)?.length === 0 ? [] : toValue(reason);
  return { error: { options: { [String(toValue(option))]: [textOf(file), why] } } };
}

describeWithData('OTP 25 on files that cannot be used', 'otp25/options.json.gz', () => {
  it('which file and why is told as OTP tells it', async () => {
    const json = readSharedJson('otp25/options.json.gz');
    if (!isCases(json)) throw new Error('options.json.gz has no cases');
    const load = credentialsFrom(source, {
      engine: defaultEngine,
      logger: silentLogger,
      clock: systemClock,
      wallClock: Date.now,
    });
    const differences: unknown[] = [];
    let agree = 0;
    for (const { id, function: name, options: given, result } of json.cases) {
      if (name !== 'handshake' && name !== 'upgrade_server') continue;
      const options = given === undefined ? undefined : toOptions(given);
      const term = errorTerm(result);
      const wanted = term === undefined ? undefined : fileTerm(term);
      if (
        options === undefined ||
        wanted === undefined ||
        Object.keys(options).some((key) => notBuilt.has(key))
      )
        continue;
      const defaults = { certfile: 'listener.pem', keyfile: 'listener.key' };
      // The recorder's listener has a certificate and a key of its own; an upgrade gets what the case does not give.
      const config = parseServerOptions(
        name === 'upgrade_server' && 'certfile' in options
          ? textual(options)
          : mergeOptions(defaults, textual(options)),
        { engine: defaultEngine },
      );
      // An empty file name is refused as an option.
      if ('error' in config) continue;
      const loaded = await load(config.ok);
      try {
        expect(comparable(asOtp(loaded))).toEqual(comparable(wanted));
        agree += 1;
      } catch {
        differences.push({ id, case: renderTerm(given ?? 0), ours: loaded, wanted });
      }
    }
    report('otp25 options, files', { agree });
    expect(differences).toEqual([]);
    expect(agree).toBeGreaterThan(5);
  });
});

/** Where OTP says that no entry fits (`[]`) we say what the file holds instead. */
function asOtp(loaded: unknown): unknown {
  const text = JSON.stringify(loaded, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith('the file holds ') ? [] : value,
  );
  return JSON.parse(text);
}

/** File names in bytes as text, as the parser makes them. */
function textual(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      value instanceof Uint8Array && key.endsWith('file') ? new TextDecoder().decode(value) : value,
    ]),
  );
}
