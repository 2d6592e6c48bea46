/** The rows of the paper's tables: what a page and a terminal show of runs and of the paper itself. */
import type { EvaluationRecord, Figure, RetrievalDirection } from "../../catalog/index.js";
import type { CompletedEvaluation } from "../comparison/index.js";
import type { RetrievalFigures } from "../metrics/retrieval-metrics.js";

/** The metrics in the order of the paper's tables. */
export const METRICS = [
  { key: "recallAt1", name: "R@1" },
  { key: "recallAt5", name: "R@5" },
  { key: "recallAt10", name: "R@10" },
  { key: "recallAt50", name: "R@50" },
  { key: "medianRank", name: "MdR" },
  { key: "meanRank", name: "MnR" },
  { key: "geometricMean", name: "Geom" },
] as const satisfies { key: keyof RetrievalFigures; name: string }[];

/** Both directions, with the names that readers of the paper know. */
export const DIRECTIONS = [
  { direction: "T2A", name: "Text to audio", short: "t2a", pool: "clip", query: "caption" },
  { direction: "A2T", name: "Audio to text", short: "a2t", pool: "caption", query: "clip" },
] as const satisfies { direction: RetrievalDirection; [words: string]: string }[];

/** What readers of the paper call a direction. */
export function directionName(direction: RetrievalDirection): string {
  return DIRECTIONS.find((words) => words.direction === direction)!.name;
}

/** A figure with the interval of one run, or with the standard deviations over several seeds. */
export type ShownFigure =
  | Figure
  | {
      value: number;
      /** With n, as the paper prints it (reference fact 3). */
      populationStd: number;
      /** With n - 1; null where it is not known. */
      sampleStd: number | null;
    };

/** What was ranked for each query: clips (T2A) or captions (A2T); of the paper, the clips are known in either direction. */
export interface Pool {
  count: number;
  of: "clip" | "caption";
}

/** A row's half for one direction. */
export interface RowHalf {
  /** What was ranked; null where it is not known. */
  pool: Pool | null;
  figures: Partial<Record<keyof RetrievalFigures, ShownFigure>>;
}

/** One row. */
export interface MetricsRow {
  label: string;
  /** What else tells the row from others. */
  detail: string | null;
  kind: "run" | "series" | "paper";
  /** Of the paper's rows: whether a run that is shown has its data set, experts and model. */
  matched: boolean;
  halves: Partial<Record<RetrievalDirection, RowHalf>>;
}

/** The row of one run. */
export function runRow(evaluation: CompletedEvaluation, label: string, detail: string | null = null): MetricsRow {
  const halves: MetricsRow["halves"] = {};
  for (const { direction, pool, queries: _, ...figures } of evaluation.result.retrieval) {
    halves[direction] = { pool: poolOf(direction, pool), figures };
  }
  return { label, detail, kind: "run", matched: false, halves };
}

/** What is ranked in a direction. */
export function poolOf(direction: RetrievalDirection, count: number): Pool {
  return { count, of: direction === "T2A" ? "clip" : "caption" };
}

/** What tells a run apart, e.g. `starter@1.1.0, vggish + vggsound`. */
export function runName({ packId, order }: EvaluationRecord): string {
  return [packId ?? "model pack", ...(order.experts === null ? [] : [order.experts.join(" + ")])].join(", ");
}

/** Name of a benchmark as the field writes it. */
export function benchmarkName({ order, datasetTitle }: EvaluationRecord): string {
  return order.dataset === "CUSTOM" ? (datasetTitle ?? "Custom data set") : BENCHMARK_NAMES[order.dataset];
}

const BENCHMARK_NAMES = {
  AUDIOCAPS: "AudioCaps",
  CLOTHO: "Clotho",
  ACTIVITYNET_CAPTIONS: "ActivityNet Captions",
  QUERYD: "QuerYD",
  QUERYD_SEGMENTS: "QuerYD segments",
  SOUNDDESCS: "SoundDescs",
} as const;
