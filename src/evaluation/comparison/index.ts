export { compareEvaluations, MAX_COMPARED, type RanksOf } from "./compare.js";
export {
  PAPER_TABLE_NAMES,
  type PaperFigure,
  type PaperMetrics,
  type PaperModel,
  type PaperPadding,
  type PaperRow,
  type PaperTable,
} from "./paper-tables.js";
export type {
  ComparedPaperRow,
  ComparedRun,
  ComparedSeries,
  ComparisonWarning,
  ComparisonWarningCode,
  CompletedEvaluation,
  DirectionDifferences,
  EvaluationComparison,
  PaperDifferences,
  PaperMatch,
  SeriesMetrics,
} from "./types.js";
