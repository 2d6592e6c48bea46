/** What comes out when evaluations are set beside each other. */
import type { EvaluationRecord, EvaluationResult, RetrievalDirection } from "../../catalog/index.js";
import type { RetrievalFigures } from "../metrics/retrieval-metrics.js";
import type { SeedSummary } from "../metrics/seeds.js";
import type { PaperRow, PaperTable } from "./paper-tables.js";

/** An evaluation with its result. */
export type CompletedEvaluation = EvaluationRecord & { result: EvaluationResult };

/** How a run's metrics of one direction differ from the first run's: its own minus the first's. */
export interface DirectionDifferences {
  direction: RetrievalDirection;
  /** Queries that both runs have: the differences are those over them alone. */
  queries: number;
  /** Each with the interval of the difference; where 0 lies outside, the runs differ. */
  figures: RetrievalFigures;
}

/** A run of the comparison. */
export interface ComparedRun {
  evaluation: CompletedEvaluation;
  /** One for each direction that it shares with the first run and has common queries in; empty for the first run. */
  differences: DirectionDifferences[];
}

/** The paper's metrics of one direction over the runs of a series. */
export interface SeriesMetrics {
  direction: RetrievalDirection;
  /** Clips (T2A) or captions (A2T) that were ranked for each query; null when the runs differ in it. */
  pool: number | null;
  figures: Record<keyof RetrievalFigures, SeedSummary>;
}

/** Runs of one model that was trained from several seeds. */
export interface ComparedSeries {
  name: string;
  /** One for each seed, in the order of the comparison. */
  runs: CompletedEvaluation[];
  metrics: SeriesMetrics[];
}

/** How far figures of ours lie from those of a row of the paper: ours minus the paper's mean, in points of percent. */
export interface PaperDifferences {
  direction: RetrievalDirection;
  /** Clips (T2A) or captions (A2T) that were ranked for each of our queries; null where the runs of a series differ. */
  pool: number | null;
  recallAt1: number;
  recallAt10: number;
}

/** A run, or a series, whose data set, experts and model are those of a row of the paper. */
export type PaperMatch = { differences: PaperDifferences[] } & (
  { evaluation: CompletedEvaluation; series: null } | { evaluation: null; series: ComparedSeries }
);

/** A row of the paper with what can be set beside it. */
export interface ComparedPaperRow {
  row: PaperRow;
  matches: PaperMatch[];
}

/** What is to be kept in mind about a comparison. */
export type ComparisonWarningCode =
  | "DATASETS_DIFFER"
  | "DATASET_VERSIONS_DIFFER"
  | "SPLITS_DIFFER"
  | "POOLS_DIFFER"
  | "QUERIES_DIFFER"
  | "CLIP_SCORING_DIFFERS"
  | "SEED_REPEATED"
  | "PAPER_POOL_DIFFERS"
  | "PAPER_ROW_NOT_FOUND";

/** A warning, in words. */
export interface ComparisonWarning {
  code: ComparisonWarningCode;
  message: string;
}

/** Evaluations beside each other, and beside the paper. */
export interface EvaluationComparison {
  /** In the order that was asked for. */
  runs: ComparedRun[];
  /** One for each name that a run carries. */
  series: ComparedSeries[];
  /** Null when no table was asked for. */
  paper: { table: PaperTable; rows: ComparedPaperRow[] } | null;
  warnings: ComparisonWarning[];
}
