import { WorkerThread, workerEntry } from "../../models/worker-thread.js";
import { pairedDifferences, type RetrievalFigures } from "../metrics/retrieval-metrics.js";
import type { PairedRanks } from "./paired-draws-worker.js";

/** Queries up to which the draws are made in less time than a thread needs to start. */
const FEW_QUERIES = 500;

/**
 * Draws the confidence intervals of differences in a thread of its own, which starts when there is much to draw: a
 * thousand draws of some thousand queries would hold up everything else. Close it when done.
 */
export class PairedDraws {
  private thread: WorkerThread | undefined;

  /** The differences of the metrics, the run's minus the other's. */
  async differences(pair: PairedRanks): Promise<RetrievalFigures> {
    if (pair.own.length <= FEW_QUERIES) return pairedDifferences(pair.own, pair.baseline, pair);
    this.thread ??= new WorkerThread(workerEntry(import.meta.url, "./paired-draws-worker"), null, "earshot comparison");
    return this.thread.request(pair);
  }

  async close(): Promise<void> {
    await this.thread?.close();
  }
}
