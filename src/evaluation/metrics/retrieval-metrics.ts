import type { Figure, RetrievalDirection, RetrievalMetrics } from "../../catalog/index.js";
import { bootstrap, type BootstrapOptions, type WeightedStatistics } from "./bootstrap.js";

/** The metrics of a direction that are figures, in the order of the paper's tables. */
const NAMES = [
  "recallAt1",
  "recallAt5",
  "recallAt10",
  "recallAt50",
  "medianRank",
  "meanRank",
  "geometricMean",
] as const satisfies readonly (keyof RetrievalMetrics)[];

/** One figure for each of the paper's metrics. */
export type RetrievalFigures = Record<(typeof NAMES)[number], Figure>;

/** What the ranks are those of. */
export interface RetrievalMetricsOptions extends BootstrapOptions {
  direction: RetrievalDirection;
  /** Clips (T2A) or captions (A2T) that were ranked for each query. */
  pool: number;
  /** 1 for each query that counts; all when left out. The ranks stay those in the full pool. */
  counts?: Uint8Array;
}

/**
 * The paper's metrics of one direction (reference fact 3), each with its interval: recall in percent, where R@1 wants
 * rank 0 exactly, so that a tie for the first place does not count; median and mean rank counted from 1.
 *
 * @param ranks one for each query, counted from 0
 * @throws RangeError no query counts, or the rank of one that does is no finite number
 */
export function retrievalMetrics(ranks: Float64Array, options: RetrievalMetricsOptions): RetrievalMetrics {
  const { direction, pool, counts, ...drawn } = options;
  const counted = (_: unknown, query: number) => counts === undefined || counts[query] === 1;
  const kept = ranks.filter(counted);
  const clipOfQuery = Array.from(drawn.clipOfQuery).filter(counted);
  return {
    direction,
    queries: kept.length,
    pool,
    ...named(bootstrap(rankStatistics(kept), { ...drawn, clipOfQuery })),
  };
}

/**
 * How the metrics of a run differ from those of another one over the same queries: its own minus the other's. Both are
 * drawn together, so an interval is that of the difference; where 0 lies outside, the runs differ.
 *
 * @param ranks of the run, one for each query, counted from 0
 * @param baseline ranks of the run that it is compared with, of the same queries in the same order
 * @throws RangeError the number of queries differs or is 0, or a rank is no finite number
 */
export function pairedDifferences(
  ranks: Float64Array,
  baseline: Float64Array,
  options: BootstrapOptions,
): RetrievalFigures {
  const own = rankStatistics(ranks);
  const other = rankStatistics(baseline);
  if (ranks.length !== baseline.length) throw new RangeError("the runs to compare do not have the same queries");
  return named(
    bootstrap((weights) => {
      const subtracted = other(weights);
      return own(weights).map((value, place) => value - subtracted[place]!);
    }, options),
  );
}

function named(figures: readonly Figure[]): RetrievalFigures {
  return Object.fromEntries(NAMES.map((name, place) => [name, figures[place]!])) as RetrievalFigures;
}

/** The metrics, in the order of {@link NAMES}, by counting how often each rank occurs. */
function rankStatistics(ranks: Float64Array): WeightedStatistics {
  if (!ranks.every(Number.isFinite)) throw new RangeError("a query has no rank");
  const distinct = [...new Set(ranks)].sort((a, b) => a - b);
  const places = new Map(distinct.map((rank, place) => [rank, place]));
  const placeOf = Uint32Array.from(ranks, (rank) => places.get(rank)!);
  const below = (limit: number) => {
    const found = distinct.findIndex((rank) => rank >= limit);
    return found === -1 ? distinct.length : found;
  };
  const limits = [distinct[0] === 0 ? 1 : 0, below(5), below(10), below(50)];
  // How often each rank or a better one occurs.
  const cumulated = new Float64Array(distinct.length);
  return (weights) => {
    cumulated.fill(0);
    for (let query = 0; query < placeOf.length; query++) cumulated[placeOf[query]!]! += weights[query]!;
    let total = 0;
    let sum = 0;
    for (let place = 0; place < distinct.length; place++) {
      sum += cumulated[place]! * distinct[place]!;
      total += cumulated[place]!;
      cumulated[place] = total;
    }
    const [r1, r5, r10, r50] = limits.map((end) => (end === 0 ? 0 : (100 * cumulated[end - 1]!) / total));
    const median = (nth(distinct, cumulated, (total - 1) >> 1) + nth(distinct, cumulated, total >> 1)) / 2;
    return [r1!, r5!, r10!, r50!, median + 1, sum / total + 1, Math.cbrt(r1! * r5! * r10!)];
  };
}

/** The rank in place n, from 0, of all in ascending order. */
function nth(distinct: readonly number[], cumulated: Float64Array, n: number): number {
  let low = 0;
  let high = distinct.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle]! > n) high = middle;
    else low = middle + 1;
  }
  return distinct[low]!;
}
