/** A metric over the runs of one model that was trained from several seeds. */
export interface SeedSummary {
  mean: number;
  /** Standard deviation with n: that of the paper's tables (reference fact 3). */
  populationStd: number;
  /** Standard deviation with n - 1: that of the tables beside the published code; null for a single run. */
  sampleStd: number | null;
  /** Number of runs. */
  n: number;
}

/**
 * Mean and both standard deviations of a metric.
 *
 * @param values the metric of each run
 * @throws RangeError there is no run
 */
export function overSeeds(values: readonly number[]): SeedSummary {
  const n = values.length;
  if (n === 0) throw new RangeError("there is no mean of no runs");
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, populationStd: Math.sqrt(squares / n), sampleStd: n === 1 ? null : Math.sqrt(squares / (n - 1)), n };
}
