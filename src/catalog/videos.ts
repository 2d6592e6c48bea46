import type { CatalogTransaction, Database } from "./database.js";
import { Prisma } from "./generated/client.js";
import type { AgePosition, MediaSource, VideoFilter, VideoMetadata, VideoRecord } from "./records.js";
import { newId } from "./ids.js";
import { videoWhere } from "./video-filter.js";

/** What is known about a video when it is submitted. */
export interface NewVideo {
  tenant: string;
  externalId: string | null;
  title: string | null;
  metadata: VideoMetadata | null;
  sourceName: string;
  source: MediaSource;
}

/** What an ingest that succeeded leaves on its video. */
export interface IndexedVideo extends Omit<NewVideo, "tenant" | "externalId"> {
  durationSeconds: number;
  indexedAt: Date;
}

/** A video of the index, by the platform's own id. */
export interface IndexedVideoRecord extends Pick<VideoRecord, "id" | "durationSeconds" | "indexedAt"> {
  externalId: string;
}

/** The videos of the library. Whatever a client may ask for takes the tenant and never sees another's. */
export class VideoRepository {
  constructor(private readonly database: Database) {}

  /** The tenant's video of that id; null when there is none. */
  async find(tenant: string, id: string, tx?: CatalogTransaction): Promise<VideoRecord | null> {
    const client = tx?.prisma ?? this.database.reader;
    return toRecord(await client.video.findUnique({ where: { id, tenant } }));
  }

  /** The tenant's video of that external id; null when there is none. */
  async findByExternalId(tenant: string, externalId: string, tx?: CatalogTransaction): Promise<VideoRecord | null> {
    const client = tx?.prisma ?? this.database.reader;
    return toRecord(await client.video.findUnique({ where: { tenant_externalId: { tenant, externalId } } }));
  }

  /** The tenant's videos among those ids, in no particular order. */
  async findMany(tenant: string, ids: readonly string[]): Promise<VideoRecord[]> {
    const rows = await this.database.reader.video.findMany({ where: { tenant, id: { in: [...ids] } } });
    return rows.map((row) => toRecord(row));
  }

  /**
   * Ids of the tenant's videos that pass a filter.
   *
   * @throws InvalidFilterError; so do the other methods that take a filter
   */
  async findIds(tenant: string, filter: VideoFilter): Promise<string[]> {
    const where = await videoWhere(this.database, tenant, filter);
    const rows = await this.database.reader.video.findMany({ where, select: { id: true } });
    return rows.map(({ id }) => id);
  }

  /** What tells the tenant's indexed videos apart, and whether they are still as they were; those without an external id left out. */
  async indexed(tenant: string): Promise<IndexedVideoRecord[]> {
    const rows = await this.database.reader.video.findMany({
      where: { tenant, state: "INDEXED", externalId: { not: null } },
      select: { id: true, externalId: true, durationSeconds: true, indexedAt: true },
      orderBy: { externalId: "asc" },
    });
    return rows.map(({ externalId, ...row }) => ({ ...row, externalId: externalId ?? "" }));
  }

  /** The newest videos that pass a filter, at most `limit`, beginning after a place in the list. */
  async list(tenant: string, filter: VideoFilter, limit: number, after?: AgePosition): Promise<VideoRecord[]> {
    const rows = await this.database.reader.video.findMany({
      where: { AND: [await videoWhere(this.database, tenant, filter), ...olderThan(after)] },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
    });
    return rows.map((row) => toRecord(row));
  }

  /** Number of the tenant's videos that pass a filter. */
  async count(tenant: string, filter: VideoFilter): Promise<number> {
    return this.database.reader.video.count({ where: await videoWhere(this.database, tenant, filter) });
  }

  /** Adds a video that is still to be indexed. */
  async create(tx: CatalogTransaction, video: NewVideo): Promise<VideoRecord> {
    return toRecord(await tx.prisma.video.create({ data: { ...toColumns(video), id: newId() } }));
  }

  /** Replaces what is known about a video that is still to be indexed. */
  async describe(tx: CatalogTransaction, id: string, video: Omit<NewVideo, "tenant" | "externalId">): Promise<void> {
    await tx.prisma.video.updateMany({ where: { id, state: "PENDING" }, data: toColumns(video) });
  }

  /** Marks a video as indexed and stores what its media and its order say. False when the video is gone. */
  async markIndexed(tx: CatalogTransaction, id: string, video: IndexedVideo): Promise<boolean> {
    const { count } = await tx.prisma.video.updateMany({
      where: { id },
      data: { ...toColumns(video), state: "INDEXED" },
    });
    return count === 1;
  }

  /** Removes the tenant's video with its segments; its jobs stay, without it. */
  async delete(tx: CatalogTransaction, tenant: string, id: string): Promise<void> {
    await tx.prisma.video.deleteMany({ where: { id, tenant } });
  }

  /** Removes a video that was never indexed and has no job left which could still index it. */
  async deleteAbandoned(tx: CatalogTransaction, id: string): Promise<void> {
    await tx.prisma.video.deleteMany({
      where: { id, state: "PENDING", jobs: { none: { state: { in: ["PENDING", "RUNNING"] } } } },
    });
  }
}

/** A condition for rows that come after a place in a list ordered by age. */
export function olderThan(position: AgePosition | undefined) {
  if (position === undefined) return [];
  const { createdAt, id } = position;
  return [{ OR: [{ createdAt: { lt: createdAt } }, { createdAt, id: { lt: id } }] }];
}

interface JsonFields {
  metadata: VideoMetadata | null;
  source: MediaSource;
}

/** A video with its JSON fields as Prisma takes them. */
function toColumns<V extends JsonFields>({ metadata, source, ...columns }: V) {
  return {
    ...columns,
    metadata: metadata === null ? Prisma.DbNull : (metadata as Prisma.InputJsonObject),
    source: { ...source },
  };
}

type VideoRow = Prisma.VideoModel;

function toRecord(row: VideoRow): VideoRecord;
function toRecord(row: VideoRow | null): VideoRecord | null;
function toRecord(row: VideoRow | null): VideoRecord | null {
  if (row === null) return null;
  return { ...row, metadata: row.metadata as VideoMetadata | null, source: row.source as unknown as MediaSource };
}
