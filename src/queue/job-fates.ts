import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../config/index.js";
import { EarshotError, JobStalledError } from "../errors.js";
import { JobInterruption } from "./interruption.js";
import { pauseMs, type Outage } from "./outage.js";
import { retryDelayMs } from "./retry.js";
import type { JobChange, QueuedJob, QueueParts } from "./types.js";

/** Writes what becomes of jobs that do not complete. */
export class JobFates<Job extends QueuedJob, Stage extends string> {
  constructor(
    private readonly parts: QueueParts<Job, Stage>,
    private readonly outage: Outage,
    /** Aborted when the process ends: leases settle what could not be written by then. */
    private readonly ending: AbortSignal,
  ) {}

  /** Writes the fate of a job whose work ended with an error or an interruption. */
  async settle(job: Job, error: unknown, log: Logger): Promise<void> {
    const { name, rows, worker, unforeseen } = this.parts;
    if (error instanceof JobInterruption && error.kind !== "stalled") {
      log.info({ why: error.kind }, `${name} interrupted`);
      if (error.kind !== "stopping" && error.kind !== "elsewhere") return;
      await this.persist(() => rows.giveBack(job.id, worker.id), log);
      this.tellWaiting(job);
    } else if (this.outage.is(error)) {
      // Not the job's fault: it does not cost an attempt, and no other job would fare better.
      log.info({ code: error.code }, `${name} given back`);
      await this.persist(() => rows.giveBack(job.id, worker.id), log);
      this.tellWaiting(job, { errorCode: error.code });
    } else {
      const failure = error instanceof JobInterruption ? stalled() : error;
      await this.fail(job, failure instanceof EarshotError ? failure : unforeseen(failure), log);
    }
  }

  /** Settles a job whose worker is gone. */
  async abandoned(job: Job, workerId: string): Promise<void> {
    const { name, rows, logger, giveUp, crashed, onUpdate } = this.parts;
    const { id: jobId, attempts } = job;
    if (attempts < job.maxAttempts) {
      if (!(await rows.requeue(job))) return;
      logger.warn({ jobId, attempts }, `${name} taken up again that its process left behind`);
      this.tellWaiting(job);
    } else {
      const failure = crashed();
      logger.error({ jobId, attempts }, `${name} given up whose process ended each time`);
      await giveUp(job, workerId, failure);
      onUpdate(job, { state: "FAILED", errorCode: failure.code });
    }
  }

  private async fail(job: Job, failure: EarshotError, log: Logger): Promise<void> {
    const { name, rows, options, worker, giveUp, onUpdate } = this.parts;
    const { code, detail } = failure;
    if (failure.retryable && job.attempts < job.maxAttempts) {
      const waitMs = retryDelayMs(job.attempts, options);
      log.warn({ err: failure, detail, waitSeconds: waitMs / 1000 }, `${name} failed and will be tried again`);
      await this.persist(async () => {
        const at = new Date((await rows.now()).getTime() + waitMs);
        return rows.retryLater(job.id, worker.id, failure, at);
      }, log);
      this.tellWaiting(job, { errorCode: code });
    } else {
      log.warn({ err: failure, detail }, `${name} failed`);
      await this.persist(() => giveUp(job, worker.id, failure), log);
      onUpdate(job, { state: "FAILED", errorCode: code });
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
        const level = attempt === 1 ? "warn" : "debug";
        log[level]({ err: error }, `the fate could not be written yet: ${this.parts.name}`);
        if (this.ending.aborted) return;
        await delay(pauseMs(attempt), undefined, { signal: this.ending }).catch(() => undefined);
      }
    }
  }
}

function stalled(): JobStalledError {
  return new JobStalledError("The work made no progress for too long and was ended.");
}
