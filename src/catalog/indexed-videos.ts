import type { CatalogTransaction, Database } from "./database.js";
import type { IndexedVideoContents } from "./records.js";

/** What is removed in one transaction at most: a short stop for other writers. */
const removal = { videos: 200, segments: 20_000 };

const counted = { _count: true, _sum: { segmentCount: true } } as const;

/** How much an index holds. */
export interface IndexContentsCount {
  videos: number;
  segments: number;
}

/** What the indexes hold of the videos, as it was committed: the truth for an engine that keeps its vectors elsewhere. */
export class IndexedVideoRepository {
  constructor(private readonly database: Database) {}

  /** The live generation of each of the videos in an index; videos that are not in it are left out. */
  async generations(indexId: string, videoIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.reader.indexedVideo.findMany({
      where: { indexId, videoId: { in: [...videoIds] } },
      select: { videoId: true, generation: true },
    });
    return new Map(rows.map(({ videoId, generation }) => [videoId, generation]));
  }

  /** What an index holds of each of the videos; videos that are not in it are left out. */
  ofVideos(indexId: string, videoIds: readonly string[]): Promise<IndexedVideoContents[]> {
    return this.database.reader.indexedVideo.findMany({ where: { indexId, videoId: { in: [...videoIds] } } });
  }

  /** The indexes that hold something of a video, by id. */
  async indexesOf(tx: CatalogTransaction, videoId: string): Promise<string[]> {
    const rows = await tx.prisma.indexedVideo.findMany({ where: { videoId }, orderBy: { indexId: "asc" } });
    return rows.map(({ indexId }) => indexId);
  }

  /**
   * Reads what an index holds, page by page in the order of video ids. A page is a consistent state of the database; a
   * write between two pages may or may not be seen.
   */
  async *read(indexId: string, pageSize: number): AsyncGenerator<IndexedVideoContents[]> {
    for (let after = ""; ;) {
      const page = await this.database.reader.indexedVideo.findMany({
        where: { indexId, videoId: { gt: after } },
        orderBy: { videoId: "asc" },
        take: pageSize,
      });
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.videoId;
      yield page;
      if (page.length < pageSize) return;
    }
  }

  /** Number of videos in an index, and of their segments. */
  async count(indexId: string): Promise<IndexContentsCount> {
    const { _count, _sum } = await this.database.reader.indexedVideo.aggregate({ where: { indexId }, ...counted });
    return { videos: _count, segments: _sum.segmentCount ?? 0 };
  }

  /** The same for each index, over all tenants; indexes without any video are left out. */
  async countByIndex(tx?: CatalogTransaction): Promise<Map<string, IndexContentsCount>> {
    const client = tx?.prisma ?? this.database.reader;
    const counts = await client.indexedVideo.groupBy({ by: ["indexId"], ...counted });
    return new Map(
      counts.map(({ indexId, _count, _sum }) => [indexId, { videos: _count, segments: _sum.segmentCount ?? 0 }]),
    );
  }

  /** Whether an index holds any video. */
  async isHeld(indexId: string): Promise<boolean> {
    return (await this.database.reader.indexedVideo.findFirst({ where: { indexId } })) !== null;
  }

  /** Writes what an index holds of a video from now on. */
  async replace(tx: CatalogTransaction, contents: IndexedVideoContents): Promise<void> {
    const { indexId, videoId } = contents;
    const where = { indexId_videoId: { indexId, videoId } };
    await tx.prisma.indexedVideo.upsert({ where, create: contents, update: contents });
  }

  /** Notes that an index holds nothing of a video any more. */
  async remove(tx: CatalogTransaction, indexId: string, videoId: string): Promise<void> {
    await tx.prisma.indexedVideo.deleteMany({ where: { indexId, videoId } });
  }

  /**
   * Removes a part of what is known of an index: segments, with their vectors in the local index, and what it holds. One
   * small transaction, so that others get their turn.
   *
   * @param most what to remove; one video at least
   * @returns whether there was anything; when not, nothing is left
   */
  async removeSome(indexId: string, most = removal): Promise<boolean> {
    return this.database.transaction(async ({ prisma }) => {
      const rows = await prisma.indexedVideo.findMany({
        where: { indexId },
        select: { videoId: true, segmentCount: true },
        take: most.videos,
      });
      const where = { indexId, videoId: { in: firstOf(rows, most.segments) } };
      await prisma.segment.deleteMany({ where });
      await prisma.indexedVideo.deleteMany({ where });
      return rows.length > 0;
    });
  }
}

/** The first videos, as many as have so many segments together; one at least. */
function firstOf(rows: readonly { videoId: string; segmentCount: number }[], segments: number): string[] {
  let sum = 0;
  const tooMany = rows.findIndex(({ segmentCount }, n) => (sum += segmentCount) > segments && n > 0);
  return rows.slice(0, tooMany === -1 ? rows.length : tooMany).map(({ videoId }) => videoId);
}
