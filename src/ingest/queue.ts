import { setTimeout as delay } from "node:timers/promises";
import { toCatalogError, type Catalog, type IngestJobRecord, type IngestStage } from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import {
  CatalogBusyError,
  CatalogWriteError,
  EarshotError,
  FfmpegUnavailableError,
  JobCrashedError,
  JobInternalError,
  VectorIndexUnavailableError,
} from "../errors.js";
import { updateOf, type JobUpdate } from "./events.js";
import { JobInterruption } from "./interruption.js";
import { retryDelayMs } from "./retry.js";
import { RunningJob } from "./running-job.js";
import type { WorkerIdentity } from "./worker-identity.js";

/** Does the work of a job. It has committed everything, the job's row included, when it resolves. */
export type JobWork = (
  job: IngestJobRecord,
  workerId: string,
  onProgress: (stage: IngestStage, progress: number | null) => void,
  signal: AbortSignal,
) => Promise<void>;

/** What a queue works with. */
export interface QueueParts {
  catalog: Catalog;
  options: ResolvedOptions["ingest"];
  logger: Logger;
  worker: WorkerIdentity;
  work: JobWork;
  /** Called at every change of a job that this queue works on. */
  onUpdate: (update: JobUpdate) => void;
}

/** Longest pause while the database, the index or ffmpeg is away, in seconds. */
const maxPauseSeconds = 60;

/**
 * Takes jobs from their table and works on them, a few at a time. The rows are the truth: any number of processes may
 * do this on one database, and a job that its process left behind is taken up again.
 */
export class JobQueue {
  private readonly running = new Map<string, { job: RunningJob; done: Promise<void> }>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private filling: Promise<void> | undefined;
  private fillAgain = false;
  private pausedUntil = 0;
  private pauses = 0;

  constructor(private readonly parts: QueueParts) {}

  /** Takes up what earlier processes left behind, then begins to work. */
  async start(): Promise<void> {
    await this.recoverAbandoned();
    this.timer = setInterval(() => {
      this.wake();
    }, this.parts.options.pollSeconds * 1000);
    this.wake();
  }

  /** Looks for jobs now rather than at the next poll. Does nothing before start and after stop. */
  wake(): void {
    if (this.timer === undefined || this.stopping.signal.aborted) return;
    if (this.filling !== undefined) {
      this.fillAgain = true;
      return;
    }
    this.filling = this.fill().finally(() => {
      this.filling = undefined;
      if (this.fillAgain) {
        this.fillAgain = false;
        this.wake();
      }
    });
  }

  /** Ends the work on a job, if this queue is working on it. Its row must have been changed before. */
  interrupt(jobId: string): void {
    this.running.get(jobId)?.job.interrupt("cancelled");
  }

  /** Gives running jobs back, as if they had not been taken, and resolves when nothing runs any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.filling;
    for (const { job } of this.running.values()) job.interrupt("stopping");
    await Promise.all([...this.running.values()].map(({ done }) => done));
  }

  private async fill(): Promise<void> {
    const { catalog, options, logger, worker } = this.parts;
    try {
      await this.recoverAbandoned();
      while (
        !this.stopping.signal.aborted &&
        this.running.size < options.concurrency &&
        Date.now() >= this.pausedUntil
      ) {
        const now = new Date();
        const expiresAt = new Date(now.getTime() + options.leaseSeconds * 1000);
        const job = await catalog.jobs.claim({ workerId: worker.id, expiresAt }, now);
        if (job === null) return;
        this.begin(job);
      }
    } catch (error) {
      // The next poll tries again.
      logger.error({ err: error }, "the ingest queue cannot read its jobs");
    }
  }

  private begin(job: IngestJobRecord): void {
    const { catalog, options, logger, worker, work, onUpdate } = this.parts;
    const log = logger.child({ jobId: job.id, requestId: job.requestId, attempt: job.attempts });
    log.info({ tenant: job.tenant, externalId: job.externalId }, "ingest job taken");
    const running = new RunningJob(job, worker.id, options.leaseSeconds * 1000, catalog, log, (stage, progress) => {
      onUpdate(updateOf(job, { stage, progress }));
    });
    const run = async () => {
      const started = performance.now();
      try {
        await work(job, worker.id, running.report.bind(running), running.signal);
        this.pauses = 0;
        log.info({ seconds: (performance.now() - started) / 1000 }, "ingest job completed");
        onUpdate(updateOf(job, { state: "COMPLETED", stage: "COMMITTING", progress: 1, errorCode: null }));
      } catch (error) {
        await running.close();
        await this.settle(job, running.signal.aborted ? running.signal.reason : toCatalogError(error), log);
      } finally {
        await running.close();
        this.running.delete(job.id);
        this.wake();
      }
    };
    this.running.set(job.id, { job: running, done: run() });
  }

  /** Writes what becomes of a job that did not complete. */
  private async settle(job: IngestJobRecord, error: unknown, log: Logger): Promise<void> {
    const { catalog, worker, onUpdate } = this.parts;
    if (error instanceof JobInterruption) {
      log.info({ why: error.kind }, "ingest job interrupted");
      if (error.kind !== "stopping") return;
      await this.persist(() => catalog.jobs.giveBack(job.id, worker.id), log);
      onUpdate(updateOf(job, { state: "PENDING", stage: "QUEUED", progress: 0 }));
    } else if (isOutage(error)) {
      // Not the job's fault: it does not cost an attempt, and no other job would fare better.
      this.pause(error, log);
      await this.persist(() => catalog.jobs.giveBack(job.id, worker.id), log);
      onUpdate(updateOf(job, { state: "PENDING", stage: "QUEUED", progress: 0, errorCode: error.code }));
    } else {
      await this.settleFailure(job, toFailure(error), log);
    }
  }

  private async settleFailure(job: IngestJobRecord, failure: EarshotError, log: Logger): Promise<void> {
    const { catalog, options, worker, onUpdate } = this.parts;
    const { code } = failure;
    if (failure.retryable && job.attempts < job.maxAttempts) {
      const at = new Date(Date.now() + retryDelayMs(job.attempts, options));
      log.warn({ err: failure, detail: failure.detail, at }, "ingest job failed and will be tried again");
      await this.persist(() => catalog.jobs.retryLater(job.id, worker.id, failure, at), log);
      onUpdate(updateOf(job, { state: "PENDING", stage: "QUEUED", progress: 0, errorCode: code }));
    } else {
      log.warn({ err: failure, detail: failure.detail }, "ingest job failed");
      await this.persist(() => this.giveUp(job, worker.id, failure), log);
      onUpdate(updateOf(job, { state: "FAILED", errorCode: code }));
    }
  }

  /** Ends a job as failed; a video that was never indexed goes with it. */
  private giveUp(job: IngestJobRecord, workerId: string, failure: EarshotError): Promise<void> {
    const { catalog } = this.parts;
    return catalog.transaction(async (tx) => {
      const held = await catalog.jobs.fail(tx, job.id, workerId, failure);
      if (held && job.videoId !== null) await catalog.videos.deleteAbandoned(tx, job.videoId);
    });
  }

  /** Puts the jobs of dead workers back into the queue, or ends those that have used up their attempts. */
  private async recoverAbandoned(): Promise<void> {
    const { catalog, logger, worker, onUpdate } = this.parts;
    for (const job of await catalog.jobs.running()) {
      const { workerId } = job;
      if (workerId === null || this.running.has(job.id)) continue;
      const expired = job.leaseExpiresAt === null || job.leaseExpiresAt.getTime() < Date.now();
      if (!expired && !worker.isGone(workerId)) continue;
      if (job.attempts < job.maxAttempts) {
        logger.warn({ jobId: job.id, attempts: job.attempts }, "taking up an ingest job that its process left behind");
        if (await catalog.jobs.requeue(job))
          onUpdate(updateOf(job, { state: "PENDING", stage: "QUEUED", progress: 0 }));
      } else {
        const failure = new JobCrashedError(
          "The process ended while it worked on this video, at each attempt. The file may be too large or harmful for this server.",
        );
        logger.error(
          { jobId: job.id, attempts: job.attempts },
          "giving up an ingest job whose process ended each time",
        );
        await this.giveUp(job, workerId, failure);
        onUpdate(updateOf(job, { state: "FAILED", errorCode: failure.code }));
      }
    }
  }

  /** Writes a job's fate, however long the database is away; when the process ends first, the lease settles it. */
  private async persist(write: () => Promise<unknown>, log: Logger): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return;
      } catch (error) {
        log.error({ err: error }, "the fate of an ingest job could not be written");
        if (this.stopping.signal.aborted) return;
        await delay(pauseMs(attempt), undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  private pause(error: EarshotError, log: Logger): void {
    this.pauses += 1;
    const ms = pauseMs(this.pauses);
    this.pausedUntil = Date.now() + ms;
    log.error({ err: error, detail: error.detail, seconds: ms / 1000 }, "the ingest queue pauses");
  }
}

function pauseMs(times: number): number {
  return Math.min(1000 * 2 ** (times - 1), maxPauseSeconds * 1000);
}

/** Failures of what all jobs need, which pass without anyone touching the job. */
function isOutage(error: unknown): error is EarshotError {
  return [CatalogBusyError, CatalogWriteError, VectorIndexUnavailableError, FfmpegUnavailableError].some(
    (kind) => error instanceof kind,
  );
}

function toFailure(error: unknown): EarshotError {
  if (error instanceof EarshotError) return error;
  return new JobInternalError(
    "The video could not be ingested because of an internal error. The server's log says more.",
    {
      detail: String(error),
      cause: error,
    },
  );
}
