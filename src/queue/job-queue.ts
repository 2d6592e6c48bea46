import { toCatalogError } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { endsWithin, Rounds } from "../timing/index.js";
import { AbandonedJobs } from "./abandoned-jobs.js";
import { JobFates } from "./job-fates.js";
import { JobInterruption } from "./interruption.js";
import { Outage } from "./outage.js";
import { RunningJob } from "./running-job.js";
import type { QueuedJob, QueueParts, QueueStatus, StopOptions } from "./types.js";

/** Every so many jobs one is taken from another priority than the highest. */
const claimsForEachShare = 8;

/** Time after which jobs are looked for that no message tells of, in milliseconds. */
const sweepMs = 30_000;

/** Time in which a look for jobs has to end when the queue does, in milliseconds. */
const lookingGraceMs = 10_000;

/** Time in which work that was told to end has to do so, in milliseconds. */
const endingGraceMs = 30_000;

interface Running<Job extends QueuedJob, Stage extends string> {
  job: RunningJob<Job, Stage>;
  done: Promise<void>;
}

/**
 * Takes jobs from their table and works on them, a few at a time. The rows are the truth: any number of processes may
 * do this on one database, and a job that its process left behind is taken up again.
 */
export class JobQueue<Job extends QueuedJob, Stage extends string> {
  private readonly running = new Map<string, Running<Job, Stage>>();
  private readonly stuck = new Set<string>();
  /** Aborted when no more jobs are to be taken. */
  private readonly closing = new AbortController();
  /** Aborted when those that run are to be given back. */
  private readonly ending = new AbortController();
  private readonly outage: Outage;
  private readonly fates: JobFates<Job, Stage>;
  private readonly abandoned: AbandonedJobs<Job, Stage>;
  private readonly looks: Rounds;
  private claims = 0;
  private lastSweep = -Infinity;

  constructor(private readonly parts: QueueParts<Job, Stage>) {
    this.outage = new Outage(parts.name, parts.logger, parts.outages);
    this.fates = new JobFates(parts, this.outage, this.ending.signal);
    this.abandoned = new AbandonedJobs(parts, this.fates);
    const pauseMs = parts.options.pollSeconds * 1000;
    this.looks = new Rounds({ round: () => this.fill(), pauseMs: () => pauseMs, holdProcess: true });
  }

  /** Begins to work, first on what earlier processes left behind. */
  start(): void {
    this.looks.start();
  }

  /** How the queue stands. */
  status(): QueueStatus {
    return {
      running: this.running.size,
      paused: this.outage.pause,
      stuck: [...this.stuck],
      full: !this.hasRoom(),
    };
  }

  /** Looks for jobs now rather than at the next poll. Does nothing before start and after stop. */
  wake(): void {
    this.looks.wake();
  }

  /** Ends the work on a job. Its row must have been changed before. False when this queue is not working on it. */
  interrupt(jobId: string): boolean {
    const running = this.running.get(jobId);
    running?.job.interrupt("cancelled");
    return running !== undefined;
  }

  /**
   * Takes no more jobs, lets those that run go on for a while, then gives them back as if they had not been taken.
   * Resolves when nothing runs any more; work that does not end though it was told to is left to its lease.
   */
  async stop({ finishSeconds = 0, hurry }: StopOptions = {}): Promise<void> {
    this.closing.abort();
    // A database that does not answer must not keep the process from ending.
    await endsWithin(this.looks.stop(), lookingGraceMs, hurry);
    if (this.running.size > 0 && finishSeconds > 0) await this.settled(finishSeconds * 1000, hurry);
    this.ending.abort();
    for (const { job } of this.running.values()) job.interrupt("stopping");
    await this.settled(endingGraceMs);
  }

  private async fill(): Promise<void> {
    if (!this.outage.mayTry) return;
    const { name, logger, check } = this.parts;
    try {
      if (this.outage.pause !== null) await check?.();
      await this.abandoned.recover(this.running);
      while (this.mayTake()) {
        const job = await this.claim();
        if (job === null) {
          // With nothing to prove it by: the rows can be read, and the check has passed.
          if (this.running.size === 0) this.outage.passed();
          return;
        }
        if (this.ending.signal.aborted) await this.fates.settle(job, new JobInterruption("stopping"), this.logOf(job));
        else this.begin(job);
      }
    } catch (error) {
      const known = toCatalogError(error);
      this.abandoned.forget();
      if (this.outage.is(known)) this.outage.met(known);
      else logger.error({ err: error }, `the queue cannot read its rows: ${name}`);
    }
  }

  private mayTake(): boolean {
    const { concurrency } = this.parts.options;
    if (this.closing.signal.aborted || this.stuck.size > 0 || !this.outage.mayTry) return false;
    // What was away is tried with one job.
    return this.running.size < (this.outage.pause === null ? concurrency : 1) && this.hasRoom();
  }

  private hasRoom(): boolean {
    return this.running.size === 0 || (this.parts.hasRoom?.() ?? true);
  }

  private async claim(): Promise<Job | null> {
    const { rows, options, worker } = this.parts;
    const now = await rows.now();
    const expiresAt = new Date(Date.now() + options.leaseSeconds * 1000);
    const share = (this.claims + 1) / claimsForEachShare;
    const job = await rows.claim({ workerId: worker.id, expiresAt }, now, {
      turn: Number.isInteger(share) ? share : 0,
      longestWaitMs: options.maxRetryDelaySeconds * 1000,
      untold: performance.now() - this.lastSweep >= sweepMs,
      ...this.parts.leaves?.(),
    });
    if (job !== null) this.claims += 1;
    // It goes on until there are none.
    else if (performance.now() - this.lastSweep >= sweepMs) this.lastSweep = performance.now();
    return job;
  }

  private logOf({ id: jobId, requestId, attempts: attempt }: Job): Logger {
    return this.parts.logger.child({ jobId, requestId, attempt });
  }

  private begin(job: Job): void {
    const { name, rows, options, worker, onUpdate } = this.parts;
    const { id, tenant, externalId } = job;
    const log = this.logOf(job);
    log.info({ tenant, externalId }, `${name} taken`);
    const running = new RunningJob(job, {
      rows,
      workerId: worker.id,
      leaseMs: options.leaseSeconds * 1000,
      ...(options.stallSeconds === undefined ? {} : { stallMs: options.stallSeconds * 1000 }),
      logger: log,
      onProgress: (stage, progress) => {
        onUpdate(job, { stage, progress });
      },
    });
    const done = this.run(running, log).finally(() => {
      this.running.delete(id);
      this.stuck.delete(id);
      this.wake();
    });
    this.running.set(id, { job: running, done });
  }

  private async run(running: RunningJob<Job, Stage>, log: Logger): Promise<void> {
    const { name, worker, work, onUpdate } = this.parts;
    const { job, signal } = running;
    const started = performance.now();
    const release = this.watchEnding(running, log);
    try {
      await work(job, worker.id, running.report.bind(running), signal);
      this.outage.passed();
      this.fates.completed(job);
      log.info({ seconds: (performance.now() - started) / 1000 }, `${name} completed`);
      onUpdate(job, { state: "COMPLETED", stage: "COMMITTING", progress: 1, errorCode: null });
    } catch (thrown) {
      await running.close();
      const error: unknown = signal.aborted ? signal.reason : toCatalogError(thrown);
      if (this.outage.is(error)) this.outage.met(error);
      if (!this.stuck.has(job.id)) await this.fates.settle(job, error, log);
    } finally {
      release();
      await running.close();
    }
  }

  /** When work does not end though it was told to, settles its job all the same, and takes no more. */
  private watchEnding({ job, signal }: RunningJob<Job, Stage>, log: Logger): () => void {
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      timer = setTimeout(() => {
        this.stuck.add(job.id);
        log.error(`${this.parts.name} does not end; this process takes no more jobs and should be started again`);
        void this.fates.settle(job, signal.reason, log).then(this.parts.onStuck);
      }, endingGraceMs).unref();
    };
    signal.addEventListener("abort", watch, { once: true });
    return () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", watch);
    };
  }

  /** Resolves when nothing runs any more, the time is up, or the signal is aborted. */
  private async settled(milliseconds: number, hurry?: AbortSignal): Promise<void> {
    await endsWithin(Promise.all([...this.running.values()].map(({ done }) => done)), milliseconds, hurry);
  }
}
