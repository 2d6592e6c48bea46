import type { MomentFigures } from "../../catalog/index.js";
import { bootstrap, weightedMeans, type BootstrapOptions } from "./bootstrap.js";

/** A stretch of time in a video. */
export interface Span {
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds from the start of the video; not before `startSeconds`. */
  endSeconds: number;
}

/** What was found in one video for one query, and what is right. */
export interface MomentAnswer {
  /** Where the sound is heard; at least one span. */
  truths: readonly Span[];
  /** Spans that were found, best first. */
  found: readonly Span[];
}

/** Metrics of moment retrieval, each a share from 0 to 1, averaged over the queries. */
export interface MomentMetrics {
  /** Share of the queries whose first span overlaps a true one by at least 0.3, 0.5 and 0.7 (intersection over union). */
  recallAt1: { "0.3": number; "0.5": number; "0.7": number };
  /** Average precision, the mean of overlaps 0.5, 0.55, ... 0.95, as QVHighlights and CASTELLA report it. */
  meanAveragePrecision: number;
  /** Average precision where an overlap of 0.5 counts as found. */
  averagePrecisionAtHalf: number;
}

/** Least overlaps over which the mean average precision is taken: 0.5 to 0.95. */
const OVERLAPS = Array.from({ length: 10 }, (_, step) => (50 + 5 * step) / 100);

/** Length of what two spans share over the length of what they cover together; 0 where they do not touch. */
export function intersectionOverUnion(a: Span, b: Span): number {
  const shared = Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
  if (shared <= 0) return 0;
  return shared / (a.endSeconds - a.startSeconds + b.endSeconds - b.startSeconds - shared);
}

/**
 * The metrics of a set of answers.
 *
 * @throws RangeError when there is no answer, or one without a true span: nothing could be said of it
 */
export function momentMetrics(answers: readonly MomentAnswer[]): MomentMetrics {
  const [at3, at5, at7, meanAveragePrecision, averagePrecisionAtHalf] = momentColumns(answers).map(mean);
  return {
    recallAt1: { "0.3": at3!, "0.5": at5!, "0.7": at7! },
    meanAveragePrecision: meanAveragePrecision!,
    averagePrecisionAtHalf: averagePrecisionAtHalf!,
  };
}

/**
 * The same metrics, each with its interval.
 *
 * @throws RangeError as {@link momentMetrics}
 */
export function momentFigures(answers: readonly MomentAnswer[], options: BootstrapOptions): MomentFigures {
  const columns = momentColumns(answers);
  const [at3, at5, at7, meanAveragePrecision, averagePrecisionAtHalf] = bootstrap(weightedMeans(columns), options);
  return {
    queries: answers.length,
    recallAt1: { "0.3": at3!, "0.5": at5!, "0.7": at7! },
    meanAveragePrecision: meanAveragePrecision!,
    averagePrecisionAtHalf: averagePrecisionAtHalf!,
  };
}

/** For each metric its value for every answer, in the order R1@0.3, R1@0.5, R1@0.7, mAP, AP at 0.5. */
function momentColumns(answers: readonly MomentAnswer[]): number[][] {
  if (answers.length === 0) throw new RangeError("moment metrics need at least one query");
  if (answers.some(({ truths }) => truths.length === 0)) {
    throw new RangeError("moment metrics need at least one true span for every query");
  }
  const recall = (least: number) => answers.map((answer) => (firstIsRight(answer, least) ? 1 : 0));
  const precisions = answers.map((answer) => OVERLAPS.map((least) => averagePrecision(answer, least)));
  // OVERLAPS begin with 0.5.
  return [recall(0.3), recall(0.5), recall(0.7), precisions.map(mean), precisions.map(([atHalf]) => atHalf!)];
}

function firstIsRight({ truths, found }: MomentAnswer, least: number): boolean {
  const first = found[0];
  return first !== undefined && truths.some((truth) => intersectionOverUnion(first, truth) >= least);
}

/**
 * The mean over the true spans of the best precision at the span that finds them or further down, 0 for those never
 * found: the area under the interpolated curve of precision over recall.
 */
function averagePrecision({ truths, found }: MomentAnswer, least: number): number {
  const open = new Set(truths);
  const precisions: number[] = [];
  found.forEach((span, place) => {
    const match = bestMatch(span, open, least);
    // A true span is found once: a second hit on it is as wrong as any other.
    if (match === undefined) return;
    open.delete(match);
    precisions.push((precisions.length + 1) / (place + 1));
  });
  for (let i = precisions.length - 2; i >= 0; i--) precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  return precisions.reduce((sum, precision) => sum + precision, 0) / truths.length;
}

function bestMatch(span: Span, truths: Iterable<Span>, least: number): Span | undefined {
  let best: Span | undefined;
  let most = 0;
  for (const truth of truths) {
    const overlap = intersectionOverUnion(span, truth);
    if (overlap < least || overlap <= most) continue;
    best = truth;
    most = overlap;
  }
  return best;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
