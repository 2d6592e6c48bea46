import { endianness } from "node:os";
import { textOf, type CatalogTransaction, type Database, type SqlRow } from "./database.js";
import type { Prisma } from "./generated/client.js";
import type { SegmentVectorRecord, VectorIndexRecord } from "./records.js";

/** Rows that are read at a time: 4 MB of vectors of 512 values. */
const pageSize = 2048;

/** Rows that are written by one statement. */
const writeSize = 100;

/** The rows of vectors, with what only the segment knows. */
const select = `SELECT v."segmentId", v."videoId", v."tenant", s."ordinal", v."pattern", v."vector"
  FROM "SegmentVector" v JOIN "Segment" s ON s."id" = v."segmentId"`;

/** How many vectors of a video there are. */
export interface VideoVectors {
  videoId: string;
  tenant: string;
  count: number;
}

/** Where an index stands. */
export interface VectorIndexState {
  /**
   * Number of the last change to any index, 0 before the first. Each `replaceForVideo` and `deleteOfVideo` has a larger one
   * than all before, also those of other processes.
   */
  lastChange: number;
  /** Null when there is no such index. An index that is removed and made again has another time. */
  index: { dimension: number; made: string } | null;
}

/** The rows behind the local vector index: float32, little-endian. */
export class VectorRepository {
  constructor(private readonly database: Database) {}

  /** All indexes, by id. */
  indexes(): Promise<VectorIndexRecord[]> {
    return this.database.reader.vectorIndexRow.findMany({ omit: { createdAt: true }, orderBy: { id: "asc" } });
  }

  /** The index of that id; null when there is none. */
  findIndex(id: string): Promise<VectorIndexRecord | null> {
    return this.database.reader.vectorIndexRow.findUnique({ where: { id }, omit: { createdAt: true } });
  }

  /** Makes an index; does nothing when there is one of that id. */
  async createIndex({ id, dimension }: VectorIndexRecord): Promise<void> {
    await this.database.transaction(({ prisma }) =>
      prisma.vectorIndexRow.upsert({ where: { id }, create: { id, dimension }, update: {} }),
    );
  }

  /** Removes an index with all its vectors; does nothing when there is none. */
  async dropIndex(id: string): Promise<void> {
    await this.database.transaction(async ({ prisma }) => {
      await prisma.vectorIndexRow.deleteMany({ where: { id } });
      await prisma.vectorChange.deleteMany({ where: { indexId: id } });
    });
  }

  /** Number of vectors in an index, of one tenant if it is given. */
  count(indexId: string, tenant?: string): Promise<number> {
    return this.database.reader.segmentVector.count({
      where: { indexId, ...(tenant === undefined ? {} : { tenant }) },
    });
  }

  /**
   * Reads all vectors of an index, page by page in the order of segment ids. A page is a consistent state of
   * the database; a write between two pages may or may not be seen.
   */
  async *read(indexId: string): AsyncGenerator<SegmentVectorRecord[]> {
    let after = "";
    for (;;) {
      // Not through Prisma, which would turn every vector into base64 text on its way.
      const rows = await this.database.query(
        `${select} WHERE v."indexId" = ? AND v."segmentId" > ? ORDER BY v."segmentId" LIMIT ?`,
        [indexId, after, pageSize],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      after = textOf(last, "segmentId");
      yield rows.map(toRecord);
      if (rows.length < pageSize) return;
    }
  }

  /** Number of vectors of each video in an index, page by page in the order of video ids. */
  async *contents(indexId: string): AsyncGenerator<VideoVectors[]> {
    for (let after = ""; ;) {
      const page = await this.countByVideo({ indexId, videoId: { gt: after } }, pageSize);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.videoId;
      yield page;
      if (page.length < pageSize) return;
    }
  }

  /** Number of vectors of some videos in an index; videos without any are left out. */
  contentsOf(indexId: string, videoIds: readonly string[]): Promise<VideoVectors[]> {
    return this.countByVideo({ indexId, videoId: { in: [...videoIds] } });
  }

  private async countByVideo(where: Prisma.SegmentVectorWhereInput, take?: number): Promise<VideoVectors[]> {
    const rows = await this.database.reader.segmentVector.groupBy({
      by: ["videoId", "tenant"],
      where,
      _count: true,
      orderBy: { videoId: "asc" },
      ...(take === undefined ? {} : { take }),
    });
    return rows.map(({ videoId, tenant, _count }) => ({ videoId, tenant, count: _count }));
  }

  /** The vectors of one video in an index, by segment id. */
  async ofVideo(indexId: string, videoId: string): Promise<SegmentVectorRecord[]> {
    const rows = await this.database.query(
      `${select} WHERE v."indexId" = ? AND v."videoId" = ? ORDER BY v."segmentId"`,
      [indexId, videoId],
    );
    return rows.map(toRecord);
  }

  /** Where an index stands; reading it takes microseconds. */
  async state(indexId: string): Promise<VectorIndexState> {
    const [row = {}] = await this.database.query(
      `SELECT (SELECT coalesce(max("sequence"), 0) FROM "VectorChange") AS "last", i."dimension", i."createdAt"
       FROM (SELECT 1) AS "one" LEFT JOIN "VectorIndex" i ON i."id" = ?`,
      [indexId],
    );
    const { last, dimension, createdAt } = row;
    const made = createdAt instanceof Date ? createdAt.toISOString() : String(createdAt);
    return { lastChange: Number(last), index: dimension === null ? null : { dimension: Number(dimension), made } };
  }

  /** Ids of the videos whose vectors in an index changed after the change of that number, in order of the changes. */
  async changedSince(indexId: string, sequence: number): Promise<string[]> {
    const rows = await this.database.reader.vectorChange.findMany({
      where: { indexId, sequence: { gt: sequence } },
      orderBy: { sequence: "asc" },
    });
    return rows.map(({ videoId }) => videoId);
  }

  /** Replaces a video's vectors in an index. Its segments must have been written before. */
  async replaceForVideo(
    tx: CatalogTransaction,
    indexId: string,
    videoId: string,
    vectors: readonly Omit<SegmentVectorRecord, "videoId" | "ordinal">[],
  ): Promise<void> {
    await tx.prisma.segmentVector.deleteMany({ where: { indexId, videoId } });
    for (let start = 0; start < vectors.length; start += writeSize) {
      const rows = vectors.slice(start, start + writeSize).map(({ segmentId, tenant, pattern, vector }) => {
        return { segmentId, indexId, tenant, videoId, pattern, vector: toBytes(vector) };
      });
      await this.database.dialect.insertRows(tx, "SegmentVector", rows);
    }
    await this.noteChange(tx, indexId, videoId);
  }

  /** Removes a video's vectors from an index. */
  async deleteOfVideo(tx: CatalogTransaction, indexId: string, videoId: string): Promise<void> {
    await tx.prisma.segmentVector.deleteMany({ where: { indexId, videoId } });
    await this.noteChange(tx, indexId, videoId);
  }

  private async noteChange(tx: CatalogTransaction, indexId: string, videoId: string): Promise<void> {
    // A reader that has seen one number must never miss a smaller one: numbers are given in the order of the commits.
    await this.database.dialect.lockName(tx, "VectorChange");
    await tx.prisma.vectorChange.deleteMany({ where: { indexId, videoId } });
    await tx.prisma.vectorChange.create({ data: { indexId, videoId } });
  }
}

function toRecord(row: SqlRow): SegmentVectorRecord {
  return {
    segmentId: textOf(row, "segmentId"),
    videoId: textOf(row, "videoId"),
    tenant: textOf(row, "tenant"),
    ordinal: Number(row["ordinal"]),
    pattern: Number(row["pattern"]),
    vector: fromBytes(row["vector"]),
  };
}

const littleEndian = endianness() === "LE";

function toBytes(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(vector.byteLength);
  bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
  if (!littleEndian) Buffer.from(bytes.buffer).swap32();
  return bytes;
}

function fromBytes(value: unknown): Float32Array {
  // A view of a larger buffer may begin where no float32 may.
  const bytes = value instanceof Uint8Array ? Uint8Array.from(value).buffer : value;
  if (!(bytes instanceof ArrayBuffer)) throw new Error("A vector in the database is not a blob.");
  if (!littleEndian) Buffer.from(bytes).swap32();
  return new Float32Array(bytes);
}
