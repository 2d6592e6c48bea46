/** The further tables of an evaluation, for a page and for a terminal. */
import type { EvaluationResult } from "../../catalog/index.js";
import type { ComparedRuns } from "./compared-runs.js";
import { differenceText, shareText, type FigureText } from "./figure-text.js";
import { DIRECTIONS, METRICS } from "./metric-rows.js";
import { counted, grouped } from "./numbers.js";

/** A table whose first column names the rows. */
export interface ResultTable {
  columns: readonly string[];
  rows: readonly { label: string; cells: readonly (string | FigureText)[] }[];
}

/** How the run differs from others, query by query; null where it is compared with none. */
export function differencesTable(compared: ComparedRuns | null): ResultTable | null {
  const rows = (compared?.differences ?? []).flatMap(({ label, halves }) =>
    DIRECTIONS.flatMap(({ direction, short }) => {
      const half = halves[direction];
      if (half === undefined) return [];
      const figures = METRICS.map(({ key }) => differenceText(half.figures[key]));
      return [{ label: `this run less ${label}, ${short}`, cells: [grouped(half.queries), ...figures] }];
    }),
  );
  const columns = ["Paired differences", "queries", ...METRICS.map(({ name }) => name)];
  return rows.length === 0 ? null : { columns, rows };
}

/** Figures of queries with several right clips; null where there are none. */
export function relevanceTable({ relevance }: EvaluationResult): ResultTable | null {
  if (relevance.length === 0) return null;
  return {
    columns: ["Queries with several right clips", "queries", "pool", "mAP %", "P@1 %", "R@10 %"],
    rows: relevance.map(({ name, queries, pool, meanAveragePrecision, precisionAt1, recallAt10 }) => ({
      label: name,
      cells: [
        ...[grouped(queries), counted(pool, "clip")],
        ...[meanAveragePrecision, precisionAt1, recallAt10].map(shareText),
      ],
    })),
  };
}

/** Figures of moments inside the right clip; null where the data set gives no times. */
export function momentsTable({ moments }: EvaluationResult): ResultTable | null {
  if (moments === null) return null;
  const { queries, recallAt1, meanAveragePrecision, averagePrecisionAtHalf } = moments;
  const figures = [recallAt1["0.3"], recallAt1["0.5"], recallAt1["0.7"], meanAveragePrecision, averagePrecisionAtHalf];
  return {
    columns: ["Moments in the right clip", "queries", "R1@0.3 %", "R1@0.5 %", "R1@0.7 %", "mAP %", "AP@0.5 %"],
    rows: [{ label: "this run", cells: [grouped(queries), ...figures.map(shareText)] }],
  };
}
