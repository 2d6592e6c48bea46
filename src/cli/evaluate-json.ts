/** An evaluation and what it is set beside as JSON: all that is stored but the paths and workings of this machine. */
import type { EvaluationRecord } from "../catalog/index.js";
import type { EvaluationComparison } from "../evaluation/comparison/index.js";

/** The value to print. Differences are those of the API: a run's own figures minus those of this evaluation. */
export function evaluateJson(evaluation: EvaluationRecord, comparisons: readonly EvaluationComparison[]): object {
  return {
    evaluation: evaluationJson(evaluation),
    comparisons: comparisons.map(({ runs, series, paper, warnings }) => ({
      runs: runs.slice(1).map(({ evaluation: run, differences }) => ({ evaluation: evaluationJson(run), differences })),
      series: series.map(({ name, runs, metrics }) => ({ name, runs: runs.map(({ id }) => id), metrics })),
      paper:
        paper === null
          ? null
          : {
              table: paper.table,
              rows: paper.rows.map(({ row, matches }) => ({
                ...row,
                matches: matches.map(({ evaluation: run, series, differences }) => ({
                  evaluation: run?.id ?? null,
                  series: series?.name ?? null,
                  differences,
                })),
              })),
            },
      warnings,
    })),
  };
}

function evaluationJson({
  order: { source, packPath: _, ...order },
  tenant: __,
  requestId: ___,
  workerId: ____,
  leaseExpiresAt: _____,
  ...record
}: EvaluationRecord): object {
  return { ...record, order: { ...order, source: source.kind } };
}
