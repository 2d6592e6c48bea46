export { QueryChooser, SHOWN_HITS, type ChosenQueries } from "./chosen-queries.js";
export { comparedRuns, type ComparedRuns } from "./compared-runs.js";
export { poolSentence } from "./facts.js";
export { benchmarkName, deviations, DIRECTIONS, METRICS, runName, runRow, type MetricsRow } from "./metric-rows.js";
export { counted, fixed, grouped, range, signed } from "./numbers.js";
export type { ClipExcerpt } from "./query-cards.js";
export { renderReport, type ReportDirection, type ReportInput } from "./report.js";
