/**
 * How many bytes the catalog takes in SQLite and in PostgreSQL: for a video with its job, for a segment, and for a vector
 * of the local index. Each is the growth of the whole database, indexes included, by many of them.
 */
import path from "node:path";
import type { CatalogTransaction } from "../src/catalog/index.js";
import type { Earshot } from "../src/earshot.js";
import { NoPostgresError, startPostgresCluster } from "../test/fixtures/postgres-cluster.js";
import type { Benchmark, Value } from "./benchmark.js";
import { createEarshot, flatDimension, newId, TENANT } from "./product.js";
import { RandomNumbers } from "./random-numbers.js";
import { rounded } from "./statistics.js";

/** A video of eight minutes, with the starter pack. */
const SEGMENTS_PER_VIDEO = 250;

interface Sizes {
  videos: number;
  /** Of them, those with vectors in the database as well. */
  videosWithVectors: number;
}

export const databaseSize: Benchmark = {
  name: "database-size",
  async run({ folder, quick, progress }) {
    const sizes = quick ? { videos: 20, videosWithVectors: 2 } : { videos: 4000, videosWithVectors: 100 };
    const dataDirectory = path.join(folder, "database-size");
    const values: Value[] = [];
    const measureIn = async (database: string, databaseUrl?: string): Promise<void> => {
      const options = { env: {}, dataDirectory, logLevel: "error" as const };
      const earshot = await createEarshot({ ...options, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
      try {
        values.push(...(await measure(earshot, database, sizes)));
        progress(`${database} done`);
      } finally {
        await earshot.close();
      }
    };
    await measureIn("sqlite");
    try {
      const cluster = await startPostgresCluster();
      await measureIn("postgresql", cluster.url()).finally(() => cluster.end());
    } catch (error) {
      if (!(error instanceof NoPostgresError)) throw error;
      progress(`PostgreSQL was not measured: ${error.message}`);
    }
    return { values, settings: { ...sizes, segmentsPerVideo: SEGMENTS_PER_VIDEO } };
  },
};

async function measure(earshot: Earshot, database: string, sizes: Sizes): Promise<Value[]> {
  const { catalog, pack } = earshot;
  const videoIds: string[] = [];
  const inBatches = async (count: number, work: (tx: CatalogTransaction, number: number) => Promise<void>) => {
    for (let first = 0; first < count; first += 50) {
      await catalog.transaction(async (tx) => {
        for (let number = first; number < Math.min(count, first + 50); number++) await work(tx, number);
      });
    }
  };
  const empty = await bytesOf(earshot);
  await inBatches(sizes.videos, async (tx, number) => {
    videoIds[number] = await addVideo(earshot, tx, number);
  });
  const withVideos = await bytesOf(earshot);
  await inBatches(sizes.videos, (tx, number) => addSegments(earshot, tx, videoIds[number]!));
  const withSegments = await bytesOf(earshot);
  const random = new RandomNumbers(1);
  await inBatches(sizes.videosWithVectors, (tx, number) => addVectors(earshot, tx, videoIds[number]!, random));
  const withVectors = await bytesOf(earshot);

  const segments = sizes.videos * SEGMENTS_PER_VIDEO;
  const vectors = sizes.videosWithVectors * SEGMENTS_PER_VIDEO;
  const each = (what: string, bytes: number, count: number): Value => {
    return { name: `${database}/${what}`, unit: "bytes", value: rounded(bytes / count) };
  };
  return [
    each("video with its job", withVideos - empty, sizes.videos),
    each("segment", withSegments - withVideos, segments),
    each(`local vector of ${flatDimension(pack.manifest)} values`, withVectors - withSegments, vectors),
  ];
}

async function addVideo({ catalog, pack }: Earshot, tx: CatalogTransaction, number: number): Promise<string> {
  const details = {
    title: `A title of about the usual length, number ${number}`,
    metadata: { channel: number % 100, language: "en", tags: ["outdoors", "summer"] },
    sourceName: `${number}.mp4`,
    source: { kind: "path", path: `/srv/videos/2026/${number}.mp4` } as const,
  };
  const video = await catalog.videos.create(tx, { ...details, tenant: TENANT, externalId: `video-${number}` });
  const now = new Date();
  await tx.prisma.ingestJob.create({
    data: {
      id: newId(),
      tenant: TENANT,
      videoId: video.id,
      externalId: video.externalId,
      source: { source: details.source, title: details.title, metadata: details.metadata },
      state: "COMPLETED",
      progress: 1,
      attempts: 1,
      requestId: newId(),
      startedAt: now,
      finishedAt: now,
    },
  });
  await catalog.videos.markIndexed(tx, video.id, { ...details, durationSeconds: 480, indexedAt: now });
  await replace(catalog, tx, pack.id, video.id, []);
  return video.id;
}

/** Rows as an ingest writes them, without vectors: all that the database holds when they are in Qdrant. */
async function addSegments({ catalog, pack }: Earshot, tx: CatalogTransaction, videoId: string): Promise<void> {
  const { segment, sampleRate } = pack.manifest;
  const hop = segment.hopSamples / sampleRate;
  const length = segment.lengthSamples / sampleRate;
  const rows = Array.from({ length: SEGMENTS_PER_VIDEO }, (_, ordinal) => {
    return { id: newId(), ordinal, startSeconds: ordinal * hop, endSeconds: ordinal * hop + length, pattern: 3 };
  });
  await replace(catalog, tx, pack.id, videoId, rows);
}

async function addVectors(
  { pack, vectors }: Earshot,
  tx: CatalogTransaction,
  videoId: string,
  random: RandomNumbers,
): Promise<void> {
  const dimension = flatDimension(pack.manifest);
  const segments = await tx.prisma.segment.findMany({ where: { videoId }, orderBy: { ordinal: "asc" } });
  const points = segments.map(({ id, ordinal, pattern }) => {
    const vector = Float32Array.from({ length: dimension }, () => random.uniform() - 0.5);
    return { segmentId: id, videoId, tenant: TENANT, ordinal, pattern, vector };
  });
  const staged = await vectors.stageVideo(pack.id, TENANT, videoId, points);
  await staged.commit(tx);
}

function replace(
  catalog: Earshot["catalog"],
  tx: CatalogTransaction,
  indexId: string,
  videoId: string,
  rows: Parameters<typeof catalog.segments.replaceForVideo>[2],
): Promise<void> {
  const video = { indexId, videoId, tenant: TENANT, generation: newId(), mediaVersion: new Date() };
  return catalog.segments.replaceForVideo(tx, video, rows);
}

/** Size of the whole database. */
async function bytesOf({ catalog, options }: Earshot): Promise<number> {
  const sql = options.databaseUrl.startsWith("file:")
    ? "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()"
    : "SELECT pg_database_size(current_database()) AS bytes";
  return catalog.transaction(async (tx) => Number((await tx.execute(sql, []))[0]?.["bytes"]));
}
