import { VectorStageLostError } from "../errors.js";
import type { CatalogTransaction, Database } from "./database.js";
import type { Prisma } from "./generated/client.js";
import { newId } from "./ids.js";
import type { VectorWriteRecord, VectorWriteState } from "./records.js";

/** Points that are about to be written. */
export interface NewVectorWrite {
  /** The generation that the points will carry; a new id. */
  id: string;
  indexId: string;
  tenant: string;
  videoId: string;
}

/** Each change states what it relies on, so others need not wait for the whole transaction. */
const ROW_BY_ROW = { isolation: "LOCKING" } as const;

/** Seconds for which a write that was committed is left to its own process to finish. */
const ownSeconds = 30;

/**
 * The outbox of a vector engine outside the database: what is still to be done there. A row stands before the first
 * point is written and until the last dead one is removed, so that whatever a process leaves undone is found and done by
 * another. All times are the database's.
 */
export class VectorWriteRepository {
  constructor(private readonly database: Database) {}

  /**
   * Announces points, before the first of them is written.
   *
   * @param leaseSeconds after which the points are given up unless {@link extend} is called
   */
  async stage(write: NewVectorWrite, leaseSeconds: number): Promise<void> {
    const now = await this.database.now();
    const leaseExpiresAt = secondsAfter(now, leaseSeconds);
    await this.database.writer.vectorWrite.create({ data: { ...write, state: "STAGED", leaseExpiresAt } });
  }

  /** Keeps points that are still being written. False when they were given up: write no more of them. */
  async extend(id: string, leaseSeconds: number): Promise<boolean> {
    const leaseExpiresAt = secondsAfter(await this.database.now(), leaseSeconds);
    const { count } = await this.database.writer.vectorWrite.updateMany({
      where: { id, state: "STAGED" },
      data: { leaseExpiresAt },
    });
    return count === 1;
  }

  /**
   * Gives up points that no transaction has committed, as far as the caller knows.
   *
   * @returns true when they are dead: remove them, then the row ({@link remove}). False when they were committed after
   *   all, which a connection that broke during the commit leaves open: leave them alone.
   */
  async abandon(id: string, indexId: string, videoId: string): Promise<boolean> {
    return this.database.transaction(async ({ prisma }) => {
      const leaseExpiresAt = secondsAfter(await this.database.now(), ownSeconds);
      const data = { state: "ABANDONED", leaseExpiresAt } as const;
      const { count } = await prisma.vectorWrite.updateMany({ where: { id, state: "STAGED" }, data });
      if (count === 1) return true;
      const row = await prisma.vectorWrite.findUnique({ where: { id } });
      if (row !== null) return row.state === "ABANDONED";
      const live = await prisma.indexedVideo.findUnique({ where: { indexId_videoId: { indexId, videoId } } });
      return live?.generation !== id;
    }, ROW_BY_ROW);
  }

  /**
   * Commits points that were staged; what the index held of the video before is to be removed after the commit.
   *
   * @throws VectorStageLostError when the points were given up
   */
  async markReplaced(tx: CatalogTransaction, id: string): Promise<void> {
    const leaseExpiresAt = secondsAfter(await this.database.now(), ownSeconds);
    const { count } = await tx.prisma.vectorWrite.updateMany({
      where: { id, state: "STAGED" },
      data: { state: "REPLACED", leaseExpiresAt },
    });
    if (count === 0) {
      throw new VectorStageLostError("The vectors of the video were given up before they were committed. Try again.");
    }
  }

  /**
   * Notes that all points of a video are to be removed from an index; call it before the video is deleted.
   *
   * @returns id of the row, to be removed when that is done; null when there is no such video, so nothing to remove
   */
  async markDeleted(tx: CatalogTransaction, indexId: string, videoId: string): Promise<string | null> {
    const video = await tx.prisma.video.findUnique({ where: { id: videoId }, select: { tenant: true } });
    if (video === null) return null;
    const leaseExpiresAt = secondsAfter(await this.database.now(), ownSeconds);
    const row = { id: newId(), indexId, tenant: video.tenant, videoId, state: "DELETED", leaseExpiresAt } as const;
    await tx.prisma.vectorWrite.create({ data: row });
    return row.id;
  }

  /**
   * Notes that an index is to be removed, with all its rows.
   *
   * @param leaseSeconds after which others take it up unless {@link renew} is called
   * @returns id of the row, to be removed when that is done; null when it stood there already, so is another's to do
   */
  async markDropped(tx: CatalogTransaction, indexId: string, leaseSeconds: number): Promise<string | null> {
    if ((await this.findDropped(indexId, tx)) !== null) return null;
    const leaseExpiresAt = secondsAfter(await this.database.now(), leaseSeconds);
    const row = { id: newId(), indexId, state: "DROPPED", leaseExpiresAt } as const;
    await tx.prisma.vectorWrite.create({ data: row });
    return row.id;
  }

  /** Id of the row that says that the index is being removed; null when it is not. */
  async findDropped(indexId: string, tx?: CatalogTransaction): Promise<string | null> {
    const client = tx?.prisma ?? this.database.writer;
    return (await client.vectorWrite.findFirst({ where: { indexId, state: "DROPPED" } }))?.id ?? null;
  }

  /** Takes up a row that its process has left. False when that is still at it, or done. */
  async takeUp(id: string, leaseSeconds: number): Promise<boolean> {
    const now = await this.database.now();
    const { count } = await this.database.writer.vectorWrite.updateMany({
      where: { id, ...dueBy(now) },
      data: { leaseExpiresAt: secondsAfter(now, leaseSeconds) },
    });
    return count === 1;
  }

  /**
   * Takes up rows that their processes have left, the longest waiting first; other processes leave them alone for some
   * time. STAGED ones become ABANDONED by it, and can be committed no more.
   *
   * @param limit most rows to take
   * @param leaseSeconds after which they are taken up again if they still stand
   */
  async takeDue(limit: number, leaseSeconds: number): Promise<VectorWriteRecord[]> {
    const { reader } = this.database;
    const seen = await reader.vectorWrite.findFirst({ where: dueBy(await this.database.now()), select: { id: true } });
    if (seen === null) return [];
    return this.database.transaction(async ({ prisma }) => {
      const now = await this.database.now();
      const orderBy = [{ leaseExpiresAt: "asc" }, { id: "asc" }] as const;
      const due = await prisma.vectorWrite.findMany({ where: dueBy(now), orderBy: [...orderBy], take: limit });
      const leaseExpiresAt = secondsAfter(now, leaseSeconds);
      // Conditions again: another process may have been faster since the rows were read.
      const still = (state: (row: (typeof due)[number]) => boolean) => {
        return { ...dueBy(now), id: { in: due.filter(state).map(({ id }) => id) } };
      };
      const others = await prisma.vectorWrite.updateManyAndReturn({
        where: { ...still(({ state }) => state !== "STAGED"), state: { not: "STAGED" } },
        data: { leaseExpiresAt },
      });
      const staged = await prisma.vectorWrite.updateManyAndReturn({
        where: { ...still(({ state }) => state === "STAGED"), state: "STAGED" },
        data: { state: "ABANDONED", leaseExpiresAt },
      });
      return [...staged, ...others].map((row) => toRecord(row));
    }, ROW_BY_ROW);
  }

  /** Keeps others from taking up what the caller is doing for a while longer. False when another has finished it. */
  async renew(id: string, leaseSeconds: number): Promise<boolean> {
    const leaseExpiresAt = secondsAfter(await this.database.now(), leaseSeconds);
    const { count } = await this.database.writer.vectorWrite.updateMany({ where: { id }, data: { leaseExpiresAt } });
    return count === 1;
  }

  /** Strikes off what has been done. Does nothing when it is gone. */
  async remove(id: string): Promise<void> {
    await this.database.writer.vectorWrite.deleteMany({ where: { id } });
  }

  /** Strikes off all that was to be done in an index, but for its own removal. */
  async removeOfIndex(indexId: string): Promise<void> {
    await this.database.writer.vectorWrite.deleteMany({ where: { indexId, state: { not: "DROPPED" } } });
  }

  /** What is outstanding for some videos in an index, and the removal of the index. */
  async ofVideos(indexId: string, videoIds: readonly string[]): Promise<VectorWriteRecord[]> {
    const rows = await this.database.reader.vectorWrite.findMany({
      where: { indexId, OR: [{ videoId: { in: [...videoIds] } }, { videoId: null }] },
    });
    return rows.map((row) => toRecord(row));
  }

  /** Number of rows in each state. */
  async countByState(): Promise<Record<VectorWriteState, number>> {
    const counts = { STAGED: 0, ABANDONED: 0, REPLACED: 0, DELETED: 0, DROPPED: 0 };
    for (const { state, _count } of await this.database.reader.vectorWrite.groupBy({ by: ["state"], _count: true })) {
      counts[state] = _count;
    }
    return counts;
  }
}

function secondsAfter(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}

function dueBy(now: Date) {
  return { leaseExpiresAt: { lte: now } };
}

function toRecord({ id, indexId, tenant, videoId, state }: Prisma.VectorWriteModel): VectorWriteRecord {
  if (state === "DROPPED") return { id, indexId, state };
  if (tenant === null || videoId === null) throw new TypeError(`The vector write ${id} names no video.`);
  return { id, indexId, tenant, videoId, state };
}
