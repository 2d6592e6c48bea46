import type { MeasuredQuery, RetrievalDirection } from "../../catalog/index.js";
import type { PairedDraws } from "./paired-draws.js";
import type { DirectionDifferences } from "./types.js";

/**
 * How the ranks of a run differ from those of the first run, over the queries that both have. Null when they have none
 * in common.
 *
 * @param seed of the draws
 */
export async function directionDifferences(
  direction: RetrievalDirection,
  run: readonly MeasuredQuery[],
  first: readonly MeasuredQuery[],
  seed: number,
  draws: PairedDraws,
): Promise<DirectionDifferences | null> {
  const ranks = new Map(run.map(({ key, rank }) => [key, rank]));
  const common = first.filter(({ key }) => ranks.has(key));
  if (common.length === 0) return null;
  const clips = new Map<string, number>();
  const clipOfQuery = Uint32Array.from(common, ({ target }) => {
    const number = clips.get(target) ?? clips.size;
    clips.set(target, number);
    return number;
  });
  const figures = await draws.differences({
    // Ranks are stored from 1; metrics take them from 0.
    own: Float64Array.from(common, ({ key }) => ranks.get(key)! - 1),
    baseline: Float64Array.from(common, ({ rank }) => rank - 1),
    clipOfQuery,
    seed,
  });
  return { direction, queries: common.length, figures };
}
