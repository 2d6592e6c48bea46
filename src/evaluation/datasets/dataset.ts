/** A data set as an evaluation takes it: the clips of one split, their captions, and where their media or features are. */
import type { BenchmarkName, EvaluationNotice } from "../../catalog/index.js";
import type { Span } from "../metrics/moment-metrics.js";

/** How the reference feeds a benchmark to its models (reference fact 1.2). */
export interface Protocol {
  /** Most words of a query; null: the benchmark sets none. */
  textTokens: number | null;
  /** Most tokens of each sequence expert, by the expert's name. */
  maxTokens: Readonly<Record<string, number>>;
  /** Whether all captions of a clip make one query. */
  fuseCaptions: boolean;
  /** The first captions of a clip that are queries in this split. */
  captionsPerClip: number;
}

/** A file that may hold a clip. */
export interface MediaName {
  /** File name without its suffix, or, with `exact`, a path below the media folder. */
  name: string;
  exact: boolean;
  /** The part of the file that is the clip; null: from its start, to its end. */
  startSeconds: number | null;
  endSeconds: number | null;
}

/** A clip of the split. */
export interface DatasetClip {
  id: string;
  /** All captions, in order, before the protocol chooses or fuses. */
  captions: readonly string[];
  /** How its media may be called, the likeliest first; empty: the id alone. */
  media: readonly MediaName[];
  /** Row in the arrays of features; -1 where there are none. */
  row: number;
}

/** A query with any number of right clips, worded in one or more ways whose scores are averaged. */
export interface RelevanceQuery {
  name: string;
  texts: readonly string[];
  /** Places in `clips` of the right ones; at least one. */
  relevant: readonly number[];
}

/** Queries that are measured together, e.g. "three captions, scores averaged". */
export interface RelevanceQuerySet {
  name: string;
  queries: readonly RelevanceQuery[];
}

/** A caption with the times at which it holds in its clip. */
export interface MomentQuery {
  /** Place in `clips`. */
  clip: number;
  text: string;
  /** At least one. */
  truths: readonly Span[];
}

/** Features of one expert, read row by row from their file. */
export interface ExpertFeatures {
  readonly aggregation: "sequence" | "average";
  readonly dim: number;
  /**
   * The tokens of a clip [tokens, dim], or one vector [1, dim]; null where the expert is missing.
   *
   * @throws DatasetInvalidError a number is NaN or infinite, or the file is cut short
   */
  read(row: number): Promise<Float32Array | null>;
}

/** Word vectors of captions. */
export interface WordFeatures {
  readonly dim: number;
  /** The vectors of one caption of a clip [words, dim]. */
  read(row: number, caption: number): Promise<Float32Array>;
}

/** One split of a data set. Close it when done. */
export interface EvaluationDataset {
  benchmark: BenchmarkName;
  /** The data set's own name. */
  title: string;
  split: string;
  /** The clips of the split in its order; those without captions included. */
  clips: readonly DatasetClip[];
  protocol: Protocol;
  /** By expert; null where the data set has no features. */
  features: Readonly<Record<string, ExpertFeatures>> | null;
  /** Null where the captions' texts are encoded. */
  words: WordFeatures | null;
  /** Queries with several right clips; empty for most. */
  relevance: readonly RelevanceQuerySet[];
  /** Queries with times; empty for most. Their texts are captions of their clips, too. */
  moments: readonly MomentQuery[];
  /** SHA-256 over what was read of captions, splits and the description of features. */
  version: string;
  notices: readonly EvaluationNotice[];
  close(): Promise<void>;
}
