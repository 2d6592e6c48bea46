/** Outages that one job may meet while everything is at hand; with the next one it is the job that is at fault. */
const mostOutages = 4;

/** Jobs that are counted at a time; of more, those counted first are forgotten. */
const mostJobs = 1000;

/**
 * Counts the outages that a job met in this process though everything answered right afterwards: a job whose own work is
 * too much for the database looks like an outage, and would come back for ever.
 */
export class JobOutages {
  private readonly counts = new Map<string, number>();

  /** Counts one more. True when it can no longer be put down to an outage; the count then begins anew. */
  isTooMuch(jobId: string): boolean {
    const count = (this.counts.get(jobId) ?? 0) + 1;
    this.counts.delete(jobId);
    if (count > mostOutages) return true;
    this.counts.set(jobId, count);
    for (const oldest of this.counts.keys()) {
      if (this.counts.size <= mostJobs) break;
      this.counts.delete(oldest);
    }
    return false;
  }

  /** Forgets a job that ended otherwise. */
  forget(jobId: string): void {
    this.counts.delete(jobId);
  }
}
