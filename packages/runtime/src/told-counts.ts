/** What a process's state tells observers of itself: counts, and nothing that could be secret. */

/** Numbers by name, in groups by name. */
export interface Counts {
  readonly [name: string]: number | Counts | undefined;
}

/** A process's state that has counts for the snapshots of its node. */
export interface CountsToTell {
  toldCounts(): Counts;
}

/** A state that cannot say it, or has a method of that name for something else, spoils nobody's picture of the node. */
export function countsOf(context: unknown): Counts | undefined {
  if (!mayTell(context)) return undefined;
  try {
    return numbersOf(context.toldCounts(), 0);
  } catch {
    return undefined;
  }
}

function mayTell(context: unknown): context is { toldCounts(): unknown } {
  return (
    typeof context === 'object' &&
    context !== null &&
    'toldCounts' in context &&
    typeof context.toldCounts === 'function'
  );
}

const deepest = 4;

/** Numbers alone: whatever else stands there by mistake is not shown. */
function numbersOf(told: unknown, level: number): Counts | undefined {
  if (typeof told !== 'object' || told === null || level === deepest) return undefined;
  const counts: Record<string, number | Counts> = {};
  for (const [name, value] of Object.entries(told)) {
    const count = typeof value === 'number' ? value : numbersOf(value, level + 1);
    if (count !== undefined) counts[name] = count;
  }
  return counts;
}
