import type { Catalog, IngestJobRecord, IngestStage } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { JobInterruption, type InterruptionKind } from "./interruption.js";

/** Shortest time between two writes of a job's progress, in milliseconds. */
const progressIntervalMs = 500;

/**
 * Keeps the row of one running job: extends the lease, writes the progress, and ends the work when the row says that
 * the job is no longer this worker's.
 */
export class RunningJob {
  private readonly abort = new AbortController();
  private readonly heartbeat: NodeJS.Timeout;
  private lastWriteMs = 0;
  private lastStage: IngestStage = "QUEUED";
  /** Writes one after the other, so that a slow one cannot overwrite a later one. */
  private writing: Promise<void> = Promise.resolve();

  constructor(
    readonly job: IngestJobRecord,
    private readonly workerId: string,
    private readonly leaseMs: number,
    private readonly catalog: Catalog,
    private readonly logger: Logger,
    private readonly onProgress: (stage: IngestStage, progress: number | null) => void,
  ) {
    this.heartbeat = setInterval(() => {
      const expiresAt = new Date(Date.now() + this.leaseMs);
      this.write(() => this.catalog.jobs.extendLease(this.job.id, { workerId: this.workerId, expiresAt }));
    }, leaseMs / 3);
    this.heartbeat.unref();
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
  report(stage: IngestStage, progress: number | null): void {
    this.onProgress(stage, progress);
    const now = performance.now();
    if (stage === this.lastStage && now - this.lastWriteMs < progressIntervalMs) return;
    this.lastStage = stage;
    this.lastWriteMs = now;
    this.write(() => this.catalog.jobs.reportProgress(this.job.id, this.workerId, { stage, progress }));
  }

  /** Stops the heartbeat; resolves when the last write is done. */
  async close(): Promise<void> {
    clearInterval(this.heartbeat);
    await this.writing;
  }

  private write(update: () => Promise<boolean>): void {
    this.writing = this.writing.then(async () => {
      try {
        if (!this.signal.aborted && !(await update())) this.interrupt("lost");
      } catch (error) {
        // The lease outlasts two missed heartbeats; the job's own writes will tell if the database stays away.
        this.logger.warn({ err: error, jobId: this.job.id }, "the state of an ingest job could not be written");
      }
    });
  }
}
