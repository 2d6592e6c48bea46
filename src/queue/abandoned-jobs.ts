import type { JobFates } from "./job-fates.js";
import type { QueuedJob, QueueParts } from "./types.js";

/**
 * Finds the jobs of workers that are gone. A worker on this machine is asked for; one elsewhere counts as gone when its
 * lease was not extended while this process watched it for as long as a lease lasts. The times in the rows are not compared
 * with any clock: a clock that jumps, here, there or in the database, neither steals a job nor keeps one.
 */
export class AbandonedJobs<Job extends QueuedJob, Stage extends string> {
  /** The lease of each job of others as it was last seen, and since when, by this process's own monotonic clock. */
  private readonly seen = new Map<string, { lease: string; sinceMs: number }>();

  constructor(
    private readonly parts: QueueParts<Job, Stage>,
    private readonly fates: JobFates<Job, Stage>,
  ) {}

  /** Puts the jobs of dead workers back into the queue, or ends those that have used up their attempts. */
  async recover(own: { has(jobId: string): boolean }): Promise<void> {
    const { rows, worker } = this.parts;
    const running = await rows.running();
    const ids = new Set(running.map(({ id }) => id));
    for (const id of this.seen.keys()) if (!ids.has(id)) this.seen.delete(id);
    for (const job of running) {
      if (job.workerId === null || own.has(job.id)) continue;
      if (worker.isGone(job.workerId) || this.isSilent(job)) await this.fates.abandoned(job, job.workerId);
    }
  }

  /** Begins to watch anew: while the database was away, no worker could extend its lease. */
  forget(): void {
    this.seen.clear();
  }

  private isSilent({ id, workerId, leaseExpiresAt }: Job): boolean {
    const lease = `${workerId} ${leaseExpiresAt?.getTime()}`;
    const now = performance.now();
    const before = this.seen.get(id);
    if (before?.lease === lease) return now - before.sinceMs >= this.parts.options.leaseSeconds * 1000;
    this.seen.set(id, { lease, sinceMs: now });
    return false;
  }
}
