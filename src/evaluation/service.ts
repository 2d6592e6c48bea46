import { EventEmitter } from "node:events";
import type { EvaluationRecord, EvaluationStage } from "../catalog/index.js";
import type { EarshotError } from "../errors.js";
import { EvaluationCrashedError, EvaluationNotFoundError, JobInternalError } from "../errors.js";
import {
  checkAtHand,
  createWorkerIdentity,
  JobQueue,
  nextUpdate,
  observedAttempt,
  type JobChange,
  type QueueStatus,
  type StopOptions,
} from "../queue/index.js";
import { currentTraceparent, observeNothing, type AttemptOutcome } from "../telemetry/index.js";
import type { EvaluationInput } from "./input.js";
import { checkOrder } from "./order.js";
import type { RunParts } from "./run/parts.js";
import { runEvaluation } from "./run/run-evaluation.js";
import { removeSpool, removeStaleSpools } from "./run/spool-folders.js";

/** Events of an evaluation service. They cover the evaluations that this process submits, works on or cancels. */
export interface EvaluationEvents {
  /** An evaluation as it stands now. */
  evaluation: [EvaluationRecord];
  /** An evaluation does not end though it was told to: this process takes no more, and should be started again. */
  stuck: [];
}

/** What an evaluation service works with. */
export type EvaluationServiceParts = RunParts;

/** Measures model packs on data sets, one evaluation at a time in each process. */
export class EvaluationService {
  /** What happens to the evaluations of this process; for progress bars and subscriptions. */
  readonly events = new EventEmitter<EvaluationEvents>();
  private queue: JobQueue<EvaluationRecord, EvaluationStage> | undefined;

  constructor(private readonly parts: EvaluationServiceParts) {
    // Every open subscription listens.
    this.events.setMaxListeners(0);
  }

  /**
   * Checks and queues an evaluation and returns at once.
   *
   * @param requestId id of the request, to find the evaluation in the logs
   * @throws InvalidEvaluationInputError, EvaluationPathOutsideRootsError, DatasetNotFoundError, DatasetInvalidError,
   *   DatasetSplitNotFoundError, DatasetEmptyError, ExpertUnknownError, PackNotFoundError, PackManifestInvalidError,
   *   PackFormatUnsupportedError, CatalogBusyError, CatalogWriteError
   */
  async submit(input: EvaluationInput, tenant: string, requestId: string | null = null): Promise<EvaluationRecord> {
    const { catalog, options, live } = this.parts;
    const { roots, maxAttempts } = options.evaluation;
    const checked = await live.use(({ pack }) => checkOrder(input, { pack, roots }));
    const traceparent = currentTraceparent();
    const order = traceparent === null ? checked : { ...checked, traceparent };
    const record = await catalog.evaluations.create({ tenant, order, maxAttempts, requestId });
    this.events.emit("evaluation", record);
    this.queue?.wake();
    return record;
  }

  /**
   * Cancels an evaluation that waits or runs; one that has ended is left as it is.
   *
   * @returns the evaluation as it stands now
   * @throws EvaluationNotFoundError when the tenant has no such evaluation
   */
  async cancel(tenant: string, id: string): Promise<EvaluationRecord> {
    const { catalog, options } = this.parts;
    const cancelled = await catalog.evaluations.cancel(tenant, id);
    const record = await this.find(tenant, id);
    if (cancelled) {
      // One that runs here is still writing: its vectors are removed when it has stopped.
      const runsHere = this.queue?.interrupt(id) ?? false;
      if (!runsHere) await removeSpool(options.dataDirectory, id);
      this.events.emit("evaluation", record);
    }
    return record;
  }

  /**
   * Waits until an evaluation has ended, in whatever way and process.
   *
   * @throws EvaluationNotFoundError when the tenant has no such evaluation, and the signal's reason when aborted
   */
  async waitFor(tenant: string, id: string, signal?: AbortSignal): Promise<EvaluationRecord> {
    const poll = this.parts.options.evaluation.pollSeconds * 1000;
    const fits = (record: unknown) => (record as EvaluationRecord).id === id;
    for (;;) {
      signal?.throwIfAborted();
      const changed = nextUpdate(this.events, "evaluation", fits, poll, signal);
      const record = await this.find(tenant, id);
      if (record.state !== "PENDING" && record.state !== "RUNNING") return record;
      await changed;
    }
  }

  /** Begins to work on evaluations, those first which an earlier process left unfinished. */
  async start(): Promise<void> {
    if (this.queue !== undefined) return;
    const { catalog, vectors, options, logger } = this.parts;
    const queue = new JobQueue<EvaluationRecord, EvaluationStage>({
      name: "evaluation",
      rows: catalog.evaluations,
      options: { ...options.evaluation, concurrency: 1 },
      logger,
      worker: createWorkerIdentity(),
      work: (...job) => this.work(...job),
      giveUp: (record, workerId, failure) => this.giveUp(record, workerId, failure),
      crashed,
      unforeseen,
      check: () => checkAtHand(catalog, vectors),
      onUpdate: (record, change) => this.tell(record, change),
      onStuck: () => this.events.emit("stuck"),
    });
    this.queue = queue;
    await removeStaleSpools(options.dataDirectory, () => catalog.evaluations.unfinishedIds());
    queue.start();
  }

  /** How the work stands; null when this process does not work on evaluations. */
  status(): QueueStatus | null {
    return this.queue?.status() ?? null;
  }

  /** Gives the running evaluation back to the queue, at once or after a while, and ends. Does nothing when not started. */
  async stop(options?: StopOptions): Promise<void> {
    await this.queue?.stop(options);
    this.queue = undefined;
  }

  private async work(
    record: EvaluationRecord,
    workerId: string,
    onProgress: (stage: EvaluationStage, progress: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { catalog, options, observe = observeNothing } = this.parts;
    const attempt = {
      job: record,
      span: "evaluation",
      parent: record.order.traceparent,
      onProgress: (stage: EvaluationStage, progress: number | null) => onProgress(stage, progress ?? 0),
      signal,
    };
    const onEnd = (outcome: AttemptOutcome, seconds: number) =>
      observe({ kind: "evaluation-attempt", outcome, seconds });
    try {
      await observedAttempt(attempt, { onEnd }, (tell) => runEvaluation(this.parts, record, workerId, tell, signal));
    } finally {
      // Completed, or cancelled meanwhile; one that goes back into the queue, here or elsewhere, keeps its vectors.
      const now = await catalog.evaluations.find(record.tenant, record.id).catch(() => null);
      if (now?.state === "COMPLETED" || now?.state === "CANCELLED") await removeSpool(options.dataDirectory, record.id);
    }
  }

  private async giveUp(record: EvaluationRecord, workerId: string, failure: EarshotError): Promise<void> {
    const { catalog, options } = this.parts;
    const held = await catalog.transaction((tx) => catalog.evaluations.fail(tx, record.id, workerId, failure));
    if (held) await removeSpool(options.dataDirectory, record.id);
  }

  /** Tells how an evaluation stands: progress from memory, everything else as the row has it. */
  private tell(record: EvaluationRecord, change: JobChange<EvaluationStage>): void {
    if (change.state === undefined) {
      const { stage = record.stage, progress } = change;
      this.events.emit("evaluation", { ...record, stage, progress: progress ?? 0 });
      return;
    }
    void this.parts.catalog.evaluations.find(record.tenant, record.id).then(
      (now) => now !== null && this.events.emit("evaluation", now),
      (error: unknown) => {
        this.parts.logger.warn({ err: error, jobId: record.id }, "the end of an evaluation could not be told");
      },
    );
  }

  private async find(tenant: string, id: string): Promise<EvaluationRecord> {
    const record = await this.parts.catalog.evaluations.find(tenant, id);
    if (record === null) throw new EvaluationNotFoundError("There is no such evaluation.", { field: "id" });
    return record;
  }
}

/** Makes the evaluation service; it works on evaluations from `start()` on. */
export function createEvaluationService(parts: EvaluationServiceParts): EvaluationService {
  return new EvaluationService(parts);
}

function crashed(): EvaluationCrashedError {
  return new EvaluationCrashedError(
    "The process ended while it worked on this evaluation, at each attempt. The split or the model pack may be too large for this server.",
  );
}

function unforeseen(cause: unknown): JobInternalError {
  return new JobInternalError(
    "The evaluation could not be completed because of an internal error. The server's log says more.",
    { detail: String(cause), cause },
  );
}
