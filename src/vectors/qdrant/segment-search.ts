import { compareHits } from "../best-hits.js";
import type { VectorHit } from "../index.js";
import { LivePoints, type LiveSource, type Sightings } from "./live-points.js";
import type { PatternSearch, PointSearch } from "./ranking.js";

/** Points that are asked for beyond the limit: for some that do not count, and to see where equal scores end. */
const SPARE = 16;
/** Most points of one search, however many have the same score. */
const DEEPEST = 65_536;

/** What a search works with. */
export interface SearchParts {
  search: PointSearch;
  catalog: LiveSource;
  indexId: string;
}

/** See {@link VectorIndex.query}. */
export async function bestSegments(
  { search, catalog, indexId }: SearchParts,
  sightings: Sightings,
  searches: readonly PatternSearch[],
  limit: number,
): Promise<VectorHit[]> {
  const live = new LivePoints(catalog, indexId);
  for (let depth = limit + SPARE; ;) {
    const begun = performance.now();
    const leftOut = { videoIds: [], generations: live.deadGenerations };
    const { points, horizon } = await search.best(searches, depth, leftOut, undefined);
    const counting = await live.sift(points);
    if (counting === undefined) continue;
    // A generation that was committed while the search ran may not have been there in full when it began.
    if (
      !sightings.note(
        counting.map(({ generation }) => generation),
        begun,
      )
    )
      continue;
    const hits = counting.map(({ segmentId, videoId, score }) => ({ segmentId, videoId, score })).sort(compareHits);
    const last = hits[limit - 1];
    const complete = horizon === -Infinity || (last !== undefined && last.score > horizon);
    if (complete || depth >= DEEPEST) return hits.slice(0, limit);
    depth = Math.min(2 * depth, Math.max(DEEPEST, limit + SPARE));
  }
}
