import type { CatalogTransaction, Database } from "./database.js";
import type { Prisma } from "./generated/client.js";

/** Why a job failed, as its row keeps it. */
export interface JobFailure {
  code: string;
  message: string;
}

/** Who runs a job, and until when others leave it alone. */
export interface JobLease {
  workerId: string;
  expiresAt: Date;
}

/** What tells whether a job has been left behind. */
interface HeldJob {
  id: string;
  workerId: string | null;
  leaseExpiresAt: Date | null;
}

/** What is asked of a table of jobs; those of Prisma fit. */
export interface LeasedTable {
  updateMany(change: { where: object; data: object }): Promise<{ count: number }>;
}

/**
 * Jobs that workers hold by lease. The rows are the queue: a job belongs to the worker named in its row, and every write
 * of a worker holds only while it still does. Methods that take no transaction run in one of their own.
 */
export abstract class LeasedJobs<Stage extends string> {
  constructor(protected readonly database: Database) {}

  /** The table of the jobs, for a client or a transaction. */
  protected abstract table(client: Prisma.TransactionClient): LeasedTable;

  /**
   * What time it is for all workers; the times of next attempts are compared with it. Leases are not: a worker watches by
   * its own clock whether others renew theirs.
   */
  now(): Promise<Date> {
    return this.database.now();
  }

  /** Writes how far a job has come. False when the job is no longer the worker's. */
  reportProgress(id: string, workerId: string, progress: { stage: Stage; progress: number | null }): Promise<boolean> {
    return this.updateOwn(this.database.writer, id, workerId, progress);
  }

  /** Extends a lease. False when the job is no longer the worker's. */
  extendLease(id: string, lease: JobLease): Promise<boolean> {
    return this.updateOwn(this.database.writer, id, lease.workerId, { leaseExpiresAt: lease.expiresAt });
  }

  /** Ends a job badly. False when it is no longer the worker's. */
  async fail(tx: CatalogTransaction, id: string, workerId: string, failure: JobFailure): Promise<boolean> {
    const { code, message } = failure;
    const failed = { ...ended("FAILED"), errorCode: code, errorMessage: message };
    const held = await this.updateOwn(tx.prisma, id, workerId, failed);
    if (held) await this.tellWaiting(tx, id);
    return held;
  }

  /** Puts a job back for another attempt at a later time. False when it is no longer the worker's. */
  retryLater(id: string, workerId: string, failure: JobFailure, at: Date): Promise<boolean> {
    return this.putBack(
      id,
      { workerId },
      { nextAttemptAt: at, errorCode: failure.code, errorMessage: failure.message },
    );
  }

  /** Puts a job back as if it had not been taken. False when it is no longer the worker's. */
  giveBack(id: string, workerId: string): Promise<boolean> {
    return this.putBack(id, { workerId }, { attempts: { decrement: 1 } });
  }

  /** Puts a job back that its worker left behind. False when something has become of it since it was read. */
  requeue({ id, workerId, leaseExpiresAt }: HeldJob): Promise<boolean> {
    return this.putBack(id, { workerId, leaseExpiresAt }, {});
  }

  /** Tells in the transaction that a job waits again, or has ended so that others of its kind may go on. */
  protected tellWaiting(_tx: CatalogTransaction, _id: string): Promise<void> {
    return Promise.resolve();
  }

  private putBack(id: string, held: object, data: object): Promise<boolean> {
    return this.database.transaction(
      async (tx) => {
        const where = { id, ...held, state: "RUNNING" };
        const { count } = await this.table(tx.prisma).updateMany({ where, data: { ...waiting, ...data } });
        if (count === 1) await this.tellWaiting(tx, id);
        return count === 1;
      },
      { isolation: "LOCKING" },
    );
  }

  /** Changes a job that runs and is the worker's. False when it is not. */
  protected async updateOwn(
    client: Prisma.TransactionClient,
    id: string,
    workerId: string,
    data: object,
  ): Promise<boolean> {
    const { count } = await this.table(client).updateMany({ where: { id, workerId, state: "RUNNING" }, data });
    return count === 1;
  }
}

const noLease = { workerId: null, leaseExpiresAt: null };

const waiting = { ...noLease, state: "PENDING", stage: "QUEUED", progress: 0, startedAt: null } as const;

/** What changes when a worker takes a job: the attempt is counted. */
export function taken(lease: JobLease, now: Date) {
  return {
    state: "RUNNING",
    stage: "QUEUED",
    progress: 0,
    attempts: { increment: 1 },
    nextAttemptAt: null,
    workerId: lease.workerId,
    leaseExpiresAt: lease.expiresAt,
    startedAt: now,
  } as const;
}

/** What changes when a job ends. */
export function ended<S extends "COMPLETED" | "FAILED" | "CANCELLED">(state: S) {
  return { ...noLease, state, nextAttemptAt: null, finishedAt: new Date() };
}

/** What changes when a job ends well. */
export function completed() {
  return { ...ended("COMPLETED"), stage: "COMMITTING", progress: 1, errorCode: null, errorMessage: null } as const;
}

/** No attempt is ever set for later than this. */
const endOfTime = new Date("9999-01-01T00:00:00Z");

/** The latest time for which an attempt can have been set; one that is set for later was set by a clock that was wrong. */
export function latestAttempt(now: Date, longestWaitMs = Infinity): Date {
  const latest = now.getTime() + longestWaitMs;
  return latest < endOfTime.getTime() ? new Date(latest) : endOfTime;
}

/** A condition for jobs whose next attempt is due. Those set by a clock that was wrong are; see {@link latestAttempt}. */
export function due(now: Date, longestWaitMs?: number) {
  const latest = latestAttempt(now, longestWaitMs);
  return {
    state: "PENDING" as const,
    OR: [{ nextAttemptAt: null }, { nextAttemptAt: { lte: now } }, { nextAttemptAt: { gt: latest } }],
  };
}
