import { PAPER_TABLES, type PaperRow, type PaperTable } from "./paper-tables.js";
import type { ComparedPaperRow, ComparedSeries, CompletedEvaluation, PaperDifferences, PaperMatch } from "./types.js";

/** What a pack calls the model that the paper calls MoEE. */
const MIXTURE = "mixture-of-embedded-experts";

/** The rows of a table, each with the runs and series of its data set, experts and model. */
export function paperRows(
  table: PaperTable,
  runs: readonly CompletedEvaluation[],
  series: readonly ComparedSeries[],
): ComparedPaperRow[] {
  return PAPER_TABLES[table].map((row) => {
    const fittingRuns = runs.filter((run) => fits(run, row));
    // A series of one run says nothing beside the run.
    const fittingSeries = series.filter(({ runs }) => runs.length > 1 && runs.every((run) => fits(run, row)));
    const matches: PaperMatch[] = [
      ...fittingRuns.map((run) => ({ evaluation: run, series: null, differences: differences(ofRun(run), row) })),
      ...fittingSeries.map((of) => ({ evaluation: null, series: of, differences: differences(ofSeries(of), row) })),
    ];
    return { row, matches };
  });
}

/** Whether a run measured what the row is about: the padding and the training of a pack are not known. */
function fits({ order, result }: CompletedEvaluation, row: PaperRow): boolean {
  const experts = new Set(result.experts);
  return (
    order.dataset === row.dataset &&
    experts.size === row.experts.length &&
    row.experts.every((expert) => experts.has(expert)) &&
    (result.packKind === MIXTURE) === (row.model === "MOEE")
  );
}

/** Ours minus the paper's. */
function differences(ours: readonly PaperDifferences[], row: PaperRow): PaperDifferences[] {
  return ours.map(({ direction, pool, recallAt1, recallAt10 }) => {
    const printed = row.metrics.find((metrics) => metrics.direction === direction)!;
    return {
      direction,
      pool,
      recallAt1: recallAt1 - printed.recallAt1.mean,
      recallAt10: recallAt10 - printed.recallAt10.mean,
    };
  });
}

function ofRun({ result }: CompletedEvaluation): PaperDifferences[] {
  return result.retrieval.map(({ direction, pool, recallAt1, recallAt10 }) => {
    return { direction, pool, recallAt1: recallAt1.value, recallAt10: recallAt10.value };
  });
}

function ofSeries({ metrics }: ComparedSeries): PaperDifferences[] {
  return metrics.map(({ direction, pool, figures: { recallAt1, recallAt10 } }) => {
    return { direction, pool, recallAt1: recallAt1.mean, recallAt10: recallAt10.mean };
  });
}
