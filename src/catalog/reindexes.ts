import type { CatalogTransaction, Database } from "./database.js";
import type { Prisma } from "./generated/client.js";
import { newId } from "./ids.js";
import { ended } from "./leased-jobs.js";
import type { ReindexFailure, ReindexProgress, ReindexRecord, ReindexRound, ReindexState } from "./reindex-records.js";

/** A re-index to begin. */
export type NewReindex = Pick<ReindexRecord, "indexId" | "fromIndexId" | "swapAutomatically" | "requestId">;

/** Jobs of a re-index have this priority: everything that people wait for comes first. */
const PRIORITY = -20;

/** Those that go on. */
const UNFINISHED: ReindexState[] = ["RUNNING", "PAUSED", "READY"];

/** Those that get jobs; one that is ready keeps up with the library. */
const FED: ReindexState[] = ["RUNNING", "READY"];

type Client = Prisma.TransactionClient;

/** Re-indexes, and the jobs that they consist of. Most of it concerns all tenants. */
export class ReindexRepository {
  constructor(private readonly database: Database) {}

  /** The re-index of that id; null when there is none. */
  find(id: string, tx?: CatalogTransaction): Promise<ReindexRecord | null> {
    return (tx?.prisma ?? this.database.reader).reindex.findUnique({ where: { id } });
  }

  /** The one that goes on; null when none does. There is never more than one. */
  unfinished(tx?: CatalogTransaction): Promise<ReindexRecord | null> {
    const client = tx?.prisma ?? this.database.reader;
    return client.reindex.findFirst({ where: { state: { in: UNFINISHED } }, orderBy: { createdAt: "desc" } });
  }

  /** The newest ones, at most `limit`. */
  list(limit: number): Promise<ReindexRecord[]> {
    return this.database.reader.reindex.findMany({ orderBy: [{ createdAt: "desc" }, { id: "desc" }], take: limit });
  }

  /** Begins one. */
  create(tx: CatalogTransaction, reindex: NewReindex): Promise<ReindexRecord> {
    return tx.prisma.reindex.create({ data: { ...reindex, id: newId() } });
  }

  /** Changes one that is in one of the states. False when it is not. */
  async change(
    tx: CatalogTransaction,
    id: string,
    from: readonly ReindexState[],
    data: Partial<Pick<ReindexRecord, "state" | "swapAutomatically" | "errorCode" | "errorMessage" | "finishedAt">>,
  ): Promise<boolean> {
    const { count } = await tx.prisma.reindex.updateMany({ where: { id, state: { in: [...from] } }, data });
    return count === 1;
  }

  /** How far the index has come. */
  async progress({ id, indexId }: Pick<ReindexRecord, "id" | "indexId">): Promise<ReindexProgress> {
    const { reader } = this.database;
    const [total, left, failed] = await Promise.all([
      reader.video.count({ where: { state: "INDEXED" } }),
      countMissing(reader, indexId),
      countFailed(reader, id, indexId),
    ]);
    return { total, done: Math.max(0, total - left), failed };
  }

  /** Number of indexed videos that an index lacks, or has with older media. */
  countMissing(tx: CatalogTransaction, indexId: string): Promise<number> {
    return countMissing(tx.prisma, indexId);
  }

  /** The videos that could not be put into the index, newest failure first. */
  async failures(id: string, limit: number): Promise<ReindexFailure[]> {
    const jobs = await this.database.reader.ingestJob.findMany({
      where: { reindexId: id, state: "FAILED", videoId: { not: null } },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
      include: { video: { select: { sourceName: true } } },
    });
    return jobs.map(({ tenant, videoId, externalId, errorCode, errorMessage, video }) => ({
      ...{ tenant, externalId, videoId: videoId ?? "", sourceName: video?.sourceName ?? "" },
      ...{ code: errorCode ?? "", message: errorMessage ?? "" },
    }));
  }

  /**
   * Queues jobs for videos that the index lacks, so that about `most` wait, and removes those that are done with. Any
   * number of processes may do this; no video is queued twice.
   *
   * @param maxAttempts attempts of each job
   */
  async feed(reindex: ReindexRecord, most: number, maxAttempts: number): Promise<ReindexRound> {
    const { id, indexId } = reindex;
    const { reader } = this.database;
    const waiting = await reader.ingestJob.count({ where: { reindexId: id, state: "PENDING" } });
    // Half of them have to be gone first, so that the search for the next ones is worth its while.
    if (waiting > most / 2) return { queued: 0, left: null, failed: 0 };
    const candidates = await missingVideos(reader, reindex, most - waiting);
    const queue = (tx: CatalogTransaction) => this.queue(tx, reindex, candidates, maxAttempts);
    const queued = await this.database.transaction(queue, { isolation: "LOCKING" });
    if (queued > 0) return { queued, left: null, failed: 0 };
    const busy = await reader.ingestJob.count({ where: { reindexId: id, state: { in: ["PENDING", "RUNNING"] } } });
    // As long as something is being done it is not worth a look at all videos.
    if (busy > 0) return { queued, left: null, failed: 0 };
    const [left, failed] = await Promise.all([countMissing(reader, indexId), countFailed(reader, id, indexId)]);
    return { queued, left, failed };
  }

  /** Removes the jobs of a re-index that wait; those that run go on. */
  async removeWaiting(tx: CatalogTransaction, id: string): Promise<void> {
    await tx.prisma.ingestJob.deleteMany({ where: { reindexId: id, state: "PENDING" } });
  }

  /** Forgets which videos failed, so that they are tried again. */
  async forgetFailures(tx: CatalogTransaction, id: string): Promise<void> {
    await this.forget(tx, { reindexId: id, state: "FAILED" });
  }

  /** Forgets that a video failed: its media are others now. */
  async forgetFailuresOfVideo(tx: CatalogTransaction, videoId: string): Promise<void> {
    await this.forget(tx, { videoId, reindexId: { not: null }, state: "FAILED" });
  }

  /** Removes jobs with their dead letters. */
  private async forget(tx: CatalogTransaction, where: Prisma.IngestJobWhereInput): Promise<void> {
    const jobs = await tx.prisma.ingestJob.findMany({ where, select: { id: true } });
    if (jobs.length === 0) return;
    await tx.prisma.ingestJob.deleteMany({ where });
    await this.database.messages.unbury(
      tx,
      jobs.map(({ id }) => id),
    );
  }

  private async queue(
    tx: CatalogTransaction,
    { id, indexId, requestId }: ReindexRecord,
    candidates: readonly string[],
    maxAttempts: number,
  ): Promise<number> {
    const { prisma } = tx;
    // Writes the row and so locks it: of several processes one queues at a time. It may have been paused meanwhile.
    const going = await prisma.reindex.updateMany({ where: { id, state: { in: FED } }, data: { requestId } });
    if (going.count === 0) return 0;
    const { ingestJob } = prisma;
    await ingestJob.deleteMany({ where: { reindexId: id, state: { in: ["COMPLETED", "CANCELLED"] } } });
    // Another process may have queued or finished some of them since they were looked for.
    const videos = await prisma.video.findMany({
      where: { id: { in: [...candidates] }, jobs: { none: { reindexId: id } } },
      include: { indexes: { where: { indexId } } },
    });
    const lacking = videos.filter(
      ({ indexedAt, indexes }) => indexes[0]?.mediaVersion.getTime() !== indexedAt?.getTime(),
    );
    const jobs = lacking.map(({ id: videoId, tenant, externalId, source, title, metadata }) => {
      const order = { source, title, metadata } as Prisma.InputJsonObject;
      return {
        ...{ id: newId(), tenant, externalId, videoId, source: order, maxAttempts, requestId },
        ...{ priority: PRIORITY, reindexId: id },
      };
    });
    await ingestJob.createMany({ data: jobs });
    await this.database.messages.announce(
      tx,
      jobs.map((job) => ({ ...job, nextAttemptAt: null })),
    );
    return jobs.length;
  }

  /** Cancels the jobs of a re-index that wait or run. Gives the ids of those. */
  async cancelJobs(tx: CatalogTransaction, id: string): Promise<string[]> {
    const where = { reindexId: id, state: { in: ["PENDING" as const, "RUNNING" as const] } };
    const found = await tx.prisma.ingestJob.findMany({ where, select: { id: true } });
    await tx.prisma.ingestJob.updateMany({ where, data: ended("CANCELLED") });
    return found.map((job) => job.id);
  }
}

/** Number of indexed videos that the index lacks, or has with older media. */
async function countMissing(client: Client, indexId: string): Promise<number> {
  const [row] = await client.$queryRaw<{ missing: number | bigint }[]>`
    SELECT count(*) AS missing FROM "Video" v
    LEFT JOIN "IndexedVideo" i ON i."indexId" = ${indexId} AND i."videoId" = v.id
    WHERE v.state = 'INDEXED' AND (i."mediaVersion" IS NULL OR i."mediaVersion" <> v."indexedAt")`;
  return Number(row?.missing ?? 0);
}

/** Those of them that failed. */
async function countFailed(client: Client, id: string, indexId: string): Promise<number> {
  const [row] = await client.$queryRaw<{ failed: number | bigint }[]>`
    SELECT count(DISTINCT v.id) AS failed FROM "IngestJob" j JOIN "Video" v ON v.id = j."videoId"
    LEFT JOIN "IndexedVideo" i ON i."indexId" = ${indexId} AND i."videoId" = v.id
    WHERE j."reindexId" = ${id} AND j.state = 'FAILED' AND v.state = 'INDEXED'
      AND (i."mediaVersion" IS NULL OR i."mediaVersion" <> v."indexedAt")`;
  return Number(row?.failed ?? 0);
}

/** Videos that the index lacks and that no job of the re-index is about, or was in vain. */
async function missingVideos(client: Client, { id, indexId }: ReindexRecord, limit: number): Promise<string[]> {
  const rows = await client.$queryRaw<{ id: string }[]>`
    SELECT v.id FROM "Video" v
    LEFT JOIN "IndexedVideo" i ON i."indexId" = ${indexId} AND i."videoId" = v.id
    WHERE v.state = 'INDEXED' AND (i."mediaVersion" IS NULL OR i."mediaVersion" <> v."indexedAt")
      AND NOT EXISTS (SELECT 1 FROM "IngestJob" j
        WHERE j."videoId" = v.id AND j."reindexId" = ${id} AND j.state IN ('PENDING', 'RUNNING', 'FAILED'))
    ORDER BY v.id LIMIT ${limit}`;
  return rows.map((row) => row.id);
}
