import type { Logger } from "../config/index.js";
import { JobInterruption, type InterruptionKind } from "./interruption.js";
import { RowWrites } from "./row-writes.js";
import type { JobRows, QueuedJob } from "./types.js";

/** Shortest time between two writes of a job's progress, in milliseconds. */
const progressIntervalMs = 500;

/** What the row of a running job is kept with. */
export interface RunningJobParts<Job extends QueuedJob, Stage extends string> {
  rows: JobRows<Job, Stage>;
  workerId: string;
  leaseMs: number;
  /** Milliseconds without progress after which the work is ended; unlimited when absent. */
  stallMs?: number;
  logger: Logger;
  onProgress: (stage: Stage, progress: number | null) => void;
}

/**
 * Keeps the row of one running job: extends the lease, writes the progress, and ends the work when the row says that
 * the job is no longer this worker's, or when it makes no progress.
 */
export class RunningJob<Job extends QueuedJob, Stage extends string> {
  private readonly abort = new AbortController();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly watch: NodeJS.Timeout | undefined;
  private lastWriteMs = 0;
  private lastStage: Stage | undefined;
  private ticksWithoutProgress = 0;
  private writesFail = false;
  /** Progress must not hold up the heartbeats: without them another worker takes the job. */
  private readonly beats: RowWrites;
  private readonly reports: RowWrites;

  constructor(
    readonly job: Job,
    private readonly parts: RunningJobParts<Job, Stage>,
  ) {
    const { rows, workerId, leaseMs, stallMs } = parts;
    const beatMs = leaseMs / 3;
    this.beats = new RowWrites(beatMs, this.onWrite);
    this.reports = new RowWrites(beatMs, this.onWrite);
    this.heartbeat = setInterval(() => {
      this.beats.add(() => {
        const expiresAt = new Date(Date.now() + leaseMs);
        return this.write(() => rows.extendLease(job.id, { workerId, expiresAt }));
      });
    }, beatMs);
    this.heartbeat.unref();
    if (stallMs !== undefined) this.watch = this.watchProgress(stallMs);
  }

  /** Aborted when the job is to be given up; the reason is a {@link JobInterruption}. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Ends the work on the job. */
  interrupt(kind: InterruptionKind): void {
    this.abort.abort(new JobInterruption(kind));
  }

  /** Tells listeners at once and the row now and then. */
  report(stage: Stage, progress: number | null): void {
    const { rows, workerId, onProgress } = this.parts;
    this.ticksWithoutProgress = 0;
    onProgress(stage, progress);
    const now = performance.now();
    if (stage === this.lastStage && now - this.lastWriteMs < progressIntervalMs) return;
    this.lastStage = stage;
    this.lastWriteMs = now;
    this.reports.add(() => this.write(() => rows.reportProgress(this.job.id, workerId, { stage, progress })));
  }

  /** Stops the heartbeat; resolves when the writes under way are done, or have taken too long. */
  async close(): Promise<void> {
    clearInterval(this.heartbeat);
    clearInterval(this.watch);
    await Promise.all([this.beats.close(), this.reports.close()]);
  }

  /** Counts ticks rather than time: a process that was suspended for a while has not stalled. */
  private watchProgress(stallMs: number): NodeJS.Timeout {
    const ticks = 10;
    const watch = setInterval(() => {
      this.ticksWithoutProgress += 1;
      if (this.ticksWithoutProgress > ticks) this.interrupt("stalled");
    }, stallMs / ticks);
    return watch.unref();
  }

  private async write(update: () => Promise<boolean>): Promise<void> {
    if (!this.signal.aborted && !(await update())) this.interrupt("lost");
  }

  private readonly onWrite = (error: unknown): void => {
    if (error === null) {
      this.writesFail = false;
      return;
    }
    // The lease outlasts two missed heartbeats; the job's own writes will tell if the database stays away.
    const level = this.writesFail ? "debug" : "warn";
    this.writesFail = true;
    this.parts.logger[level]({ err: error }, "the state of a running job could not be written");
  };
}
