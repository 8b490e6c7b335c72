import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../options/config.js';
import { parseServerOptions } from '../../options/parse.js';
import type { FoundPsk } from '../../protocol/tls13/psk.js';
import { importedIdentityFor } from '../../protocol/tls13/psk-importer.js';
import type { HashName } from '../../values/crypto/engine.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
import type { UserLookupFun } from '../../values/user-lookup.js';
import { findExternalPsk } from './external-psk.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const imported = (name: string, hash: HashName = 'sha256'): Uint8Array =>
  importedIdentityFor(bytes(name), bytes(''), hash);

let asked: string[] = [];

function configOf(fun: UserLookupFun): ServerConfig {
  const noting: UserLookupFun = (type, identity, state) => {
    asked.push(Buffer.from(identity).toString('latin1'));
    return fun(type, identity, state);
  };
  const parsed = parseServerOptions({ userLookupFun: [noting, 0] }, { engine: nodeEngine });
  if ('error' in parsed) throw new Error(JSON.stringify(parsed.error));
  return parsed.ok;
}

async function find(
  identities: readonly Uint8Array[],
  answers: Readonly<Record<string, object>>,
): Promise<FoundPsk | undefined> {
  asked = [];
  const config = configOf((_type, identity) => {
    const answer = answers[Buffer.from(identity).toString('latin1')];
    return answer === undefined ? 'error' : { ok: Buffer.alloc(32, 9), ...answer };
  });
  const wish = {
    identities: identities.map((identity) => ({ identity, obfuscatedTicketAge: 0 })),
    hashes: ['sha256', 'sha384'] as const,
    serverName: undefined,
    binders: [],
    earlyData: false,
    isProven: () => true,
  };
  return findExternalPsk(wish, config, nodeEngine);
}

describe('a hello that names keys', () => {
  it('asks four questions, however its identities are made', async () => {
    const names = Array.from({ length: 1000 }, (_, n) => `meter ${n}`);
    expect(await find(names.map(bytes), {})).toBe(undefined);
    expect(asked).toEqual(names.slice(0, 4));
    expect(
      await find(
        names.map((name) => imported(name)),
        {},
      ),
    ).toBe(undefined);
    expect(asked).toEqual(names.slice(0, 4));
    const long = names.map((name) => imported(name.repeat(500)));
    expect(await find(long, {})).toBe(undefined);
    expect(asked).toHaveLength(4);
  });

  it.each([0, 1, 2, 3])('is known by its identity %i of four, imported or not', async (index) => {
    const names = ['a', 'b', 'c', 'd'];
    const name = names[index] ?? '';
    expect(await find(names.map(bytes), { [name]: {} })).toMatchObject({
      index,
      psk: { origin: 'external' },
    });
    const answer = { [name]: { imported: {} } };
    const found = await find(
      names.map((one) => imported(one)),
      answer,
    );
    expect(found).toMatchObject({ index, psk: { origin: 'imported' } });
    const mixed = names.map((one, at) => (at % 2 === 0 ? imported(one) : bytes(one)));
    expect(await find(mixed, { [name]: index % 2 === 0 ? { imported: {} } : {} })).toMatchObject({ index });
  });

  it('is asked for once by a name that two of its identities were made of', async () => {
    const both = [imported('a'), imported('a', 'sha384')];
    expect(await find(both, { a: { imported: {} } })).toMatchObject({ index: 0 });
    expect(asked).toEqual(['a']);
    const wire = Buffer.from(both[1] ?? []).toString('latin1');
    expect(await find(both, { [wire]: { hash: 'sha384' } })).toMatchObject({
      index: 1,
      psk: { origin: 'external', hash: 'sha384' },
    });
    expect(asked).toHaveLength(3);
  });
});
