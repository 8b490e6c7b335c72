/**
 * How the cost of something grows with its size, on a machine that others use too: the shortest of several runs counts,
 * small and large in turn, and only their ratio.
 */
export function growth(make: (size: number) => () => void, size: number, factor: number): number {
  let small = Number.POSITIVE_INFINITY;
  let large = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round += 1) {
    small = Math.min(small, timed(make(size)));
    large = Math.min(large, timed(make(size * factor)));
  }
  return large / small;
}

/** ms */
function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}
