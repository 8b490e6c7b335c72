/** The packages' sources as data for the tests of the house: files, their imports, their text without comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Import {
  /** As written, or, for a relative one, the path from the repository's root with `.ts`. */
  readonly target: string;
  /** `lazy`: loaded when the code gets there, by `import()`. */
  readonly kind: 'value' | 'lazy' | 'type';
}

export interface SourceFile {
  /** From the repository's root: `packages/ssl/src/ssl.ts`. */
  readonly path: string;
  /** The text without comments; line breaks are kept. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** All TypeScript files of the packages, tests left out. */
export function packageSources(): readonly SourceFile[] {
  return readdirSync(join(root, 'packages'))
    .flatMap((name) => {
      const folder = join('packages', name, 'src');
      return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      );
    })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')));
}

/** One file from its text; apart so that the rules can be shown to bite. */
export function sourceFile(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  return { path, code, imports: importsOf(path, code) };
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?'([^']+)'/gm;
const dynamic = /\bimport\(\s*'([^']+)'\s*\)/g;

function importsOf(path: string, code: string): Import[] {
  const found: Import[] = [];
  for (const [whole, type, target = ''] of code.matchAll(statement)) {
    found.push({
      target: resolved(path, target),
      kind: type !== undefined || onlyTypes(whole) ? 'type' : 'value',
    });
  }
  for (const [, target = ''] of code.matchAll(dynamic)) {
    found.push({ target: resolved(path, target), kind: 'lazy' });
  }
  return found;
}

/** `import { type A, type B } from` imports no value either. */
function onlyTypes(text: string): boolean {
  const names = /\{([^}]*)\}/.exec(text)?.[1];
  if (names === undefined || /^(?:import|export)\s+\w+\s*,/.test(text)) return false;
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '));
}

function resolved(from: string, target: string): string {
  if (!target.startsWith('.')) return target;
  return normalize(join(dirname(from), target)).replace(/\.js$/, '.ts');
}

/** Strings, templates and regular expressions are stepped over, so that `'//'` is no comment. */
function withoutComments(text: string): string {
  return text.replace(
    /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (piece) => (piece.startsWith('/*') || piece.startsWith('//') ? piece.replace(/[^\n]/g, '') : piece),
  );
}
