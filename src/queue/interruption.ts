/**
 * Why a job that runs is ended though it neither completed nor failed. "stopping": the process ends, the job goes back into
 * the queue. "elsewhere": what it needs is only on other machines, it goes back as well. "cancelled": someone cancelled it
 * here. "lost": its row says that it is no longer this worker's. "stalled": it made no progress for too long.
 */
export type InterruptionKind = "stopping" | "elsewhere" | "cancelled" | "lost" | "stalled";

/** The reason of a job's abort signal, or thrown by the work itself. Never leaves the queue and the work on its jobs. */
export class JobInterruption extends Error {
  constructor(readonly kind: InterruptionKind) {
    super(`The job was interrupted: ${kind}.`);
    this.name = "JobInterruption";
  }
}
