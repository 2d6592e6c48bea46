import type { EvaluationRecord, MeasuredQuery, RetrievalDirection } from "../../catalog/index.js";
import { EvaluationsNotComparableError } from "../../errors.js";
import { directionDifferences } from "./differences.js";
import { PairedDraws } from "./paired-draws.js";
import { paperRows } from "./paper-rows.js";
import type { PaperTable } from "./paper-tables.js";
import { seriesOf } from "./series.js";
import type { CompletedEvaluation, DirectionDifferences, EvaluationComparison } from "./types.js";
import { paperWarnings, queryWarnings, runWarnings, seedWarnings } from "./warnings.js";

/** Most evaluations of one comparison. */
export const MAX_COMPARED = 20;

/** Gives the ranks of all queries of a completed evaluation, in the data set's order. */
export type RanksOf = (
  evaluation: EvaluationRecord,
  direction: RetrievalDirection,
) => Promise<readonly MeasuredQuery[]>;

/**
 * Sets evaluations beside each other. Every one is compared with the first, over the queries that both have, and all of
 * them with a table of the paper where one is named. That runs differ in what they measured is no error, but a warning.
 *
 * @param records in the order of the comparison; one is enough
 * @throws EvaluationsNotComparableError there is no evaluation, too many, one twice, or one that is not completed
 */
export async function compareEvaluations(
  records: readonly EvaluationRecord[],
  ranksOf: RanksOf,
  paper: PaperTable | null = null,
): Promise<EvaluationComparison> {
  const evaluations = completed(records);
  const { series, repeated } = seriesOf(evaluations);
  const differences = await differencesToFirst(evaluations, ranksOf);
  const runs = evaluations.map((evaluation, place) => ({ evaluation, differences: differences[place]! }));
  const rows = paper === null ? null : paperRows(paper, evaluations, series);
  return {
    runs,
    series,
    paper: paper === null ? null : { table: paper, rows: rows! },
    warnings: [
      ...runWarnings(evaluations),
      ...queryWarnings(runs),
      ...seedWarnings(repeated),
      ...(rows === null ? [] : paperWarnings(rows)),
    ],
  };
}

/** @throws EvaluationsNotComparableError */
function completed(records: readonly EvaluationRecord[]): CompletedEvaluation[] {
  const refuse = (message: string) => new EvaluationsNotComparableError(message, { field: "ids" });
  if (records.length === 0) throw refuse("Name at least one evaluation to compare.");
  if (records.length > MAX_COMPARED) throw refuse(`At most ${MAX_COMPARED} evaluations can be compared at once.`);
  if (new Set(records.map(({ id }) => id)).size < records.length) throw refuse("Name each evaluation once.");
  return records.map((record, place) => {
    const { state, result } = record;
    if (state !== "COMPLETED" || result === null) {
      throw refuse(`Evaluation ${place + 1} of the list is not completed, but ${state}: it has no figures to compare.`);
    }
    return { ...record, result };
  });
}

/** For each run its differences to the first one. */
async function differencesToFirst(
  [first, ...others]: readonly CompletedEvaluation[],
  ranksOf: RanksOf,
): Promise<DirectionDifferences[][]> {
  const found: DirectionDifferences[][] = [[], ...others.map(() => [])];
  const draws = new PairedDraws();
  try {
    for (const { direction } of first!.result.retrieval) {
      const comparable = others.map((run) => comparableIn(direction, first!, run));
      if (!comparable.includes(true)) continue;
      const baseline = await ranksOf(first!, direction);
      for (const [place, run] of others.entries()) {
        if (comparable[place] !== true) continue;
        const ranks = await ranksOf(run, direction);
        const differences = await directionDifferences(direction, ranks, baseline, first!.order.seed, draws);
        if (differences !== null) found[place + 1]!.push(differences);
      }
    }
    return found;
  } finally {
    await draws.close();
  }
}

/** Keys tell queries of one data set apart; those of another may be the same by chance. */
function comparableIn(direction: RetrievalDirection, first: CompletedEvaluation, run: CompletedEvaluation): boolean {
  return (
    run.order.dataset === first.order.dataset && run.result.retrieval.some((metrics) => metrics.direction === direction)
  );
}
