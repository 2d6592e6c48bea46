/** What the catalog stores of evaluations, as the rest of Earshot sees it. Dates are UTC; times inside media are seconds. */
import type { IngestJobState } from "./records.js";

/** Where an evaluation stands. The last three are final. */
export type EvaluationState = IngestJobState;

/** What an evaluation is doing; QUEUED until a worker takes it. */
export type EvaluationStage =
  "QUEUED" | "PREPARING" | "ENCODING_CLIPS" | "ENCODING_CAPTIONS" | "SCORING" | "COMMITTING";

/** Text to audio: captions look for clips. Audio to text: clips look for captions. */
export type RetrievalDirection = "T2A" | "A2T";

/** A benchmark. CUSTOM: whatever lies in the folder, in the neutral layout or another one that is known. */
export type BenchmarkName =
  "AUDIOCAPS" | "CLOTHO" | "ACTIVITYNET_CAPTIONS" | "QUERYD" | "QUERYD_SEGMENTS" | "SOUNDDESCS" | "CUSTOM";

/**
 * What of a clip is scored. BEST_SEGMENT: it is cut into segments as an ingested video is, and scores as its best one, as
 * a search does. WHOLE_CLIP: its features are one sequence, cut to the pack's token limits, as in the paper.
 */
export type ClipScoring = "BEST_SEGMENT" | "WHOLE_CLIP";

/**
 * Where the clips come from. `features` and `media` hold absolute server paths: never to be sent to a client.
 * `captions`: folder or file of the captions; with `features` and `media` their own folder where it is left out.
 */
export type EvaluationSource =
  | { kind: "features"; path: string; captions: string | null }
  | { kind: "media"; path: string; captions: string | null }
  | { kind: "index"; captions: string };

/** What is to be evaluated, complete and checked. */
export interface EvaluationOrder {
  dataset: BenchmarkName;
  /** Name of the split, e.g. "test". */
  split: string;
  source: EvaluationSource;
  /** Absolute path of the model pack's folder; null: the pack in use. */
  packPath: string | null;
  /** The experts that take part, in manifest order; null: all of the pack. */
  experts: readonly string[] | null;
  directions: readonly RetrievalDirection[];
  clipScoring: ClipScoring;
  /** Of the bootstrap; and it tells the runs of one series apart. */
  seed: number;
  /** Runs of one series are one model trained from several seeds: comparisons give their mean and standard deviations. */
  series: string | null;
  notes: string | null;
  /** `traceparent` of the request that asked for it, where that was traced. */
  traceparent?: string;
}

/** A figure with its bootstrap 95 % confidence interval over the queries' clips; the pool of clips is held as it is. */
export interface Figure {
  value: number;
  /** Lower and upper end of the interval. */
  low: number;
  high: number;
}

/** The paper's metrics of one direction (reference fact 3). Recall in percent; ranks counted from 1. */
export interface RetrievalMetrics {
  direction: RetrievalDirection;
  /** Number of ranks behind the figures: captions (T2A) or clips (A2T). */
  queries: number;
  /** Clips (T2A) or captions (A2T) that were ranked for each query. */
  pool: number;
  recallAt1: Figure;
  recallAt5: Figure;
  recallAt10: Figure;
  recallAt50: Figure;
  medianRank: Figure;
  meanRank: Figure;
  /** Cube root of R@1 R@5 R@10. */
  geometricMean: Figure;
}

/** Metrics of queries with several right clips, each a share from 0 to 1, averaged over the queries. */
export interface RelevanceMetrics {
  /** Which wording of the queries, e.g. "three captions, scores averaged". */
  name: string;
  queries: number;
  /** Clips that were ranked. */
  pool: number;
  meanAveragePrecision: Figure;
  precisionAt1: Figure;
  recallAt10: Figure;
}

/** Metrics of moments in the clip that a query belongs to, each a share from 0 to 1. */
export interface MomentFigures {
  queries: number;
  recallAt1: { "0.3": Figure; "0.5": Figure; "0.7": Figure };
  meanAveragePrecision: Figure;
  averagePrecisionAtHalf: Figure;
}

/** Clips of the split that could not take part, and why. They are not in the pool. */
export interface MissingClips {
  /** No file, no features or no indexed video of that id. */
  notFound: number;
  /** A file is there, but nothing of it can be decoded. */
  unreadable: number;
  /** No expert that takes part heard or saw anything: silence, or no features of those experts. */
  withoutExpert: number;
  /** No caption. */
  withoutCaption: number;
  /** A few of each, with the reason: safe to show, they hold ids and no paths. */
  examples: { clip: string; reason: string }[];
}

/** Seconds spent in each stage, and the length of the media. */
export interface EvaluationTimings {
  preparingSeconds: number;
  encodingClipsSeconds: number;
  encodingCaptionsSeconds: number;
  scoringSeconds: number;
  /** Length of the media that were encoded in the last attempt; null unless the source is media. */
  mediaSeconds: number | null;
}

/** Something worth knowing about the figures, e.g. that limits differ from the benchmark's. */
export interface EvaluationNotice {
  /** Stable, e.g. "TOKEN_LIMITS_DIFFER". */
  code: string;
  message: string;
}

/** What came out of a completed evaluation. Never half: it is written with the last state, in one transaction. */
export interface EvaluationResult {
  /** Kind of the model pack, as its manifest has it, e.g. "collaborative-experts". */
  packKind: string;
  /** The experts that took part, in manifest order. */
  experts: string[];
  /** Clips of the split as the data set lists it. */
  clips: number;
  /** Clips that were ranked. */
  pool: number;
  missing: MissingClips;
  /** One for each direction that was asked for. */
  retrieval: RetrievalMetrics[];
  /** One for each wording, where the data set has queries with several right clips. */
  relevance: RelevanceMetrics[];
  /** Where the data set gives times; null otherwise. */
  moments: MomentFigures | null;
  timings: EvaluationTimings;
  notices: EvaluationNotice[];
}

/** The work of measuring one model pack on one split, and what came of it. */
export interface EvaluationRecord {
  id: string;
  tenant: string;
  order: EvaluationOrder;
  state: EvaluationState;
  stage: EvaluationStage;
  /** 0..1. */
  progress: number;
  attempts: number;
  maxAttempts: number;
  errorCode: string | null;
  errorMessage: string | null;
  /** `name@version` of the pack; null until it was opened. */
  packId: string | null;
  /** The data set's own name, and a hash of everything of it that was read; null until then. */
  datasetTitle: string | null;
  datasetVersion: string | null;
  /** Hash of all that decides the figures: runs with the same hash must have the same figures. */
  provenanceHash: string | null;
  result: EvaluationResult | null;
  requestId: string | null;
  /** Process that runs the evaluation. */
  workerId: string | null;
  leaseExpiresAt: Date | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** A hit in the ranking of a query. */
export interface RankedHit {
  /** Clip id; for A2T the id of the clip that the caption belongs to. */
  clip: string;
  /** A2T: the caption. */
  caption: string | null;
  score: number;
  /** Whether it is a right answer. */
  right: boolean;
}

/** One query of a completed evaluation, with its rank. */
export interface EvaluationRankRecord {
  direction: RetrievalDirection;
  /** Place among the queries of the direction, from 0, in the order of the data set. */
  ordinal: number;
  /** The same query has the same key in every run of the data set: `<clip id>` or `<clip id>#<caption number>`. */
  key: string;
  /** The caption; for A2T the clip's id. */
  query: string;
  /** Id of the right clip. */
  target: string;
  /** From 1, ties averaged. */
  rank: number;
  /** Score of the right answer. */
  score: number;
  /** The first hits, best first; at most TOP_HITS. */
  hits: RankedHit[];
}

/** Which evaluations to look at. */
export interface EvaluationFilter {
  state?: EvaluationState;
  dataset?: BenchmarkName;
}

/** In which order queries are listed: as the data set has them, or those with the best or the worst ranks first. */
export type RankOrder = "DATASET" | "BEST" | "WORST";

/** Which part of an evaluation's ranks is wanted. */
export interface RankListing {
  order: RankOrder;
  /** The most to return. */
  limit: number;
  /** Place of the last one before; from the first one when left out. */
  after?: Pick<EvaluationRankRecord, "rank" | "ordinal">;
}

/** What of a rank is needed to compute with it. */
export type MeasuredQuery = Pick<EvaluationRankRecord, "key" | "target" | "rank">;
