/** `earshot evaluate`: measures a model pack on a data set, in this process, and shows the figures. */
import type { EvaluationRecord } from "../catalog/index.js";
import type { Earshot } from "../earshot.js";
import { EvaluationNotFoundError, EvaluationsNotComparableError } from "../errors.js";
import {
  compareEvaluations,
  type CompletedEvaluation,
  type EvaluationComparison,
  type PaperTable,
} from "../evaluation/comparison/index.js";
import { comparedRuns } from "../evaluation/report/index.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import { INTERRUPTED, type Console } from "./console.js";
import { evaluationInput, type Beside, type EvaluateFlags } from "./evaluate-flags.js";
import { checkReportFile, writeReport } from "./evaluate-report.js";
import { evaluateJson } from "./evaluate-json.js";
import { evaluationLines } from "./evaluate-table.js";
import { followEvaluation } from "./follow-evaluation.js";
import { plain } from "./text.js";

/**
 * Runs the evaluation that the flags ask for, or takes an earlier one, prints its tables and writes its report.
 *
 * @param signal Cancels the evaluation.
 * @returns The exit code: 0 when it is completed, 1 when it is not, 130 when it was interrupted.
 * @throws InvalidEvaluationInputError and the other errors of submitting an evaluation, EvaluationNotFoundError,
 *   EvaluationsNotComparableError, ReportNotWritableError
 */
export async function evaluateCommand(
  earshot: Earshot,
  flags: EvaluateFlags,
  out: Console,
  signal?: AbortSignal,
): Promise<number> {
  // All that can be found wrong is found before the work.
  const others = await otherRuns(earshot, flags.against);
  if (flags.html !== undefined) await checkReportFile(flags.html);
  const evaluation = await theEvaluation(earshot, flags, out, signal);
  const { result } = evaluation;
  if (evaluation.state !== "COMPLETED" || result === null) {
    if (flags.json === true) out.print(JSON.stringify(evaluateJson(evaluation, []), null, 2));
    out.complain(plain(failureLine(evaluation)));
    return signal?.aborted === true ? INTERRUPTED : 1;
  }
  const completed: CompletedEvaluation = { ...evaluation, result };
  const comparisons = await compared(earshot, completed, others, flags.against);
  const beside = comparisons.length === 0 ? null : comparedRuns(comparisons);
  if (flags.json === true) {
    out.print(JSON.stringify(evaluateJson(completed, comparisons), null, 2));
  } else {
    for (const { message } of result.notices) out.complain(plain(message));
    for (const message of beside?.warnings ?? []) out.complain(plain(message));
    for (const line of evaluationLines(completed, beside)) out.print(line);
    out.print();
    out.print(`Evaluation ${completed.id}`);
  }
  if (flags.html === undefined) return 0;
  try {
    await writeReport(earshot, completed, beside, flags.html, out, signal);
    return 0;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    out.complain(
      `Interrupted: the report was not written. Write it with: earshot evaluate --run ${completed.id} --html <file>`,
    );
    return INTERRUPTED;
  }
}

async function theEvaluation(
  earshot: Earshot,
  flags: EvaluateFlags,
  out: Console,
  signal?: AbortSignal,
): Promise<EvaluationRecord> {
  if (flags.run !== undefined) return existing(earshot, flags.run);
  const submitted = await earshot.evaluation.submit(evaluationInput(flags), DEFAULT_TENANT);
  await earshot.evaluation.start();
  return followEvaluation(earshot, submitted, out, signal);
}

async function existing(earshot: Earshot, id: string): Promise<EvaluationRecord> {
  const found = await earshot.catalog.evaluations.find(DEFAULT_TENANT, id);
  if (found === null) throw new EvaluationNotFoundError(`There is no evaluation ${id}.`);
  return found;
}

/** The evaluations to set beside it. */
async function otherRuns(earshot: Earshot, against: readonly Beside[]): Promise<EvaluationRecord[]> {
  const ids = new Set(against.flatMap((beside) => ("run" in beside ? [beside.run] : [])));
  const runs = await Promise.all([...ids].map((id) => existing(earshot, id)));
  const unfinished = runs.find(({ state }) => state !== "COMPLETED");
  if (unfinished !== undefined) {
    throw new EvaluationsNotComparableError(
      `Evaluation ${unfinished.id} is not completed, but ${unfinished.state}: it has no figures to compare.`,
    );
  }
  return runs;
}

/** One comparison with all the other runs and the first table; one for each further table. */
async function compared(
  earshot: Earshot,
  evaluation: CompletedEvaluation,
  others: readonly EvaluationRecord[],
  against: readonly Beside[],
): Promise<EvaluationComparison[]> {
  const ranksOf: Parameters<typeof compareEvaluations>[1] = ({ id }, direction) =>
    earshot.catalog.evaluationRanks.measured(DEFAULT_TENANT, id, direction);
  const tables = [...new Set(against.flatMap((beside) => ("paper" in beside ? [beside.paper] : [])))];
  const runs = others.filter(({ id }) => id !== evaluation.id);
  if (runs.length === 0 && tables.length === 0) return [];
  const [first = null, ...further] = tables;
  const asked: [EvaluationRecord[], PaperTable | null][] = [
    [[evaluation, ...runs], first],
    ...further.map((table): [EvaluationRecord[], PaperTable] => [[evaluation], table]),
  ];
  return Promise.all(asked.map(([records, table]) => compareEvaluations(records, ranksOf, table)));
}

function failureLine({ id, state, errorCode, errorMessage }: EvaluationRecord): string {
  if (state === "FAILED") return `The evaluation failed: ${errorMessage} (${errorCode})`;
  if (state === "CANCELLED") return "The evaluation was cancelled.";
  return `Evaluation ${id} has not ended: it is ${state}.`;
}
