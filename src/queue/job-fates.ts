import { setTimeout as delay } from "node:timers/promises";
import { toCatalogError } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { EarshotError, JobStalledError } from "../errors.js";
import { JobInterruption } from "./interruption.js";
import { JobOutages } from "./job-outages.js";
import { pauseMs, type Outage } from "./outage.js";
import { retryDelayMs } from "./retry.js";
import type { JobChange, QueuedJob, QueueParts } from "./types.js";

/** Times that a fate is written which cannot be written for another reason than an outage. */
const mostTries = 3;

/** Writes what becomes of jobs that do not complete. */
export class JobFates<Job extends QueuedJob, Stage extends string> {
  private readonly outages = new JobOutages();

  constructor(
    private readonly parts: QueueParts<Job, Stage>,
    private readonly outage: Outage,
    /** Aborted when the process ends: leases settle what could not be written by then. */
    private readonly ending: AbortSignal,
  ) {}

  /** Writes the fate of a job whose work ended with an error or an interruption. */
  async settle(job: Job, error: unknown, log: Logger): Promise<void> {
    const { name, unforeseen } = this.parts;
    if (error instanceof JobInterruption && error.kind !== "stalled") {
      log.info({ why: error.kind }, `${name} interrupted`);
      if (error.kind !== "stopping" && error.kind !== "elsewhere") return;
      await this.giveBack(job, log);
    } else if (this.outage.is(error) && !(await this.isAtFault(job, error))) {
      // Not the job's fault: it does not cost an attempt, and no other job would fare better.
      log.info({ code: error.code }, `${name} given back`);
      await this.giveBack(job, log, { errorCode: error.code });
    } else {
      this.outages.forget(job.id);
      const failure = error instanceof JobInterruption ? stalled() : error;
      await this.fail(job, failure instanceof EarshotError ? failure : unforeseen(failure), log);
    }
  }

  /** The work on a job came to its end. */
  completed(job: Job): void {
    this.outages.forget(job.id);
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
      const written = await this.persist(async () => {
        const at = new Date((await rows.now()).getTime() + waitMs);
        return rows.retryLater(job.id, worker.id, failure, at);
      }, log);
      if (written) this.tellWaiting(job, { errorCode: code });
    } else {
      log.warn({ err: failure, detail }, `${name} failed`);
      const written = await this.persist(() => giveUp(job, worker.id, failure), log);
      if (written) onUpdate(job, { state: "FAILED", errorCode: code });
    }
  }

  private async giveBack(job: Job, log: Logger, change: JobChange<Stage> = {}): Promise<void> {
    const { rows, worker } = this.parts;
    if (await this.persist(() => rows.giveBack(job.id, worker.id), log)) this.tellWaiting(job, change);
  }

  /** Whether what looks like an outage is the job's doing: everything is at hand, and it was not the first time. */
  private async isAtFault(job: Job, error: EarshotError): Promise<boolean> {
    const { name, check, logger } = this.parts;
    if (check === undefined || this.outage.isUnchecked(error)) return false;
    try {
      await check();
    } catch {
      return false;
    }
    if (!this.outages.isTooMuch(job.id)) return false;
    logger.warn({ jobId: job.id, code: error.code }, `${name} meets an outage each time, and no other work does`);
    return true;
  }

  private tellWaiting(job: Job, change: JobChange<Stage> = {}): void {
    this.parts.onUpdate(job, { state: "PENDING", stage: "QUEUED", progress: 0, ...change });
  }

  /**
   * Writes a job's fate, however long the database is away. What cannot be written for another reason, or by the end of the
   * process, the lease settles.
   *
   * @returns whether it was written
   */
  private async persist(write: () => Promise<unknown>, log: Logger): Promise<boolean> {
    const { name } = this.parts;
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return true;
      } catch (error) {
        if (attempt >= mostTries && !this.outage.is(toCatalogError(error))) {
          log.error({ err: error }, `the fate cannot be written and is left to the lease: ${name}`);
          return false;
        }
        const level = attempt === 1 ? "warn" : "debug";
        log[level]({ err: error }, `the fate could not be written yet: ${name}`);
        if (this.ending.aborted) return false;
        await delay(pauseMs(attempt), undefined, { signal: this.ending }).catch(() => undefined);
      }
    }
  }
}

function stalled(): JobStalledError {
  return new JobStalledError("The work made no progress for too long and was ended.");
}
