/** What a report or a terminal sets beside a run. */
import type { RetrievalDirection } from "../../catalog/index.js";
import type {
  ComparedPaperRow,
  ComparedRun,
  ComparedSeries,
  EvaluationComparison,
  PaperFigure,
  PaperTable,
} from "../comparison/index.js";
import type { RetrievalFigures } from "../metrics/retrieval-metrics.js";
import { METRICS, poolOf, runName, runRow, type MetricsRow, type ShownFigure } from "./metric-rows.js";

/** Paired differences between the run of the report and another one. */
export interface DifferenceRow {
  /** The other run. */
  label: string;
  halves: Partial<Record<RetrievalDirection, DifferenceHalf>>;
}

/** A difference's half for one direction. */
interface DifferenceHalf {
  /** Queries that both runs have. */
  queries: number;
  /** The report's run less the other one. */
  figures: RetrievalFigures;
}

/** Other runs and the paper's rows, beside a run. */
export interface ComparedRuns {
  rows: readonly MetricsRow[];
  differences: readonly DifferenceRow[];
  /** Why figures may not be comparable, in sentences. */
  warnings: readonly string[];
}

/** Characters of an id that tell runs of one table apart. */
const SHOWN_ID = 8;

/** Puts comparisons whose first run is that of the report into the rows of one table. */
export function comparedRuns(comparisons: readonly EvaluationComparison[]): ComparedRuns {
  const others = comparisons.flatMap(({ runs }) => runs.slice(1));
  return {
    rows: [
      ...others.map(({ evaluation }, place) => runRow(evaluation, runLabel(place), runDetail({ evaluation }))),
      // A mean over one run says nothing beside the run.
      ...comparisons.flatMap(({ series }) => series.filter(({ runs }) => runs.length > 1).map(seriesRow)),
      ...comparisons.flatMap(({ paper }) =>
        paper === null ? [] : paper.rows.map((row) => paperRow(paper.table, row)),
      ),
    ],
    differences: others.map(({ differences }, place) => ({
      label: runLabel(place),
      halves: Object.fromEntries(
        differences.map(({ direction, queries, figures }) => [direction, { queries, figures: reversed(figures) }]),
      ),
    })),
    warnings: [...new Set(comparisons.flatMap(({ warnings }) => warnings.map(({ message }) => message)))],
  };
}

/** The report's run is the first one. */
function runLabel(place: number): string {
  return `Run ${place + 2}`;
}

function runDetail({ evaluation }: Pick<ComparedRun, "evaluation">): string {
  return `${runName(evaluation)}, ${evaluation.id.slice(0, SHOWN_ID)}`;
}

function seriesRow({ name, runs, metrics }: ComparedSeries): MetricsRow {
  const halves: MetricsRow["halves"] = {};
  for (const { direction, pool, figures } of metrics) {
    const shown = METRICS.map(({ key }) => [key, { ...figures[key], value: figures[key].mean }] as const);
    halves[direction] = { pool: pool === null ? null : poolOf(direction, pool), figures: Object.fromEntries(shown) };
  }
  return { label: `Series ${name}`, detail: `mean of ${runs.length} seeds`, kind: "series", matched: false, halves };
}

function paperRow(table: PaperTable, { row, matches }: ComparedPaperRow): MetricsRow {
  const halves: MetricsRow["halves"] = {};
  for (const { direction, recallAt1, recallAt10 } of row.metrics) {
    const figures = { recallAt1: printed(recallAt1), recallAt10: printed(recallAt10) };
    halves[direction] = { pool: { count: row.pool, of: "clip" }, figures };
  }
  return {
    label: row.label,
    detail: `paper, Table ${table.slice(-1)}`,
    kind: "paper",
    matched: matches.length > 0,
    halves,
  };
}

function printed({ mean, populationStd }: PaperFigure): ShownFigure {
  return { value: mean, populationStd, sampleStd: null };
}

/** The same differences, the other way round. */
function reversed(figures: RetrievalFigures): RetrievalFigures {
  return Object.fromEntries(
    Object.entries(figures).map(([key, { value, low, high }]) => [key, { value: -value, low: -high, high: -low }]),
  ) as RetrievalFigures;
}
