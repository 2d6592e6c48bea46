/**
 * From the segments an engine finds to a ranking of videos.
 *
 * Engines rank segments. A video counts as its best segment, so the order of videos is the order of
 * their first segments in the ranking. How many segments are needed for a page of videos is not known
 * beforehand: one long video may hold the best hundred. So the depth grows until the page is full.
 */
import type { PatternQuery, VectorFilter, VectorIndex } from "../vectors/index.js";
import { comparePositions, type SearchPosition } from "./cursor.js";

/** Segments asked for at first, for each video that is wanted. */
const SEGMENTS_PER_VIDEO = 8;
/** How much deeper each further query goes. */
const DEPTH_GROWTH = 4;

/**
 * The best `count` videos after a position, by score descending, then by id.
 *
 * @param after Only videos behind this position; from the top when undefined.
 * @param minScore Videos with a lower score are left out.
 */
export async function rankVideos(
  vectors: VectorIndex,
  indexId: string,
  queries: readonly PatternQuery[],
  filter: VectorFilter,
  count: number,
  after: SearchPosition | undefined,
  minScore: number,
): Promise<SearchPosition[]> {
  let limit = count * SEGMENTS_PER_VIDEO;
  for (;;) {
    const hits = await vectors.query(indexId, queries, filter, limit);
    const exhausted = hits.length < limit;
    const lowest = hits.at(-1)?.score ?? -Infinity;
    const videos = new Map<string, number>();
    for (const { videoId, score } of hits) {
      // At the lowest score the list may have been cut between equals: their order is not known yet.
      if (score < minScore || (score === lowest && !exhausted)) break;
      if (!videos.has(videoId)) videos.set(videoId, score);
    }
    const ranked = [...videos]
      .map(([videoId, score]) => ({ videoId, score }))
      .filter((position) => after === undefined || comparePositions(position, after) > 0)
      .sort(comparePositions);
    if (ranked.length >= count || exhausted || lowest < minScore) return ranked.slice(0, count);
    limit *= DEPTH_GROWTH;
  }
}
