/** Follows an evaluation to its end. */
import type { EvaluationRecord, EvaluationStage } from "../catalog/index.js";
import type { Earshot } from "../earshot.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import { startBar } from "./bar.js";
import type { Console } from "./console.js";

const STAGES: Readonly<Record<EvaluationStage, string>> = {
  QUEUED: "waiting",
  PREPARING: "opening the data set",
  ENCODING_CLIPS: "encoding clips",
  ENCODING_CAPTIONS: "encoding captions",
  SCORING: "scoring",
  COMMITTING: "storing the figures",
};

/**
 * Shows how an evaluation of this Earshot goes, until it has ended: with a bar for people, else a line for each stage.
 *
 * @param signal Cancels the evaluation.
 * @returns The evaluation as it ended.
 */
export async function followEvaluation(
  earshot: Earshot,
  { id }: EvaluationRecord,
  out: Console,
  signal?: AbortSignal,
): Promise<EvaluationRecord> {
  const { evaluation } = earshot;
  const bar = startBar(1, out);
  let shown: EvaluationStage = "QUEUED";
  const show = (record: EvaluationRecord): void => {
    if (record.id !== id || record.state !== "RUNNING") return;
    bar?.update(record.progress, STAGES[record.stage]);
    if (bar === undefined && record.stage !== shown) out.complain(`${STAGES[record.stage]} ...`);
    shown = record.stage;
  };
  // What fails here fails again when the end is waited for.
  const cancel = (): void => void evaluation.cancel(DEFAULT_TENANT, id).catch(() => undefined);
  evaluation.events.on("evaluation", show);
  signal?.addEventListener("abort", cancel);
  try {
    if (signal?.aborted === true) cancel();
    return await evaluation.waitFor(DEFAULT_TENANT, id);
  } finally {
    signal?.removeEventListener("abort", cancel);
    evaluation.events.off("evaluation", show);
    bar?.stop();
  }
}
