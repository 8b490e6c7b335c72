/** Rounds at most: on a machine that others use too, some are slow for no reason of ours. */
const mostRounds = 12;

/**
 * How the cost of something grows with its size: the shortest of several runs counts, small and large in turn, and only
 * their ratio. Linear is about `factor`, quadratic its square; rounds end as soon as the ratio is plainly not that.
 */
export function growth(make: (size: number) => () => void, size: number, factor: number): number {
  let small = Number.POSITIVE_INFINITY;
  let large = Number.POSITIVE_INFINITY;
  for (let round = 0; round < mostRounds; round += 1) {
    small = Math.min(small, timed(make(size)));
    large = Math.min(large, timed(make(size * factor)));
    if (round > 1 && large / small < 2 * factor) break;
  }
  return large / small;
}

/** µs of this process's own processor time: what others take meanwhile does not count. */
function timed(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { system, user } = process.cpuUsage(start);
  return Math.max(1, system + user);
}
