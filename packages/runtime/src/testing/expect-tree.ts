/**
 * Assertions on supervision trees, for any test framework: the tree is written as indented text, and a mismatch
 * throws with the lines that differ.
 *
 * ```ts
 * expectTree(node, `
 *   shop_sup
 *     cache
 *     connections
 *       connection × 3
 *     printer (stopped)
 * `);
 * ```
 */

import { labelOf, type ObservedChild, observe } from '../observer.js';
import type { Node } from '../self.js';

/**
 * Compares the processes below the ones named on the least indented lines with what the text says, children in
 * start order. Each is called by its id in its supervisor, else by its registered name, else by what it is (a
 * function's name, a gen-server's label). Alike neighbours without children are counted: `connection × 3`. A line
 * `...` stands for any further brothers, with all below them.
 */
export function expectTree(node: Node, expected: string): void {
  const wanted = parse(expected);
  const tree = observe(node).tree.flatMap(withDescendants);
  const differences: string[] = [];
  for (const root of wanted) {
    const found = tree.find((process) => labelOf(process) === root.label);
    if (found === undefined) differences.push(`- ${root.label}`, `  (there are: ${names(tree)})`);
    else compare([root], [shapeOf(found)], '', differences);
  }
  if (!differences.some((line) => /^[-+]/.test(line))) return;
  const error = new Error(`the tree is not as expected (- expected, + found)\n${differences.join('\n')}`);
  Error.captureStackTrace(error, expectTree);
  throw error;
}

/** The text for which `expectTree` would pass now: of the whole node, or of the process of this label. */
export function describeTree(node: Node, root?: string): string {
  const { tree } = observe(node);
  const roots =
    root === undefined ? tree : tree.flatMap(withDescendants).filter((at) => labelOf(at) === root);
  const lines: string[] = [];
  const write = (shapes: readonly Shape[], indent: string): void => {
    for (const shape of shapes) {
      lines.push(indent + shape.label);
      write(shape.children, `${indent}  `);
    }
  };
  write(grouped(roots.map(shapeOf)), '');
  return lines.join('\n');
}

interface Shape {
  readonly label: string;
  readonly children: Shape[];
}

const anyMore = '...';

function parse(text: string): Shape[] {
  const roots: Shape[] = [];
  const path: { readonly indent: number; readonly shape: Shape }[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const indent = line.length - line.trimStart().length;
    const shape: Shape = { label: line.trim(), children: [] };
    while ((path.at(-1)?.indent ?? -1) >= indent) path.pop();
    (path.at(-1)?.shape.children ?? roots).push(shape);
    path.push({ indent, shape });
  }
  return roots;
}

function shapeOf(child: ObservedChild): Shape {
  if (!('children' in child)) return { label: `${labelOf(child)} (${child.status})`, children: [] };
  return { label: labelOf(child), children: grouped(child.children.map(shapeOf)) };
}

/** Neighbours of one label and without children become one, with their number. */
function grouped(shapes: readonly Shape[]): Shape[] {
  const groups: { shape: Shape; count: number }[] = [];
  for (const shape of shapes) {
    const last = groups.at(-1);
    const isAlike =
      last?.shape.label === shape.label && last.shape.children.length + shape.children.length === 0;
    if (last !== undefined && isAlike) last.count += 1;
    else groups.push({ shape, count: 1 });
  }
  return groups.map(({ shape, count }) =>
    count === 1 ? shape : { ...shape, label: `${shape.label} × ${count}` },
  );
}

/** Writes the expected tree's lines, those missing with `-`, those found instead with `+`. */
function compare(wanted: readonly Shape[], found: readonly Shape[], indent: string, lines: string[]): void {
  const left = [...found];
  const mayHaveMore = wanted.some(({ label }) => label === anyMore);
  for (const shape of wanted) {
    if (shape.label === anyMore) continue;
    const at = left.findIndex(({ label }) => label === shape.label);
    if (at === -1 || (at > 0 && !mayHaveMore)) {
      write(shape, indent, '-', lines);
      continue;
    }
    const [match] = left.splice(at, 1);
    lines.push(`  ${indent}${shape.label}`);
    compare(shape.children, match?.children ?? [], `${indent}  `, lines);
  }
  if (!mayHaveMore) for (const shape of left) write(shape, indent, '+', lines);
}

function write(shape: Shape, indent: string, sign: '-' | '+', lines: string[]): void {
  lines.push(`${sign} ${indent}${shape.label}`);
  for (const child of shape.children) write(child, `${indent}  `, sign, lines);
}

function withDescendants(child: ObservedChild): ObservedChild[] {
  return 'children' in child ? [child, ...child.children.flatMap(withDescendants)] : [child];
}

function names(children: readonly ObservedChild[]): string {
  return [...new Set(children.map(labelOf))].join(', ');
}
