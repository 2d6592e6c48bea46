import { randomUUID } from "node:crypto";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import type { EarshotOptions } from "../../../src/index.js";
import { endLeases } from "../../fixtures/catalog.js";
import {
  addScoredVideo,
  openTestEarshot,
  TEST_PACK,
  TEST_PACK_WORD,
  type TestEarshot,
} from "../../fixtures/earshot.js";
import { HoldingProxy, type Hold } from "../../fixtures/holding-proxy.js";
import { quickIngest } from "../../fixtures/ingesting.js";
import { runAndKillAt } from "../../fixtures/killed-process.js";
import { sample } from "../../fixtures/media-samples.js";
import { FakeQdrant } from "../../fixtures/qdrant/server.js";

/** What a write sends: points one by one, then, committed, it asks what is dead and removes that. */
const upsert = /^PUT \/collections\/[^/]+\/points$/;
const question = /^POST \/collections\/[^/]+\/facet$/;
const removal = /^POST \/collections\/[^/]+\/points\/delete$/;

/** Segments of the file that is ingested. */
const SEGMENTS = 3;

let qdrant: FakeQdrant;
let proxy: HoldingProxy;
let test: TestEarshot;
/** Options of the process that is killed: the same data, and Qdrant through the proxy. */
let options: EarshotOptions;

beforeAll(async () => {
  qdrant = await FakeQdrant.start();
  proxy = await HoldingProxy.start(qdrant.url);
});
afterAll(async () => {
  await proxy.stop();
  await qdrant.stop();
});

beforeEach(async () => {
  const settings = { retryDelaySeconds: 0.01, collectionPrefix: `killed-${randomUUID()}`, upsertBytes: 1 };
  const vectors = (url: string) => ({ vectors: { engine: "qdrant" as const, qdrant: { url, ...settings } } });
  test = await openTestEarshot({ ingest: quickIngest, ...vectors(qdrant.url) });
  const { dataDirectory, databaseUrl, mediaRoots } = test.earshot.options;
  options = {
    ...{ dataDirectory, databaseUrl, mediaRoots, modelPack: TEST_PACK, logLevel: "silent" },
    ...{ inference: { threads: 1 }, ingest: quickIngest },
    ...vectors(proxy.url),
  };
  await addScoredVideo(test, { externalId: "other", word: TEST_PACK_WORD, scores: [0.7] });
  await addScoredVideo(test, { externalId: "a", word: TEST_PACK_WORD, scores: [0.9, 0.8, 0.6, 0.5] });
});
afterEach(() => test.end());

/** The segments that a search of everything finds are those of the catalog: all of them, and no others. */
async function expectSearchToBeRight(): Promise<void> {
  const { catalog, vectors, pack, encoder } = test.earshot;
  const videos = await catalog.videos.list(DEFAULT_TENANT, {}, 10);
  const segments = await catalog.segments.ofVideos(
    pack.id,
    videos.map(({ id }) => id),
  );
  const { embeddings } = await encoder.encodeText(TEST_PACK_WORD);
  const vector = Float32Array.from(embeddings.flatMap((embedding) => Array.from(embedding)));
  const queries = [1, 2, 3].map((pattern) => ({ pattern, vector }));
  const hits = await vectors.query(pack.id, queries, { tenant: DEFAULT_TENANT }, 1000);
  expect(hits.map(({ segmentId }) => segmentId).sort()).toEqual(segments.map(({ id }) => id).sort());
  const page = await test.earshot.search.search({
    ...{ tenant: DEFAULT_TENANT, query: TEST_PACK_WORD, first: 10, momentsPerVideo: 1 },
  });
  expect(page.hits.map(({ video }) => video.externalId).sort()).toEqual(
    videos.map(({ externalId }) => externalId).sort(),
  );
}

/** What there is in the end: the points are the segments, and nothing is outstanding. */
async function expectAllToBeExact(segmentsOfVideo: Record<string, number>): Promise<void> {
  const { catalog, vectors, pack } = test.earshot;
  const held: Record<string, number> = {};
  for await (const batch of vectors.contents(pack.id)) {
    for (const { videoId, generation, points } of batch) {
      held[`${videoId} ${generation}`] = (held[`${videoId} ${generation}`] ?? 0) + points;
    }
  }
  const known: Record<string, number> = {};
  const counts: Record<string, number> = {};
  for await (const page of catalog.indexedVideos.read(pack.id, 100)) {
    for (const { videoId, generation, segmentCount } of page) {
      known[`${videoId} ${generation}`] = segmentCount;
      const video = await catalog.videos.find(DEFAULT_TENANT, videoId);
      counts[video?.externalId ?? "gone"] = (await catalog.segments.ofVideos(pack.id, [videoId])).length;
    }
  }
  expect(held).toEqual(known);
  expect(counts).toEqual(segmentsOfVideo);
  await expectSearchToBeRight();
}

/** Time passes, and another process begins to work: this one. */
async function recover(): Promise<void> {
  const { catalog, ingest } = test.earshot;
  await endLeases(catalog);
  await test.earshot.start();
  for (const { id } of await catalog.jobs.list(DEFAULT_TENANT, {}, 10)) {
    expect(await ingest.waitFor(DEFAULT_TENANT, id)).toMatchObject({ state: "COMPLETED" });
  }
  const nothing = { STAGED: 0, ABANDONED: 0, REPLACED: 0, DELETED: 0, DROPPED: 0 };
  await vi.waitFor(async () => expect(await catalog.vectorWrites.countByState()).toEqual(nothing), 60_000);
}

async function killAt(program: string, args: readonly string[], hold: Hold): Promise<void> {
  const moment = proxy.keepBack(hold);
  const held = moment.then(() => expectSearchToBeRight());
  await runAndKillAt(program, [JSON.stringify(options), ...args], held);
  await held;
  await expectSearchToBeRight();
}

describe("a process that is killed while it replaces a video", () => {
  it.each<[string, Hold, "old" | "new", "STAGED" | "REPLACED"]>([
    ["before the first point", { request: upsert, which: 1, at: "arrival" }, "old", "STAGED"],
    ["between two points", { request: upsert, which: 2, at: "arrival" }, "old", "STAGED"],
    ["after the last point, before the commit", { request: upsert, which: SEGMENTS, at: "answer" }, "old", "STAGED"],
    ["after the commit", { request: question, which: 1, at: "arrival" }, "new", "REPLACED"],
    ["before dead points are removed", { request: removal, which: 1, at: "arrival" }, "new", "REPLACED"],
    ["before its row is struck off", { request: removal, which: 1, at: "answer" }, "new", "REPLACED"],
  ])("%s leaves the old segments or the new ones, and is repaired", async (_, hold, shown, state) => {
    const { catalog, pack } = test.earshot;
    const file = path.join(test.media, "a.mp4");
    await copyFile(await sample("tone.mp4"), file);
    await killAt("ingest-process.mjs", [file, "a"], hold);

    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, "a");
    const segments = await catalog.segments.ofVideos(pack.id, [video!.id]);
    expect(segments).toHaveLength(shown === "old" ? 4 : SEGMENTS);
    expect(await catalog.vectorWrites.countByState()).toMatchObject({ [state]: 1 });
    await recover();
    await expectAllToBeExact({ a: SEGMENTS, other: 1 });
  });
});

describe("a process that is killed while it deletes a video", () => {
  it.each<[string, Hold]>([
    ["after the commit", { request: question, which: 1, at: "arrival" }],
    ["before the points are removed", { request: removal, which: 1, at: "arrival" }],
    ["before its row is struck off", { request: removal, which: 1, at: "answer" }],
  ])("%s leaves a video that no search finds, and is repaired", async (_, hold) => {
    const { catalog } = test.earshot;
    await killAt("delete-process.mjs", ["a"], hold);
    expect(await catalog.videos.findByExternalId(DEFAULT_TENANT, "a")).toBeNull();
    expect(await catalog.vectorWrites.countByState()).toMatchObject({ DELETED: 1 });
    await recover();
    await expectAllToBeExact({ other: 1 });
  });
});

describe("a video that is deleted while the vector engine is away", () => {
  it("is found no more, and its points go when the engine is back", async () => {
    const { url } = qdrant;
    await qdrant.stop();
    await test.earshot.ingest.deleteVideo(DEFAULT_TENANT, { externalId: "a" });
    await qdrant.restart(url);
    await expectSearchToBeRight();
    await recover();
    await expectAllToBeExact({ other: 1 });
  });
});

describe("a reconciliation of an index in Qdrant", () => {
  it("removes points that nobody refers to, leaves those of writes in progress, and names videos whose points are lost", async () => {
    const { catalog, vectors, pack, reconciler } = test.earshot;
    const { dimension } = (await vectors.list())[0]!;
    const points = (videoId: string, count: number) =>
      Array.from({ length: count }, (_, ordinal) => {
        const vector = new Float32Array(dimension).fill(0.1);
        return { segmentId: randomUUID(), videoId, tenant: DEFAULT_TENANT, ordinal, pattern: 1, vector };
      });
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, "a");
    // A writer that was so slow that it wrote on after it had been given up: its row is gone, its points are there.
    const lost = await vectors.stageVideo(pack.id, DEFAULT_TENANT, video!.id, points(video!.id, 5));
    await catalog.vectorWrites.remove(lost.generation);
    const going = await vectors.stageVideo(pack.id, DEFAULT_TENANT, video!.id, points(video!.id, 2));
    const other = await catalog.videos.findByExternalId(DEFAULT_TENANT, "other");
    const contents = { indexId: pack.id, videoId: other!.id, tenant: DEFAULT_TENANT, mediaVersion: new Date(0) };
    const rows = [{ id: randomUUID(), ordinal: 0, startSeconds: 0, endSeconds: 2, pattern: 1 }];
    await catalog.transaction((tx) =>
      catalog.segments.replaceForVideo(tx, { ...contents, generation: randomUUID() }, rows),
    );

    const found = { videos: 2, segments: 5, points: 12, pendingPoints: 2, orphanedPoints: 6, incompleteVideos: 1 };
    expect(await reconciler.reconcile({ dryRun: true, requestId: null })).toMatchObject(found);
    expect(await reconciler.reconcile({ dryRun: false, requestId: null })).toMatchObject({
      ...found,
      unmended: [{ externalId: "other", code: "SOURCE_NOT_FOUND" }],
    });
    expect(await reconciler.reconcile({ dryRun: true, requestId: null })).toMatchObject({
      ...{ points: 6, pendingPoints: 2, orphanedPoints: 0, incompleteVideos: 1 },
    });
    await going.discard();
    expect(await vectors.count(pack.id)).toBe(4);
  });
});
