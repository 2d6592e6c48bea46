export { MOST_SCORES } from "./check-request.js";
export { packQueries } from "./pack-queries.js";
export { scoreEvaluation } from "./score-evaluation.js";
export type {
  ClipRows,
  DirectionResult,
  MomentPairs,
  MomentScores,
  QueryVectors,
  ScoredCaptions,
  ScoredRelevanceQuery,
  ScoredRelevanceSet,
  ScoreSource,
  ScoringOptions,
  ScoringRequest,
  ScoringResult,
  TopHits,
} from "./types.js";
export { TOP_HITS } from "./top-hits.js";
