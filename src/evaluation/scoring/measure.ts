/** From a table of scores to ranks, metrics and best answers. */
import type { RelevanceMetrics, RetrievalDirection } from "../../catalog/index.js";
import { audioToTextRanks, bestOwnScores, textToAudioRanks, type SimilarityTable } from "../metrics/ranks.js";
import { relevanceMetrics, relevanceValues } from "../metrics/relevance-metrics.js";
import { retrievalMetrics } from "../metrics/retrieval-metrics.js";
import { audioToTextHits, textToAudioHits } from "./top-hits.js";
import type { DirectionResult, ScoredRelevanceQuery, ScoredRelevanceSet } from "./types.js";

/** Everything of one direction. */
export function measureDirection(direction: RetrievalDirection, table: SimilarityTable, seed: number): DirectionResult {
  return direction === "T2A" ? textToAudio(table, seed) : audioToText(table, seed);
}

function textToAudio(table: SimilarityTable, seed: number): DirectionResult {
  const { scores, clips, clipOfCaption, rowOfCaption } = table;
  const ranks = textToAudioRanks(table);
  const rowOf = (caption: number) => rowOfCaption?.[caption] ?? caption;
  return {
    direction: "T2A",
    metrics: retrievalMetrics(ranks, { direction: "T2A", pool: clips, clipOfQuery: clipOfCaption, seed }),
    ranks,
    scores: Float32Array.from(clipOfCaption, (clip, caption) => scores[rowOf(caption) * clips + clip]!),
    hits: textToAudioHits(table),
  };
}

function audioToText(table: SimilarityTable, seed: number): DirectionResult {
  const ranks = audioToTextRanks(table);
  const clipOfQuery = Uint32Array.from(ranks, (_, clip) => clip);
  const pool = table.clipOfCaption.length;
  return {
    direction: "A2T",
    metrics: retrievalMetrics(ranks, { direction: "A2T", pool, clipOfQuery, seed }),
    ranks,
    scores: Float32Array.from(bestOwnScores(table)),
    hits: audioToTextHits(table),
  };
}

/**
 * The metrics of queries with several right clips.
 *
 * @param scores [queries, clips] row-major
 */
export function measureRelevance(
  set: ScoredRelevanceSet,
  scores: Float32Array,
  clips: number,
  seed: number,
): RelevanceMetrics {
  const values = set.queries.map((query) => relevanceValues(averaged(query, scores, clips), query.relevant));
  return relevanceMetrics(set.name, values, { pool: clips, seed });
}

/** The mean of the scores of a query's texts, for each clip. */
function averaged({ queries }: ScoredRelevanceQuery, scores: Float32Array, clips: number): Float64Array {
  const sums = new Float64Array(clips);
  for (const query of queries) {
    for (let clip = 0; clip < clips; clip++) sums[clip]! += scores[query * clips + clip]!;
  }
  return sums.map((sum) => sum / queries.length);
}
