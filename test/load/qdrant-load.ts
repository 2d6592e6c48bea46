/** Work for the Qdrant engine: writes a library of made-up videos as ingests do, and asks it questions whose answers are known. */
import { RandomNumbers } from "../../bench/random-numbers.js";
import { newId, type Catalog } from "../../src/catalog/index.js";
import type { PatternQuery, VectorIndex, VectorPoint } from "../../src/vectors/index.js";

/** How much work. */
export interface LoadSize {
  segments: number;
  segmentsPerVideo: number;
  dimension: number;
  queries: number;
  /** Videos that are written, and queries that are asked, at the same time. */
  concurrency: number;
}

/** What was measured; times in milliseconds. */
export interface LoadFigures {
  segments: number;
  videos: number;
  writeSeconds: number;
  /** For each query, how long it took and which share of the right answer it found. */
  segmentQueries: { times: number[]; recallAt10: number; recallAt100: number };
  videoQueries: { times: number[]; recallAt20: number };
  deleteSeconds: number;
}

const TENANT = "load";
const PATTERN = 1;
const SEGMENTS_ASKED = 100;
const VIDEOS_ASKED = 20;
/** Segments that sound alike, on average. */
const SEGMENTS_PER_CLUSTER = 100;
/** Share of a vector that is its cluster's. */
const LIKENESS = 0.7;

/** All vectors, to know the right answers by. */
interface Truth {
  segmentIds: string[];
  videoIds: string[];
  vectors: Float32Array[];
}

/**
 * Writes, asks and deletes.
 *
 * @param settled called after the writing: waits until the server has built its graphs
 */
export async function runLoad(
  catalog: Catalog,
  index: VectorIndex,
  indexId: string,
  size: LoadSize,
  settled: () => Promise<void>,
): Promise<LoadFigures> {
  const random = new RandomNumbers(1);
  const clusters = Array.from({ length: Math.max(1, Math.round(size.segments / SEGMENTS_PER_CLUSTER)) }, () =>
    unitVector(random, size.dimension),
  );
  const vectorNear = () => Float32Array.from(random.near(clusters[random.below(clusters.length)]!, LIKENESS));
  const truth: Truth = { segmentIds: [], videoIds: [], vectors: [] };
  const videos = Math.ceil(size.segments / size.segmentsPerVideo);

  const begun = performance.now();
  await atOnce(videos, size.concurrency, async () => {
    const videoId = await addVideo(catalog);
    const points = Array.from({ length: size.segmentsPerVideo }, (_, ordinal): VectorPoint => {
      return { segmentId: newId(), videoId, tenant: TENANT, ordinal, pattern: PATTERN, vector: vectorNear() };
    });
    await store(catalog, index, indexId, videoId, points);
    for (const { segmentId, vector } of points) {
      truth.segmentIds.push(segmentId);
      truth.videoIds.push(videoId);
      truth.vectors.push(vector);
    }
  });
  const writeSeconds = (performance.now() - begun) / 1000;
  await settled();

  const questions = Array.from({ length: size.queries }, vectorNear);
  const segmentQueries = await askSegments(index, indexId, truth, questions, size.concurrency);
  const videoQueries = await askVideos(index, indexId, truth, questions, size.concurrency);

  const deleting = performance.now();
  await atOnce(videos, size.concurrency, async (number) => {
    const videoId = truth.videoIds[number * size.segmentsPerVideo]!;
    const pending = await catalog.transaction(async (tx) => {
      const write = await index.deleteVideo(indexId, videoId, tx);
      await catalog.videos.delete(tx, TENANT, videoId);
      return write;
    });
    await pending.publish();
  });
  const left = await index.count(indexId);
  if (left > 0) throw new Error(`${left} segments are left after all videos were deleted`);
  return {
    segments: truth.segmentIds.length,
    videos,
    writeSeconds,
    segmentQueries,
    videoQueries,
    deleteSeconds: (performance.now() - deleting) / 1000,
  };
}

async function addVideo(catalog: Catalog): Promise<string> {
  const source = { kind: "path", path: "/nowhere.mp4" } as const;
  const video = { tenant: TENANT, externalId: null, title: null, metadata: null, sourceName: "nowhere.mp4", source };
  return (await catalog.transaction((tx) => catalog.videos.create(tx, video))).id;
}

/** As the pipeline does: staged, committed with the segments, published. */
async function store(
  catalog: Catalog,
  index: VectorIndex,
  indexId: string,
  videoId: string,
  points: readonly VectorPoint[],
): Promise<void> {
  const staged = await index.stageVideo(indexId, TENANT, videoId, points);
  const rows = points.map(({ segmentId, ordinal, pattern }) => {
    return { id: segmentId, ordinal, startSeconds: ordinal, endSeconds: ordinal + 1, pattern };
  });
  const { generation } = staged;
  const pending = await catalog.transaction(async (tx) => {
    const contents = { indexId, videoId, tenant: TENANT, generation, mediaVersion: new Date() };
    await catalog.segments.replaceForVideo(tx, contents, rows);
    return staged.commit(tx);
  });
  await pending.publish();
}

async function askSegments(
  index: VectorIndex,
  indexId: string,
  truth: Truth,
  questions: readonly Float32Array[],
  concurrency: number,
): Promise<LoadFigures["segmentQueries"]> {
  const times: number[] = [];
  let found10 = 0;
  let found100 = 0;
  let right10 = 0;
  let right100 = 0;
  await atOnce(questions.length, concurrency, async (number) => {
    const vector = questions[number]!;
    const { result, time } = await timed(() =>
      index.query(indexId, [patternQuery(vector)], { tenant: TENANT }, SEGMENTS_ASKED),
    );
    times.push(time);
    const right = bestOf(truth.segmentIds, scoresOf(truth, vector), SEGMENTS_ASKED);
    const ids = result.map(({ segmentId }) => segmentId);
    found10 += shared(ids.slice(0, 10), right.slice(0, 10));
    found100 += shared(ids, right);
    right10 += Math.min(10, right.length);
    right100 += right.length;
  });
  return { times, recallAt10: found10 / right10, recallAt100: found100 / right100 };
}

async function askVideos(
  index: VectorIndex,
  indexId: string,
  truth: Truth,
  questions: readonly Float32Array[],
  concurrency: number,
): Promise<LoadFigures["videoQueries"]> {
  const times: number[] = [];
  let found = 0;
  let wanted = 0;
  await atOnce(questions.length, concurrency, async (number) => {
    const vector = questions[number]!;
    const page = { limit: VIDEOS_ASKED };
    const { result, time } = await timed(() =>
      index.queryVideos(indexId, [patternQuery(vector)], { tenant: TENANT }, page),
    );
    times.push(time);
    const best = new Map<string, number>();
    scoresOf(truth, vector).forEach((score, n) => {
      const videoId = truth.videoIds[n]!;
      best.set(videoId, Math.max(score, best.get(videoId) ?? -Infinity));
    });
    const right = bestOf([...best.keys()], [...best.values()], VIDEOS_ASKED);
    found += shared(
      result.map(({ videoId }) => videoId),
      right,
    );
    wanted += right.length;
  });
  return { times, recallAt20: found / wanted };
}

const patternQuery = (vector: Float32Array): PatternQuery => ({ pattern: PATTERN, vector });

function scoresOf({ vectors }: Truth, query: Float32Array): number[] {
  return vectors.map((vector) => vector.reduce((sum, value, d) => sum + value * query[d]!, 0));
}

function bestOf(ids: readonly string[], scores: readonly number[], limit: number): string[] {
  const order = ids.map((id, n) => ({ id, score: scores[n]! })).sort((a, b) => b.score - a.score);
  return order.slice(0, limit).map(({ id }) => id);
}

function shared(found: readonly string[], right: readonly string[]): number {
  const set = new Set(right);
  return found.filter((id) => set.has(id)).length;
}

function unitVector(random: RandomNumbers, dimension: number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, () => random.uniform() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; time: number }> {
  const begun = performance.now();
  const result = await work();
  return { result, time: performance.now() - begun };
}

/** Runs `work` for the numbers below `count`, so many at the same time. */
async function atOnce(count: number, concurrency: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
