import { InferenceWorkerLostError, VectorInvalidError } from "../../errors.js";
import { workerEntry, WorkerLostError, WorkerThread } from "../../models/worker-thread.js";
import { checkRequest } from "./check-request.js";
import type { ScoringWorkerAnswer, ScoringWorkerRequest } from "./scoring-worker.js";
import type { DirectionResult, ScoringOptions, ScoringRequest, ScoringResult } from "./types.js";

const entry = workerEntry(import.meta.url, "scoring-worker");

/** Share of the time that the products take, about. */
const PRODUCTS_SHARE = 0.6;

/**
 * Scores all captions with all clips and measures the rankings, in a thread of its own: the event loop stays free. The
 * same request gives the same result, whatever the number of threads, and equal vectors get equal scores.
 *
 * @throws EvaluationTooLargeError the table of scores would not fit into memory
 * @throws VectorInvalidError a vector or score is NaN or infinite, or the file of vectors is cut short
 * @throws InferenceWorkerLostError the thread ended in the middle
 * @throws RangeError the request's parts do not fit together
 * @throws the signal's reason, once it is aborted
 */
export async function scoreEvaluation(request: ScoringRequest, options: ScoringOptions): Promise<ScoringResult> {
  checkRequest(request);
  options.signal?.throwIfAborted();
  const thread = new WorkerThread(entry, undefined, "earshot-scoring");
  try {
    return await new Scoring(thread, options).run(request);
  } catch (error) {
    if (!(error instanceof WorkerLostError)) throw error;
    throw new InferenceWorkerLostError("The thread that scores the clips ended unexpectedly. Try again.", {
      detail: error.message,
      cause: error,
    });
  } finally {
    await thread.close();
  }
}

/** One evaluation in a thread. */
class Scoring {
  constructor(
    private readonly thread: WorkerThread,
    private readonly options: ScoringOptions,
  ) {}

  async run(request: ScoringRequest): Promise<ScoringResult> {
    const { directions, relevance, moments } = request;
    const { threads } = this.options;
    const { steps } = await this.ask<{ steps: number }>({ kind: "open", request, threads }, vectorsOf(request));
    for (let step = 0; step < steps; step++) {
      await this.ask({ kind: "step", step });
      this.tell((PRODUCTS_SHARE * (step + 1)) / steps);
    }
    const productsDone = steps === 0 ? 0 : PRODUCTS_SHARE;
    const result: ScoringResult = { retrieval: [], relevance: [], moments: null };
    for (const direction of directions) {
      result.retrieval.push(await this.ask<DirectionResult>({ kind: "direction", direction }));
      this.tell(productsDone + ((1 - productsDone) * result.retrieval.length) / (directions.length + 1));
    }
    for (const set of relevance.keys()) result.relevance.push(await this.ask({ kind: "relevance", set }));
    if (moments !== null) result.moments = await this.ask({ kind: "moments" });
    this.tell(1);
    return result;
  }

  private async ask<Result>(request: ScoringWorkerRequest, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    const answer = await this.thread.request<ScoringWorkerAnswer<Result>>(request, transfer);
    this.options.signal?.throwIfAborted();
    if (!answer.ok) {
      throw new VectorInvalidError(`${answer.reason} Check the model pack, and run the evaluation again.`);
    }
    return answer.result;
  }

  private tell(progress: number): void {
    this.options.onProgress?.(progress);
  }
}

/** The large arrays of a request, which are handed over. */
function vectorsOf({ source }: ScoringRequest): ArrayBuffer[] {
  const arrays = source.kind === "table" ? [source.scores] : [source.queries.embeddings, source.queries.weights];
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}
