/** The documents of this repository and the TypeScript in them, as data for the tests beside. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** README.md, docs/*.md, packages/*\/README.md: paths from the root. */
export function documents(): readonly string[] {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
  const packages = readdirSync(`${root}packages`);
  return [
    'README.md',
    ...docs.sort().map((name) => join('docs', name)),
    ...packages.sort().map((name) => join('packages', name, 'README.md')),
  ];
}

/** A module made of one block of a document, and of those that are marked as going on from it. */
export interface Program {
  /** From the root. */
  readonly document: string;
  /** Line of the first fence, from 1. */
  readonly line: number;
  /**
   * The module's text. Line numbers are those of the document, so that an error in it points to the place:
   * all that is not code is empty lines.
   */
  readonly text: string;
  /** Why it is compiled and not run: what stands behind `no-run`. */
  readonly notRun: string | undefined;
  /** What it says it prints: the comments `// → …`, in order. */
  readonly prints: readonly string[];
}

/** Fences other than ```ts, ```ts continued and ```ts no-run <reason> are an error. */
export function programsIn(document: string, markdown: string): Program[] {
  const programs: Program[] = [];
  const lines = markdown.split('\n');
  let open: { readonly line: number; readonly info: string } | undefined;
  let code: string[] = [];
  for (const [index, line] of lines.entries()) {
    const fence = /^(```+)(.*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) {
        open = { line: index + 1, info: (fence[2] ?? '').trim() };
        code = [];
      }
    } else if (fence !== null && fence[2] === '') {
      add(programs, document, open, code);
      open = undefined;
    } else code.push(line);
  }
  if (open !== undefined) throw new Error(`${document}:${open.line}: the block has no end`);
  return programs;
}

function add(
  programs: Program[],
  document: string,
  { line, info }: { readonly line: number; readonly info: string },
  code: readonly string[],
): void {
  const [language, mark, ...reason] = info.split(' ');
  if (language !== 'ts') return;
  const lines = (before: string): string =>
    `${before}${'\n'.repeat(line - (before === '' ? 0 : before.split('\n').length - 1))}${code.join('\n')}`;
  const arrows = code.flatMap((text) => /\/\/ → (.*)$/.exec(text)?.[1] ?? []);
  const last = programs.at(-1);
  switch (mark) {
    case undefined:
      programs.push({ document, line, text: lines(''), notRun: undefined, prints: arrows });
      return;
    case 'continued':
      if (last === undefined) throw new Error(`${document}:${line}: nothing goes before this block`);
      programs[programs.length - 1] = {
        ...last,
        text: lines(last.text),
        prints: [...last.prints, ...arrows],
      };
      return;
    case 'no-run':
      if (reason.length === 0) throw new Error(`${document}:${line}: no-run needs a reason`);
      programs.push({ document, line, text: lines(''), notRun: reason.join(' '), prints: arrows });
      return;
    default:
      throw new Error(`${document}:${line}: what is ${mark}?`);
  }
}

/** All programs of all documents. */
export function allPrograms(): Program[] {
  return documents().flatMap((document) => programsIn(document, readFileSync(root + document, 'utf8')));
}

/** Targets of the links in a document, and where its headings can be jumped to (as GitHub makes the anchors). */
export function linksOf(markdown: string): { readonly targets: string[]; readonly anchors: string[] } {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const anchors = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return { targets, anchors };
}
