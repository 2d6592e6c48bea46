/** What the scoring of an evaluation takes, and what comes out of it. */
import type { RelevanceMetrics, RetrievalDirection, RetrievalMetrics } from "../../catalog/index.js";

/**
 * The vectors of the clips, in a file. A clip has any number of rows, at least one, and they may stand anywhere in it.
 * A clip's score is that of its best row.
 */
export interface ClipRows {
  /** Absolute path of the file: float32, little-endian, [rows, dimension], nothing before or after it that counts. */
  file: string;
  /** Length of a row. */
  dimension: number;
  /** The clip (0 ... clips - 1) that each row belongs to; -1: the row is passed over. Its length is the number of rows. */
  clipOfRow: Int32Array;
  /** Availability pattern of each row: bit e is set when expert e took part. */
  patterns: Int32Array;
}

/** What the text encoder made of the queries; see {@link packQueries}. */
export interface QueryVectors {
  /** Length of each expert's embedding, in manifest order; together as long as a row of {@link ClipRows}. */
  widths: readonly number[];
  /** The embeddings of a query's experts one after the other, [queries, sum of widths]; zeros without known words. */
  embeddings: Float32Array;
  /** [queries, experts]; zeros without known words, and then the query scores 0 everywhere. */
  weights: Float32Array;
}

/** Where the scores come from. The number of queries is that of the vectors, or of the rows of the table. */
export type ScoreSource =
  | { kind: "rows"; rows: ClipRows; queries: QueryVectors }
  /** Scores that are known: [queries, clips] row-major. NaN is refused; -Infinity stands for "not found at all". */
  | { kind: "table"; scores: Float32Array };

/** The captions that are ranked, in the order of their ranks. Each array has one entry for each caption. */
export interface ScoredCaptions {
  /** Place of its text among the queries of the {@link ScoreSource}; captions of the same text may share one. */
  query: Uint32Array;
  /** The clip it belongs to. Every clip needs a caption for A2T. */
  clip: Uint32Array;
}

/** A query with several right clips. */
export interface ScoredRelevanceQuery {
  /** Places of its texts among the queries of the {@link ScoreSource}; at least one. Their scores are averaged. */
  queries: readonly number[];
  /** The right clips; at least one. */
  relevant: readonly number[];
}

/** Queries with several right clips that are measured together. */
export interface ScoredRelevanceSet {
  name: string;
  queries: readonly ScoredRelevanceQuery[];
}

/** Pairs of a query and a clip whose rows are wanted one by one. Each array has one entry for each pair. */
export interface MomentPairs {
  /** Place among the queries of the {@link ScoreSource}. */
  query: Uint32Array;
  clip: Uint32Array;
}

/** All that is to be scored and measured in one go. */
export interface ScoringRequest {
  /** Number of clips in the pool. */
  clips: number;
  /** The table, or the query vectors, are handed over: their arrays are empty afterwards. */
  source: ScoreSource;
  captions: ScoredCaptions;
  directions: readonly RetrievalDirection[];
  relevance: readonly ScoredRelevanceSet[];
  /** Null: none. They need rows; a table has no more than one score for each clip. */
  moments: MomentPairs | null;
  /** Of the bootstrap. */
  seed: number;
}

/** How the scoring runs. */
export interface ScoringOptions {
  /** CPU threads of the matrix product. */
  threads: number;
  /** Ends the scoring after the block it works on. */
  signal?: AbortSignal;
  /** Told now and then how far it has come, 0..1. */
  onProgress?: (progress: number) => void;
}

/** The best answers of every query. */
export interface TopHits {
  /** Answers of each query: {@link TOP_HITS}, or all where the pool is smaller. */
  width: number;
  /** Clips (T2A) or places in {@link ScoredCaptions} (A2T), best first, [queries, width]; of equal ones the first comes first. */
  items: Uint32Array;
  /** Their scores, [queries, width]. */
  scores: Float32Array;
}

/** What came out for one direction. T2A: one query for each caption; A2T: one for each clip. */
export interface DirectionResult {
  direction: RetrievalDirection;
  metrics: RetrievalMetrics;
  /** Rank of the right answer of every query, counted from 0 (as all of `metrics/` counts), ties averaged. */
  ranks: Float64Array;
  /** Score of the right answer of every query; A2T: of the best one of the clip's captions. */
  scores: Float32Array;
  hits: TopHits;
}

/** Scores of all rows of a clip, for every pair of {@link MomentPairs}. */
export interface MomentScores {
  /** The scores of pair i are `scores[first[i]]` ... `scores[first[i + 1] - 1]`. One entry more than there are pairs. */
  first: Uint32Array;
  /** In the order in which the clip's rows stand in the file. */
  scores: Float32Array;
}

/** What comes out of a {@link ScoringRequest}. */
export interface ScoringResult {
  /** In the order of the request's directions. */
  retrieval: DirectionResult[];
  /** In the order of the request's sets. */
  relevance: RelevanceMetrics[];
  /** Null unless pairs were asked for. */
  moments: MomentScores | null;
}
