import type { RelevanceMetrics } from "../../catalog/index.js";
import { bootstrap, weightedMeans, type BootstrapOptions } from "./bootstrap.js";

/** Places that recall looks at. */
const CUT_OFF = 10;

/** What a ranking is worth to a query with several right clips, each from 0 to 1. */
export interface RelevanceValues {
  /** The mean, over the right clips, of the precision down to each of them. */
  averagePrecision: number;
  /** 1 where the first clip is right, else 0. */
  precisionAt1: number;
  /** Share of the right clips that are among the first ten. */
  recallAt10: number;
}

/**
 * What a query's ranking is worth. Clips of equal scores keep their order.
 *
 * @param scores one for each clip
 * @param relevant the right clips, each once
 * @throws RangeError no clip is right, or a score is NaN
 */
export function relevanceValues(scores: ArrayLike<number>, relevant: readonly number[]): RelevanceValues {
  if (relevant.length === 0) throw new RangeError("a query has no relevant clip");
  const places = placesOf(scores, relevant);
  const precisions = places.map((place, found) => (found + 1) / (place + 1));
  return {
    averagePrecision: precisions.reduce((sum, precision) => sum + precision, 0) / places.length,
    precisionAt1: places[0] === 0 ? 1 : 0,
    recallAt10: places.filter((place) => place < CUT_OFF).length / places.length,
  };
}

/**
 * Metrics of queries with several right clips, averaged over the queries, with intervals over them.
 *
 * @param values one for each query
 * @throws RangeError there is no query
 */
export function relevanceMetrics(
  name: string,
  values: readonly RelevanceValues[],
  options: Omit<BootstrapOptions, "clipOfQuery"> & { pool: number },
): RelevanceMetrics {
  const { pool, ...drawn } = options;
  const columns = [
    values.map(({ averagePrecision }) => averagePrecision),
    values.map(({ precisionAt1 }) => precisionAt1),
    values.map(({ recallAt10 }) => recallAt10),
  ];
  // A query has no clip of its own: each is drawn by itself.
  const clipOfQuery = values.map((_, query) => query);
  const [meanAveragePrecision, precisionAt1, recallAt10] = bootstrap(weightedMeans(columns), { ...drawn, clipOfQuery });
  return {
    name,
    queries: values.length,
    pool,
    meanAveragePrecision: meanAveragePrecision!,
    precisionAt1: precisionAt1!,
    recallAt10: recallAt10!,
  };
}

/** The places of some clips in a ranking, from 0, ascending. */
function placesOf(scores: ArrayLike<number>, clips: readonly number[]): number[] {
  const order = Uint32Array.from(scores, (score, clip) => {
    if (Number.isNaN(score)) throw new RangeError("a score is NaN: it cannot be ranked");
    return clip;
  }).sort((a, b) => compare(scores[b]!, scores[a]!) || a - b);
  const placeOf = new Uint32Array(order.length);
  order.forEach((clip, place) => {
    placeOf[clip] = place;
  });
  return clips.map((clip) => placeOf[clip]!).sort((a, b) => a - b);
}

/** Not a difference: that of two infinite scores would be NaN. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
