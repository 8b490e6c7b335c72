/** The rules of the house that can be read off the sources. Each answers the offences as lines for a person. */
import type { SourceFile } from './source-files.js';

/** Packages import downwards, and `ssl`'s storeys do: `ssl.ts → processes → protocol → values`. */
export function upwardImports(files: readonly SourceFile[]): string[] {
  return offences(files, (file, target) => {
    const from = storeyOf(file.path);
    const to = storeyOf(packageEntry(target) ?? target);
    if (from === undefined || to === undefined) return false;
    return !from.mayImport.includes(to.name);
  });
}

/** Only `values/crypto` knows which library does the cryptography. */
export function cryptographyOutsideItsFolder(files: readonly SourceFile[]): string[] {
  return offences(
    files,
    (file, target) =>
      (/^(node:)?crypto$/.test(target) || target.startsWith('@noble/')) &&
      !file.path.startsWith('packages/ssl/src/values/crypto/'),
  );
}

/** pkijs and asn1js take a quarter of a second to load: what imports them is itself imported by `import()` only. */
export function eagerLibraries(files: readonly SourceFile[]): string[] {
  const heavy = files.filter(({ imports }) =>
    imports.some(({ kind, target }) => kind === 'value' && /^(pkijs|asn1js)$/.test(target)),
  );
  return files.flatMap(({ imports, path }) =>
    heavy
      .filter((file) => imports.some(({ kind, target }) => kind === 'value' && target === file.path))
      .map((file) => `${path} loads ${file.path} at once`),
  );
}

/** The runtime's files must not need each other's types in a ring either: each can be read after those it imports. */
const typesCount = /^packages\/runtime\/src\//;

/** Files that import each other in a ring, each ring once. Elsewhere imports of types do not count: they vanish. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const rings: string[] = [];
  const visit = (path: string): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      rings.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    trail.push(path);
    for (const { target, kind } of byPath.get(path)?.imports ?? []) {
      if ((kind !== 'type' || typesCount.test(path)) && byPath.has(target)) visit(target);
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const { path } of files) visit(path);
  return rings;
}

/**
 * The version is chosen once; whoever asks again belongs into a row of a table. Comparing a legacy_version with
 * 0x0303 is no question: RFC 8446 fixes its value.
 */
export function versionQuestions(files: readonly SourceFile[]): string[] {
  const version = String.raw`['"]d?tlsv1(?:\.[0-3])?['"]`;
  const question = new RegExp(
    String.raw`[=!]==?\s*${version}|${version}\s*[=!]==?|case\s+${version}|includes\(\s*${version}|` +
      String.raw`[<>]=?\s*0x(?:03|fe)[0-9a-f]{2}\b|[=!]==?\s*0x(?:030[0124]|fe[0-9a-f]{2})\b`,
    'g',
  );
  const mayAsk = /^packages\/ssl\/src\/(?:protocol\/hello|values\/registry|options|testing)\//;
  return files
    .filter((file) => file.path.startsWith('packages/ssl/') && !mayAsk.test(file.path))
    .flatMap((file) =>
      [...file.code.matchAll(question)].map(
        (match) => `${file.path}:${lineAt(file.code, match.index)}: ${match[0]}`,
      ),
    );
}

/**
 * Node's own timers fire at once when they are to wait for 2^31 ms or more, and read a clock that no simulation moves:
 * only the system's `Clock` and `SimulatedClock` know them, all else waits by a `Clock` or by a process's timer.
 */
export function rawTimers(files: readonly SourceFile[]): string[] {
  const raw =
    /(?<![.\w#])(?:globalThis\.)?set(?:Timeout|Interval)\((?!\w+: )|AbortSignal\.timeout\(|node:timers\/promises/g;
  return files
    .filter(({ path }) => path !== 'packages/runtime/src/clock.ts')
    .flatMap((file) =>
      [...file.code.matchAll(raw)].map(
        (match) => `${file.path}:${lineAt(file.code, match.index)}: ${match[0]}`,
      ),
    )
    .filter((line) => !/^packages\/runtime\/src\/testing\/simulated-clock\.ts/.test(line));
}

/** Where fields are `private`: what runs once a record, a handshake message or an element of a certificate. */
const ordinaryFields = /^packages\/ssl\/src\/(?:protocol\/|values\/crypto\/|values\/x509\/der\.ts$)/;

/**
 * `#` hides what an object holds from `inspect` and so from crash reports, logs and observers: it is the rule. Where
 * records pass, fields are ordinary ones, `private` for the compiler only, and secrets are in a `Secret` that does not
 * print. A constructor can only be `private`. No file has both kinds.
 */
export function privacyMixed(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ code, path }) => {
    const byCompiler = /^ +(?:static |override )*private (?!constructor\()/m.test(code);
    const byEngine = /^ +(?:readonly |static |async |get |set )*#\w+/m.test(code);
    if (byCompiler && !ordinaryFields.test(path)) return [`${path} has private members instead of #`];
    return byCompiler && byEngine ? [`${path} has private members and #`] : [];
  });
}

interface Storey {
  readonly name: string;
  readonly folder: string;
  readonly mayImport: readonly string[];
}

const below = ['crl-cache', 'session-store', 'runtime'];

/**
 * First match decides. The config types are plain data that every storey above the values reads; the parser is above
 * them.
 */
const storeys: readonly Storey[] = [
  {
    name: 'runtime testing',
    folder: 'packages/runtime/src/testing/',
    mayImport: ['runtime testing', 'runtime'],
  },
  { name: 'runtime', folder: 'packages/runtime/src/', mayImport: ['runtime'] },
  { name: 'session-store', folder: 'packages/session-store/src/', mayImport: ['session-store', 'runtime'] },
  { name: 'crl-cache', folder: 'packages/crl-cache/src/', mayImport: ['crl-cache', 'runtime'] },
  { name: 'values', folder: 'packages/ssl/src/values/', mayImport: ['values'] },
  {
    name: 'config',
    folder: 'packages/ssl/src/options/config.ts',
    // Types only: it is made of those of the rows.
    mayImport: ['values', 'config', 'options', 'crl-cache', 'session-store'],
  },
  {
    name: 'options',
    folder: 'packages/ssl/src/options/',
    mayImport: ['values', 'config', 'options', 'crl-cache', 'session-store'],
  },
  { name: 'protocol', folder: 'packages/ssl/src/protocol/', mayImport: ['values', 'config', 'protocol'] },
  {
    name: 'core',
    folder: 'packages/ssl/src/core/',
    mayImport: ['values', 'config', 'options', 'protocol', 'core'],
  },
  {
    name: 'processes',
    folder: 'packages/ssl/src/processes/',
    mayImport: ['values', 'config', 'options', 'protocol', 'processes', ...below],
  },
  {
    name: 'testing',
    folder: 'packages/ssl/src/testing/',
    // The whole application in a simulated world.
    mayImport: [
      'values',
      'config',
      'options',
      'protocol',
      'core',
      'processes',
      'ssl',
      'testing',
      'runtime testing',
      ...below,
    ],
  },
  {
    name: 'ssl',
    folder: 'packages/ssl/src/',
    mayImport: ['values', 'config', 'options', 'protocol', 'processes', 'ssl', ...below],
  },
];

function storeyOf(path: string): Storey | undefined {
  return storeys.find(({ folder }) => path.startsWith(folder));
}

function packageEntry(target: string): string | undefined {
  const [, name, path] = /^@actor-tls\/([a-z-]+)(?:\/(\w+))?$/.exec(target) ?? [];
  if (name === undefined) return undefined;
  if (path === 'testing') return `packages/${name}/src/testing/index.ts`;
  if (path === 'core') return `packages/${name}/src/core/entry-node.ts`;
  return `packages/${name}/src/${path ?? (name === 'ssl' ? 'ssl' : 'index')}.ts`;
}

function offences(
  files: readonly SourceFile[],
  offends: (file: SourceFile, target: string) => boolean,
): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ target }) => offends(file, target))
      .map(({ target }) => `${file.path} imports ${target}`),
  );
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
