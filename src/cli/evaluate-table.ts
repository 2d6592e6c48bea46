/** The tables of an evaluation on a terminal. */
import type { CompletedEvaluation } from "../evaluation/comparison/index.js";
import {
  benchmarkName,
  counted,
  differencesTable,
  DIRECTIONS,
  METRICS,
  metricText,
  momentsTable,
  poolSentence,
  relevanceTable,
  runName,
  runRow,
  type ComparedRuns,
  type MetricsRow,
  type ResultTable,
} from "../evaluation/report/index.js";
import { plain, table, type Column } from "./text.js";

/** Stands behind the rows of the paper that are about the same data set, experts and model. */
const MATCH = " ←";

/** Lines that show a run as the paper prints one, and what it is set beside. */
export function evaluationLines(evaluation: CompletedEvaluation, compared: ComparedRuns | null): string[] {
  const { result } = evaluation;
  const rows = [runRow(evaluation, "this run"), ...(compared?.rows ?? [])];
  const measured = DIRECTIONS.filter(({ direction }) =>
    result.retrieval.some((metrics) => metrics.direction === direction),
  );
  return [
    plain(`${benchmarkName(evaluation)}, ${evaluation.order.split}: ${runName(evaluation)}`),
    poolSentence(result),
    ...measured.flatMap((words) => ["", ...metricsLines(words, rows)]),
    ...(rows.some(({ matched }) => matched) ? ["", `${MATCH.trim()} the data set and the experts of this run`] : []),
    ...resultLines(differencesTable(compared)),
    ...resultLines(relevanceTable(result)),
    ...resultLines(momentsTable(result)),
  ];
}

/** One direction. A run's figures stand over their intervals; the paper's are printed as it prints them. */
function metricsLines({ direction, name, short }: (typeof DIRECTIONS)[number], rows: readonly MetricsRow[]): string[] {
  const lines = rows.flatMap(({ label, detail, kind, matched, halves }) => {
    const half = halves[direction];
    if (half === undefined) return [];
    const pool = half.pool === null ? "–" : counted(half.pool.count, half.pool.of);
    const figures = METRICS.map(({ key }) => half.figures[key]).map((figure) => figure && metricText(figure));
    if (kind === "paper") {
      const cells = figures.map((figure) => (figure === undefined ? "–" : `${figure.value} ${figure.spread}`));
      return [[`${detail}: ${label}${matched ? MATCH : ""}`, pool, ...cells]];
    }
    return [
      [label, pool, ...figures.map((figure) => figure?.value ?? "–")],
      [
        detail === null ? "" : `  ${detail}`,
        kind === "run" ? "95 %" : "",
        ...figures.map((figure) => figure?.spread ?? ""),
      ],
    ];
  });
  return table(columnsOf([`${name} (${short})`, "pool", ...METRICS.map(({ name }) => name)]), lines);
}

/** A table whose figures stand over their intervals. */
function resultLines(result: ResultTable | null): string[] {
  if (result === null) return [];
  const lines = result.rows.flatMap(({ label, cells }) => [
    [label, ...cells.map((cell) => (typeof cell === "string" ? cell : cell.value))],
    ["", ...cells.map((cell) => (typeof cell === "string" ? "" : cell.spread))],
  ]);
  const marked = result.rows.some(({ cells }) => cells.some((cell) => typeof cell !== "string" && cell.clear));
  return ["", ...table(columnsOf(result.columns), lines), ...(marked ? ["* the interval does not hold 0"] : [])];
}

/** Room for the names of all rows of the paper. */
const WIDEST_LABEL = 64;

/** The first column holds words, the others numbers. */
function columnsOf([first = "", ...others]: readonly string[]): Column[] {
  return [{ header: first, widest: WIDEST_LABEL }, ...others.map((header) => ({ header, align: "right" as const }))];
}
