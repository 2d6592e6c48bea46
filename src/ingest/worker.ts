import type { EventEmitter } from "node:events";
import type { Catalog, IngestJobRecord, IngestStage } from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import {
  type EarshotError,
  FfmpegUnavailableError,
  JobCrashedError,
  JobInternalError,
  LivePackMissingError,
  MediaRootUnavailableError,
  ModelLoadFailedError,
  PackElsewhereError,
  PackFileMissingError,
  PackNotFoundError,
  ProviderUnavailableError,
} from "../errors.js";
import type { LiveIndex } from "../indexes/index.js";
import { findFfmpeg, removeStaleFolders } from "../media/index.js";
import {
  checkAtHand,
  createWorkerIdentity,
  JobInterruption,
  JobQueue,
  observedAttempt,
  type QueueStatus,
  type StopOptions,
} from "../queue/index.js";
import { observeNothing, type AttemptOutcome, type Observe } from "../telemetry/index.js";
import type { VectorIndex } from "../vectors/index.js";
import { updateOf, type IngestEvents } from "./events.js";
import { IngestMemory } from "./memory.js";
import { runPipeline, type PipelineParts, type ProgressListener } from "./pipeline.js";

/** What jobs are worked on with. */
export interface IngestWorkerParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: LiveIndex;
  options: ResolvedOptions;
  logger: Logger;
  /** Told of stages and attempts. @default nobody */
  observe?: Observe;
}

/** A pack that cannot be read or run now, e.g. for a volume or a GPU that is away, is no job's fault. */
const packOutages = [PackNotFoundError, PackFileMissingError, ModelLoadFailedError, ProviderUnavailableError];

/** Failures of a re-index's pack, which other jobs do not need. */
const reindexOutages = [PackElsewhereError, ...packOutages];

/** How long a process leaves the jobs of a re-index alone whose model pack it cannot use, in milliseconds. */
const LEAVE_MS = 30_000;

/** Works on ingest jobs, whoever submitted them: what a process does beside taking them. */
export class IngestWorker {
  private queue: JobQueue<IngestJobRecord, IngestStage> | undefined;
  /** Counts starts and stops: whoever starts sees when it was stopped meanwhile. */
  private turn = 0;
  /** A re-index whose jobs are left to others, until a reading of `performance.now()`. */
  private left: { reindexId: string; until: number } | undefined;

  constructor(
    private readonly parts: IngestWorkerParts,
    private readonly events: EventEmitter<IngestEvents>,
  ) {}

  /**
   * Begins to work on jobs, those first which an earlier process left unfinished.
   *
   * @throws FfmpegNotFoundError
   */
  async start(): Promise<void> {
    if (this.queue !== undefined) return;
    const turn = ++this.turn;
    const { catalog, vectors, live, options, logger } = this.parts;
    const tools = await findFfmpeg(options, logger);
    await removeStaleFolders(options.temporaryDirectory);
    if (turn !== this.turn) return;
    const memory = new IngestMemory(() => live.runtime.pack, options, logger);
    const queue = new JobQueue<IngestJobRecord, IngestStage>({
      name: "ingest job",
      rows: catalog.jobs,
      options: options.ingest,
      logger,
      worker: createWorkerIdentity(),
      work: async (job, ...rest) => {
        memory.taken(job.id);
        try {
          const onMedia = memory.measured.bind(memory, job.id);
          await this.work({ ...this.parts, tools, onMedia }, job, ...rest);
        } finally {
          memory.ended(job.id);
        }
      },
      giveUp: (job, workerId, failure) => this.giveUp(job, workerId, failure),
      crashed,
      unforeseen,
      outages: [FfmpegUnavailableError, MediaRootUnavailableError, LivePackMissingError, ...packOutages],
      check: () => checkAtHand(catalog, vectors),
      leaves: () => this.leaves(),
      hasRoom: () => memory.hasRoom(),
      onUpdate: (job, change) => this.events.emit("job", updateOf(job, change)),
      onStuck: () => this.events.emit("stuck"),
    });
    this.queue = queue;
    queue.start();
  }

  /** How the work stands; null when this process does not work on jobs. */
  status(): QueueStatus | null {
    return this.queue?.status() ?? null;
  }

  /** There are new jobs. Does nothing when not started. */
  wake(): void {
    this.queue?.wake();
  }

  /** Ends the work on a job whose row was cancelled before, if this process works on it. */
  interrupt(jobId: string): void {
    this.queue?.interrupt(jobId);
  }

  /** Takes no more jobs, gives the running ones back, at once or after a while, and ends. Does nothing when not started. */
  async stop(options?: StopOptions): Promise<void> {
    this.turn += 1;
    await this.queue?.stop(options);
    this.queue = undefined;
  }

  private work(
    parts: PipelineParts,
    job: IngestJobRecord,
    workerId: string,
    onProgress: ProgressListener,
    signal: AbortSignal,
  ): Promise<void> {
    const { observe = observeNothing } = this.parts;
    let mediaSeconds = 0;
    const listener = {
      onStage: (stage: string, seconds: number) => observe({ kind: "ingest-stage", stage, seconds }),
      onEnd: (outcome: AttemptOutcome, seconds: number) =>
        observe({ kind: "ingest-attempt", outcome, seconds, ...(outcome === "completed" ? { mediaSeconds } : {}) }),
    };
    const attempt = { job, span: "ingest", parent: job.order.traceparent, onProgress, signal };
    return observedAttempt(attempt, listener, async (tell) => {
      try {
        mediaSeconds = await runPipeline(parts, job, workerId, tell, signal);
      } catch (error) {
        if (job.reindexId === null || !reindexOutages.some((kind) => error instanceof kind)) throw error;
        this.leave(job.reindexId, error as EarshotError);
        throw new JobInterruption("elsewhere");
      }
    });
  }

  /** Leaves the jobs of a re-index to other workers for a while. */
  private leave(reindexId: string, why: EarshotError): void {
    this.left = { reindexId, until: performance.now() + LEAVE_MS };
    this.parts.logger.warn(
      { reindexId, err: why, detail: why.detail },
      "the jobs of a re-index are left to other workers",
    );
  }

  private leaves(): { withoutReindex?: string } {
    if (this.left === undefined || performance.now() > this.left.until) return {};
    return { withoutReindex: this.left.reindexId };
  }

  /** Ends a job as failed; a video that was never indexed goes with it. */
  private giveUp(job: IngestJobRecord, workerId: string, failure: EarshotError): Promise<void> {
    const { catalog } = this.parts;
    return catalog.transaction(async (tx) => {
      const held = await catalog.jobs.fail(tx, job.id, workerId, failure);
      if (!held) return;
      // Another attempt might succeed, elsewhere or later: someone should look at it.
      if (failure.retryable || failure instanceof JobCrashedError) await catalog.jobs.bury(tx, job, failure.code);
      if (job.videoId !== null) await catalog.videos.deleteAbandoned(tx, job.videoId);
    });
  }
}

function crashed(): JobCrashedError {
  return new JobCrashedError(
    "The process ended while it worked on this video, at each attempt. The file may be too large or harmful for this server.",
  );
}

function unforeseen(cause: unknown): JobInternalError {
  return new JobInternalError(
    "The video could not be ingested because of an internal error. The server's log says more.",
    { detail: String(cause), cause },
  );
}
