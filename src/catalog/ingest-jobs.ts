import { prioritiesInTurn, tenantsInTurn, type ClaimOptions } from "./claim-order.js";
import { textOf, type CatalogTransaction, type DeadLetter } from "./database.js";
import type { Prisma } from "./generated/client.js";
import { newId } from "./ids.js";
import {
  completed,
  due,
  ended,
  latestAttempt,
  LeasedJobs,
  taken,
  type JobLease,
  type LeasedTable,
} from "./leased-jobs.js";
import type {
  AgePosition,
  IngestJobFilter,
  IngestJobRecord,
  IngestJobState,
  IngestOrder,
  IngestStage,
  VideoRecord,
} from "./records.js";
import { olderThan } from "./videos.js";

/** A job that is due and whose video is not being worked on; of one priority and tenant, the oldest. */
const OLDEST_CLAIMABLE = `SELECT j."id", j."videoId" FROM "IngestJob" j JOIN "Video" v ON v."id" = j."videoId"
  WHERE j."state" = 'PENDING' AND (j."nextAttemptAt" IS NULL OR j."nextAttemptAt" <= ? OR j."nextAttemptAt" > ?)
    AND j."priority" = ? AND j."tenant" = ? AND COALESCE(j."reindexId", '') <> ?
    AND NOT EXISTS (SELECT 1 FROM "IngestJob" r WHERE r."videoId" = j."videoId" AND r."state" = 'RUNNING')
  ORDER BY j."createdAt", j."id" LIMIT 1`;

/** In the place of a re-index, where the jobs of none are to be passed over; no row has it. */
const NO_REINDEX = "none";

/** A job to be queued. */
export interface NewIngestJob {
  tenant: string;
  videoId: string;
  externalId: string | null;
  order: IngestOrder;
  /** @default that of an ordinary job, 0 */
  priority?: number;
  maxAttempts: number;
  requestId: string | null;
}

/** Ingest jobs, which workers hold by lease. Methods that take no transaction run in one of their own. */
export class IngestJobRepository extends LeasedJobs<IngestStage> {
  protected override table(client: Prisma.TransactionClient): LeasedTable {
    return client.ingestJob;
  }

  /** The tenant's job of that id; null when there is none. */
  async find(tenant: string, id: string): Promise<IngestJobRecord | null> {
    return toRecord(await this.database.reader.ingestJob.findUnique({ where: { id, tenant } }));
  }

  /** The newest jobs that pass a filter, those of re-indexes aside, at most `limit`, beginning after a place in the list. */
  async list(tenant: string, filter: IngestJobFilter, limit: number, after?: AgePosition): Promise<IngestJobRecord[]> {
    const rows = await this.database.reader.ingestJob.findMany({
      where: { AND: [{ tenant, ...filter, reindexId: null }, ...olderThan(after)] },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
    });
    return rows.map((row) => toRecord(row));
  }

  /** Number of the tenant's jobs that pass a filter, those of re-indexes aside. */
  count(tenant: string, filter: IngestJobFilter): Promise<number> {
    return this.database.reader.ingestJob.count({ where: { tenant, ...filter, reindexId: null } });
  }

  /** Whether a job of the video waits or runs, those of re-indexes aside. */
  async isUnderWay(videoId: string, tx?: CatalogTransaction): Promise<boolean> {
    const { ingestJob } = tx?.prisma ?? this.database.reader;
    const where = { videoId, reindexId: null, state: { in: ["PENDING" as const, "RUNNING" as const] } };
    return (await ingestJob.findFirst({ where, select: { id: true } })) !== null;
  }

  /** Number of jobs in each state, over all tenants. */
  async countByState(): Promise<Record<IngestJobState, number>> {
    const counts = { PENDING: 0, RUNNING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
    for (const { state, _count } of await this.database.reader.ingestJob.groupBy({ by: ["state"], _count: true })) {
      counts[state] = _count;
    }
    return counts;
  }

  /** Number of running jobs in each stage, over all tenants; stages without any are left out. */
  async countRunningByStage(): Promise<Partial<Record<IngestStage, number>>> {
    const where = { state: "RUNNING" } as const;
    const groups = await this.database.reader.ingestJob.groupBy({ by: ["stage"], where, _count: true });
    return Object.fromEntries(groups.map(({ stage, _count }) => [stage, _count]));
  }

  /** When the oldest job that is due and waits was submitted, over all tenants; null when none waits. */
  async oldestDue(now: Date): Promise<Date | null> {
    const oldest = await this.database.reader.ingestJob.aggregate({
      where: { state: "PENDING", OR: [{ nextAttemptAt: null }, { nextAttemptAt: { lte: now } }] },
      _min: { createdAt: true },
    });
    return oldest._min.createdAt;
  }

  /** The newest job of each of the tenant's videos, those of re-indexes aside, by video id; videos without are left out. */
  async latestOfVideos(tenant: string, videoIds: readonly string[]): Promise<Map<string, IngestJobRecord>> {
    const rows = await this.database.reader.ingestJob.findMany({
      where: { tenant, videoId: { in: [...videoIds] }, reindexId: null },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      distinct: ["videoId"],
    });
    return new Map(rows.map((row) => [row.videoId ?? "", toRecord(row)]));
  }

  /** Queues a job. */
  async create(tx: CatalogTransaction, job: NewIngestJob): Promise<IngestJobRecord> {
    const { order, ...columns } = job;
    const source = JSON.parse(JSON.stringify(order)) as Prisma.InputJsonObject;
    const record = toRecord(await tx.prisma.ingestJob.create({ data: { ...columns, source, id: newId() } }));
    await this.database.messages.announce(tx, [record]);
    return record;
  }

  /**
   * Takes a job that is due and whose video no other job is working on; counts the attempt. The highest priority comes
   * first, within it the tenant with the fewest running jobs, and of that tenant the oldest job. Null when there is none.
   *
   * Where there are messages one is taken with it, in the same transaction; without one, nothing is taken, unless
   * `untold` says so.
   */
  async claim(lease: JobLease, now: Date, options: ClaimOptions = {}): Promise<IngestJobRecord | null> {
    // Along the index: without an order, PostgreSQL may read all jobs that have ended.
    const orderBy: Prisma.IngestJobOrderByWithRelationInput[] = [
      { priority: "desc" },
      { tenant: "desc" },
      { createdAt: "desc" },
    ];
    const where = claimable(now, options);
    if ((await this.database.reader.ingestJob.findFirst({ where, orderBy, select: { id: true } })) === null)
      return null;
    return this.database.transaction(
      async (tx) => {
        const told = await this.database.messages.take(tx);
        const id = told || options.untold === true ? await this.lockNext(tx, now, options) : null;
        if (id === null) return null;
        return toRecord(await tx.prisma.ingestJob.update({ where: { id }, data: taken(lease, now) }));
      },
      { isolation: "LOCKING" },
    );
  }

  /** Ends a job well. False when it is no longer the worker's: the transaction must then be given up. */
  async complete(tx: CatalogTransaction, id: string, workerId: string): Promise<boolean> {
    const held = await this.updateOwn(tx.prisma, id, workerId, completed());
    if (!held) return false;
    await this.tellWaiting(tx, id);
    await this.unburyEarlier(tx, id);
    return true;
  }

  /** Puts a job that was given up among the dead letters, where the database has such. */
  bury(tx: CatalogTransaction, { id, ...job }: IngestJobRecord, code: string): Promise<void> {
    const { tenant, videoId, externalId, attempts } = job;
    return this.database.messages.bury(tx, { jobId: id, tenant, videoId, externalId, attempts, code });
  }

  /** Takes a job out of the dead letters. */
  unbury(tx: CatalogTransaction, id: string): Promise<void> {
    return this.database.messages.unbury(tx, [id]);
  }

  /** The oldest dead letters of all tenants; none where the database has no such. */
  deadLetters(limit: number): Promise<DeadLetter[]> {
    return this.database.messages.deadLetters(limit);
  }

  /** Number of dead letters of all tenants; 0 where the database has no such. */
  countDeadLetters(): Promise<number> {
    return this.database.messages.countDeadLetters();
  }

  /** Cancels the tenant's job if it waits or runs. Null when it has ended, or there is none of that id. */
  async cancel(tx: CatalogTransaction, tenant: string, id: string): Promise<IngestJobRecord | null> {
    return (await this.cancelWhere(tx, { id, tenant, state: { in: ["PENDING", "RUNNING"] } }))[0] ?? null;
  }

  /** Cancels all jobs of a video that wait, those of re-indexes aside; gives those jobs. */
  cancelWaitingOfVideo(tx: CatalogTransaction, videoId: string): Promise<IngestJobRecord[]> {
    return this.cancelWhere(tx, { videoId, state: "PENDING", reindexId: null });
  }

  /** Cancels all jobs of a video that wait or run, whatever they are for, and removes its dead letters; gives those jobs. */
  async cancelAllOfVideo(
    tx: CatalogTransaction,
    { id, tenant, externalId }: Pick<VideoRecord, "id" | "tenant" | "externalId">,
  ): Promise<IngestJobRecord[]> {
    await this.database.messages.unburyVideo(tx, { tenant, videoId: id, externalId });
    return this.cancelWhere(tx, { videoId: id, state: { in: ["PENDING", "RUNNING"] } });
  }

  /** All jobs that are being worked on, by any process. */
  async running(): Promise<IngestJobRecord[]> {
    const rows = await this.database.reader.ingestJob.findMany({ where: { state: "RUNNING" } });
    return rows.map((row) => toRecord(row));
  }

  /** What failed of a video before is no longer of interest when a job of it has completed; one of a re-index aside. */
  private async unburyEarlier(tx: CatalogTransaction, id: string): Promise<void> {
    const { messages } = this.database;
    if (!messages.used) return;
    const select = { tenant: true, videoId: true, externalId: true, reindexId: true } as const;
    const job = await tx.prisma.ingestJob.findUnique({ where: { id }, select });
    if (job !== null && job.reindexId === null) await messages.unburyVideo(tx, job);
  }

  /** The message of a job may have been taken while another of its video ran; it is told of again when that one ends. */
  protected override async tellWaiting(tx: CatalogTransaction, id: string): Promise<void> {
    const { messages } = this.database;
    if (!messages.used) return;
    const job = await tx.prisma.ingestJob.findUnique({ where: { id }, select: { videoId: true } });
    if (!job?.videoId) return;
    const { videoId } = job;
    const select = { id: true, priority: true, nextAttemptAt: true } as const;
    await messages.announce(tx, await tx.prisma.ingestJob.findMany({ where: { videoId, state: "PENDING" }, select }));
  }

  /** Id of the job to be taken next; nobody else can take it, or another one of its video, until the transaction ends. */
  private async lockNext(tx: CatalogTransaction, now: Date, options: ClaimOptions): Promise<string | null> {
    const running = await tx.prisma.ingestJob.findMany({ where: { state: "RUNNING" }, select: { tenant: true } });
    const latest = latestAttempt(now, options.longestWaitMs);
    const withoutReindex = options.withoutReindex ?? NO_REINDEX;
    const tenantsOfRunning = running.map(({ tenant }) => tenant);
    for (const priority of await prioritiesInTurn(tx.prisma, options.turn ?? 0)) {
      for (const tenant of await tenantsInTurn(tx.prisma, priority, tenantsOfRunning)) {
        const id = await this.lockOldest(tx, { now, latest, priority, tenant, withoutReindex });
        if (id !== null) return id;
      }
    }
    return null;
  }

  /** Locks the oldest of the tenant's jobs that may be taken. */
  private async lockOldest(
    tx: CatalogTransaction,
    choice: { now: Date; latest: Date; priority: number; tenant: string; withoutReindex: string },
  ): Promise<string | null> {
    const { now, latest, priority, tenant, withoutReindex } = choice;
    for (;;) {
      const locks = this.database.dialect.lockFree("j", "v");
      const [oldest] = await tx.execute(`${OLDEST_CLAIMABLE}${locks}`, [now, latest, priority, tenant, withoutReindex]);
      if (oldest === undefined) return null;
      // Between the look at the rows and their locks, another worker may have taken another job of the video.
      const videoId = textOf(oldest, "videoId");
      if ((await tx.prisma.ingestJob.count({ where: { videoId, state: "RUNNING" } })) === 0)
        return textOf(oldest, "id");
    }
  }

  private async cancelWhere(tx: CatalogTransaction, where: Prisma.IngestJobWhereInput): Promise<IngestJobRecord[]> {
    const found = await tx.prisma.ingestJob.findMany({ where, select: { id: true } });
    const ids = found.map(({ id }) => id);
    await tx.prisma.ingestJob.updateMany({ where: { id: { in: ids } }, data: ended("CANCELLED") });
    for (const id of ids) await this.tellWaiting(tx, id);
    const rows = await tx.prisma.ingestJob.findMany({ where: { id: { in: ids } } });
    return rows.map((row) => toRecord(row));
  }
}

/** Jobs without a video have lost it, and wait for nothing. */
function claimable(now: Date, { longestWaitMs, withoutReindex }: ClaimOptions): Prisma.IngestJobWhereInput {
  const dueWithVideo = { ...due(now, longestWaitMs), videoId: { not: null } };
  if (withoutReindex === undefined) return dueWithVideo;
  return { AND: [dueWithVideo, { OR: [{ reindexId: null }, { reindexId: { not: withoutReindex } }] }] };
}

type IngestJobRow = Prisma.IngestJobModel;

function toRecord(row: IngestJobRow): IngestJobRecord;
function toRecord(row: IngestJobRow | null): IngestJobRecord | null;
function toRecord(row: IngestJobRow | null): IngestJobRecord | null {
  if (row === null) return null;
  const { source, ...columns } = row;
  return { ...columns, order: source as unknown as IngestOrder };
}
