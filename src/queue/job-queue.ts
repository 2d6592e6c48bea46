import { setTimeout as delay } from "node:timers/promises";
import { toCatalogError } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import {
  CatalogBusyError,
  CatalogDisconnectedError,
  CatalogWriteError,
  EarshotError,
  FfmpegUnavailableError,
  VectorIndexUnavailableError,
} from "../errors.js";
import { JobInterruption } from "./interruption.js";
import { retryDelayMs } from "./retry.js";
import { RunningJob } from "./running-job.js";
import type { JobChange, QueuedJob, QueueParts } from "./types.js";

/** Longest pause while the database, the index or ffmpeg is away, in seconds. */
const maxPauseSeconds = 60;

/**
 * Takes jobs from their table and works on them, a few at a time. The rows are the truth: any number of processes may
 * do this on one database, and a job that its process left behind is taken up again.
 */
export class JobQueue<Job extends QueuedJob, Stage extends string> {
  private readonly running = new Map<string, { job: RunningJob<Job, Stage>; done: Promise<void> }>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private filling: Promise<void> | undefined;
  private fillAgain = false;
  private pausedUntil = 0;
  private pauses = 0;

  constructor(private readonly parts: QueueParts<Job, Stage>) {}

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

  /** Ends the work on a job. Its row must have been changed before. False when this queue is not working on it. */
  interrupt(jobId: string): boolean {
    const running = this.running.get(jobId);
    running?.job.interrupt("cancelled");
    return running !== undefined;
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
    const { name, rows, options, logger, worker } = this.parts;
    try {
      await this.recoverAbandoned();
      while (
        !this.stopping.signal.aborted &&
        this.running.size < options.concurrency &&
        Date.now() >= this.pausedUntil
      ) {
        const now = new Date();
        const expiresAt = new Date(now.getTime() + options.leaseSeconds * 1000);
        const job = await rows.claim({ workerId: worker.id, expiresAt }, now);
        if (job === null) return;
        this.begin(job);
      }
    } catch (error) {
      // The next poll tries again.
      logger.error({ err: error }, `the queue cannot read its rows: ${name}`);
    }
  }

  private begin(job: Job): void {
    const { name, rows, options, logger, worker, work, onUpdate } = this.parts;
    const { id, tenant, externalId, requestId, attempts: attempt } = job;
    const log = logger.child({ jobId: id, requestId, attempt });
    log.info({ tenant, externalId }, `${name} taken`);
    const running = new RunningJob(job, {
      rows,
      workerId: worker.id,
      leaseMs: options.leaseSeconds * 1000,
      logger: log,
      onProgress: (stage, progress) => {
        onUpdate(job, { stage, progress });
      },
    });
    const run = async () => {
      const started = performance.now();
      try {
        await work(job, worker.id, running.report.bind(running), running.signal);
        this.pauses = 0;
        log.info({ seconds: (performance.now() - started) / 1000 }, `${name} completed`);
        onUpdate(job, { state: "COMPLETED", stage: "COMMITTING", progress: 1, errorCode: null });
      } catch (error) {
        await running.close();
        await this.settle(job, running.signal.aborted ? running.signal.reason : toCatalogError(error), log);
      } finally {
        await running.close();
        this.running.delete(id);
        this.wake();
      }
    };
    this.running.set(id, { job: running, done: run() });
  }

  /** Writes what becomes of a job that did not complete. */
  private async settle(job: Job, error: unknown, log: Logger): Promise<void> {
    const { name, rows, worker, unforeseen } = this.parts;
    if (error instanceof JobInterruption) {
      log.info({ why: error.kind }, `${name} interrupted`);
      if (error.kind !== "stopping") return;
      await this.persist(() => rows.giveBack(job.id, worker.id), log);
      this.tellWaiting(job);
    } else if (isOutage(error)) {
      // Not the job's fault: it does not cost an attempt, and no other job would fare better.
      this.pause(error, log);
      await this.persist(() => rows.giveBack(job.id, worker.id), log);
      this.tellWaiting(job, { errorCode: error.code });
    } else {
      await this.settleFailure(job, error instanceof EarshotError ? error : unforeseen(error), log);
    }
  }

  private async settleFailure(job: Job, failure: EarshotError, log: Logger): Promise<void> {
    const { name, rows, options, worker, giveUp, onUpdate } = this.parts;
    const { code, detail } = failure;
    if (failure.retryable && job.attempts < job.maxAttempts) {
      const at = new Date(Date.now() + retryDelayMs(job.attempts, options));
      log.warn({ err: failure, detail, at }, `${name} failed and will be tried again`);
      await this.persist(() => rows.retryLater(job.id, worker.id, failure, at), log);
      this.tellWaiting(job, { errorCode: code });
    } else {
      log.warn({ err: failure, detail }, `${name} failed`);
      await this.persist(() => giveUp(job, worker.id, failure), log);
      onUpdate(job, { state: "FAILED", errorCode: code });
    }
  }

  /** Puts the jobs of dead workers back into the queue, or ends those that have used up their attempts. */
  private async recoverAbandoned(): Promise<void> {
    const { name, rows, logger, worker, giveUp, crashed, onUpdate } = this.parts;
    for (const job of await rows.running()) {
      const { id: jobId, workerId, attempts } = job;
      if (workerId === null || this.running.has(jobId)) continue;
      const expired = job.leaseExpiresAt === null || job.leaseExpiresAt.getTime() < Date.now();
      if (!expired && !worker.isGone(workerId)) continue;
      if (attempts < job.maxAttempts) {
        logger.warn({ jobId, attempts }, `${name} taken up again that its process left behind`);
        if (await rows.requeue(job)) this.tellWaiting(job);
      } else {
        const failure = crashed();
        logger.error({ jobId, attempts }, `${name} given up whose process ended each time`);
        await giveUp(job, workerId, failure);
        onUpdate(job, { state: "FAILED", errorCode: failure.code });
      }
    }
  }

  private tellWaiting(job: Job, change: JobChange<Stage> = {}): void {
    this.parts.onUpdate(job, { state: "PENDING", stage: "QUEUED", progress: 0, ...change });
  }

  /** Writes a job's fate, however long the database is away; when the process ends first, the lease settles it. */
  private async persist(write: () => Promise<unknown>, log: Logger): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return;
      } catch (error) {
        log.error({ err: error }, `the fate could not be written: ${this.parts.name}`);
        if (this.stopping.signal.aborted) return;
        await delay(pauseMs(attempt), undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  private pause(error: EarshotError, log: Logger): void {
    this.pauses += 1;
    const ms = pauseMs(this.pauses);
    this.pausedUntil = Date.now() + ms;
    log.error({ err: error, detail: error.detail, seconds: ms / 1000 }, `the queue pauses: ${this.parts.name}`);
  }
}

function pauseMs(times: number): number {
  return Math.min(1000 * 2 ** (times - 1), maxPauseSeconds * 1000);
}

/** Failures of what all jobs need, which pass without anyone touching the job. */
function isOutage(error: unknown): error is EarshotError {
  const outages = [
    CatalogBusyError,
    CatalogDisconnectedError,
    CatalogWriteError,
    VectorIndexUnavailableError,
    FfmpegUnavailableError,
  ];
  return outages.some((kind) => error instanceof kind);
}
