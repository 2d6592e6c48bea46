export { QueryChooser, SHOWN_HITS, type ChosenQueries } from "./chosen-queries.js";
export { comparedRuns, type ComparedRuns } from "./compared-runs.js";
export { poolSentence } from "./facts.js";
export { metricText } from "./figure-text.js";
export { benchmarkName, DIRECTIONS, METRICS, runName, runRow, type MetricsRow } from "./metric-rows.js";
export { counted } from "./numbers.js";
export type { ClipExcerpt } from "./query-cards.js";
export { renderReport, type ReportDirection, type ReportInput } from "./report.js";
export { differencesTable, momentsTable, relevanceTable, type ResultTable } from "./result-tables.js";
