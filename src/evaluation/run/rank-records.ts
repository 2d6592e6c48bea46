import type { EvaluationRankRecord, RankedHit } from "../../catalog/index.js";
import type { DirectionResult } from "../scoring/index.js";
import type { CaptionQuery } from "./queries.js";

/**
 * The queries of one direction with their ranks and first hits, as they are stored.
 *
 * @param clipIds ids of the clips in the pool
 */
export function rankRecords(
  { direction, ranks, scores, hits }: DirectionResult,
  captions: readonly CaptionQuery[],
  clipIds: readonly string[],
): EvaluationRankRecord[] {
  const isToAudio = direction === "T2A";
  return Array.from(ranks, (rank, ordinal) => {
    const caption = isToAudio ? captions[ordinal]! : null;
    const target = clipIds[caption?.clip ?? ordinal]!;
    const first = ordinal * hits.width;
    return {
      direction,
      ordinal,
      key: caption?.key ?? target,
      query: caption?.text ?? target,
      target,
      rank: rank + 1,
      score: scores[ordinal]!,
      hits: Array.from({ length: hits.width }, (_, place): RankedHit => {
        const item = hits.items[first + place]!;
        const found = isToAudio ? null : captions[item]!;
        const clip = clipIds[found?.clip ?? item]!;
        return { clip, caption: found?.text ?? null, score: hits.scores[first + place]!, right: clip === target };
      }),
    };
  });
}
