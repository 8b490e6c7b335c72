/** Options of the socket and of the transport are one row each: types, defaults, `setopts` and `getopts` repeat nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../values/crypto/default-engine.js';
import { parseClientOptions, parseServerOptions } from './parse.js';
import { emulatedRows, readOptions, socketDefaults, transportRows } from './socket-options.js';

const names = [...Object.keys(emulatedRows), ...Object.keys(transportRows)];
const context = { engine: defaultEngine };

describe('an option of a socket is one row', () => {
  it.each([
    ['config.ts', []],
    // What these three say is in the type of the socket.
    ['raw.ts', ['mode', 'packet', 'header']],
    ['socket-options.ts', []],
    ['build.ts', []],
    ['explain.ts', []],
  ] as const)('%s lists none by name', (path, excepted) => {
    const text = readFileSync(new URL(path, import.meta.url), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    const listed = names.filter((name) =>
      new RegExp(String.raw`^\s*(?:readonly )?${name}\??:|['"]${name}['"]`, 'm').test(text),
    );
    expect(listed).toEqual(excepted);
  });

  it('what is absent is what the row says', () => {
    const parsed = parseClientOptions({}, context);
    expect(parsed).toMatchObject({ ok: { socket: socketDefaults, transport: {} } });
    for (const [name, row] of Object.entries(emulatedRows))
      expect(socketDefaults).toHaveProperty(name, row.default);
  });

  it('getopts tells each that ssl keeps and asks the transport for the others', () => {
    const asked: string[] = [];
    const transport = (name: string): unknown => {
      asked.push(name);
      return true;
    };
    expect(readOptions(names, socketDefaults, transport)).toMatchObject({ ok: socketDefaults });
    expect(asked).toEqual(Object.keys(transportRows));
  });
});

describe('options of the transport', () => {
  it('the version of IP is known before an address that depends on it, wherever it stands', () => {
    for (const options of [
      { ip: 'loopback', inet6: true },
      { inet6: true, ip: 'loopback' },
    ] as const)
      expect(parseServerOptions(options, context)).toMatchObject({
        ok: { transport: { ip: '::1', family: 6 } },
      });
    expect(parseServerOptions({ inet6: true, inet: true, ip: 'any' }, context)).toMatchObject({
      ok: { transport: { ip: '0.0.0.0', family: 4 } },
    });
  });

  it('one of servers is refused on a client, like a key that nobody knows', () => {
    const options: object = { backlog: 5, nosuch: 1 };
    expect(parseClientOptions(options, context)).toEqual({
      error: { options: { socket_options: { backlog: 5, nosuch: 1 } } },
    });
  });
});
