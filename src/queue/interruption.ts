/**
 * Why a job that runs is ended from outside. "stopping": the process ends, the job goes back into the queue.
 * "cancelled": someone cancelled it here. "lost": its row says that it is no longer this worker's. "stalled": it made no
 * progress for too long.
 */
export type InterruptionKind = "stopping" | "cancelled" | "lost" | "stalled";

/** The reason of a job's abort signal. Never leaves the queue and the work on its jobs. */
export class JobInterruption extends Error {
  constructor(readonly kind: InterruptionKind) {
    super(`The job was interrupted: ${kind}.`);
    this.name = "JobInterruption";
  }
}
