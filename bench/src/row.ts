/** A row of figures: what the tables and the charts show, and what `--json` prints. Plain data, nothing of Node. */

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** By side's name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Ours over the other's, by the other's name; ours on the same Node, where the other runs on one. */
  readonly ratios: Readonly<Record<string, number>>;
  /** What these ratios must be: at least where more is better, else at most. */
  readonly targets: Readonly<Record<string, number>>;
  /** What our own figure must be, likewise. */
  readonly aim?: number;
  readonly better: 'more' | 'less';
  /** One of the few that the README shows. */
  readonly headline?: true;
  /** Why there are no figures. */
  readonly missing?: string;
}

/** What `--json` prints. */
export interface Run {
  /** Node, processor, load and day. */
  readonly where: string;
  readonly tls: readonly Row[];
  readonly runtime: readonly Row[];
}

export const ours = 'actor-tls';

/** The sides that any of the rows has a figure of, in the order in which they come. */
export function sidesOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
}

export function isMet(value: number, target: number, better: Row['better']): boolean {
  return better === 'more' ? value >= target : value <= target;
}

/** With three digits at least, with the unit: `11,121 /s`, `1.77 M/s`, `25.9 KB`. */
export function figureText(value: number, unit: string): string {
  if (unit === '/s' && value >= 1e6) return `${(value / 1e6).toFixed(2)} M/s`;
  return `${value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')} ${unit}`;
}

/** A side of ours: on another Node or engine too. */
export function isOurs(side: string): boolean {
  return side === ours || side.startsWith(`${ours} `) || side.startsWith(`${ours},`);
}

/** What `--json` has printed, with what npm prints before it. */
export function parseRun(text: string): Run {
  return JSON.parse(text.slice(text.search(/^\{/m)));
}
