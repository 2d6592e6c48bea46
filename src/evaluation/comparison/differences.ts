import type { MeasuredQuery, RetrievalDirection } from "../../catalog/index.js";
import { pairedDifferences } from "../metrics/retrieval-metrics.js";
import type { DirectionDifferences } from "./types.js";

/**
 * How the ranks of a run differ from those of the first run, over the queries that both have. Null when they have none
 * in common.
 *
 * @param seed of the draws
 */
export function directionDifferences(
  direction: RetrievalDirection,
  run: readonly MeasuredQuery[],
  first: readonly MeasuredQuery[],
  seed: number,
): DirectionDifferences | null {
  const ranks = new Map(run.map(({ key, rank }) => [key, rank]));
  const common = first.filter(({ key }) => ranks.has(key));
  if (common.length === 0) return null;
  // Ranks are stored from 1; metrics take them from 0.
  const own = Float64Array.from(common, ({ key }) => ranks.get(key)! - 1);
  const baseline = Float64Array.from(common, ({ rank }) => rank - 1);
  const clips = new Map<string, number>();
  const clipOfQuery = common.map(({ target }) => {
    const number = clips.get(target) ?? clips.size;
    clips.set(target, number);
    return number;
  });
  return { direction, queries: common.length, figures: pairedDifferences(own, baseline, { clipOfQuery, seed }) };
}
