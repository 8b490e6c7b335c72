/**
 * Whatever name of ours a document writes in code, a reader can import, and from the package that the document is about.
 * Names with an underscore are OTP's; a single lower-case word may be anything.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { documents, root } from './markdown.js';

interface Entry {
  /** What stands behind `from`. */
  readonly specifier: string;
  /** Names of values and types that its entry file exports. */
  readonly names: ReadonlySet<string>;
}

/** Names in `export { … }` or `import { … }`, as the other side sees them. */
function listed(list: string): string[] {
  const names = list.split(',').map((item) => item.trim().replace(/^type /, ''));
  return names.filter((name) => name !== '');
}

/** Names that a file exports, those that it passes on from others included. */
function exportsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const passedOn = [...text.matchAll(/^export \* from '(.+)\.js'/gm)].flatMap(([, path = '']) =>
    exportsOf(join(dirname(file), `${path}.ts`)),
  );
  return [...exportsIn(text), ...passedOn];
}

function exportsIn(text: string): string[] {
  const declared = /^export (?:async |abstract )*(?:function|const|class|interface|type|enum) (\w+)/gm;
  const named = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    listed(list),
  );
  return [
    ...[...text.matchAll(declared)].flatMap(([, name = '']) => name),
    ...named.map((name) => name.replace(/^.* as /, '')),
    ...[...text.matchAll(/^export \* as (\w+)/gm)].flatMap(([, name = '']) => name),
  ];
}

interface Manifest {
  readonly name: string;
  /** By path; `node` where Node gets another file than everybody else. */
  readonly exports: Readonly<Record<string, { readonly node?: string; readonly default: string }>>;
}

/** Every path of every package's exports map, with its names. */
const entries: readonly Entry[] = readdirSync(`${root}packages`).flatMap((folder): Entry[] => {
  const manifest: Manifest = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, 'utf8'));
  return Object.entries(manifest.exports).map(([path, target]) => {
    const source = (target.node ?? target.default).replace('./dist/', 'src/').replace(/js$/, 'ts');
    const names = new Set(exportsOf(`${root}packages/${folder}/${source}`));
    return { specifier: `${manifest.name}${path.slice(1)}`, names };
  });
});

const importable = new Set(entries.flatMap(({ names }) => [...names]));

/** All source text, without tests. */
const sources = readdirSync(`${root}packages`)
  .flatMap((folder) =>
    readdirSync(`${root}packages/${folder}/src`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => readFileSync(`${root}packages/${folder}/src/${file}`, 'utf8')),
  )
  .join('\n');

/** Names that are not ours. */
const foreign = new Set([
  'dNSName',
  'Duplex',
  'unhandledRejection',
  'createCipheriv',
  'domainToASCII',
  'KeyObject',
]);

const options = new Set<string>(optionRows.map(({ name }) => name));

/** Whether something of ours is written with that name inside a type or class: options, callbacks, fields, methods. */
function isMember(name: string): boolean {
  return (
    options.has(name) ||
    new RegExp(`^ +(?:readonly |async |get |\\*)*${name}\\??(?:<[^>]*>)?[(:]`, 'm').test(sources)
  );
}

function isKnown(name: string): boolean {
  return importable.has(name) || foreign.has(name) || Object.hasOwn(globalThis, name) || isMember(name);
}

const prose = (document: string): string =>
  readFileSync(root + document, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');

/** Names in inline code that may be names of ours; `ssl.x` is always one. */
function namesIn(text: string): { readonly name: string; readonly ofSsl: boolean }[] {
  return [...text.matchAll(/`(ssl\.)?([A-Za-z]\w*)(\([^`\n]*\))?`/g)].flatMap(([, ssl, name = '', call]) => {
    const ofSsl = ssl !== undefined && name !== 'ts';
    const looksOurs = call !== undefined || /[a-z][A-Z]|^[A-Z][a-z]/.test(name);
    return ofSsl || (looksOurs && !name.includes('_')) ? [{ name, ofSsl }] : [];
  });
}

/** Calls that are Erlang's, in tables that put its functions beside ours. */
const erlangCalls = new Set(['self', 'recv', 'close', 'shutdown']);

function offendersIn(text: string): string[] {
  const ofSsl = entries.find(({ specifier }) => specifier === '@actor-tls/ssl')?.names ?? new Set();
  return namesIn(text)
    .filter(({ name, ofSsl: mustBe }) =>
      mustBe ? !ofSsl.has(name) : !isKnown(name) && !erlangCalls.has(name),
    )
    .map(({ name }) => name);
}

/** The package that a document is about, if it is about one. */
function packageOf(document: string): string | undefined {
  const folder = /^packages\/([\w-]+)\/README\.md$/.exec(document)?.[1];
  return folder ?? (document === 'docs/runtime.md' ? 'runtime' : undefined);
}

const isPartOf = (specifier: string, name: string): boolean =>
  specifier === `@actor-tls/${name}` || specifier.startsWith(`@actor-tls/${name}/`);

/** docs/walks.md names what is inside of files, and has a test of its own. */
const forUsers = documents().filter((document) => document !== 'docs/walks.md');

describe.each(forUsers)('%s', (document) => {
  it('names nothing in its text that cannot be imported, or that is no member of what can', () => {
    expect(offendersIn(prose(document))).toEqual([]);
  });

  it('names exports of the package that it is about, or says of which', () => {
    const about = packageOf(document);
    if (about === undefined) return;
    const elsewhere = prose(document)
      .split(/\n\s*\n/)
      .flatMap((paragraph) => namesIn(paragraph).map(({ name }) => ({ name, paragraph })))
      .filter(({ name, paragraph }) => {
        const homes = entries.filter(({ names }) => names.has(name));
        return (
          homes.length > 0 &&
          !homes.some(
            ({ specifier }) => isPartOf(specifier, about) || paragraph.includes(`\`${specifier}\``),
          ) &&
          !isMember(name)
        );
      });
    expect(elsewhere.map(({ name }) => name)).toEqual([]);
  });

  it('imports in its programs what the packages export', () => {
    const imports = readFileSync(root + document, 'utf8').matchAll(
      /^import (?:type )?\{([^}]*)\} from '(@actor-tls\/[^']+)'/gm,
    );
    const absent = [...imports].flatMap(([, list = '', from = '']) => {
      const names = entries.find(({ specifier }) => specifier === from)?.names ?? new Set();
      return listed(list)
        .map((name) => name.replace(/ as .*$/, ''))
        .filter((name) => !names.has(name))
        .map((name) => `${name} from ${from}`);
    });
    expect(absent).toEqual([]);
  });
});

describe('the exports as they were read', () => {
  it.each(entries)('$specifier gives what it was read to give', async ({ names, specifier }) => {
    const module: object = await import(specifier);
    const values = Object.keys(module);
    expect(values.filter((name) => !names.has(name))).toEqual([]);
    expect(values.length).toBeGreaterThan(0);
  });

  it('has no value that is missing when it is imported', async () => {
    const values = /^export (?:async )?(?:function|const|class) (\w+)/gm;
    const text = readFileSync(`${root}packages/ssl/src/ssl.ts`, 'utf8');
    const module: object = await import('@actor-tls/ssl');
    const declared = [...text.matchAll(values)].map(([, name = '']) => name);
    expect(declared.length).toBeGreaterThan(20);
    expect(declared.filter((name) => !Object.hasOwn(module, name))).toEqual([]);
  });
});

describe('the check bites', () => {
  it.each([
    ['a function that only a file of ours exports', '`verifyHostname`', ['verifyHostname']],
    ['a call of what does not exist', '`pkixVerifyEverything(cert)`', ['pkixVerifyEverything']],
    ['a name behind ssl.', '`ssl.httpsMatchFun`', ['httpsMatchFun']],
    ['a type', '`TlsOptionsOfNobody`', ['TlsOptionsOfNobody']],
    ['not on exports', '`pkixVerifyHostname(cert, host)` and `TlsClientOptions`, `ssl.connect(self, …)`', []],
    [
      'not on options, callbacks, globals, OTP',
      '`verifyFun` `handleCall(a, b)` `TypeError` `verify_fun`',
      [],
    ],
  ])('%s', (_, text, expected) => {
    expect(offendersIn(text)).toEqual(expected);
  });
});
