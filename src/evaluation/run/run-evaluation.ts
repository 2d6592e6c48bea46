import { realpath } from "node:fs/promises";
import path from "node:path";
import type { EvaluationOrder, EvaluationRecord } from "../../catalog/index.js";
import { DatasetNotFoundError } from "../../errors.js";
import { JobInterruption } from "../../queue/index.js";
import { openDataset } from "../datasets/index.js";
import { datasetOf } from "../order.js";
import { measureClips } from "./measure-clips.js";
import { measureIndex } from "./measure-index.js";
import type { Measuring } from "./measured.js";
import type { RunParts } from "./parts.js";
import { provenanceHash } from "./provenance.js";
import { Stages, type StageListener } from "./stages.js";

/**
 * Runs one evaluation from its data set to the commit. Figures and ranks become visible together with the last state, in
 * one transaction: there is never half a figure. Running it again from the start is always safe.
 *
 * @param workerId the worker that holds the evaluation; the commit is given up when the row says otherwise
 * @throws the errors of data sets, model packs, media, inference, vector engine and catalog, and JobInterruption
 */
export async function runEvaluation(
  parts: RunParts,
  evaluation: EvaluationRecord,
  workerId: string,
  listener: StageListener,
  signal: AbortSignal,
): Promise<void> {
  const { catalog } = parts;
  const { id, order } = evaluation;
  const stages = new Stages(order.source.kind, listener);
  stages.enter("PREPARING");
  await checkPlaces(order);
  // One that is open already is shared, with searches and ingest jobs as well.
  const open = await (order.packPath === null ? parts.live.borrow() : parts.runtimes.borrow(order.packPath));
  try {
    const dataset = await openDataset(datasetOf(order), signal);
    try {
      const measure = order.source.kind === "index" ? measureIndex : measureClips;
      const identify: Measuring["identify"] = async (experts, clips) => {
        const { pack } = open;
        const identity = {
          packId: pack.id,
          datasetTitle: dataset.title,
          datasetVersion: dataset.version,
          provenanceHash: provenanceHash({ order, pack, dataset, experts, clips }),
        };
        if (!(await catalog.evaluations.identify(id, workerId, identity))) throw new JobInterruption("lost");
        // Its progress is told with the record.
        Object.assign(evaluation, identity);
      };
      const measuring = { parts, evaluation, open, dataset, stages, identify, signal };
      const { result, ranks, mediaSeconds } = await measure(measuring);
      signal.throwIfAborted();
      stages.enter("COMMITTING");
      const timings = stages.timings(mediaSeconds);
      await catalog.transaction(async (tx) => {
        // The state first: a worker that lost the evaluation must not write into it.
        if (!(await catalog.evaluations.complete(tx, id, workerId, { ...result, timings }))) {
          throw new JobInterruption("lost");
        }
        await catalog.evaluationRanks.add(tx, id, ranks);
      });
    } finally {
      await dataset.close();
    }
  } finally {
    open.release();
  }
}

/** The folders have to be where they were when they were accepted: a link that was put in their way is not followed. */
async function checkPlaces({ source, packPath }: EvaluationOrder): Promise<void> {
  const folders = [source.kind === "index" ? null : source.path, source.captions, packPath];
  for (const folder of folders) {
    if (folder === null || (await realpath(folder).catch(() => null)) === folder) continue;
    throw new DatasetNotFoundError(
      `"${path.basename(folder)}" is no longer where it was when it was to be evaluated.`,
      {
        detail: folder,
      },
    );
  }
}
