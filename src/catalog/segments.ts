import type { CatalogTransaction, Database } from "./database.js";
import type { IndexedVideoRepository } from "./indexed-videos.js";
import type { IndexedVideoContents, SegmentRecord } from "./records.js";

/** Segments of the videos: which spans of time are in which index. */
export class SegmentRepository {
  constructor(
    private readonly database: Database,
    private readonly indexedVideos: IndexedVideoRepository,
  ) {}

  /** The segments of videos in one index, by video and then by time. */
  ofVideos(indexId: string, videoIds: readonly string[]): Promise<SegmentRecord[]> {
    return this.database.reader.segment.findMany({
      where: { indexId, videoId: { in: [...videoIds] } },
      omit: { indexId: true },
      orderBy: [{ videoId: "asc" }, { ordinal: "asc" }],
    });
  }

  /** Number of segments of each video in one index; videos without any are left out. */
  async countByVideo(indexId: string, videoIds: readonly string[]): Promise<Map<string, number>> {
    const counts = await this.database.reader.segment.groupBy({
      by: ["videoId"],
      where: { indexId, videoId: { in: [...videoIds] } },
      _count: true,
    });
    return new Map(counts.map(({ videoId, _count }) => [videoId, _count]));
  }

  /** Number of segments in one index. */
  count(indexId: string): Promise<number> {
    return this.database.reader.segment.count({ where: { indexId } });
  }

  /** Availability patterns that occur in one index, ascending. */
  async patterns(indexId: string): Promise<number[]> {
    // One step along the index for each pattern, however many segments there are.
    const rows = await this.database.query(
      `WITH RECURSIVE found("pattern") AS (
         SELECT min("pattern") FROM "Segment" WHERE "indexId" = ?
         UNION ALL
         SELECT (SELECT min(s."pattern") FROM "Segment" s WHERE s."indexId" = ? AND s."pattern" > found."pattern")
         FROM found WHERE found."pattern" IS NOT NULL
       )
       SELECT "pattern" FROM found WHERE "pattern" IS NOT NULL ORDER BY "pattern"`,
      [indexId, indexId],
    );
    return rows.map((row) => Number(row["pattern"]));
  }

  /**
   * Replaces a video's segments in one index, and what the index is known to hold of it; their vectors in the local
   * index go with the old ones.
   */
  async replaceForVideo(
    tx: CatalogTransaction,
    video: Omit<IndexedVideoContents, "segmentCount">,
    segments: readonly Omit<SegmentRecord, "videoId">[],
  ): Promise<void> {
    const { indexId, videoId } = video;
    await tx.prisma.segment.deleteMany({ where: { indexId, videoId } });
    await this.indexedVideos.replace(tx, { ...video, segmentCount: segments.length });
    await this.database.dialect.insertRows(
      tx,
      "Segment",
      segments.map(({ id, ordinal, startSeconds, endSeconds, pattern }) => {
        return { id, videoId, indexId, ordinal, startSeconds, endSeconds, pattern };
      }),
    );
  }
}
