import type { Figure } from "../../catalog/index.js";
import { SeededDraws } from "./seeded-draws.js";

/** Draws behind an interval. */
export const BOOTSTRAP_SAMPLES = 1000;

/** Share of the draws that lie below an interval, and above it: 95 % lie inside. */
const TAIL = 0.025;

/** How an interval is found. */
export interface BootstrapOptions {
  /** The clip that each query belongs to: queries of one clip are not independent, so they are drawn together. */
  clipOfQuery: ArrayLike<number>;
  /** The same seed and the same clips give the same draws. */
  seed: number;
  /** @default BOOTSTRAP_SAMPLES */
  samples?: number;
}

/**
 * Statistics of queries that count so many times each.
 *
 * @param weights how often each query counts; not all 0
 */
export type WeightedStatistics = (weights: Uint32Array) => readonly number[];

/**
 * Statistics of some queries, each with the percentile interval of a cluster bootstrap: as many clips as there are
 * are drawn with replacement, each with all its queries, and the statistics taken again; the interval holds the middle
 * 95 % of what came out (Efron and Tibshirani 1993, section 13.3). Only the queries are drawn anew: the pool that their
 * ranks were found in stays as it is, so the intervals tell how far another choice of queries would have moved the
 * figures, and nothing of another pool.
 *
 * @returns in the order of the statistics
 * @throws RangeError there is no query
 */
export function bootstrap(statistics: WeightedStatistics, options: BootstrapOptions): Figure[] {
  const { clipOfQuery, seed, samples = BOOTSTRAP_SAMPLES } = options;
  const queries = clipOfQuery.length;
  if (queries === 0) throw new RangeError("there is no figure of no queries");
  const { clusterOf, clusters } = numbered(clipOfQuery);
  const weights = new Uint32Array(queries).fill(1);
  const values = [...statistics(weights)];
  const found = values.map(() => new Float64Array(samples));
  const draws = new SeededDraws(seed);
  const times = new Uint32Array(clusters);
  for (let sample = 0; sample < samples; sample++) {
    times.fill(0);
    for (let drawn = 0; drawn < clusters; drawn++) times[draws.below(clusters)]!++;
    for (let query = 0; query < queries; query++) weights[query] = times[clusterOf[query]!]!;
    statistics(weights).forEach((value, place) => {
      found[place]![sample] = value;
    });
  }
  return values.map((value, place) => ({ value, ...middle(found[place]!) }));
}

/** Weighted means of each column, for {@link bootstrap}. */
export function weightedMeans(columns: readonly ArrayLike<number>[]): WeightedStatistics {
  return (weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return columns.map((column) => {
      let sum = 0;
      for (let query = 0; query < weights.length; query++) sum += weights[query]! * column[query]!;
      return sum / total;
    });
  };
}

/** Clips numbered from 0 in the order of their first query. */
function numbered(clipOfQuery: ArrayLike<number>): { clusterOf: Uint32Array; clusters: number } {
  const numbers = new Map<number, number>();
  const clusterOf = Uint32Array.from(clipOfQuery, (clip) => {
    let number = numbers.get(clip);
    if (number === undefined) numbers.set(clip, (number = numbers.size));
    return number;
  });
  return { clusterOf, clusters: numbers.size };
}

function middle(values: Float64Array): { low: number; high: number } {
  values.sort();
  return { low: quantile(values, TAIL), high: quantile(values, 1 - TAIL) };
}

/** Between two neighbours the straight line, as NumPy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const lower = sorted[below]!;
  return lower + (place - below) * ((sorted[below + 1] ?? lower) - lower);
}
